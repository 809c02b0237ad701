/**
 * Decides the next step of an attempt that is under way: the effects that are still to be done, then the deploy
 * that carries them, then the proof. Pure. Our own writes may not be visible yet: a deploy that we know of and
 * the list does not is waited for, never taken for missing.
 */
import type { Json } from "../base/json.ts";
import type { Attempt, Incident, Outcome, ServiceRecord } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import type { Action, Step } from "./action.ts";
import { changeAttempt } from "./incident.ts";
import { liveDeploy, stateOf } from "./observation.ts";
import type { DeployView, Sighting } from "./observation.ts";
import { foreignDeploys } from "./premise.ts";
import { goodForMs, isConfirmedBad, isProven, verdictOf } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

/** How long a restarted service may take to answer, in milliseconds; never longer than the quiet time. */
const RESTART_GRACE_MS = 60_000;

interface Progress {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  attempt: Attempt;
  record: ServiceRecord;
  now: number;
}

export function continueAttempt(progress: Progress): Action {
  const { attempt, seen } = progress;
  const { repair } = attempt;
  switch (repair.kind) {
    case "patch": {
      const step = progress.spec.mode === "pull-request" ? "pull-request" : "push";
      return isDone(attempt, step) ? findDeploy(progress) : effect(progress, step);
    }
    case "setting":
      return isDone(attempt, "setting") ? findDeploy(progress) : effect(progress, "setting");
    case "redeploy":
      return findDeploy(progress);
    case "rollback":
      // Render leaves autodeploy on after a rollback by API: the next push would bring the bad commit back.
      if (seen.service.autoDeploy && !isDone(attempt, "autodeploy-off") && !isDone(attempt, "rollback")) {
        return effect(progress, "autodeploy-off");
      }
      return isDone(attempt, "rollback") ? watchRollback(progress) : effect(progress, "rollback");
    case "restart":
      return isDone(attempt, "restart") ? prove(progress) : effect(progress, "restart");
  }
}

function isDone(attempt: Attempt, step: Step): boolean {
  return attempt.stepsDone.includes(step);
}

function effect({ incident, attempt }: Progress, step: Step): Action {
  return { kind: "effect", incident, attempt, step };
}

function wait({ spec }: Progress, reason: string, message: string) {
  return { kind: "wait" as const, reason, message, afterMs: spec.watchIntervalMs, forPerson: false };
}

function finish(
  { incident, attempt, seen, now }: Progress,
  status: Attempt["status"],
  message: string,
  outcome?: Outcome["outcome"],
  data?: Json,
): Action {
  const failed = status !== "fixed" && status !== "rolled_back";
  const changed = changeAttempt(incident, attempt.number, {
    status,
    endedAt: now,
    error: failed ? message : null,
  });
  return {
    kind: "record",
    incident: changed,
    event: {
      type: failed ? "AttemptFailed" : "AttemptSucceeded",
      message,
      ...(data === undefined ? {} : { data }),
    },
    ...(outcome === undefined ? {} : { outcome: { attempt, outcome, deployMs: deployMsOf(attempt, seen) } }),
  };
}

function deployMsOf(attempt: Attempt, seen: Sighting): number | null {
  const deploy = seen.deploys.find((one) => one.id === attempt.deployId);
  if (deploy === undefined || stateOf(deploy) !== "live") return null;
  const from = deploy.startedAt ?? deploy.createdAt;
  return from === null || deploy.finishedAt === null ? null : Math.max(0, deploy.finishedAt - from);
}

