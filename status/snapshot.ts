/**
 * Reads the store into what `/status` answers. Changes nothing. Text that came from logs or from Render is made
 * harmless and redacted once more: whoever reads the answer may print it.
 */
import type { Clock } from "../base/clock.ts";
import { AGENT_DENIED, AGENT_FAILED } from "../state/agent_runs.ts";
import type { Attempt, Incident, ServiceRecord, StateEvent } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { ServiceStatus, Status } from "./schema.ts";

/** Attempts shown of a service. */
export const LAST_ATTEMPTS_MAX = 5;
/** Incidents looked through for them. */
const INCIDENTS_READ_MAX = 5;
/** Services answered. */
export const SERVICES_SHOWN_MAX = 1000;

/** Events looked through for trouble with agents, and troubles shown. */
const EVENTS_READ_MAX = 50;
export const AGENT_TROUBLES_MAX = 5;

export type StatusStore = Pick<Store, "listServices" | "getActiveIncident" | "listIncidents" | "listEvents">;

export interface SnapshotOptions {
  /** Services that are looked after now; the store remembers others, whose state is long past. @default all */
  isWatched?: (service: Pick<ServiceRecord, "serviceId" | "name">) => boolean;
  store: StatusStore;
  version: string;
  clock: Clock;
  /** When a service is looked at again, in milliseconds since the epoch. @default not known */
  nextPassAt?: (serviceId: string) => number | null;
  /** What is seen while nothing can be written. @default everything is recorded */
  observing?: () => Promise<Observing | null>;
}

/** While nothing can be written. */
export interface Observing {
  /** When that was noticed, in milliseconds since the epoch. */
  since: number;
  reason: string;
  /** What was seen since and could not be recorded. */
  seen: readonly ServiceRecord[];
}

const redact = createRedactor([]);
const clean = (text: string) => redact(sanitizeLine(text));
const cleanOr = (text: string | null) => text === null ? null : clean(text);
const timeOf = (ms: number) => new Date(ms).toISOString();
const timeOr = (ms: number | null) => ms === null ? null : timeOf(ms);

export async function readStatus(options: SnapshotOptions): Promise<Status> {
  const { isWatched = () => true } = options;
  const stored = await options.store.listServices();
  const observing = await options.observing?.() ?? null;
  const recordedAt = new Map(stored.map(({ serviceId, updatedAt }) => [serviceId, updatedAt]));
  const seen = new Map((observing?.seen ?? []).map((record) => [record.serviceId, record]));
  const records = [
    ...stored.map((record) => seen.get(record.serviceId) ?? record),
    ...[...seen.values()].filter(({ serviceId }) => !recordedAt.has(serviceId)),
  ].filter(isWatched);
  const services: ServiceStatus[] = [];
  for (const record of records.slice(0, SERVICES_SHOWN_MAX)) {
    services.push(await readService(options, record, recordedAt.get(record.serviceId) ?? null));
  }
  return {
    version: options.version,
    at: timeOf(options.clock.now()),
    observeOnly: observing === null
      ? null
      : { since: timeOf(observing.since), reason: clean(observing.reason) },
    services,
  };
}

async function readService(
  options: SnapshotOptions,
  record: ServiceRecord,
  recordedAt: number | null,
): Promise<ServiceStatus> {
  const { store } = options;
  const active = await store.getActiveIncident(record.serviceId);
  const incidents = await store.listIncidents({ serviceId: record.serviceId, limit: INCIDENTS_READ_MAX });
  const events = await store.listEvents({ serviceId: record.serviceId, limit: EVENTS_READ_MAX });
  const attempts = incidents
    .flatMap((incident) => incident.attempts.map((attempt) => ({ incident, attempt })))
    .toSorted((a, b) => b.attempt.startedAt - a.attempt.startedAt || b.attempt.number - a.attempt.number)
    .slice(0, LAST_ATTEMPTS_MAX);
  const ready = record.conditions.find(({ type }) => type === "Ready");
  return {
    id: record.serviceId,
    name: clean(record.name),
    url: cleanOr(record.url),
    ready: ready?.status ?? "Unknown",
    conditions: record.conditions.map((one) => ({
      ...one,
      reason: clean(one.reason),
      message: clean(one.message),
    })),
    liveDeploy: record.liveDeployId === null
      ? null
      : { id: clean(record.liveDeployId), commit: cleanOr(record.liveCommit) },
    hold: record.hold === null ? null : {
      badCommit: clean(record.hold.badCommit),
      goodCommit: clean(record.hold.goodCommit),
      at: timeOf(record.hold.at),
    },
    incident: active === null ? null : incidentOf(active),
    lastAttempts: attempts.map(({ incident, attempt }) => attemptOf(incident.id, attempt)),
    agentTrouble: events.flatMap(troubleOf).slice(0, AGENT_TROUBLES_MAX),
    nextPass: timeOr(options.nextPassAt?.(record.serviceId) ?? null),
    observedAt: timeOf(record.updatedAt),
    recordedAt: timeOr(recordedAt),
  };
}

function troubleOf({ at, type, message }: StateEvent): ServiceStatus["agentTrouble"] {
  if (type !== AGENT_DENIED && type !== AGENT_FAILED) return [];
  return [{ at: timeOf(at), type, message: clean(message) }];
}

function incidentOf(incident: Incident): ServiceStatus["incident"] {
  const { stalled } = incident;
  return {
    id: incident.id,
    status: stalled === null ? "open" : "stalled",
    gap: incident.gap,
    message: clean(incident.message),
    openedAt: timeOf(incident.openedAt),
    attempts: incident.attempts.length,
    stalled: stalled === null ? null : {
      reason: clean(stalled.reason),
      message: clean(stalled.message),
      resume: clean(stalled.resume),
      at: timeOf(stalled.at),
    },
  };
}

function attemptOf(incidentId: string, attempt: Attempt): ServiceStatus["lastAttempts"][number] {
  const { evidence } = attempt;
  return {
    incidentId,
    number: attempt.number,
    status: attempt.status,
    cause: clean(attempt.cause),
    summary: clean(attempt.summary),
    evidence: evidence === null ? null : { line: evidence.line, text: clean(evidence.text) },
    remedy: clean(attempt.remedy),
    why: cleanOr(attempt.why),
    risk: attempt.risk,
    commit: cleanOr(attempt.commit),
    pullRequestUrl: cleanOr(attempt.pullRequestUrl),
    deployId: cleanOr(attempt.deployId),
    error: cleanOr(attempt.error),
    startedAt: timeOf(attempt.startedAt),
    endedAt: timeOr(attempt.endedAt),
  };
}
