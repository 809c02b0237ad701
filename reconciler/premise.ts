/**
 * Whether the reason for an attempt still stands before it changes anything. Time may have passed since it was
 * decided: a kill, a stall, a person who was faster. What is no longer wanted is dropped, never done late.
 */
import type { Attempt, Incident, ServiceRecord } from "../state/records.ts";
import { liveDeploy, pendingDeploy } from "./observation.ts";
import type { DeployView, Sighting } from "./observation.ts";
import { verdictOf } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

interface Standing {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  attempt: Attempt;
  record: ServiceRecord;
}

/** Steps that change nothing by themselves; what follows them is what the attempt is about. */
const PREPARING = new Set(["autodeploy-off"]);

/** Whether an attempt has done what it is about, or part of it. */
export function hasActed(attempt: Attempt): boolean {
  return attempt.stepsDone.some((step) => !PREPARING.has(step));
}

/**
 * What an attempt that has not acted still has to see; `null` when it may go on. A service that was bad when a
 * rollback or a restart was decided is touched only while it is seen to be bad: no data is no bad data.
 */
export function missingSight({ seen, attempt }: Pick<Standing, "seen" | "attempt">): string | null {
  const { repair, stepsDone } = attempt;
  if (hasActed(attempt) || (repair.kind !== "rollback" && repair.kind !== "restart")) return null;
  if (verdictOf(seen) !== "unknown") return null;
  const unseen = [seen.health, seen.json, seen.database].find((probe) => probe.status === "unknown");
  const meanwhile = stepsDone.length > 0 ? "; autodeploy stays off meanwhile" : "";
  return `The ${repair.kind} waits until it is known how the service is: ${unseen?.message}${meanwhile}`;
}

/** Why an attempt that has not acted must not begin; `null` while its reason stands. */
export function lostPremise({ spec, seen, incident, attempt }: Standing): string | null {
  if (hasActed(attempt)) return null;
  if (spec.mode === "suggest") return "The mode is suggest now: nothing is changed";
  const { repair } = attempt;
  if (repair.kind === "rollback" || repair.kind === "restart") {
    const live = liveDeploy(seen.deploys);
    if (live?.id !== attempt.diagnosedDeployId) return `${live?.id ?? "Nothing"} serves now`;
    const pending = pendingDeploy(seen.deploys);
    if (pending !== null) return `Deploy ${pending.id} is under way`;
    return verdictOf(seen) === "good" ? "The service is well again" : null;
  }
  const newer = foreignDeploys(seen, incident, attempt);
  if (newer === null) return "The deploy that was read is no longer listed";
  return newer.length === 0 ? null : `Deploy ${newer[0]?.id} came since`;
}

/**
 * Deploys that came after the attempt began and are nobody's of this incident; `null` when so much happened since
 * that the newest one of then is not listed any more. A deploy of the commit that the repair lies on comes before
 * the repair's own, and a canceled one is no deploy.
 */
export function foreignDeploys(seen: Sighting, incident: Incident, attempt: Attempt): DeployView[] | null {
  const newest = attempt.newestDeployId ?? attempt.diagnosedDeployId;
  const index = seen.deploys.findIndex((deploy) => deploy.id === newest);
  if (index < 0) return null;
  const ours = new Set(incident.attempts.map((one) => one.deployId));
  return seen.deploys.slice(0, index).filter((deploy) =>
    !ours.has(deploy.id) && deploy.status !== "canceled" &&
    (attempt.baseCommit === null || deploy.commit !== attempt.baseCommit)
  );
}
