/**
 * The success criteria and the summary of a service as Kubernetes conditions, so that tools which understand
 * kstatus understand Evenkeel. Pure; a transition time moves only when a status changes.
 */
import type { Probe } from "../agents/messages.ts";
import type { Condition, ConditionType, Incident, ServiceRecord } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import { latestDeploy, pendingDeploy, stateOf } from "./observation.ts";
import type { Observation, Sighting } from "./observation.ts";
import { REHEARSING } from "./rehearsals.ts";
import { goodForMs, isProven } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

type Finding = Pick<Condition, "status" | "reason" | "message">;

const UNSEEN: Finding = { status: "Unknown", reason: "NotObserved", message: "Not observed yet" };

function ofProbe(probe: Probe): Finding {
  const status = probe.status === "good" ? "True" : probe.status === "bad" ? "False" : "Unknown";
  return { status, reason: probe.reason, message: probe.message };
}

/** Whether the newest deploy that says anything built and started. */
export function buildFinding(seen: Sighting): Finding {
  const latest = latestDeploy(seen.deploys);
  if (latest === null) return { status: "Unknown", reason: "NoDeploy", message: "Never deployed" };
  switch (stateOf(latest)) {
    case "failed":
      return { status: "False", reason: "DeployFailed", message: `Deploy ${latest.id} is ${latest.status}` };
    case "pending":
      return {
        status: "Unknown",
        reason: "DeployInProgress",
        message: `Deploy ${latest.id} is ${latest.status}`,
      };
    case "live":
    case "over":
      return { status: "True", reason: "DeployLive", message: `Deploy ${latest.id} is ${latest.status}` };
    case "unknown":
      return {
        status: "Unknown",
        reason: "StatusUnknown",
        message: `Deploy ${latest.id} has a status this version does not know`,
      };
  }
}

function readyFinding(findings: Finding[], record: ServiceRecord, spec: ServiceSpec): Finding {
  const bad = findings.find((finding) => finding.status === "False");
  if (bad !== undefined) return { status: "False", reason: bad.reason, message: bad.message };
  const unknown = findings.find((finding) => finding.status === "Unknown");
  if (unknown !== undefined) return { status: "Unknown", reason: unknown.reason, message: unknown.message };
  const held = formatDuration(goodForMs(record));
  return isProven(record, spec)
    ? { status: "True", reason: "Stable", message: `All criteria have held for ${held}` }
    : {
      status: "Unknown",
      reason: "Proving",
      message: `All criteria hold, for ${held} of ${formatDuration(spec.stableForMs)} so far`,
    };
}

/**
 * The conditions of a service after an observation.
 * @param record the record with the observation's sample already added
 * @param rehearsing what is built before it is published, for people @default nothing
 */
export function conditionsOf(
  record: ServiceRecord,
  observation: Observation,
  incident: Incident | null,
  spec: ServiceSpec,
  rehearsing: string | null = null,
): Condition[] {
  const { seen } = observation;
  const missing: Finding = observation.problem === null
    ? UNSEEN
    : { status: "Unknown", reason: "CannotObserve", message: observation.problem };
  const healthy = seen === null ? missing : ofProbe(seen.health);
  const json = seen === null ? missing : ofProbe(seen.json);
  const database = seen === null ? missing : ofProbe(seen.database);
  const build = seen === null ? missing : buildFinding(seen);
  const found: Record<ConditionType, Finding> = {
    Healthy: healthy,
    ValidJson: json,
    DatabaseUp: database,
    BuildClean: build,
    Ready: readyFinding([build, healthy, json, database], record, spec),
    Reconciling: reconcilingFinding(seen, incident, rehearsing),
    Stalled: incident?.stalled
      ? { status: "True", reason: incident.stalled.reason, message: incident.stalled.message }
      : { status: "False", reason: "NotStalled", message: "Nothing waits for a person" },
  };
  const at = new Date(observation.at).toISOString();
  return (Object.keys(found) as ConditionType[]).map((type) => { // the keys of a literal of that type
    const previous = record.conditions.find((condition) => condition.type === type);
    const lastTransitionTime = previous?.status === found[type].status ? previous.lastTransitionTime : at;
    return { type, ...found[type], lastTransitionTime, observedGeneration: spec.generation };
  });
}

function reconcilingFinding(
  seen: Sighting | null,
  incident: Incident | null,
  rehearsing: string | null,
): Finding {
  if (incident?.status === "open" && rehearsing !== null) {
    return { status: "True", reason: REHEARSING, message: `Incident ${incident.id}: ${rehearsing}` };
  }
  if (incident?.status === "open") {
    return {
      status: "True",
      reason: "IncidentOpen",
      message: `Incident ${incident.id}: ${incident.message}`,
    };
  }
  const pending = seen === null ? null : pendingDeploy(seen.deploys);
  return pending === null
    ? { status: "False", reason: "Idle", message: "Nothing is under way" }
    : { status: "True", reason: "DeployInProgress", message: `Deploy ${pending.id} is ${pending.status}` };
}
