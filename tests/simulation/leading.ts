/**
 * What the lease of a simulated process stands on: the lock of the data folder, the store as it has it open, and the
 * confirmation before what changes the world.
 */
import { EvenkeelError } from "../../base/errors.ts";
import type { RenderApi } from "../../render/api.ts";
import type { Leases } from "../../state/lease.ts";
import type { ReplicaOptions } from "../../state/replica.ts";
import type { SharedStore, Store } from "../../state/store.ts";
import type { Checker } from "./checker.ts";
import type { Process } from "./process.ts";
import type { Chance } from "./random.ts";
import type { Weather } from "./weather.ts";

/** The lock of the one data folder: it goes with its process. */
export class Lock {
  #holder: Process | null = null;

  /** As one process sees it. */
  for(process: Process): ReplicaOptions["lock"] {
    const isHeld = () => this.#holder === process;
    return {
      get isHeld() {
        return isHeld();
      },
      tryHold: () => {
        if (this.#holder === null || !this.#holder.isAlive) this.#holder = process;
        return Promise.resolve(isHeld());
      },
      release: () => {
        if (isHeld()) this.#holder = null;
        return Promise.resolve();
      },
    };
  }
}

export interface OpenStore {
  disk: SharedStore;
  checker: Checker;
  process: Process;
  chance: Chance;
  weather(): Weather;
  tell(line: string): void;
  /** Nothing happens to the process when it looks after its lease. */
  isQuiet: boolean;
  /** `false` for a planted bug: the store takes what an old leader writes. */
  isFenced: boolean;
  /** An intent was written for the first time. */
  onIntent(): void;
}

/** The store as a process has it open, with the lease and what its leader writes under a fencing number. */
export function openStore(open: OpenStore): ReplicaOptions["store"] {
  const { disk, checker, process } = open;
  const leases: Leases = {
    getLease: () => disk.getLease(),
    async takeLease(holder, seen, isLocked) {
      const fencing = await disk.takeLease(holder, seen, isLocked);
      if (fencing !== null) checker.leads(fencing);
      return fencing;
    },
    renewLease: (fencing, isLocked) => disk.renewLease(fencing, isLocked),
    releaseLease: (fencing) => disk.releaseLease(fencing),
  };
  return {
    ...process.guard("lease", leases, open.isQuiet),
    under: (fencing, onFenced) => {
      const written = open.isFenced ? disk.under(fencing, onFenced) : disk;
      return process.guard("store", unreliable(checker.watchStore(written, fencing, open.onIntent), open));
    },
  };
}

/** A database that is away now and then: a call fails before or after it was carried out. */
function unreliable(store: Store, { chance, weather, tell }: OpenStore): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function" || typeof key === "symbol") return member;
      return async (...args: unknown[]) => {
        const isAway = chance.roll(weather().storeError);
        const isAfter = isAway && chance.roll(0.5);
        const result = isAway && !isAfter ? null : await Reflect.apply(member, target, args);
        if (isAway) {
          tell(`store.${key} fails ${isAfter ? "after" : "before"} it is done`);
          throw new EvenkeelError("Cannot write the store: it does not answer");
        }
        return result;
      };
    },
  });
}

/** As `confirmedFetch` does for the client: what changes something leaves only once it is sure who leads. */
export function confirmedApi(confirm: () => Promise<void>, api: RenderApi): RenderApi {
  return {
    ...api,
    patchService: (...of) => confirm().then(() => api.patchService(...of)),
    restartService: (...of) => confirm().then(() => api.restartService(...of)),
    createDeploy: (...of) => confirm().then(() => api.createDeploy(...of)),
    rollback: (...of) => confirm().then(() => api.rollback(...of)),
  };
}
