/** An attempt as an iteration: the record of one round in the words of the learning state's history. */
import { unreachable } from "../base/errors.ts";
import type { Iteration } from "./artifact_shapes.ts";
import type { Attempt } from "./records.ts";

export function iterationOf(attempt: Attempt): Iteration {
  const isApplied = attempt.stepsDone.length > 0 || attempt.publishedAt !== null;
  return {
    number: attempt.number,
    timestamp: new Date(attempt.startedAt).toISOString(),
    deployId: attempt.deployId,
    status: statusOf(attempt),
    fix: isApplied ? attempt.remedy : null,
    error: attempt.error,
    exposed: exposedBy(attempt),
    durationSeconds: attempt.endedAt === null ? null : (attempt.endedAt - attempt.startedAt) / 1000,
  };
}

/**
 * `fixed`: a change to the code or a setting was proven good, or the failure is gone and another one came.
 * `success`: the service was proven good without a change, by a redeploy or a restart. What was overtaken by somebody
 * else or only shown has had no effect.
 */
function statusOf({ status, repair, aftermath }: Attempt): Iteration["status"] {
  switch (status) {
    case "running":
    case "failed":
    case "no_effect":
    case "rolled_back":
      return status;
    case "fixed":
      return repair.kind === "patch" || repair.kind === "setting" || aftermath?.isAnother
        ? "fixed"
        : "success";
    case "abandoned":
    case "suggested":
      return "no_effect";
    default:
      return unreachable(status);
  }
}

/** The cause that came to light when that of an attempt was gone; `null` where none did. */
export function exposedBy({ aftermath }: Attempt): string | null {
  return aftermath?.isAnother === true ? aftermath.cause : null;
}

/** The cause of a failure whose log does not name one. */
export const UNKNOWN = "unknown";

/** What came to light, for people. @param before the cause of the attempt that exposed it */
export function exposedText(cause: string, before: string): string {
  return cause === UNKNOWN ? "another failure" : cause === before ? `another ${cause}` : cause;
}
