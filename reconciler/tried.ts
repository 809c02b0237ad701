/** What was tried before against a failure, so that no budget is overdrawn and no change is made twice in vain. */
import type { Attempt, Incident } from "../state/records.ts";
import type { Parts } from "./parts.ts";

const DAY_MS = 86_400_000;
const INCIDENTS_READ = 100;

/** Proven good; one whose cause is gone and that exposed another failure has used its part of the budget. */
function isProven({ status, aftermath }: Attempt): boolean {
  return status === "fixed" && aftermath?.isAnother !== true;
}

/** Whether the change was ever there to help: a commit or a setting that was refused says nothing of what is in it. */
function wasMade({ repair, publishedAt }: Attempt): boolean {
  return (repair.kind !== "patch" && repair.kind !== "setting") || publishedAt !== null;
}

/** What was tried against a failure; changes are named by their hash. */
export interface Tried {
  /** Attempts within a day. */
  today: number;
  /** Changes that did not help. */
  failed: Set<string>;
  /** Settings that Render has refused since the incident began or a person resumed it, with what was said. */
  refused: Map<string, string>;
}

/** How often this failure was attempted within a day, and which changes did not help it. */
export async function triedBefore(
  parts: Pick<Parts, "store" | "clock">,
  incident: Incident,
  print: string,
): Promise<Tried> {
  const past = await parts.store.listIncidents({ serviceId: incident.serviceId, limit: INCIDENTS_READ });
  const attempts = [...past.filter((one) => one.id !== incident.id), incident]
    .flatMap((one) => one.attempts)
    .filter((attempt) => attempt.fingerprint === print);
  const since = parts.clock.now() - DAY_MS;
  const isRefused = (attempt: Attempt) => attempt.status === "failed" && !wasMade(attempt);
  const counted = attempts.filter((attempt) =>
    attempt.startedAt >= since && attempt.status !== "abandoned" && !isRefused(attempt)
  );
  const recent = incident.attempts.slice(incident.attemptsBefore);
  const failed = attempts.filter((attempt) =>
    attempt.repair.kind === "redeploy"
      // It changes nothing, so that a failed one says nothing of the next incident or of a person's fresh start; but
      // it is free only once, for a second one would be hoping.
      ? recent.includes(attempt)
      : attempt.status === "no_effect" || (attempt.status === "failed" && wasMade(attempt))
  );
  const refused = recent.filter((attempt) => isRefused(attempt) && attempt.repair.kind === "setting");
  return {
    today: counted.filter((attempt) => !isProven(attempt)).length,
    failed: new Set(failed.map((attempt) => attempt.repairHash)),
    refused: new Map(refused.map((attempt) => [attempt.repairHash, attempt.error ?? ""])),
  };
}
