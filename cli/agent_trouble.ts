/**
 * Makes events of agents that were ended or refused, so that a person sees them: `AgentDenied` for one that asked for
 * what it was not given, `AgentFailed` for one that crashed or met a limit. An agent that fails the same way at every
 * look is told once in a while, not each time.
 */
import type { AgentOccasion, AgentRun } from "../agents/agent.ts";
import type { AgentName } from "../agents/messages.ts";
import type { Clock } from "../base/clock.ts";
import type { StateEvent } from "../state/records.ts";
import { AGENT_DENIED, AGENT_FAILED } from "../state/agent_runs.ts";

/** How long the same trouble of the same agent with the same service is not told again, in milliseconds. */
export const QUIET_MS = 10 * 60_000;
/** Troubles that are remembered; beyond, the memory starts anew. */
const REMEMBERED_MAX = 1000;

export type Failure = Extract<AgentRun<unknown>, { kind: "failed" }>;
type TroubleTeller = (
  agent: AgentName,
  failure: Failure,
  occasion: AgentOccasion | undefined,
) => StateEvent | undefined;

/** @returns what makes an event of a failure; undefined when it was told lately, or the run was stopped by us */
export function createTroubleTeller(clock: Pick<Clock, "now" | "monotonic">): TroubleTeller {
  const told = new Map<string, { at: number; unsaid: number }>();
  return (agent, { why, message, durationMs }, occasion) => {
    if (why === "aborted") return undefined;
    // What an agent asked for is always news: the next time it may be something else.
    const key = [agent, why, occasion?.serviceId, why === "denied" ? message : ""].join("\n");
    const before = told.get(key);
    const at = clock.monotonic();
    if (before !== undefined && at - before.at < QUIET_MS) {
      before.unsaid++;
      return undefined;
    }
    if (told.size >= REMEMBERED_MAX) told.clear();
    told.set(key, { at, unsaid: 0 });
    const again = before === undefined || before.unsaid === 0 ? "" : `, ${before.unsaid} times more since`;
    return {
      at: clock.now(),
      serviceId: occasion?.serviceId ?? null,
      incidentId: occasion?.incidentId ?? null,
      type: why === "denied" ? AGENT_DENIED : AGENT_FAILED,
      message: `The ${agent} was ended (${why}): ${message}${again}`,
      data: { agent, why, durationMs: Math.round(durationMs) },
    };
  };
}
