/**
 * Keeps the files of a session while its run goes on: what each agent said and concluded, the plan, the end. A file
 * that cannot be written is mentioned in the log and never stops a heal.
 */
import { z } from "zod";
import { concluded } from "../agents/conclusion.ts";
import type { AgentOccasion } from "../agents/agent.ts";
import type { AgentName } from "../agents/messages.ts";
import { optimizerOutputSchema, proposalSchema } from "../agents/messages.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { jsonSchema } from "../base/json.ts";
import { logOf } from "../base/log.ts";
import type { AgentContext, EventContext } from "../reconciler/parts.ts";
import type { ServiceSpec } from "../reconciler/spec.ts";
import { AGENT_RAN, REMEDIES_KEPT } from "../state/agent_runs.ts";
import {
  appendFallbackLog,
  appendSwarmLog,
  writeAgentOutput,
  writeLearningState,
  writeSession,
} from "../state/artifacts.ts";
import { capDataFolder } from "../state/data_caps.ts";
import type { StateEvent } from "../state/records.ts";
import { composeSession, readSessionFiles, SESSION_INCIDENTS_LISTED } from "../state/sessions.ts";
import type { Store } from "../state/store.ts";
import { cleanLog } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { Failure } from "./agent_trouble.ts";
import { agentAnswered } from "./watched.ts";

const log = logOf("files");

export interface RecorderOptions {
  dataDirectory: string;
  sessionId: string;
  store: Store;
  services: readonly Pick<ServiceSpec, "service">[];
  redact(text: string): string;
  clock: Clock;
  /** `off`: the agents run in this process, which is what the fallback is. */
  agents: "subprocess" | "off";
}

export interface SessionRecorder {
  agentAnswered(agent: AgentName, output: unknown, context: AgentContext): Promise<void>;
  /** @param event what is recorded of it, where it is news */
  agentFailed(
    agent: AgentName,
    failure: Failure,
    event: StateEvent | undefined,
    occasion: AgentOccasion | undefined,
  ): void;
  event(event: StateEvent, about: EventContext): void;
  /** Writes the learning state, the plan and the end as they are now. */
  write(): Promise<void>;
}

/** How often what grows in the data folder is made small again, in milliseconds. */
export const TIDY_EVERY_MS = 3_600_000;

/** Whether the attempt goes on in this process; events of before this was said do. */
const swarmFailedSchema = z.object({ goesOn: z.boolean() });

