/**
 * The lead over a data folder for the commands that act: `once` takes it at once or says who has it, `reconcile` stands
 * by for it. And what a leader does right before it changes the world: it makes sure that it leads still.
 */
import { systemClock } from "../base/clock.ts";
import type { Repositories } from "../reconciler/parts.ts";
import type { Lease } from "../state/lease.ts";
import { FolderInUse, folderLock } from "../state/lock.ts";
import { LEASE_MS, Replica } from "../state/replica.ts";
import type { Term, Waiting } from "../state/replica.ts";
import type { SharedStore } from "../state/store.ts";
import { formatDuration } from "../text/duration.ts";
import { openStoreIn } from "./data_folder.ts";

export type Confirm = Term["confirm"];

export interface Standing extends AsyncDisposable {
  replica: Replica;
  /** For reading, whoever leads. */
  store: SharedStore;
}

/** Opens a data folder to lead in it, some time. @param leaseMs @default LEASE_MS */
export async function openReplica(directory: string, leaseMs: number = LEASE_MS): Promise<Standing> {
  await using cleanup = new AsyncDisposableStack();
  const lock = cleanup.use(folderLock(directory));
  const store = cleanup.use(await openStoreIn(directory));
  const name = `pid ${Deno.pid}`;
  const replica = new Replica({ store, lock, clock: systemClock, name, leaseMs });
  const opened = cleanup.move();
  return { replica, store, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Of a lease: a leader that was silent for longer has missed a sign of life. */
const SILENT_SHARE = 2 / 3;
/** Leases after which somebody should have taken the place of a silent leader. */
const OVERDUE_LEASES = 2;

/** What one that stands by says of itself at /readyz. */
export function readinessBeside(
  { holder, silentMs }: Waiting,
  leaseMs: number,
): { ready: boolean; reason: string } {
  const ready = silentMs < OVERDUE_LEASES * leaseMs;
  if (holder === null) return { ready, reason: "Standing by: nobody leads yet" };
  return silentMs < SILENT_SHARE * leaseMs
    ? { ready, reason: `Standing by: ${holder} looks after the services` }
    : {
      ready,
      reason: `Standing by: ${holder} leads and has given no sign of life for ${formatDuration(silentMs)}; ` +
        `after ${formatDuration(leaseMs)} its place is taken`,
    };
}

/**
 * Takes the lead for as long as the result is not disposed of.
 * @throws {FolderInUse} when another Evenkeel has it
 */
export async function leadAtOnce(directory: string): Promise<Term> {
  await using cleanup = new AsyncDisposableStack();
  const lock = cleanup.use(folderLock(directory));
  if (!await lock.tryHold()) throw new FolderInUse(directory, await lock.pid());
  const store = cleanup.use(await openStoreIn(directory));
  const replica = new Replica({ store, lock, clock: systemClock, name: `pid ${Deno.pid}` });
  // The lock is free, so whoever may lead without it took over from one that stood still: it shows within a lease.
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), LEASE_MS + 1_000);
  const term = await replica.lead(patience.signal).finally(() => clearTimeout(timer));
  if (term === null) throw new FolderInUse(directory, pidOf(await store.getLease()));
  cleanup.use(term);
  const opened = cleanup.move();
  return { ...term, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The process that leads, as it named itself. */
function pidOf({ holder }: Lease): number | null {
  const [, pid] = /^pid (\d{1,10})$/.exec(holder ?? "") ?? [];
  return pid === undefined ? null : Number(pid);
}

/** Sends what changes something only once it is sure who leads: the last step before it leaves. */
export function confirmedFetch(confirm: Confirm, send: typeof fetch): typeof fetch {
  return async (input, init) => {
    if ((init?.method ?? "GET") !== "GET") await confirm();
    return await send(input, init);
  };
}

export function confirmedRepositories(confirm: Confirm, repositories: Repositories): Repositories {
  return {
    ...repositories,
    async publish(...request) {
      await confirm();
      return await repositories.publish(...request);
    },
  };
}
