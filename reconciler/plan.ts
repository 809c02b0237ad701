/**
 * Decides the one next step for a service. A pure function of what is wanted, what is seen, what is under way,
 * what is remembered and the time: it is what the tests, `once --check` and the controller all run. Unknown
 * never leads to an effect.
 */
import type { Attempt, Incident, JournalEntry, ServiceRecord } from "../state/records.ts";
import { steps } from "./action.ts";
import type { Action, Memory } from "./action.ts";
import { assess } from "./assess.ts";
import { continueAttempt } from "./attempt.ts";
import { closeGap, waitForDatabase } from "./closing.ts";
import { overBudget } from "./effects_spent.ts";
import { changeAttempt, openIncident, resume, runningAttempt, stall, worldHash } from "./incident.ts";
import { repair } from "./next_attempt.ts";
import { pendingDeploy } from "./observation.ts";
import type { Observation, Sighting } from "./observation.ts";
import { lostPremise, missingSight } from "./premise.ts";
import { isProven } from "./samples.ts";
import { record } from "./situation.ts";
import type { ServiceSpec } from "./spec.ts";
import { awaitDeploy } from "./stuck_deploy.ts";

export function plan(
  spec: ServiceSpec,
  observation: Observation,
  incident: Incident | null,
  memory: Memory,
  now: number,
): Action {
  const action = decide(spec, observation, incident, memory, now);
  return action.kind === "effect" ? withinBudget(spec, observation, action, memory, now) : action;
}

/** Every effect counts, also the later ones of an attempt. What was intended before is counted already. */
function withinBudget(
  spec: ServiceSpec,
  { seen }: Observation,
  action: Extract<Action, { kind: "effect" }>,
  { effects, pending }: Memory,
  now: number,
): Action {
  const { incident, attempt, step } = action;
  const key = `${incident.id}/${attempt.number}/${step}`;
  const isIntended = pending.some((entry) => entry.key === key || entry.key.startsWith(`${key}/`));
  // Between switching autodeploy off and the rollback there is no stopping: neither is any good without the other, so
  // that the first needs room for both.
  const isSecond = step === "rollback" && attempt.stepsDone.includes("autodeploy-off");
  const needed = step === "autodeploy-off" ? 2 : 1;
  const message = overBudget(effects, spec.policy, needed);
  if (seen === null || isIntended || isSecond || message === null) return action;
  if (incident.status === "stalled") return { kind: "stalled", incident };
  return record(
    stall(incident, seen, { reason: "EffectsSpent", message }, now),
    "IncidentStalled",
    `${message}; next would have been ${step}`,
  );
}

