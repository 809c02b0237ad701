/**
 * The sessions of a data folder, put together from the store. What the store has let go, and what belongs to no
 * incident, is taken from the session's own files: those are untrusted, so they are read through their schemas and
 * up to a size, and decide nothing.
 */
import { join } from "@std/path";
import type { z } from "zod";
import { EvenkeelError } from "../base/errors.ts";
import { deploymentPlanSchema, finalStateSchema } from "./artifact_shapes.ts";
import type { DeploymentPlan, FinalState } from "./artifact_shapes.ts";
import { ARTIFACT_CHARS_MAX } from "./files.ts";
import type { Incident, ServiceRecord } from "./records.ts";
import { deploymentPlan, finalState, sessionPhases } from "./session_summary.ts";
import type { IncidentFacts } from "./session_summary.ts";
import type { Store } from "./store.ts";

export const PLAN_FILE = "deployment_plan.json";
export const FINAL_FILE = "final_state.json";
/** Newest incidents of a session that its files list. */
export const SESSION_INCIDENTS_LISTED = 200;
/** Services of a session that its files list. */
export const SESSION_SERVICES_LISTED = 500;
/** Newest events of an incident that its phases are read from. */
const EVENTS_READ = 500;
/** Newest incidents looked through for sessions without files. */
const INCIDENTS_READ = 1000;
/** Sessions that a list gives at most. */
export const SESSIONS_LISTED_MAX = 1000;
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export interface Session {
  plan: DeploymentPlan;
  final: FinalState;
  /** Incidents that another session went on with later, and which; this one's own files tell what it saw of them. */
  wentOn: Readonly<Record<string, string>>;
}

/** A session whose files list an incident. */
export interface Ending {
  session: string;
  startedAt: string;
  writtenAt: string;
}

export interface SessionSource {
  store: Pick<Store, "listIncidents" | "getIncident" | "listEvents" | "listServices">;
  /** The services of the run that writes; absent where a session is only read. */
  services?: readonly ServiceRecord[];
  /** When this run began, in milliseconds since the epoch. @default now */
  startedAt?: number;
  /** Incidents of other sessions that this one goes on with. */
  adopted?: Iterable<string>;
  /** Of each incident the sessions that list it, where a session is only read (went_on.ts). @default none */
  endings?: ReadonlyMap<string, readonly Ending[]>;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Whether a text can name a session. */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text);
}

/**
 * The folder of a session.
 * @throws {EvenkeelError} for an id that is no plain name: it comes from the environment and becomes a path
 */
export function sessionDirectory(dataDir: string, sessionId: string): string {
  if (!SESSION_ID.test(sessionId)) {
    const shown = JSON.stringify(sessionId.slice(0, 64));
    throw new EvenkeelError(`Cannot use session id ${shown}: it is not a plain name`, {
      hint:
        "Set SESSION_ID to at most 128 letters, digits, dots, dashes and underscores, the first a letter or digit",
    });
  }
  return join(dataDir, "memory", "sessions", sessionId);
}

/**
 * A session as it stands.
 * @throws {EvenkeelError} when the session id cannot be the name of a folder
 */
export async function composeSession(
  dataDir: string,
  sessionId: string,
  source: SessionSource,
): Promise<Session> {
  const { store, now } = source;
  const files = await readSessionFiles(dataDir, sessionId);
  const adopted = [...source.adopted ?? [], ...files.final?.incidents.map(({ id }) => id) ?? []];
  const found = await incidentsOf(store, sessionId, adopted);
  const wentOn = wentOnIn(sessionId, files.final, source.endings);
  const held = found.filter(({ id }) => !wentOn.has(id));
  const incidents: IncidentFacts[] = [];
  for (const incident of held) {
    const events = await store.listEvents({ incidentId: incident.id, limit: EVENTS_READ });
    incidents.push({ incident, events: events.toReversed() });
  }
  const startedAt = Math.min(
    timeOf(files.final?.startedAt) ?? timeOf(files.plan?.startedAt) ?? Infinity,
    source.startedAt ?? Infinity,
    ...found.filter((one) => one.sessionId === sessionId).map(({ openedAt }) => openedAt),
  );
  const facts = {
    session: sessionId,
    startedAt: startedAt === Infinity ? now : startedAt,
    incidents,
    ...await servicesOf(source, held, files.final),
    now,
  };
  const known = new Set(held.map(({ id }) => id));
  const places = new Map(found.map(({ id }, place) => [id, place]));
  const placeOf = ({ id }: { id: string }) => places.get(id) ?? found.length;
  const plan = deploymentPlan(facts);
  const final = finalState(facts);
  const merge = <T extends { id: string }>(held: readonly T[], entries: readonly T[] | undefined) =>
    [...held, ...entries?.filter(({ id }) => !known.has(id)) ?? []]
      .sort((a, b) => placeOf(a) - placeOf(b)).slice(0, SESSION_INCIDENTS_LISTED);
  plan.incidents = merge(plan.incidents, files.plan?.incidents);
  plan.phases = sessionPhases(plan.incidents, facts.startedAt);
  if (plan.agents.length === 0) plan.agents = files.plan?.agents ?? [];
  plan.topology ??= files.plan?.topology ?? null;
  final.incidents = merge(final.incidents, files.final?.incidents);
  final.attempts = final.incidents.reduce((sum, { attempts }) => sum + attempts, 0);
  final.phases = plan.phases.map(({ phase, durationMs }) => ({ phase, durationMs }));
  if (final.incidents.some(({ status }) => status !== "healed")) {
    final.success = false;
    // Of an incident that the store has let go only the file knows the error.
    final.error ??= files.final?.error ?? null;
  }
  if (source.services === undefined) {
    plan.writtenAt = files.plan?.writtenAt ?? plan.writtenAt;
    final.writtenAt = files.final?.writtenAt ?? final.writtenAt;
  }
  return { plan, final, wentOn: Object.fromEntries(wentOn) };
}

