/**
 * The coordination memory of one attempt: the last answer of each agent, whole or not at all. A peer that asks
 * too early waits until the answer is there or its agent has failed; the asker's own deadline bounds the wait.
 */
import { z } from "zod";
import type { Tool } from "../agent.ts";
import { agentNames } from "../messages.ts";
import type { AgentName } from "../messages.ts";

export interface Board {
  publish(agent: AgentName, output: unknown): void;
  /** Says that no answer will come, so that nobody waits for it. */
  fail(agent: AgentName, why: string): void;
  /** The tool by which an agent reads a peer's answer. */
  readonly peer: Tool;
}

type Place = PromiseWithResolvers<unknown>;

const peerInputSchema = z.object({ agent: z.enum(agentNames) });

export function createBoard(): Board {
  const places = new Map<AgentName, Place>();
  const placeOf = (agent: AgentName): Place => {
    const place = places.get(agent) ?? Promise.withResolvers<unknown>();
    // A failure that nobody waits for is no unhandled rejection.
    place.promise.catch(() => {});
    places.set(agent, place);
    return place;
  };
  return {
    publish: (agent, output) => placeOf(agent).resolve(output),
    fail: (agent, why) => placeOf(agent).reject(new Error(`The ${agent} has no answer: ${why}`)),
    peer: {
      input: peerInputSchema,
      async run(input, signal) {
        const { agent } = peerInputSchema.parse(input);
        const ended = Promise.withResolvers<never>();
        const onAbort = () => ended.reject(new Error("The run has ended"));
        signal.addEventListener("abort", onAbort, { once: true });
        try {
          return await Promise.race([placeOf(agent).promise, ended.promise]);
        } finally {
          signal.removeEventListener("abort", onAbort);
        }
      },
    },
  };
}
