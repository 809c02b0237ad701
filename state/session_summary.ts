/** What the files of a session say, computed from the store's records; nothing here reads or writes anything. */
import { z } from "zod";
import { formatDuration } from "../text/duration.ts";
import { agentRuns } from "./agent_runs.ts";
import { ARTIFACT_VERSION, sparcPhases } from "./artifact_shapes.ts";
import type { DeploymentPlan, FinalState, PhaseRecord, SparcPhase } from "./artifact_shapes.ts";
import { iterationOf } from "./iterations.ts";
import { lastErrorOf } from "./last_error.ts";
import { leftoversOf } from "./leftovers.ts";
import { phaseTimes } from "./phases.ts";
import type { Attempt, ConditionType, Incident, ServiceRecord, StateEvent } from "./records.ts";

/** Characters of all diffs in a plan; the newest incidents come first. */
export const DIFF_CHARS_MAX = 1024 * 1024;

/** Newest failures of the swarm that a plan tells of one incident. */
const SWARM_FAILURES_TOLD = 20;
/** Newest rehearsals that a plan tells of one incident. */
const REHEARSALS_TOLD = 50;

export interface IncidentFacts {
  incident: Incident;
  /** Oldest first. */
  events: readonly StateEvent[];
}

export interface SessionFacts {
  session: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Newest first. */
  incidents: readonly IncidentFacts[];
  services: readonly ServiceRecord[];
  /** Services of which only the session's own file knows. */
  told: FinalState["services"];
  now: number;
}

type PlannedIncident = DeploymentPlan["incidents"][number];

const STRATEGY =
  "Diagnose, try one remedy at a time in the order of verified outcomes, prove each before it counts";

/** What is done about each kind of gap. */
const STRATEGIES: Readonly<Record<Incident["gap"], string>> = {
  "deploy-failed": "Repair the failed deploy and prove it; a version that was live before goes on serving",
  "unhealthy": "The live version is bad: roll back first where a proven one is there, then repair",
  "database-down": "The database is down: wait for it and leave the code alone",
};

export function deploymentPlan({ session, startedAt, incidents, now }: SessionFacts): DeploymentPlan {
  let charsLeft = DIFF_CHARS_MAX;
  const shorten = (diff: string) => {
    charsLeft -= diff.length;
    return charsLeft < 0 ? `[... ${diff.length} characters]` : diff;
  };
  const planned = incidents.map((facts) => planOf(facts, now, shorten));
  return {
    schemaVersion: ARTIFACT_VERSION,
    session,
    startedAt: time(startedAt),
    writtenAt: time(now),
    strategy: STRATEGY,
    topology: planned.find((one) => one.topology !== null)?.topology ?? null,
    agents: agentsOf(incidents.flatMap(({ events }) => agentRuns(events))),
    phases: sessionPhases(planned, startedAt),
    incidents: planned,
  };
}

/** What must hold of a service that no incident is about; `Ready` itself needs samples over the quiet time. */
const CRITERIA: readonly ConditionType[] = ["Healthy", "ValidJson", "DatabaseUp", "BuildClean"];

export function finalState({ session, startedAt, incidents, services, told, now }: SessionFacts): FinalState {
  const isReady = ({ serviceId, conditions }: ServiceRecord) => {
    const isTrue = (wanted: ConditionType) =>
      conditions.some(({ type, status }) => type === wanted && status === "True");
    const isQuiet = !incidents.some(({ incident }) =>
      incident.serviceId === serviceId && incident.status !== "healed"
    );
    return isTrue("Ready") || (isQuiet && CRITERIA.every(isTrue));
  };
  const known = services.map((service) => ({
    id: service.serviceId,
    name: service.name,
    url: service.url,
    ready: isReady(service),
    conditions: service.conditions,
    liveDeployId: service.liveDeployId,
    liveCommit: service.liveCommit,
  }));
  const shown = [...known, ...told];
  const holds = new Map(services.map(({ serviceId, hold }) => [serviceId, hold]));
  const ready = shown.length > 0 && shown.every((one) => one.ready);
  const active = incidents.find(({ incident }) => incident.status !== "healed")?.incident;
  const planned = incidents.map((facts) => planOf(facts, now, () => ""));
  return {
    schemaVersion: ARTIFACT_VERSION,
    session,
    startedAt: time(startedAt),
    writtenAt: time(now),
    success: ready && active === undefined,
    ready,
    attempts: incidents.reduce((sum, { incident }) => sum + incident.attempts.length, 0),
    error: active === undefined ? null : lastErrorOf(active),
    phases: sessionPhases(planned, startedAt).map(({ phase, durationMs }) => ({ phase, durationMs })),
    services: shown,
    incidents: incidents.map(({ incident }) => {
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
          lastError: lastErrorOf(incident),
          evidence: incident.stalled.evidence,
        },
        left: leftoversOf(incident, holds.get(incident.serviceId) ?? null),
      };
    }),
  };
}

