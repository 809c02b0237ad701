/**
 * One of the Evenkeels on a store: it stands by until it may lead, and leads until it stops or a newer leader has
 * taken its place. It may lead when the folder's lock is free and the last leader let go or is dead (it held that lock), or when
 * nobody gave a sign of life for a whole lease. Two that lead at the same moment cannot harm: the writes of the older are refused.
 */
import type { Clock } from "../base/clock.ts";
import { NotSent } from "../base/errors.ts";
import { DiskTrouble } from "./disk.ts";
import { Fenced } from "./lease.ts";
import type { Lease, Leases } from "./lease.ts";
import type { FolderLock } from "./lock.ts";
import type { SharedStore, Store } from "./store.ts";

/** How long a leader may be silent before another takes its place, in milliseconds. */
export const LEASE_MS = 15_000;
/** Shorter than this, a busy machine would change leaders without need, in milliseconds. */
export const LEASE_MS_MIN = 1_000;
/** Signs of life in the time of a lease. */
const BEATS_PER_LEASE = 3;
/** How often a replica that stands by looks whether the leader is dead, in milliseconds. */
const WATCH_MS = 1_000;
/** Tries at a confirmation that comes back in time. */
const CONFIRM_TRIES_MAX = 3;

export interface ReplicaOptions {
  store: Leases & Pick<SharedStore, "under">;
  lock: Pick<FolderLock, "isHeld" | "tryHold" | "release">;
  clock: Clock;
  /** This process in words for people, such as `pid 17`. */
  name: string;
  /** @default LEASE_MS */
  leaseMs?: number;
  /** At most a third of a lease. @default WATCH_MS */
  watchMs?: number;
}

/** The time in which a replica leads. Disposing of it lets go. */
export interface Term extends AsyncDisposable {
  readonly fencing: number;
  /** The store, for a leader: its writes are refused once there is a newer one. */
  readonly store: Store;
  /** Aborted with `Fenced` as soon as it is known that there is a newer leader. */
  readonly lost: AbortSignal;
  /** True when the leader before was only silent: it may stand still in the middle of a request. */
  readonly wasSilent: boolean;
  /**
   * True when the folder's lock is ours: whoever held it let go or is dead. One that led without it, beside a holder that
   * stood still, may stand still itself and go on when it wakes; its writes to the store are refused.
   */
  readonly isAlone: boolean;
  /**
   * Makes sure that it leads still; to be awaited right before the world is changed. For two thirds of a lease after
   * it nobody takes the leader for silent.
   * @throws {Fenced} when there is a newer leader
   * @throws {NotSent} when the store cannot say so in time
   */
  confirm(): Promise<void>;
}

/** How it stands with the leader, for one that stands by. */
export interface Waiting {
  /** `null` when nobody leads. */
  holder: string | null;
  /** Since it last gave a sign of life, as far as is known here, in milliseconds. */
  silentMs: number;
}

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #leaseMs: number;
  /** The newest sign of life that was seen while it stood by. */
  #seen: { lease: Lease; since: number } | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** `null` while it leads, and before it has looked. */
  get waiting(): Waiting | null {
    if (this.#seen === null) return null;
    const { lease: { holder }, since } = this.#seen;
    return { holder, silentMs: this.#options.clock.monotonic() - since };
  }

  /**
   * Stands by until it leads.
   * @param onWait told when it has to wait, and whenever another leader has come
   * @returns `null` when `signal` aborted
   */
  async lead(signal: AbortSignal, onWait: (leader: Lease) => void = () => {}): Promise<Term | null> {
    const { store, lock, clock, name } = this.#options;
    this.#seen = null;
    let told: number | null = null;
    while (!signal.aborted) {
      const isLocked = await lock.tryHold();
      const lease = await store.getLease();
      const seen: { lease: Lease; since: number } | null = this.#seen;
      const isNews = seen === null || seen.lease.beats !== lease.beats;
      const since: number = seen === null || isNews ? clock.monotonic() : seen.since;
      this.#seen = { lease, since };
      // Who holds the folder without leading, as `restore` does, is at work on the store itself.
      const isFree = isLocked && (lease.holder === null || lease.isLocked);
      const isSilent = !isFree && clock.monotonic() - since >= this.#leaseMs;
      if (isFree || isSilent) {
        const fencing = await store.takeLease(name, lease, isLocked);
        if (fencing !== null) {
          this.#seen = null;
          return this.#term(fencing, isSilent);
        }
      }
      // Whoever does not lead must not look as if it did.
      await lock.release();
      if (told !== lease.fencing && lease.holder !== null) onWait(lease);
      told = lease.fencing;
      const watchMs = this.#options.watchMs ?? WATCH_MS;
      await clock.sleep(Math.min(watchMs, this.#leaseMs / BEATS_PER_LEASE), signal);
    }
    return null;
  }

  #term(fencing: number, wasSilent: boolean): Term {
    const { store, lock, clock } = this.#options;
    const leaseMs = this.#leaseMs;
    const lost = new AbortController();
    const ended = new AbortController();
    const lose = (error: Fenced) => {
      if (!lost.signal.aborted) lost.abort(error);
      ended.abort();
    };
    const renew = async () => {
      try {
        await store.renewLease(fencing, lock.isHeld);
      } catch (error) {
        if (error instanceof Fenced) lose(error);
        throw error;
      }
    };
    const beat = async () => {
      for (;;) {
        await clock.sleep(leaseMs / BEATS_PER_LEASE, ended.signal);
        if (ended.signal.aborted) return;
        // Taken from a leader that stood still, the lock comes free when that one ends. A store that is away may be
        // back at the next beat; until then nothing can be written anyway.
        await lock.tryHold().catch(() => false);
        await renew().catch(() => {});
      }
    };
    const beating = beat();
    return {
      fencing,
      store: store.under(fencing, lose),
      lost: lost.signal,
      wasSilent,
      isAlone: lock.isHeld,
      async confirm() {
        for (let tries = 1; tries <= CONFIRM_TRIES_MAX; tries++) {
          lost.signal.throwIfAborted();
          const askedAt = { now: clock.now(), monotonic: clock.monotonic() };
          await renew();
          // Who stood still meanwhile knows only what was true before; a machine that slept stopped its monotonic clock.
          const tookMs = Math.max(clock.now() - askedAt.now, clock.monotonic() - askedAt.monotonic);
          if (tookMs <= leaseMs / BEATS_PER_LEASE) return;
        }
        throw new NotSent("Cannot act: the store answers too late to tell who leads", {
          hint: "Look at the disk of EVENKEEL_DATA_DIR",
        });
      },
      async [Symbol.asyncDispose]() {
        ended.abort();
        await beating;
        try {
          await store.releaseLease(fencing).catch((error) => {
            // On a full disk the folder's lock, which goes with us, says enough.
            if (!(error instanceof DiskTrouble)) throw error;
          });
        } finally {
          await lock.release();
        }
      },
    };
  }
}
