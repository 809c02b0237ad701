/** What a controller keeps from pass to pass. It goes with the process, so nothing that must not be lost is here. */
import { setNewest } from "../base/newest.ts";
import type { Doubts } from "../state/doubts.ts";
import type { CheckoutCache } from "./checkouts.ts";
import type { Rehearsals } from "./rehearsals.ts";

/** Counts of failures that are remembered: each service has one or two at a time. */
const FAILURES_KEPT = 10_000;

export interface ProcessMemory {
  checkouts: CheckoutCache;
  doubts: Doubts;
  failures: FailureCounts;
  rehearsals: Rehearsals;
}

/** Failures in a row, by what failed. */
export class FailureCounts {
  readonly #counts = new Map<string, number>();

  /** @returns how many there are now */
  count(key: string): number {
    const failures = (this.#counts.get(key) ?? 0) + 1;
    setNewest(this.#counts, key, failures, FAILURES_KEPT);
    return failures;
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }
}