function planOf(
  { incident, events }: IncidentFacts,
  now: number,
  shorten: (diff: string) => string,
): PlannedIncident {
  const runs = agentRuns(events);
  return {
    id: incident.id,
    service: incident.serviceName,
    gap: incident.gap,
    message: incident.message,
    strategy: STRATEGIES[incident.gap],
    topology: runs.findLast((run) => run.topology !== null)?.topology ?? null,
    phases: incidentPhases(incident, events, now),
    remedies: remediesOf(incident, events),
    steps: incident.attempts.map((attempt) => ({
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
    iterations: incident.attempts.map(iterationOf),
    swarmFailures: swarmFailuresOf(incident, events),
    rehearsals: rehearsalsOf(events),
  };
}

/** Why the swarm failed; its event names no attempt, so it belongs to the one whose agents ran next, else last. */
function swarmFailuresOf(
  incident: Incident,
  events: readonly StateEvent[],
): PlannedIncident["swarmFailures"] {
  const found = events.flatMap((event, at) => {
    if (event.type !== "SwarmFailed") return [];
    const run = agentRuns(events.slice(at))[0] ?? agentRuns(events.slice(0, at)).at(-1);
    return [{ attempt: run?.attempt ?? incident.attempts.length + 1, message: event.message }];
  });
  return found.slice(-SWARM_FAILURES_TOLD);
}

/** An event that tells of a rehearsal; its data says of which attempt. */
export const REHEARSED = "Rehearsed";
const rehearsedSchema = z.object({ attempt: z.number() });

function rehearsalsOf(events: readonly StateEvent[]): PlannedIncident["rehearsals"] {
  return events.filter(({ type }) => type === REHEARSED).flatMap(({ message, data }) => {
    const parsed = rehearsedSchema.safeParse(data);
    return parsed.success ? [{ attempt: parsed.data.attempt, message }] : [];
  }).slice(-REHEARSALS_TOLD);
}

/** Why a rule of the plan chose a repair, before any remedy is asked for. */
const RULES: Partial<Record<Attempt["repair"]["kind"], string>> = {
  rollback: "a rule: what a new deploy broke goes back to what was proven good, before any repair",
  restart: "a rule: a deploy that was good before is restarted once, before anything is changed",
};

/** The optimizer's order for each attempt; where a rule of the plan chose, that rule. */
function remediesOf(incident: Incident, events: readonly StateEvent[]): PlannedIncident["remedies"] {
  const orders = new Map(
    agentRuns(events).flatMap(({ attempt, order }) => order === undefined ? [] : [[attempt, order]]),
  );
  // An order that no attempt came of is told for what it adds: remedies that no attempt before it considered.
  const considered = new Set(
    incident.attempts.flatMap(({ number, remedy }) => [remedy, ...namesOf(orders.get(number))]),
  );
  for (const [number, order] of orders) {
    const isMade = incident.attempts.some((attempt) => attempt.number === number);
    if (!isMade && namesOf(order).every((remedy) => considered.has(remedy))) orders.delete(number);
  }
  const numbers = new Set([...orders.keys(), ...incident.attempts.map((attempt) => attempt.number)]);
  return [...numbers].sort((a, b) => a - b).flatMap((number) => {
    const attempt = incident.attempts.find((one) => one.number === number);
    const ranked = (orders.get(number) ?? []).map((one) => {
      const isChosen = one.remedy === attempt?.remedy;
      // The attempt knows more than the order: which remedies before it did not apply.
      return {
        attempt: number,
        ...one,
        why: isChosen && attempt.why !== null ? attempt.why : one.why,
        isChosen,
      };
    });
    if (attempt === undefined || ranked.some((one) => one.isChosen)) return ranked;
    const { remedy } = attempt;
    const why = RULES[attempt.repair.kind] ?? attempt.why ?? attempt.summary;
    return [{ attempt: number, remedy, expectedSuccess: null, why, isChosen: true }, ...ranked];
  });
}

function namesOf(order: readonly { remedy: string }[] = []): string[] {
  return order.map(({ remedy }) => remedy);
}

function incidentPhases(incident: Incident, events: readonly StateEvent[], now: number): PhaseRecord[] {
  const times = phaseTimes(events, now);
  const runs = agentRuns(events);
  const summaries: Record<SparcPhase, string> = {
    Specification: `${incident.gap}: ${incident.message}`,
    Pseudocode: pseudocode(incident.attempts, runs),
    Architecture: runs.length === 0
      ? "No agents: the plan chose by a rule"
      : `${runs.findLast((run) => run.topology !== null)?.topology ?? "No topology"}; ` +
        agentsOf(runs).map(({ agent, runs }) => runs === 1 ? agent : `${agent} (${runs} runs)`).join(", "),
    Refinement: incident.attempts.length === 0
      ? "No attempt was made"
      : incident.attempts.map(({ remedy, status }) => `${remedy}: ${status}`).join("; "),
    Completion: completion(incident, times.Completion?.durationMs),
  };
  return sparcPhases.flatMap((phase) => {
    const spent = times[phase];
    if (spent === undefined) return [];
    return [{ phase, at: time(spent.at), durationMs: spent.durationMs, summary: summaries[phase] }];
  });
}

function pseudocode(attempts: readonly Attempt[], runs: ReturnType<typeof agentRuns>): string {
  const causes = [...new Set(attempts.map(({ cause }) => cause))];
  const analyzed = runs.findLast((run) => run.agent === "analyzer")?.concluded;
  const order = runs.findLast((run) => run.order !== undefined)?.order ?? [];
  const found = causes.length > 0 ? causes.join(", ") : analyzed ?? "Not diagnosed";
  return order.length === 0 ? found : `${found}; first ${order.map(({ remedy }) => remedy).join(", then ")}`;
}

function completion(incident: Incident, durationMs: number | undefined): string {
  switch (incident.status) {
    case "healed":
      return `Proven good${durationMs === undefined ? "" : ` for ${formatDuration(durationMs)}`}`;
    case "stalled":
      return `Stalled: ${incident.stalled?.reason ?? "no reason was kept"}`;
    case "open":
      return "Not proven yet";
  }
}

/** The phases of a session, summed over its incidents. */
export function sessionPhases(incidents: readonly PlannedIncident[], startedAt: number): PhaseRecord[] {
  return sparcPhases.map((phase) => {
    const records = incidents.flatMap((one) => one.phases.filter((record) => record.phase === phase));
    const times = records.flatMap(({ at }) => at === null ? [] : [at]).sort();
    if (records.length === 0) {
      const isFirst = phase === "Specification";
      const summary = isFirst ? "Nothing has left the desired state" : "Not reached";
      return { phase, at: isFirst ? time(startedAt) : null, durationMs: null, summary };
    }
    const [only] = records;
    return {
      phase,
      at: times[0] ?? null,
      durationMs: records.reduce((sum, record) => sum + (record.durationMs ?? 0), 0),
      summary: records.length === 1 && only !== undefined ? only.summary : `${records.length} incidents`,
    };
  });
}

function agentsOf(runs: ReturnType<typeof agentRuns>): DeploymentPlan["agents"] {
  return [...Map.groupBy(runs, (run) => run.agent)].map(([agent, group]) => ({
    agent,
    runs: group.length,
    durationMs: Math.round(group.reduce((sum, run) => sum + run.durationMs, 0)),
  }));
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
