/**
 * What is left to do when nothing is wrong, or nothing that a repair could mend: prove it, give back what a rollback
 * took, close the incident; wait for a database. Pure.
 */
import type { Incident, ServiceRecord } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import type { Action } from "./action.ts";
import { heal, stall } from "./incident.ts";
import { repair } from "./next_attempt.ts";
import { liveDeploy } from "./observation.ts";
import type { Sighting } from "./observation.ts";
import { goodForMs, isProven } from "./samples.ts";
import { record, stallAction } from "./situation.ts";
import type { Situation } from "./situation.ts";
import type { ServiceSpec } from "./spec.ts";

/** Nothing is wrong now: prove it, give back what a rollback took, close the incident. */
export function closeGap(situation: Omit<Situation, "incident"> & { incident: Incident | null }): Action {
  const { spec, seen, incident, memory, now } = situation;
  if (incident === null) return { kind: "settled" };
  const { record: service } = memory;
  const { hold } = service;
  const live = liveDeploy(seen.deploys);
  // Somebody may have gone back to an old commit: what is good is then the newest, and nothing waits for a repair.
  const newest = seen.deploys.find((deploy) => deploy.trigger !== "rollback" && deploy.status !== "canceled");
  if (hold !== null && live?.commit === hold.goodCommit && newest?.commit !== hold.goodCommit) {
    return repairAfterRollback({ ...situation, incident }, hold.badCommit);
  }
  if (!isProven(service, spec)) {
    const message = `Good for ${formatDuration(goodForMs(service))} of ${formatDuration(spec.stableForMs)}`;
    return { kind: "wait", reason: "Proving", message, afterMs: spec.watchIntervalMs, forPerson: false };
  }
  if (hold !== null) {
    const attempt = incident.attempts.at(-1);
    if (hold.autoDeployWas && attempt !== undefined) {
      return { kind: "effect", incident, attempt, step: "autodeploy-on" };
    }
    const message = `Commit ${live?.commit?.slice(0, 9)} is proven good`;
    return { ...record(incident, "HoldLifted", message), record: { ...service, hold: null } };
  }
  const healed = heal(incident, now);
  const took = formatDuration(now - incident.openedAt);
  const provenForMs = goodForMs(service);
  const message = `Good for ${formatDuration(provenForMs)}; took ${took}`;
  return {
    kind: "record",
    incident: healed,
    event: { type: "IncidentHealed", message, data: { provenForMs } },
  };
}

/** The service is well on the old deploy; the commit that broke it still waits for its repair. */
function repairAfterRollback(situation: Situation, badCommit: string): Action {
  const { seen, incident } = situation;
  const bad = seen.deploys.find((deploy) => deploy.commit === badCommit && deploy.trigger !== "rollback");
  if (bad === undefined) {
    if (incident.status === "stalled") return { kind: "stalled", incident };
    const message = `The deploy of ${badCommit.slice(0, 9)} is no longer listed; its failure cannot be read`;
    return stallAction(situation, "BadDeployGone", message);
  }
  return repair(situation, "deploy-failed", bad);
}

export function waitForDatabase(
  spec: ServiceSpec,
  seen: Sighting,
  service: ServiceRecord,
  incident: Incident,
  message: string,
  now: number,
): Action {
  if (incident.status === "stalled") return { kind: "stalled", incident };
  const waitedMs = now - downSince(service, incident);
  if (waitedMs < spec.policy.databaseWaitMs) {
    const text = `Database is down: ${message}. The code is left alone`;
    return {
      kind: "wait",
      reason: "DatabaseDown",
      message: text,
      afterMs: spec.watchIntervalMs,
      forPerson: false,
    };
  }
  const text = `Database has been down for ${formatDuration(waitedMs)}: ${message}. ` +
    "No change to the code can bring it back: bring the database up, and Evenkeel goes on by itself";
  return record(
    stall(incident, seen, { reason: "DatabaseDown", message: text }, now),
    "IncidentStalled",
    text,
  );
}

function downSince({ conditions }: ServiceRecord, incident: Incident): number {
  const database = conditions.find((condition) => condition.type === "DatabaseUp");
  const since = database?.status === "False" ? Date.parse(database.lastTransitionTime) : NaN;
  return Number.isFinite(since) ? Math.max(since, incident.openedAt) : incident.openedAt;
}
