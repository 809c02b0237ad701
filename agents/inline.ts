/**
 * Runs an agent in this process: the single-threaded loop of `--agents=off` and the fallback when the swarm
 * fails. The same checks and the same deadline as in a subprocess, but no boundary: a busy loop or a memory
 * leak in an agent is ours. Never throws.
 */
import { z } from "zod";
import { messageOf } from "../base/errors.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { AgentFailure, RunAgent } from "./agent.ts";
import { createGate } from "./gate.ts";

/**
 * Whether an agent whose process ended like this may be tried again in our own, where nothing holds it: not one that
 * tried to get out, and not one that its ceiling on memory had to end.
 */
export function mayRunInline(why: AgentFailure): boolean {
  return why !== "denied" && why !== "memory";
}

export const runInline: RunAgent = async (agent, input, options) => {
  const startedAt = performance.now();
  await using gate = createGate(agent, options.toolbox);
  const failed = (why: AgentFailure, message: string) =>
    ({
      kind: "failed",
      why,
      message: sanitizeLine(message),
      durationMs: performance.now() - startedAt,
    }) as const;
  const stopped = Promise.withResolvers<"deadline" | "aborted">();
  const timer = setTimeout(() => stopped.resolve("deadline"), agent.limits.deadlineMs);
  const onAbort = () => stopped.resolve("aborted");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    if (options.signal?.aborted) return failed("aborted", `${agent.name} was stopped`);
    const answer = async () => {
      const output = await agent.answer(
        agent.input.parse(input),
        gate.ask,
      );
      return { output };
    };
    const first = await Promise.race([stopped.promise, answer()]);
    if (first === "deadline") return failed(first, `${agent.name} took over ${agent.limits.deadlineMs} ms`);
    if (first === "aborted") return failed(first, `${agent.name} was stopped`);
    const parsed = agent.output.safeParse(first.output);
    if (!parsed.success) return failed("bad-output", z.prettifyError(parsed.error));
    return { kind: "answered", output: parsed.data, durationMs: performance.now() - startedAt };
  } catch (error) {
    return failed("crash", messageOf(error));
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
};
