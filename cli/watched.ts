/**
 * The parts of the loop with a log line for each thing they do: an agent's run, a call of a tool, a call of
 * Render's API. Only names, results and durations are said, never a body, an input or an answer.
 */
import type { AgentOccasion, RunAgent, Tool, Toolbox } from "../agents/agent.ts";
import { concluded } from "../agents/conclusion.ts";
import type { AgentName } from "../agents/messages.ts";
import { messageOf } from "../base/errors.ts";
import { logOf } from "../base/log.ts";
import type { Failure } from "./agent_trouble.ts";

const agentLog = logOf("agent");
const toolLog = logOf("tool");
const apiLog = logOf("api");

/** @param onFailure told of each run without an answer */
export function watchAgents(
  runAgent: RunAgent,
  onFailure: (agent: AgentName, failure: Failure, occasion: AgentOccasion | undefined) => void,
): RunAgent {
  return async (agent, input, options) => {
    const toolbox = watchTools(agent.name, options.toolbox);
    const run = await runAgent(agent, input, { ...options, toolbox });
    const service = options.occasion?.serviceName;
    if (run.kind === "answered") agentAnswered(agent.name, run.output, run.durationMs, service);
    else {
      const text = `${agent.name}${of(service)} failed after ${
        ms(run.durationMs)
      }, ${run.why}: ${run.message}`;
      // Whoever stops a run knows why.
      if (run.why === "aborted") agentLog.debug(text);
      else agentLog.warn(text);
      onFailure(agent.name, run, options.occasion);
    }
    return run;
  };
}

export function agentAnswered(
  agent: AgentName,
  output: unknown,
  durationMs: number,
  service: string | undefined,
): void {
  agentLog.info(`${agent}${of(service)} in ${ms(durationMs)}: ${concluded(agent, output)}`);
}

/** Several services are looked after at once: which one a line is about. */
function of(service: string | undefined): string {
  return service === undefined ? "" : ` of ${service}`;
}

/** What an agent logs itself. */
export function agentSays(agent: AgentName, message: string): void {
  agentLog.debug(`${agent} says: ${message}`);
}

function watchTools(agent: AgentName, toolbox: Toolbox): Toolbox {
  return Object.fromEntries(
    Object.entries(toolbox).map(([name, tool]): [string, Tool] => [name, {
      input: tool.input,
      async run(input, signal) {
        const startedAt = performance.now();
        try {
          const answer = await tool.run(input, signal);
          toolLog.debug(`${name} for the ${agent} in ${since(startedAt)}`);
          return answer;
        } catch (error) {
          toolLog.debug(`${name} for the ${agent} failed after ${since(startedAt)}: ${messageOf(error)}`);
          throw error;
        }
      },
    }]),
  );
}

/** @param base Render's API, which is left out of the paths */
export function watchFetch(base: string, send: typeof fetch = fetch): typeof fetch {
  const prefix = new URL(base).pathname.replace(/\/$/, "");
  return async (input, init) => {
    const startedAt = performance.now();
    const method = init?.method ?? (input instanceof Request ? input.method : "GET");
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const path = pathname.startsWith(prefix) ? pathname.slice(prefix.length) : pathname;
    try {
      const response = await send(input, init);
      apiLog.debug(`${method} ${path} answered ${response.status} in ${since(startedAt)}`);
      return response;
    } catch (error) {
      apiLog.debug(`${method} ${path} was not answered after ${since(startedAt)}`);
      throw error;
    }
  };
}

function since(startedAt: number): string {
  return ms(performance.now() - startedAt);
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