export function createSessionRecorder(options: RecorderOptions): SessionRecorder {
  const { dataDirectory, sessionId, store, redact, clock } = options;
  const files = { clean: (text: string) => cleanLog(text, redact), clock };
  const startedAt = clock.now();
  /** Incidents that another session opened and this one goes on with. */
  const adopted = new Set<string>();
  let tidyAt = -Infinity;
  const line = (...words: (string | number)[]) =>
    `${new Date(clock.now()).toISOString()} ${
      words.map((word) => sanitizeLine(String(word))).filter((word) => word !== "").join(" ")
    }\n`;
  const append = (to: "swarm" | "fallback", text: string) =>
    (to === "swarm" ? appendSwarmLog : appendFallbackLog)(dataDirectory, sessionId, text, files);
  const attempted = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      log.warn(`Cannot write the files of session ${sessionId}: ${messageOf(error)}`);
    }
  };
  return {
    agentAnswered: (agent, output, { incident, attempt, via, topology: asked, durationMs }) =>
      attempted(async () => {
        // In this process they stand in no topology, whichever was asked for.
        const topology = options.agents === "off" ? null : asked;
        const clean = (text: string) => redact(sanitizeLine(text));
        const conclusion = clean(concluded(agent, output));
        // The swarm's runs are said where they happen; those of the fallback happen elsewhere.
        if (via === "fallback") agentAnswered(agent, output, durationMs, incident.serviceName);
        const order = agent === "optimizer"
          ? optimizerOutputSchema.parse(output).order.slice(0, REMEDIES_KEPT)
            .map((one) => ({ ...one, why: clean(one.why) }))
          : undefined;
        const run = {
          agent,
          attempt,
          via,
          topology,
          durationMs: Math.round(durationMs),
          concluded: conclusion,
        };
        await store.record({
          events: [{
            at: clock.now(),
            serviceId: incident.serviceId,
            incidentId: incident.id,
            type: AGENT_RAN,
            message: `${agent}: ${conclusion}`,
            data: order === undefined ? run : { ...run, order },
          }],
        });
        const where = options.agents === "off" ? "fallback" : via;
        const took = `${Math.round(durationMs)} ms`;
        const { serviceName, id } = incident;
        await append(
          where,
          line(agent, ofAttempt(attempt, serviceName, id), topology ?? "", conclusion, took),
        );
        // An agent's answer has passed its schema, which is JSON.
        const entry = {
          session: sessionId,
          attempt,
          at: clock.now(),
          output: jsonSchema.parse(withoutContents(output)),
        };
        await writeAgentOutput(dataDirectory, agent, entry, files);
      }),
    agentFailed(agent, { why, message, durationMs }, event, occasion) {
      const where = occasion === undefined
        ? ""
        : ofAttempt(occasion.attempt, occasion.serviceName, occasion.incidentId);
      const text = line(agent, where, "failed:", `${why}:`, message, `${Math.round(durationMs)} ms`);
      attempted(() => append("swarm", text));
      if (event === undefined) return;
      attempted(() => store.record({ events: [{ ...event, message: redact(sanitizeLine(event.message)) }] }));
    },
    event({ type, message, data }, { incident }) {
      const isForeign = incident !== null && incident.sessionId !== sessionId;
      if (isForeign && adopted.size < SESSION_INCIDENTS_LISTED) adopted.add(incident.id);
      if (type !== "SwarmFailed") return;
      // It failed before there was anything to attempt.
      const where = incident === null
        ? ""
        : ofAttempt(incident.attempts.length + 1, incident.serviceName, incident.id);
      const text = line("swarm", where, "failed:", message);
      const goesOn = swarmFailedSchema.safeParse(data).data?.goesOn !== false;
      // Both begin now: what an agent says next is written behind them.
      attempted(() => Promise.all([append("swarm", text), ...goesOn ? [append("fallback", text)] : []]));
    },
    async write() {
      if (clock.monotonic() >= tidyAt) {
        tidyAt = clock.monotonic() + TIDY_EVERY_MS;
        // The machine's clock, which dates files: ours may be hours from it, and what was made just now would be old.
        await attempted(() => capDataFolder(dataDirectory, sessionId, Date.now()));
      }
      await attempted(() => writeLearningState(dataDirectory, store, files));
      await attempted(async () => {
        const named = new Set(options.services.map(({ service }) => service));
        const services = (await store.listServices())
          .filter(({ serviceId, name }) => named.has(serviceId) || named.has(name));
        await writeSession(dataDirectory, sessionId, { store, services, startedAt, adopted }, files);
      });
    },
  };
}

/** On whose behalf, in each line of the logs alike. */
function ofAttempt(attempt: number | undefined, service: string, incidentId: string | null): string {
  return `${attempt === undefined ? "" : `attempt ${attempt} `}of ${service} ${incidentId ?? ""}`;
}

/** Of a patch only the paths: what else a file holds is in the repository, and the diff is in the plan. */
function withoutContents(output: unknown): unknown {
  const proposal = proposalSchema.safeParse(output);
  if (!proposal.success || proposal.data.kind !== "patch") return output;
  return { ...proposal.data, edits: proposal.data.edits.map(({ path }) => ({ path })) };
}

/** What to say of a session that a person named and that was there before; `null` when it is new. */
export async function describeContinued(
  { dataDirectory, sessionId, store, now }: {
    dataDirectory: string;
    sessionId: string | null;
    store: Store;
    now: number;
  },
): Promise<string | null> {
  if (sessionId === null) return null;
  const files = await readSessionFiles(dataDirectory, sessionId);
  const { final } = await composeSession(dataDirectory, sessionId, { store, now });
  if (files.final === null && final.incidents.length === 0) return null;
  const { length } = final.incidents;
  const count = length === 1 ? "1 incident" : `${length} incidents`;
  return `Session ${sessionId} goes on, begun ${
    final.startedAt.slice(0, 19).replace("T", " ")
  }, ${count} so far`;
}
