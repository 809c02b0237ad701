/**
 * Agents that run as the processes they are: the analyzer and the optimizer, which need nothing but their question. The
 * analyzer knows no simulated cause, so its answer is thrown away; the others stay simulated.
 */
import { optimizerAgent } from "../../agents/optimizer/agent.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import type { Agent, AgentRun, RunAgent } from "../../agents/agent.ts";
import type { Reality } from "./reality.ts";

export interface RealAgentOptions {
  scratchRoot: string;
  reality: Reality;
  onStart(): void;
  onFailure(message: string): void;
}

export function withProcesses(simulated: RunAgent, options: RealAgentOptions): RunAgent {
  const real = createSubprocessRunner({ scratchRoot: options.scratchRoot });
  return async <Input, Output>(
    agent: Agent<Input, Output>,
    input: Input,
    run: Parameters<RunAgent>[2],
  ): Promise<AgentRun<Output>> => {
    if (agent.name !== "analyzer" && agent.name !== optimizerAgent.name) {
      return await simulated(agent, input, run);
    }
    options.onStart();
    const answer = await options.reality.really(real(agent, input, run));
    if (answer.kind === "failed" && answer.why !== "aborted") {
      options.onFailure(`the process of the ${agent.name} failed: ${answer.message}`);
    }
    return agent.name === "analyzer" && answer.kind === "answered"
      ? await simulated(agent, input, run)
      : answer;
  };
}
