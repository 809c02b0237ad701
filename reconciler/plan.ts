/**
 * Decides the one next step for a service. A pure function of what is wanted, what is seen, what is under way,
 * what is remembered and the time: it is what the tests, `once --check` and the controller all run. Unknown
 * never leads to an effect.
 */
import type { Phase } from "../agents/messages.ts";
import type { Attempt, Evidence, Incident, JournalEntry, ServiceRecord } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import { steps } from "./action.ts";
import type { Action, Memory } from "./action.ts";
import { assess, rollbackTarget } from "./assess.ts";
import { continueAttempt } from "./attempt.ts";
import {
  addAttempt,
  changeAttempt,
  heal,
  newAttempt,
  openIncident,
  resume,
  runningAttempt,
  stall,
  worldHash,
} from "./incident.ts";
import { latestDeploy, liveDeploy, pendingDeploy, stateOf } from "./observation.ts";
import type { DeployView, Observation, Sighting } from "./observation.ts";
import { lostPremise } from "./premise.ts";
import { goodForMs, isProven } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

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
  { effectsLastHour, pending }: Memory,
  now: number,
): Action {
  const { incident, attempt, step } = action;
  const key = `${incident.id}/${attempt.number}/${step}`;
  const isIntended = pending.some((entry) => entry.key === key || entry.key.startsWith(`${key}/`));
  // Between switching autodeploy off and the rollback there is no stopping: neither is any good without the other, so
  // that the first needs room for both.
  const isSecond = step === "rollback" && attempt.stepsDone.includes("autodeploy-off");
  const needed = step === "autodeploy-off" ? 2 : 1;
  const hasRoom = effectsLastHour + needed <= spec.policy.effectsPerHourMax;
  if (seen === null || isIntended || isSecond || hasRoom) return action;
  if (incident.status === "stalled") return { kind: "stalled", incident };
  const message =
    `${effectsLastHour} effects within an hour reach the limit of ${spec.policy.effectsPerHourMax}`;
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
    const crashed = crashedEffect(incident, memory.pending, gone);
    if (crashed !== null && incident.status !== "stalled") return crashed;
    if (attempt !== null && gone !== null) return abandon(incident, attempt, gone, now);
    const stuck = stalledInAttempt(spec, seen, incident, memory.record, now);
    if (stuck !== null) return stuck;
    if (attempt !== null) {
      const next = continueAttempt({ spec, seen, incident, attempt, record: memory.record, now });
      const isHeldUp = next.kind === "wait" && next.reason === "DatabaseDown";
      if (!isHeldUp) return next;
      return waitForDatabase(spec, seen, memory.record, incident, seen.database.message, now);
    }
  }
  const pending = pendingDeploy(seen.deploys);
  if (pending !== null) {
    const message = `Deploy ${pending.id} is ${pending.status}`;
    return {
      kind: "wait",
      reason: "DeployInProgress",
      message,
      afterMs: spec.watchIntervalMs,
      forPerson: false,
    };
  }
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

interface Situation {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  memory: Memory;
  now: number;
}

function record(incident: Incident, type: string, message: string): Action {
  return { kind: "record", incident, event: { type, message } };
}