/** Finds the deploy that carries the repair, by commit, and starts one when none appears. */
function findDeploy(progress: Progress): Action {
  const { attempt, incident, seen, spec, now } = progress;
  if (attempt.deployId !== null) return watchDeploy(progress, attempt.deployId);
  const carrier = seen.deploys.find((deploy) => carries(deploy, progress));
  if (carrier !== undefined) {
    return {
      kind: "record",
      incident: carriedBy(progress, carrier),
      event: { type: "DeployFound", message: `Deploy ${carrier.id} carries the repair` },
    };
  }
  const overtaking = foreignDeploys(seen, incident, attempt);
  if (overtaking === null) {
    return finish(progress, "abandoned", "So many deploys came since that the repair's own cannot be told");
  }
  // Whoever deploys now, a person's rollback included, knows more than a repair that is not live yet.
  const [foreign] = overtaking;
  if (foreign !== undefined) {
    const commit = foreign.commit?.slice(0, 9) ?? "another commit";
    return finish(progress, "abandoned", `Deploy ${foreign.id} of ${commit} overtook the repair`);
  }
  if (isDone(attempt, "pull-request")) {
    // The commit is on a branch of its own: whether it ever goes live is for a person to say.
    // What was bad before stays so until the merge: another attempt would open the same pull request again.
    const wasServing = (attempt.serving ?? null) !== null;
    if (wasServing && isConfirmedBad(progress.record, spec) && verdictOf(seen) === "bad") {
      return finish(progress, "abandoned", "The live service turned bad while the pull request waited");
    }
    const byHand = seen.service.autoDeploy ? "" : "; autodeploy is off, so deploy it by hand then";
    const message = `A pull request waits to be merged: ${
      attempt.pullRequestUrl ?? "see the repository"
    }${byHand}`;
    return { ...wait(progress, "PullRequestOpen", message), forPerson: true };
  }
  if (isDone(attempt, "deploy")) {
    const waitedMs = now - (attempt.deployRequestedAt ?? now);
    if (waitedMs < spec.policy.deployTimeoutMs) {
      return wait(progress, "DeployQueued", "Render queued the deploy; waiting for it to appear");
    }
    return finish(progress, "abandoned", `No deploy appeared within ${formatDuration(waitedMs)}`);
  }
  if (attempt.repair.kind === "patch" && seen.service.autoDeploy) {
    const waitedMs = now - (attempt.publishedAt ?? now);
    if (waitedMs < spec.policy.autodeployGraceMs) {
      return wait(progress, "WaitingForAutodeploy", "Pushed; waiting for Render to deploy it");
    }
  }
  return effect(progress, "deploy");
}

/** From now on it is waited for: a pull request may be merged long after it was opened. */
function carriedBy({ incident, attempt, now }: Progress, { id }: DeployView): Incident {
  return changeAttempt(incident, attempt.number, { deployId: id, deployRequestedAt: now });
}

/**
 * A commit names its deploy. A repair without a commit is carried by the deploy that we asked for (Render may
 * queue it and answer nothing) or that Render started because a setting changed.
 */
function carries(deploy: DeployView, progress: Progress): boolean {
  const { attempt, seen } = progress;
  if (attempt.repair.kind === "patch") return attempt.commit !== null && deploy.commit === attempt.commit;
  if (!foreignDeploys(seen, progress.incident, attempt)?.includes(deploy)) return false;
  if (attempt.repair.kind === "setting" && deploy.trigger === "service_updated") return true;
  const diagnosed = seen.deploys.find((one) => one.id === attempt.diagnosedDeployId);
  return isDone(attempt, "deploy") && deploy.commit !== null && deploy.commit === diagnosed?.commit;
}

/** Waits for a deploy that we know of to be listed, for as long as a deploy may take. */
function awaitListing(progress: Progress, name: string): Action {
  return isOverdue(progress)
    ? finish(progress, "abandoned", `${name} is not listed after ${formatDuration(waitedMs(progress))}`)
    : wait(progress, "DeployNotListed", `${name} is not listed yet`);
}

function watchDeploy(progress: Progress, deployId: string): Action {
  const { seen } = progress;
  const deploy = seen.deploys.find((one) => one.id === deployId);
  if (deploy === undefined) return awaitListing(progress, `Deploy ${deployId}`);
  switch (stateOf(deploy)) {
    case "pending":
      return isOverdue(progress)
        ? overdue(progress, `Deploy ${deployId} is still ${deploy.status}`)
        : wait(progress, "DeployInProgress", `Deploy ${deployId} is ${deploy.status}`);
    case "failed":
      return finish(progress, "failed", `Deploy ${deployId} is ${deploy.status}`, "no_effect");
    case "over": {
      const next = successorOf(deploy, progress);
      if (next !== undefined) {
        return {
          kind: "record",
          incident: carriedBy(progress, next),
          event: {
            type: "DeployFound",
            message: `Deploy ${deployId} is ${deploy.status}; deploy ${next.id} carries the repair`,
          },
        };
      }
      return finish(
        progress,
        "abandoned",
        `Deploy ${deployId} is ${deploy.status}: somebody or something else took over`,
      );
    }
    case "live":
      return prove(progress);
    case "unknown": {
      const message = `Deploy ${deployId} has a status this version does not know`;
      return isOverdue(progress) ? overdue(progress, message) : wait(progress, "StatusUnknown", message);
    }
  }
}

