/**
 * Chooses the next attempt of an incident within the budgets: a rollback of what broke it, one restart of what was
 * good before, else a diagnosis. Pure.
 */
import type { Phase } from "../agents/messages.ts";
import { lastErrorOf, lastEvidenceOf } from "../state/last_error.ts";
import type { Attempt, Incident } from "../state/records.ts";
import type { Action } from "./action.ts";
import { isUnread } from "./aftermath.ts";
import { rollbackTarget } from "./assess.ts";
import { overBudget } from "./effects_spent.ts";
import { addAttempt, newAttempt, resume, stall, worldHash } from "./incident.ts";
import { latestDeploy, stateOf } from "./observation.ts";
import type { DeployView, Sighting } from "./observation.ts";
import { record } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { DEPLOY_STUCK } from "./stuck_deploy.ts";

/** Chooses the next attempt within the budgets. */
export function repair(situation: Situation, gap: "unhealthy" | "deploy-failed", deploy: DeployView): Action {
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
    if (incident.stalled?.reason === DEPLOY_STUCK) {
      return record(resume(incident), "IncidentResumed", "The deploy has ended");
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
    return spent(situation, "AttemptsSpent", `${attempts} of ${spec.policy.attemptsMax} attempts are spent`);
  }
  const message = overBudget(memory.effects, spec.policy, 1);
  if (message !== null) return spent(situation, "EffectsSpent", message);
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

/** A budget is spent. Before that is said, the newest failure is read: what to mend is in its log. */
function spent({ seen, incident, now }: Situation, reason: string, message: string): Action {
  const failed = incident.attempts.findLast(isUnread);
  const deploy = seen.deploys.find((one) => one.id === failed?.deployId);
  if (deploy !== undefined && ["failed", "live"].includes(stateOf(deploy))) {
    return { kind: "read", incident, deploy, phase: phaseOf(deploy) };
  }
  const why = { reason, message, evidence: lastEvidenceOf(incident) };
  return record(
    stall(incident, seen, why, now),
    "IncidentStalled",
    `${message}; last: ${lastErrorOf(incident)}`,
  );
}
