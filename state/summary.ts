/** What the artifacts say, computed from the store's records; nothing here reads or writes anything. */
import { ARTIFACT_VERSION } from "./artifact_shapes.ts";
import type { DeploymentPlan, FinalState, LearningState, PhaseRecord } from "./artifact_shapes.ts";
import type { Attempt, Incident, ServiceRecord } from "./records.ts";
import type { RemedyCount } from "./store.ts";

/** Newest attempts listed in the learning state. */
export const ATTEMPTS_LISTED = 500;
/** Characters of all diffs in a plan; the newest incidents come first. */
export const DIFF_CHARS_MAX = 1024 * 1024;
/** The words in a cause's slug that make it a matter of dependencies. */
const DEPENDENCY = /depend|module|package|distribution|conflict|\bpin\b|lockfile|peer|requirement/;

/** @param incidents newest first */
export function learningState(
  incidents: readonly Incident[],
  counts: readonly RemedyCount[],
  now: number,
): LearningState {
  const tries = incidents.flatMap((incident) => incident.attempts.map((attempt) => ({ incident, attempt })))
    .sort((a, b) => b.attempt.startedAt - a.attempt.startedAt);
  return {
    schemaVersion: ARTIFACT_VERSION,
    writtenAt: time(now),
    failed_dependencies: failedDependencies(tries),
    known_fixes: counts.filter((count) => count.healed > 0),
    performance_map: Object.fromEntries(
      Map.groupBy(incidents, (incident) => incident.serviceName).entries().map(([name, group]) => [
        name,
        performance(group),
      ]),
    ),
    attempts: tries.slice(0, ATTEMPTS_LISTED).map(({ incident, attempt }) => ({
      service: incident.serviceName,
      incident: incident.id,
      attempt: attempt.number,
      cause: attempt.cause,
      fingerprint: attempt.fingerprint,
      remedy: attempt.remedy,
      status: attempt.status,
      startedAt: time(attempt.startedAt),
      durationMs: attempt.endedAt === null ? null : attempt.endedAt - attempt.startedAt,
      commit: attempt.commit,
      deployId: attempt.deployId,
      error: attempt.error,
    })),
  };
}

function failedDependencies(
  tries: readonly { incident: Incident; attempt: Attempt }[],
): LearningState["failed_dependencies"] {
  const about = tries.filter(({ attempt }) => DEPENDENCY.test(attempt.cause));
  const groups = Map.groupBy(
    about,
    ({ incident, attempt }) => `${incident.serviceId} ${attempt.fingerprint}`,
  );
  return [...groups.values()].flatMap((group) => {
    const newest = group[0];
    if (newest === undefined) return [];
    const { incident, attempt } = newest;
    return [{
      fingerprint: attempt.fingerprint,
      cause: attempt.cause,
      service: incident.serviceName,
      summary: attempt.summary,
      times: group.length,
      lastSeenAt: time(attempt.startedAt),
    }];
  });
}

function performance(incidents: readonly Incident[]): LearningState["performance_map"][string] {
  const closed = incidents.flatMap(({ status, openedAt, closedAt }) =>
    status === "healed" && closedAt !== null ? [{ tookMs: closedAt - openedAt, closedAt }] : []
  );
  const durations = closed.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return {
    incidents: incidents.length,
    healed: incidents.filter(({ status }) => status === "healed").length,
    stalled: incidents.filter(({ status }) => status === "stalled").length,
    attempts: incidents.reduce((sum, { attempts }) => sum + attempts.length, 0),
    medianHealMs: durations[Math.floor((durations.length - 1) / 2)] ?? null,
    lastHealedAt: closed.length === 0 ? null : time(Math.max(...closed.map(({ closedAt }) => closedAt))),
  };
}

/** @param incidents those of the session, newest first */
export function deploymentPlan(
  session: string,
  incidents: readonly Incident[],
  how: { topology: string | null; phases: readonly PhaseRecord[] },
  now: number,
): DeploymentPlan {
  let charsLeft = DIFF_CHARS_MAX;
  const shorten = (diff: string) => {
    charsLeft -= diff.length;
    return charsLeft < 0 ? `[... ${diff.length} characters]` : diff;
  };
  return {
    schemaVersion: ARTIFACT_VERSION,
    session,
    writtenAt: time(now),
    topology: how.topology,
    phases: [...how.phases],
    incidents: incidents.map(({ id, serviceName, gap, message, attempts }) => ({
      id,
      service: serviceName,
      gap,
      message,
      steps: attempts.map((attempt) => ({
        attempt: attempt.number,
        cause: attempt.cause,
        confidence: attempt.confidence,
        summary: attempt.summary,
        evidence: attempt.evidence,
        remedy: attempt.remedy,
        risk: attempt.risk,
        kind: attempt.repair.kind,
        diff: "diff" in attempt.repair ? shorten(attempt.repair.diff) : null,
      })),
    })),
  };
}

/** @param incidents those of the session, newest first */
export function finalState(
  session: string,
  services: readonly ServiceRecord[],
  incidents: readonly Incident[],
  now: number,
): FinalState {
  const shown = services.map((service) => ({
    id: service.serviceId,
    name: service.name,
    url: service.url,
    ready: service.conditions.some(({ type, status }) => type === "Ready" && status === "True"),
    conditions: service.conditions,
    liveDeployId: service.liveDeployId,
    liveCommit: service.liveCommit,
  }));
  return {
    schemaVersion: ARTIFACT_VERSION,
    session,
    writtenAt: time(now),
    ready: shown.length > 0 && shown.every(({ ready }) => ready),
    services: shown,
    incidents: incidents.map((incident) => {
      const last = incident.attempts.at(-1);
      return {
        id: incident.id,
        service: incident.serviceName,
        status: incident.status,
        openedAt: time(incident.openedAt),
        closedAt: incident.closedAt === null ? null : time(incident.closedAt),
        attempts: incident.attempts.length,
        remedy: last?.remedy ?? null,
        commit: last?.commit ?? null,
        pullRequestUrl: last?.pullRequestUrl ?? null,
        stalled: incident.stalled === null ? null : {
          reason: incident.stalled.reason,
          message: incident.stalled.message,
          resume: incident.stalled.resume,
        },
      };
    }),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
