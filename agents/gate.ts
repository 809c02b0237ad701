/**
 * The gate between an agent and the parent's tools: only the tools that the agent's definition names and the
 * caller handed over, only input that the tool's schema accepts, only so many calls a run. What a tool throws
 * goes to the agent as text.
 */
import { z } from "zod";
import { messageOf } from "../base/errors.ts";
import type { Agent, AskTool, Toolbox } from "./agent.ts";

/** Calls of tools in one run of an agent. */
export const TOOL_CALLS_MAX = 50;

export interface Gate extends AsyncDisposable {
  readonly ask: AskTool;
  /** Stops the tools that still run and waits for them: none goes on behind the back of what comes next. */
  [Symbol.asyncDispose](): Promise<void>;
}

export function createGate(agent: Pick<Agent<never, unknown>, "name" | "tools">, toolbox: Toolbox): Gate {
  const over = new AbortController();
  const running = new Set<Promise<unknown>>();
  let calls = 0;
  const start = async (name: string, input: unknown) => {
    const refuse = (why: string) => new Error(`Cannot run tool ${JSON.stringify(name.slice(0, 80))}: ${why}`);
    if (++calls > TOOL_CALLS_MAX) throw refuse(`${agent.name} has made ${TOOL_CALLS_MAX} calls`);
    const tool = Object.hasOwn(toolbox, name) ? toolbox[name] : undefined;
    if (!agent.tools.includes(name)) throw refuse(`${agent.name} may not use it`);
    if (tool === undefined) throw refuse("there is no such tool here");
    const parsed = tool.input.safeParse(input);
    if (!parsed.success) throw refuse(z.prettifyError(parsed.error));
    over.signal.throwIfAborted();
    return await tool.run(parsed.data, over.signal);
  };
  return {
    ask: async (name, input) => {
      const call = start(name, input);
      running.add(call);
      try {
        return await call;
      } catch (error) {
        throw new Error(messageOf(error), { cause: error });
      } finally {
        running.delete(call);
      }
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.allSettled(running);
    },
  };
}
