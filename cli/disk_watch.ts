/**
 * Says once that nothing is changed any more because the disk refuses to be written, and once that it takes again; in
 * between answers why.
 */
import { messageWithHint } from "../base/errors.ts";
import { OBSERVE_ONLY } from "../reconciler/outcome.ts";
import type { Outcome } from "../reconciler/outcome.ts";
import type { DiskTrouble } from "../state/disk.ts";
import type { Narrator } from "./event_line.ts";

export interface DiskWatch {
  /** @returns whether the outcome tells of trouble with the disk; it is said here then */
  outcome(outcome: Outcome): boolean;
  /** Trouble that kept a pass from being begun. */
  met(error: DiskTrouble): void;
  /** The trouble, with what helps; `null` when there is none. */
  readonly trouble: string | null;
}

export function createDiskWatch(narrator: Pick<Narrator, "say">): DiskWatch {
  let trouble: string | null = null;
  const meet = (message: string) => {
    if (trouble === null) narrator.say(`Observe-only, nothing is changed: ${message}`);
    trouble = message;
  };
  return {
    met: (error) => meet(messageWithHint(error)),
    outcome(outcome) {
      const isTrouble = outcome.kind === "waiting" && outcome.reason === OBSERVE_ONLY;
      if (isTrouble) meet(outcome.message);
      else if (trouble !== null) {
        trouble = null;
        narrator.say("The disk takes what is written again: acting as before");
      }
      return isTrouble;
    },
    get trouble() {
      return trouble;
    },
  };
}
