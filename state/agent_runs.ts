/**
 * The runs of agents as events: who worked how long on which attempt, what it concluded in a few words, and how
 * the optimizer ordered the remedies. What the plan and the durations of a session are made of.
 */
import { z } from "zod";
import type { StateEvent } from "./records.ts";

/** The type of the event that records one run. */
export const AGENT_RAN = "AgentRan";
/** An agent asked for what it was not given. */
export const AGENT_DENIED = "AgentDenied";
/** An agent crashed or met a limit. */
export const AGENT_FAILED = "AgentFailed";
/** Remedies of one answer of the optimizer that are kept. */
export const REMEDIES_KEPT = 20;

export const agentRunSchema = z.object({
  agent: z.string(),
  attempt: z.number(),
  via: z.enum(["swarm", "fallback"]),
  topology: z.string().nullable(),
  durationMs: z.number(),
  /** A few words. */
  concluded: z.string(),
  /** The optimizer's order of remedies; absent for other agents. */
  order: z.array(z.object({ remedy: z.string(), expectedSuccess: z.number(), why: z.string() })).optional(),
});
export type AgentRun = z.infer<typeof agentRunSchema>;

/** The runs among events, in their order, with the time at which each ended. */
export function agentRuns(events: readonly StateEvent[]): (AgentRun & { at: number })[] {
  return events.filter((event) => event.type === AGENT_RAN).flatMap(({ at, data }) => {
    const parsed = agentRunSchema.safeParse(data);
    return parsed.success ? [{ ...parsed.data, at }] : [];
  });
}
