/**
 * The sleep of a free service (reference section 6): the next request wakes it and waits until it is awake. The
 * instance goes on meanwhile, which nobody outside can see.
 */
import type { Clock } from "../base/clock.ts";
import type { Destination } from "./proxy.ts";

interface Nap {
  readonly wakeMs: number;
  /** Requests that are still to be refused. */
  failures: number;
  waking: Promise<void> | undefined;
}

export class Sleep {
  #nap: Nap | undefined;

  /** @param signal ends a waking */
  constructor(private readonly clock: Clock, private readonly signal: AbortSignal) {}

  /** @param failures requests that are refused with `hibernate-wake-error` before one wakes it */
  begin(wakeMs: number, failures: number): void {
    this.#nap = { wakeMs, failures, waking: undefined };
  }

  /** Where a request goes that finds the service asleep; `undefined` when it is awake. */
  meet(): Destination | undefined {
    const nap = this.#nap;
    if (nap === undefined) return undefined;
    if (nap.failures > 0) {
      nap.failures--;
      return { kind: "wake-failed" };
    }
    nap.waking ??= this.clock.sleep(nap.wakeMs, this.signal).then(() => {
      if (this.#nap === nap) this.#nap = undefined;
    });
    return { kind: "asleep", awake: nap.waking };
  }
}
