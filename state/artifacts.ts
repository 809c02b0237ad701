/**
 * Writes the human-readable files of a data folder from the store. They are copies for people and other
 * programs: Evenkeel never reads them back. Each is replaced whole, passes the caller's cleaner (sanitiser and
 * redactor) string by string, and has a ceiling in size.
 */
import { join } from "@std/path";
import type { z } from "zod";
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import {
  agentOutputSchema,
  ARTIFACT_VERSION,
  deploymentPlanSchema,
  finalStateSchema,
} from "./artifact_shapes.ts";
import type { PhaseRecord } from "./artifact_shapes.ts";
import { appendBounded, writeAtomically } from "./files.ts";
import { learningState, learningStateSchema } from "./learning_state.ts";
import { recallTallies } from "./recall.ts";
import type { ServiceRecord } from "./records.ts";
import type { Store } from "./store.ts";
import { deploymentPlan, finalState } from "./summary.ts";

export interface ArtifactOptions {
  /** Makes any text safe to store: `(text) => redact(sanitizeLog(text))`. */
  clean(text: string): string;
  /** @default systemClock */
  clock?: Clock;
}

/** Characters of one artifact; of an agent's larger answer only its size is kept. */
export const ARTIFACT_CHARS_MAX = 4 * 1024 * 1024;
/** Bytes of a session's log before it is turned over; two are kept. */
export const SESSION_LOG_BYTES_MAX = 5 * 1024 * 1024;
/** Newest incidents that the learning state is made from. */
const INCIDENTS_READ = 1000;
/** Newest incidents of a session that its files list. */
const SESSION_INCIDENTS_LISTED = 200;
const DEPTH_MAX = 64;
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const AGENT_NAME = /^[a-z][a-z-]{0,31}$/;

/** Writes `artifacts/deploy_learning_state.json`. */
export async function writeLearningState(
  dataDir: string,
  store: Store,
  options: ArtifactOptions,
): Promise<void> {
  const at = now(options);
  const state = learningState({
    incidents: await store.listIncidents({ limit: INCIDENTS_READ }),
    tallies: await recallTallies(store, at),
    performance: await store.listPerformance(),
    imports: await store.listImports(),
  }, at);
  await write(join(dataDir, "artifacts", "deploy_learning_state.json"), learningStateSchema, state, options);
}

/**
 * Writes `memory/swarm/{agent}_output.json`, the last output of an agent.
 * @param entry.at milliseconds since the epoch
 */
export async function writeAgentOutput(
  dataDir: string,
  agent: string,
  entry: { session: string; attempt: number | null; at: number; output: Json },
  options: ArtifactOptions,
): Promise<void> {
  if (!AGENT_NAME.test(agent)) {
    throw new Error(`Unexpected agent name: ${JSON.stringify(agent.slice(0, 64))}`);
  }
  const size = JSON.stringify(entry.output).length;
  const output = size > ARTIFACT_CHARS_MAX / 2 ? `[... ${size} characters]` : entry.output;
  await write(join(dataDir, "memory", "swarm", `${agent}_output.json`), agentOutputSchema, {
    schemaVersion: ARTIFACT_VERSION,
    agent,
    session: entry.session,
    attempt: entry.attempt,
    at: new Date(entry.at).toISOString(),
    output,
  }, options);
}

/**
 * Writes `deployment_plan.json` and `final_state.json` of a session.
 * @param session.services only these services; all when absent
 * @throws {EvenkeelError} when the session id cannot be the name of a folder
 */
export async function writeSession(
  dataDir: string,
  sessionId: string,
  session: {
    store: Store;
    topology?: string;
    phases?: readonly PhaseRecord[];
    services?: readonly ServiceRecord[];
  },
  options: ArtifactOptions,
): Promise<void> {
  const directory = sessionDirectory(dataDir, sessionId);
  const incidents = await session.store.listIncidents({ sessionId, limit: SESSION_INCIDENTS_LISTED });
  const services = session.services ?? await session.store.listServices();
  const how = { topology: session.topology ?? null, phases: session.phases ?? [] };
  const plan = deploymentPlan(sessionId, incidents, how, now(options));
  const final = finalState(sessionId, services, incidents, now(options));
  await write(join(directory, "deployment_plan.json"), deploymentPlanSchema, plan, options);
  await write(join(directory, "final_state.json"), finalStateSchema, final, options);
}

/** Adds lines to what the agents said and did in a session; `clean` caps how long one addition may be. */
export function appendSwarmLog(
  dataDir: string,
  sessionId: string,
  text: string,
  options: ArtifactOptions,
): Promise<void> {
  return append(sessionDirectory(dataDir, sessionId), "swarm_output.log", text, options);
}

/** Adds lines to what the single-threaded loop did where the agents failed. */
export function appendFallbackLog(
  dataDir: string,
  sessionId: string,
  text: string,
  options: ArtifactOptions,
): Promise<void> {
  return append(sessionDirectory(dataDir, sessionId), "fallback_output.log", text, options);
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

async function append(
  directory: string,
  name: string,
  text: string,
  options: ArtifactOptions,
): Promise<void> {
  const clean = options.clean(text);
  if (clean === "") return;
  await appendBounded(
    join(directory, name),
    clean.endsWith("\n") ? clean : `${clean}\n`,
    SESSION_LOG_BYTES_MAX,
  );
}

async function write<T extends Json>(
  path: string,
  schema: z.ZodType<T>,
  value: T,
  options: ArtifactOptions,
): Promise<void> {
  const text = JSON.stringify(cleanStrings(schema.parse(value), options.clean), null, 2);
  if (text.length > ARTIFACT_CHARS_MAX) {
    throw new EvenkeelError(`Cannot write ${path}: ${text.length} characters exceed ${ARTIFACT_CHARS_MAX}`);
  }
  await writeAtomically(path, `${text}\n`);
}

function cleanStrings(value: Json, clean: (text: string) => string, depth = 0): Json {
  if (depth > DEPTH_MAX) return "[...]";
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((item) => cleanStrings(item, clean, depth + 1));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [clean(key), cleanStrings(item, clean, depth + 1)]),
  );
}

function now(options: ArtifactOptions): number {
  return (options.clock ?? systemClock).now();
}
