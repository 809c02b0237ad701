/**
 * Writes the human-readable files of a data folder from the store. They are copies for people and other
 * programs: Evenkeel decides nothing by them. Each is replaced whole, passes the caller's cleaner (sanitiser and
 * redactor) string by string, and has a ceiling in size.
 */
import { join } from "@std/path";
import type { z } from "zod";
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";
import { mapStrings } from "../base/json.ts";
import type { Json } from "../base/json.ts";
import {
  agentOutputSchema,
  ARTIFACT_VERSION,
  deploymentPlanSchema,
  finalStateSchema,
} from "./artifact_shapes.ts";
import { appendBounded, ARTIFACT_CHARS_MAX, writeAtomically } from "./files.ts";
import { learningState, learningStateSchema } from "./learning_state.ts";
import { recallTallies } from "./recall.ts";
import { composeSession, FINAL_FILE, PLAN_FILE, sessionDirectory } from "./sessions.ts";
import type { SessionSource } from "./sessions.ts";
import type { Store } from "./store.ts";

export interface ArtifactOptions {
  /** Makes any text safe to store: `(text) => redact(sanitizeLog(text))`. */
  clean(text: string): string;
  /** @default systemClock */
  clock?: Clock;
}

/** Bytes of a session's log before it is turned over; two are kept. */
export const SESSION_LOG_BYTES_MAX = 5 * 1024 * 1024;
/** Newest incidents that the learning state is made from. */
const INCIDENTS_READ = 1000;
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
 * Writes `deployment_plan.json` and `final_state.json` of a session. What they hold of an earlier run with the same
 * id stays.
 * @param session.services those that the session looks after; all when absent
 * @throws {EvenkeelError} when the session id cannot be the name of a folder
 */
export async function writeSession(
  dataDir: string,
  sessionId: string,
  session: Omit<SessionSource, "now">,
  options: ArtifactOptions,
): Promise<void> {
  const directory = sessionDirectory(dataDir, sessionId);
  const services = session.services ?? await session.store.listServices();
  const { plan, final } = await composeSession(dataDir, sessionId, {
    ...session,
    services,
    now: now(options),
  });
  await write(join(directory, PLAN_FILE), deploymentPlanSchema, plan, options);
  await write(join(directory, FINAL_FILE), finalStateSchema, final, options);
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
  const text = JSON.stringify(mapStrings(schema.parse(value), options.clean), null, 2);
  if (text.length > ARTIFACT_CHARS_MAX) {
    throw new EvenkeelError(`Cannot write ${path}: ${text.length} characters exceed ${ARTIFACT_CHARS_MAX}`);
  }
  await writeAtomically(path, `${text}\n`);
}

function now(options: ArtifactOptions): number {
  return (options.clock ?? systemClock).now();
}
