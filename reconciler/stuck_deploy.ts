/**
 * Waits for a deploy that is under way, within a bound: Render ends every deploy (build 120 min, pre-deploy 30, start
 * 15; reference: Render API), so that one which goes on for longer is for a person. It is not cancelled by us: what
 * holds it up is not known, and a person's own deploy is not ours to end. Pure.
 */
import type { ServiceRecord } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import type { Action, Memory } from "./action.ts";
import { openIncident, stall } from "./incident.ts";
import { liveDeploy } from "./observation.ts";
import type { DeployView, Sighting } from "./observation.ts";
import { verdictOf } from "./samples.ts";
import { record } from "./situation.ts";
import type { Situation } from "./situation.ts";

/** Why an incident stalls whose deploy never ends; it goes on by itself once the deploy has ended. */
export const DEPLOY_STUCK = "DeployStuck";

export function awaitDeploy(
  situation: Omit<Situation, "incident"> & { incident: Situation["incident"] | null },
  pending: DeployView,
): Action {
  const { spec, seen, incident, memory, now } = situation;
  const waitedMs = now - pendingSince(pending, memory.record, now);
  const message = `Deploy ${pending.id} is ${pending.status}`;
  const wait: Action = {
    kind: "wait",
    reason: "DeployInProgress",
    message,
    afterMs: spec.watchIntervalMs,
    forPerson: false,
  };
  if (waitedMs < spec.policy.deployTimeoutMs) return wait;
  const stuck = `${message} for ${formatDuration(waitedMs)}`;
  // Where it cannot be told how the service does, nothing is opened.
  if (incident === null) return isUnseen(seen) ? wait : open(seen, pending, memory, stuck, now);
  if (incident.status === "stalled") return { kind: "stalled", incident };
  const why = {
    reason: DEPLOY_STUCK,
    message: `${stuck}: longer than a deploy can take. Cancel it at Render, and Evenkeel goes on by itself`,
  };
  return record(stall(incident, seen, why, now), "IncidentStalled", why.message);
}

function open(
  seen: Sighting,
  { id, commit }: DeployView,
  { sessionId }: Memory,
  message: string,
  now: number,
): Action {
  const facts = { gap: "deploy-failed" as const, message, deployId: id, commit, sessionId };
  return record(openIncident(seen, facts, now), "IncidentOpened", `${facts.gap}: ${message}`);
}

/**
 * Since when it is pending. Render's clock and ours need not agree: the later of what Render says and of when we
 * have first seen nothing decided about the newest deploy.
 */
function pendingSince({ createdAt }: DeployView, { conditions }: ServiceRecord, now: number): number {
  const build = conditions.find(({ type }) => type === "BuildClean");
  const seenAt = build?.status === "Unknown" ? Date.parse(build.lastTransitionTime) : NaN;
  const times = [createdAt ?? NaN, seenAt].filter(Number.isFinite);
  return times.length === 0 ? now : Math.max(...times);
}

function isUnseen(seen: Sighting): boolean {
  return liveDeploy(seen.deploys) !== null && verdictOf(seen) === "unknown";
}