/** How long the deploy of an attempt has been under way, in milliseconds. */
function waitedMs({ attempt, now }: Progress): number {
  return now - (attempt.deployRequestedAt ?? attempt.publishedAt ?? attempt.startedAt);
}

/** Whether that is longer than a deploy can take. */
function isOverdue(progress: Progress): boolean {
  return waitedMs(progress) >= progress.spec.policy.deployTimeoutMs;
}

function overdue(progress: Progress, message: string): Action {
  return finish(progress, "failed", `${message} after ${formatDuration(waitedMs(progress))}`);
}

/** The newer deploy of the same commit that Render ran in the place of one that it canceled or skipped. */
function successorOf(deploy: DeployView, { attempt, seen }: Progress): DeployView | undefined {
  if (attempt.repair.kind !== "patch" || attempt.commit === null) return undefined;
  return seen.deploys.slice(0, seen.deploys.indexOf(deploy)).find((newer) =>
    newer.commit === attempt.commit && stateOf(newer) !== "over"
  );
}

/** The repair is live: good for the whole quiet time, or bad by hysteresis. */
function prove(progress: Progress): Action {
  const { record, seen, spec, attempt } = progress;
  if (isProven(record, spec)) {
    const provenForMs = goodForMs(record);
    return finish(progress, "fixed", `Good for ${formatDuration(provenForMs)}`, "healed", { provenForMs });
  }
  if (seen.database.status === "bad" && spec.database.kind !== "json-path") {
    return wait(
      progress,
      "DatabaseDown",
      `${seen.database.message}: the repair cannot be judged until it is up`,
    );
  }
  if (verdictOf(seen) === "bad" && isConfirmedBad(record, spec) && !isStarting(progress)) {
    const bad = [seen.health, seen.json, seen.database].find((probe) => probe.status === "bad");
    const wasServing = (attempt.serving ?? null) !== null;
    const message = `Live, but not in the desired state: ${bad?.message ?? "unhealthy"}`;
    return finish(progress, "failed", message, wasServing ? "worse" : "no_effect");
  }
  const message = `Good for ${formatDuration(goodForMs(record))} of ${formatDuration(spec.stableForMs)}`;
  return wait(progress, "Proving", message);
}

/** A restarted service is given time to come up before it is judged. */
function isStarting({ attempt, spec, now }: Progress): boolean {
  const graceMs = Math.min(RESTART_GRACE_MS, spec.stableForMs);
  return attempt.repair.kind === "restart" && now - (attempt.publishedAt ?? now) < graceMs;
}

function watchRollback(progress: Progress): Action {
  const { attempt, record, seen, spec } = progress;
  const deploy = seen.deploys.find((one) => one.id === attempt.deployId);
  if (deploy === undefined) return awaitListing(progress, `Rollback ${attempt.deployId}`);
  switch (stateOf(deploy)) {
    case "pending":
    case "unknown":
      return isOverdue(progress)
        ? overdue(progress, `Rollback ${deploy.id} is still ${deploy.status}`)
        : wait(progress, "RollingBack", `Rollback ${deploy.id} is ${deploy.status}`);
    case "failed":
    case "over":
      return finish(progress, "failed", `Rollback ${deploy.id} is ${deploy.status}`);
    case "live": {
      const isServing = liveDeploy(seen.deploys)?.id === deploy.id;
      const good = record.recentVerdicts.slice(-spec.policy.badSamples).filter((verdict) =>
        verdict === "good"
      );
      if (isServing && good.length >= spec.policy.badSamples) {
        return finish(progress, "rolled_back", `Serving again on deploy ${deploy.id}`);
      }
      if (isConfirmedBad(record, spec)) {
        return finish(progress, "no_effect", "Rolled back, and still not in the desired state");
      }
      return wait(progress, "RollingBack", `Rollback ${deploy.id} is live; sampling it`);
    }
  }
}