/** The incidents of a session's file that another session wrote about after it, each with the first that did. */
function wentOnIn(
  sessionId: string,
  final: FinalState | null,
  endings: SessionSource["endings"],
): Map<string, string> {
  const writtenAt = timeOf(final?.writtenAt) ?? Infinity;
  return new Map(
    final?.incidents.flatMap(({ id }) => {
      const [next] = (endings?.get(id) ?? [])
        .filter((one) => one.session !== sessionId && (timeOf(one.writtenAt) ?? 0) > writtenAt)
        .toSorted((a, b) => (timeOf(a.startedAt) ?? 0) - (timeOf(b.startedAt) ?? 0));
      return next === undefined ? [] : [[id, next.session]];
    }),
  );
}

/**
 * Every service that a session has seen: those of the run that writes, those that its files name, those of its
 * incidents. One that is written about is as the store has it now; one that is only read about is as the session left
 * it, unless an incident of the session goes on or ended later.
 */
async function servicesOf(
  { store, services }: SessionSource,
  incidents: readonly Incident[],
  final: FinalState | null,
): Promise<{ services: ServiceRecord[]; told: FinalState["services"] }> {
  const told = new Map(final?.services.map((one) => [one.id, one]) ?? []);
  const names = new Set(final?.incidents.map((one) => one.service) ?? []);
  const writtenAt = timeOf(final?.writtenAt) ?? 0;
  const isNewer = (serviceId: string) =>
    incidents.some((one) => one.serviceId === serviceId && (one.closedAt ?? Infinity) > writtenAt);
  const stored = (await store.listServices()).filter(({ serviceId, name }) => {
    if (services?.some((one) => one.serviceId === serviceId)) return false;
    if (told.has(serviceId)) return services !== undefined || isNewer(serviceId);
    return names.has(name) || incidents.some((one) => one.serviceId === serviceId);
  });
  const records = [...services ?? [], ...stored].slice(0, SESSION_SERVICES_LISTED);
  for (const { serviceId } of records) told.delete(serviceId);
  return { services: records, told: [...told.values()].slice(0, SESSION_SERVICES_LISTED - records.length) };
}

/** The incidents that a session opened or went on with, newest first. */
async function incidentsOf(
  store: SessionSource["store"],
  sessionId: string,
  adopted: readonly string[],
): Promise<Incident[]> {
  const own = await store.listIncidents({ sessionId, limit: SESSION_INCIDENTS_LISTED });
  const others: Incident[] = [];
  for (const id of new Set(adopted)) {
    if (own.some((one) => one.id === id)) continue;
    const incident = await store.getIncident(id);
    if (incident !== null) others.push(incident);
  }
  return [...own, ...others].sort((a, b) => b.openedAt - a.openedAt).slice(0, SESSION_INCIDENTS_LISTED);
}

/** The files of a session; what is missing, too large or not of its schema is `null`. */
export async function readSessionFiles(
  dataDir: string,
  sessionId: string,
): Promise<{ plan: DeploymentPlan | null; final: FinalState | null }> {
  const directory = sessionDirectory(dataDir, sessionId);
  const [plan, final] = await Promise.all([
    readArtifact(join(directory, PLAN_FILE), deploymentPlanSchema),
    readArtifact(join(directory, FINAL_FILE), finalStateSchema),
  ]);
  return { plan, final };
}

/**
 * The ids of sessions, those that began last first: those with a folder, and those that only the store knows. Of one
 * whose file does not tell when it began, the folder's time counts.
 * @param limit 1 to SESSIONS_LISTED_MAX
 */
export async function listSessionIds(
  dataDir: string,
  store: Pick<Store, "listIncidents">,
  limit: number,
): Promise<string[]> {
  const times = new Map<string, number>();
  for (const incident of await store.listIncidents({ limit: INCIDENTS_READ })) {
    times.set(incident.sessionId, Math.min(times.get(incident.sessionId) ?? Infinity, incident.openedAt));
  }
  const folder = join(dataDir, "memory", "sessions");
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory || !SESSION_ID.test(name)) continue;
      const final = await readArtifact(join(folder, name, FINAL_FILE), finalStateSchema);
      const began = Math.min(timeOf(final?.startedAt) ?? Infinity, times.get(name) ?? Infinity);
      const known = began === Infinity ? (await Deno.stat(join(folder, name))).mtime?.getTime() : began;
      times.set(name, known ?? 0);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return [...times].sort(([, a], [, b]) => b - a).map(([id]) => id)
    .slice(0, Math.min(limit, SESSIONS_LISTED_MAX));
}

async function readArtifact<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    // Of a link, a pipe or a device nothing is read.
    const { isFile, size } = await Deno.lstat(path);
    if (!isFile || size > 4 * ARTIFACT_CHARS_MAX) return null;
    const parsed = schema.safeParse(JSON.parse(await Deno.readTextFile(path)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isFinite(ms) ? ms : undefined;
}