function decide(
  spec: ServiceSpec,
  observation: Observation,
  incident: Incident | null,
  memory: Memory,
  now: number,
): Action {
  const { seen } = observation;
  if (seen === null) return { kind: "unobserved", message: observation.problem ?? "Nothing was observed" };
  const left = leftAlone(spec, seen);
  if (left !== null) return { kind: "wait", ...left, afterMs: spec.intervalMs, forPerson: true };
  if (incident !== null) {
    const attempt = runningAttempt(incident);
    const gone = attempt === null
      ? null
      : lostPremise({ spec, seen, incident, attempt, record: memory.record });
    const unseen = attempt === null || gone !== null ? null : missingSight({ seen, attempt });
    const crashed = crashedEffect(incident, memory.pending, gone);
    const mayAct = unseen === null || crashed?.attempt.number !== attempt?.number;
    if (crashed !== null && mayAct && incident.status !== "stalled") return crashed;
    if (attempt !== null && gone !== null) return abandon(incident, attempt, gone, now);
    const stuck = stalledInAttempt(spec, seen, incident, memory.record, now);
    if (stuck !== null) return stuck;
    if (unseen !== null) {
      const afterMs = spec.watchIntervalMs;
      return { kind: "wait", reason: "HealthUnknown", message: unseen, afterMs, forPerson: false };
    }
    if (attempt !== null) {
      const next = continueAttempt({ spec, seen, incident, attempt, record: memory.record, now });
      const isHeldUp = next.kind === "wait" && next.reason === "DatabaseDown";
      if (!isHeldUp) return next;
      return waitForDatabase(spec, seen, memory.record, incident, seen.database.message, now);
    }
  }
  const pending = pendingDeploy(seen.deploys);
  if (pending !== null) return awaitDeploy({ spec, seen, incident, memory, now }, pending);
  const assessment = assess(spec, seen, memory.record);
  switch (assessment.kind) {
    case "unsure": {
      const { reason, message } = assessment;
      return {
        kind: "wait",
        reason,
        message,
        afterMs: spec.watchIntervalMs,
        forPerson: reason === "NoDeploy",
      };
    }
    case "none":
      return closeGap({ spec, seen, incident, memory, now });
    case "gap": {
      const { gap, message, deploy } = assessment;
      if (incident === null) {
        const facts = {
          gap,
          message,
          deployId: deploy.id,
          commit: deploy.commit,
          sessionId: memory.sessionId,
        };
        const opened = openIncident(seen, facts, now);
        return record(opened, "IncidentOpened", `${gap}: ${message}`);
      }
      if (gap === "database-down") return waitForDatabase(spec, seen, memory.record, incident, message, now);
      return repair({ spec, seen, incident, memory, now }, gap, deploy);
    }
  }
}

/** Why nothing may be done here, when a person or the platform turned the service off. */
function leftAlone(spec: ServiceSpec, seen: Sighting): { reason: string; message: string } | null {
  const { service } = seen;
  if (spec.policy.paused) {
    return { reason: "Paused", message: `Evenkeel is paused for ${service.name} by its policy` };
  }
  if (service.suspended) {
    const by = service.suspendedBy.length > 0 ? service.suspendedBy.join(", ") : "somebody";
    return { reason: "Suspended", message: `${service.name} is suspended (by ${by}) and is left alone` };
  }
  if (service.inMaintenance) {
    return { reason: "Maintenance", message: `${service.name} is in maintenance mode and is left alone` };
  }
  return null;
}

function abandon(incident: Incident, attempt: Attempt, why: string, now: number): Action {
  const changed = changeAttempt(incident, attempt.number, { status: "abandoned", endedAt: now, error: why });
  return record(changed, "AttemptAbandoned", why);
}

/** An attempt that could not act waits for a person, or for a changed world, like everything that stalls. */
function stalledInAttempt(
  spec: ServiceSpec,
  seen: Sighting,
  incident: Incident,
  service: ServiceRecord,
  now: number,
): Action | null {
  const attempt = runningAttempt(incident);
  if (incident.status !== "stalled" || attempt === null) return null;
  if (isProven(service, spec) && assess(spec, seen, service).kind === "none") {
    return abandon(incident, attempt, "The service is well again", now);
  }
  if (incident.stalled?.worldHash === worldHash(seen)) return { kind: "stalled", incident };
  return record(
    resume(incident),
    "IncidentResumed",
    "The service changed since Evenkeel stopped; looking again",
  );
}

/**
 * An effect that was intended before a crash is settled before anything else is decided. Where its reason is gone
 * it is only looked for. An attempt that has ended is left alone, except for giving autodeploy back.
 */
function crashedEffect(
  incident: Incident,
  pending: readonly JournalEntry[],
  unwanted: string | null,
): Extract<Action, { kind: "effect" }> | null {
  for (const entry of pending) {
    const [incidentId, number, name] = entry.key.split("/");
    const attempt = incident.attempts.find((one) => String(one.number) === number);
    const step = steps.find((one) => one === name);
    if (incidentId !== incident.id || attempt === undefined || step === undefined) continue;
    if (attempt.status !== "running" && step !== "autodeploy-on") continue;
    return {
      kind: "effect",
      incident,
      attempt,
      step,
      ...(unwanted === null ? {} : { onlyIfDone: unwanted }),
    };
  }
  return null;
}
