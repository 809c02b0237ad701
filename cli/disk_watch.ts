/**
 * Says once that nothing is changed any more because the disk refuses to be written, and once that it takes again; in
 * between answers why, since when, and what is seen meanwhile.
 */
import type { Clock } from "../base/clock.ts";
import { messageWithHint } from "../base/errors.ts";
import { OBSERVE_ONLY } from "../reconciler/outcome.ts";
import type { Pass } from "../reconciler/pass.ts";
import type { DiskTrouble } from "../state/disk.ts";
import type { ServiceRecord } from "../state/records.ts";
import type { Observing } from "../status/snapshot.ts";
import type { Narrator } from "./event_line.ts";

export interface DiskWatch {
  /** @returns whether the pass only looked because of trouble with the disk; it is said here then */
  pass(pass: Pick<Pass, "outcome" | "record">): boolean;
  /** Trouble that kept a pass from being begun. */
  met(error: DiskTrouble): void;
  /**
   * Whether there is trouble.
   * @param ask tries to write, for trouble that no pass has met yet @returns why not, or `null`
   */
  observing(ask: () => Promise<string | null>): Promise<Observing | null>;
}

export function createDiskWatch(
  narrator: Pick<Narrator, "say">,
  clock: Pick<Clock, "now">,
): DiskWatch {
  /** What passes met. */
  let trouble: string | null = null;
  /** When the first of it was noticed, by whomever. */
  let since: number | null = null;
  const seen = new Map<string, ServiceRecord>();
  const meet = (message: string) => {
    if (trouble === null) narrator.say(`Observe-only, nothing is changed: ${message}`);
    trouble = message;
    since ??= clock.now();
  };
  return {
    met: (error) => meet(messageWithHint(error)),
    pass({ outcome, record }) {
      const isTrouble = outcome.kind === "waiting" && outcome.reason === OBSERVE_ONLY;
      if (isTrouble) {
        meet(outcome.message);
        seen.set(record.serviceId, record);
        return true;
      }
      seen.delete(record.serviceId);
      if (trouble !== null) {
        trouble = null;
        since = null;
        seen.clear();
        narrator.say("The disk takes what is written again: acting as before");
      }
      return false;
    },
    async observing(ask) {
      const reason = trouble ?? await ask();
      if (reason === null && trouble === null) since = null;
      if (reason === null) return null;
      since ??= clock.now();
      return { since, reason, seen: [...seen.values()] };
    },
  };
}
