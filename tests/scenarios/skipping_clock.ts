/** A clock for builds that would wait for hours. */
import { type Clock, systemClock } from "../../base/clock.ts";

/** Sleeps from here on are skipped, in milliseconds. */
const LONG_MS = 3_700_000;
const POLL_MS = 100;

/**
 * The real clock, except that a sleep of hours is over as soon as a file appears, which it removes.
 * @param path a file that says that nothing more will happen in these hours
 */
export function skippingClock(path: string): Clock {
  return {
    ...systemClock,
    async sleep(ms, signal) {
      if (ms < LONG_MS) return await systemClock.sleep(ms, signal);
      while (signal?.aborted !== true) {
        if (await Deno.remove(path).then(() => true, () => false)) return;
        await systemClock.sleep(POLL_MS, signal);
      }
    },
  };
}
