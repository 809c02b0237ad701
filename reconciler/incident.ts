/**
 * The life of an incident and of its attempts as pure functions: each takes one state and gives the next.
 * Nothing here looks at the world or writes anything.
 */
import type { Attempt, Evidence, Incident } from "../state/records.ts";
import { fingerprint } from "../text/fingerprint.ts";
import { shellWord } from "../text/shell_word.ts";
import { latestDeploy, liveDeploy } from "./observation.ts";
import type { Sighting } from "./observation.ts";

/** The command that makes Evenkeel go on with a stalled service. */
export function resumeCommand(serviceName: string): string {
  return `deno task resume --service ${shellWord(serviceName)}`;
}

/** @param at milliseconds since the epoch; with the service it makes the id, so that a plan stays pure */
export function openIncident(
  seen: Sighting,
  facts: Pick<Incident, "gap" | "message" | "deployId" | "commit" | "sessionId">,
  at: number,
): Incident {
  return {
    ...facts,
    id: `inc_${fingerprint([seen.service.id, String(at)]).slice(0, 10)}`,
    serviceId: seen.service.id,
    serviceName: seen.service.name,
    openedAt: at,
    closedAt: null,
    status: "open",
    stalled: null,
    attempts: [],
    attemptsBefore: 0,
  };
}

/**
 * What a stalled incident waits for a change of: which deploys there are and how the service is set. Health is
 * not among it: a service that gets well closes its incident anyway.
 */
export function worldHash(seen: Sighting): string {
  return fingerprint([
    latestDeploy(seen.deploys)?.id ?? "",
    liveDeploy(seen.deploys)?.id ?? "",
    seen.service.repo ?? "",
    seen.service.branch ?? "",
    JSON.stringify(seen.service.settings),
  ]);
}

export function stall(
  incident: Incident,
  seen: Sighting,
  why: { reason: string; message: string; evidence?: Evidence[] },
  at: number,
): Incident {
  return {
    ...incident,
    status: "stalled",
    stalled: {
      reason: why.reason,
      message: why.message,
      evidence: why.evidence ?? [],
      resume: resumeCommand(incident.serviceName),
      at,
      worldHash: worldHash(seen),
    },
  };
}

/** Opens a stalled incident again, with a fresh budget of attempts. */
export function resume(incident: Incident): Incident {
  return { ...incident, status: "open", stalled: null, attemptsBefore: incident.attempts.length };
}

export function heal(incident: Incident, at: number): Incident {
  return { ...incident, status: "healed", stalled: null, closedAt: at };
}

export function addAttempt(incident: Incident, attempt: Attempt): Incident {
  return { ...incident, attempts: [...incident.attempts, attempt] };
}

export function changeAttempt(incident: Incident, number: number, change: Partial<Attempt>): Incident {
  return {
    ...incident,
    attempts: incident.attempts.map((attempt) =>
      attempt.number === number ? { ...attempt, ...change } : attempt
    ),
  };
}

export function runningAttempt(incident: Incident): Attempt | null {
  return incident.attempts.findLast((attempt) => attempt.status === "running") ?? null;
}

/** The fields of an attempt that has not begun to act. */
export function newAttempt(
  incident: Incident,
  facts:
    & Pick<
      Attempt,
      "diagnosedDeployId" | "cause" | "summary" | "remedy" | "risk" | "repair"
    >
    & Partial<Attempt>,
  at: number,
): Attempt {
  return {
    number: incident.attempts.length + 1,
    startedAt: at,
    endedAt: null,
    status: "running",
    confidence: 1,
    why: null,
    evidence: null,
    fingerprint: fingerprint([facts.cause]),
    repairHash: fingerprint([JSON.stringify(facts.repair)]),
    baseCommit: null,
    branch: null,
    commit: null,
    pullRequestUrl: null,
    stepsDone: [],
    publishedAt: null,
    deployId: null,
    deployRequestedAt: null,
    build: null,
    error: null,
    ...facts,
  };
}