function stallAction(
  { seen, incident, now }: Situation,
  reason: string,
  message: string,
  evidence: Evidence[] = [],
): Action {
  return record(stall(incident, seen, { reason, message, evidence }, now), "IncidentStalled", message);
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
): Action | null {
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

function downSince({ conditions }: ServiceRecord, incident: Incident): number {
  const database = conditions.find((condition) => condition.type === "DatabaseUp");
  const since = database?.status === "False" ? Date.parse(database.lastTransitionTime) : NaN;
  return Number.isFinite(since) ? Math.max(since, incident.openedAt) : incident.openedAt;
}

function waitForDatabase(
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

/** Nothing is wrong now: prove it, give back what a rollback took, close the incident. */
function closeGap(situation: Omit<Situation, "incident"> & { incident: Incident | null }): Action {
  const { spec, seen, incident, memory, now } = situation;
  if (incident === null) return { kind: "settled" };
  const { record: service } = memory;
  const { hold } = service;
  const live = liveDeploy(seen.deploys);
  if (hold !== null && live?.commit === hold.goodCommit) {
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
    return { ...recordOf(incident, "HoldLifted", message), record: { ...service, hold: null } };
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

function recordOf(incident: Incident, type: string, message: string) {
  return { kind: "record" as const, incident, event: { type, message } };
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

/** Chooses the next attempt within the budgets. */
function repair(situation: Situation, gap: "unhealthy" | "deploy-failed", deploy: DeployView): Action {
  const { spec, seen, incident, memory } = situation;
  if (incident.status === "stalled") {
    if (incident.stalled?.reason === "SuggestOnly" && spec.mode !== "suggest") {
      return record(resume(incident), "IncidentResumed", `The mode is ${spec.mode} now`);
    }
    if (incident.stalled?.reason === "DatabaseDown") {
      return record(
        resume(incident),
        "IncidentResumed",
        "The database is up again; the service is not well yet",
      );
    }
    if (incident.stalled?.worldHash === worldHash(seen)) return { kind: "stalled", incident };
    return record(
      resume(incident),
      "IncidentResumed",
      "The service changed since Evenkeel stopped; looking again",
    );
  }
  const attempts = incident.attempts.length - incident.attemptsBefore;
  if (attempts >= spec.policy.attemptsMax) {
    const message = `${attempts} of ${spec.policy.attemptsMax} attempts are spent; last: ${
      lastError(incident)
    }`;
    return stallAction(situation, "AttemptsSpent", message, lastEvidence(incident));
  }
  if (memory.effectsLastHour >= spec.policy.effectsPerHourMax) {
    const message =
      `${memory.effectsLastHour} effects within an hour reach the limit of ${spec.policy.effectsPerHourMax}`;
    return stallAction(situation, "EffectsSpent", message, lastEvidence(incident));
  }
  if (gap === "unhealthy" && spec.mode !== "suggest") {
    const first = rollBack(situation, deploy) ?? restart(situation, deploy);
    if (first !== null) return record(addAttempt(incident, first), "AttemptBegun", first.summary);
  }
  // A patch lands on the newest commit: where that one does not even deploy, its failure is what stands in the way.
  const latest = latestDeploy(seen.deploys);
  const read = gap === "unhealthy" && latest !== null && stateOf(latest) === "failed" ? latest : deploy;
  return { kind: "diagnose", incident, deploy: read, phase: phaseOf(read) };
}

function rollBack({ spec, seen, incident, memory, now }: Situation, live: DeployView): Attempt | null {
  const target = rollbackTarget(seen, memory.record) ?? servedBefore(incident, live, seen);
  const before = incident.attempts.some(({ repair, status, stepsDone }) =>
    stepsDone.includes("rollback") ||
    // Render has refused it: it would again.
    (repair.kind === "rollback" && status === "failed" && repair.toDeployId === target?.deployId)
  );
  if (!spec.policy.mayRollBack || before || target === null || live.commit === null) return null;
  return newAttempt(incident, {
    diagnosedDeployId: live.id,
    cause: "turned-bad-with-deploy",
    summary: `Roll back to ${target.commit.slice(0, 9)}, proven good before commit ${
      live.commit.slice(0, 9)
    } went live`,
    remedy: "roll-back",
    risk: "low",
    repair: {
      kind: "rollback",
      toDeployId: target.deployId,
      toCommit: target.commit,
      badCommit: live.commit,
    },
  }, now);
}

/** What served well when we pushed the commit that is live now and bad: our own repair is taken back to it. */
function servedBefore(
  incident: Incident,
  live: DeployView,
  seen: Sighting,
): { deployId: string; commit: string } | null {
  const ours = incident.attempts.find((attempt) => attempt.deployId === live.id);
  const serving = ours?.serving ?? null;
  const isKept = seen.deploys.some((deploy) =>
    deploy.id === serving?.deployId && deploy.status === "deactivated"
  );
  return isKept && serving?.commit !== live.commit ? serving : null;
}

/** A deploy that was good before did not break the service: one restart comes before any change. */
function restart({ incident, memory, now }: Situation, live: DeployView): Attempt | null {
  const wasGood = memory.record.provenDeploys.some((proven) => proven.deployId === live.id);
  const before = incident.attempts.some((attempt) => attempt.repair.kind === "restart");
  if (!wasGood || before) return null;
  return newAttempt(incident, {
    diagnosedDeployId: live.id,
    cause: "turned-bad-by-itself",
    summary: "Restart once: this deploy was good before",
    remedy: "restart",
    risk: "low",
    repair: { kind: "restart" },
  }, now);
}

function phaseOf(deploy: DeployView): Phase {
  switch (deploy.status) {
    case "build_failed":
      return "build";
    case "pre_deploy_failed":
      return "pre-deploy";
    case "update_failed":
      return "start";
    default:
      return "run";
  }
}

function lastError(incident: Incident): string {
  const attempt = incident.attempts.at(-1);
  return attempt?.error ?? attempt?.summary ?? incident.message;
}

function lastEvidence(incident: Incident): Evidence[] {
  const evidence = incident.attempts.at(-1)?.evidence ?? null;
  return evidence === null ? [] : [evidence];
}
