/**
 * How long an incident was in each SPARC phase, read from its events. One phase follows another without a gap:
 * Specification from the look that found it until it was opened, Pseudocode until the remedies were ordered,
 * Architecture while the agents made and checked the change, Refinement while the attempt was carried out,
 * Completion while it was proven. Waiting for a person belongs to none.
 */
import { z } from "zod";
import { AGENT_RAN, agentRunSchema } from "./agent_runs.ts";
import type { SparcPhase } from "./artifact_shapes.ts";
import type { StateEvent } from "./records.ts";

export interface PhaseTime {
  /** Milliseconds since the epoch. */
  at: number;
  durationMs: number;
}
export type PhaseTimes = Partial<Record<SparcPhase, PhaseTime>>;

const openedSchema = z.object({ lookedSince: z.number() });
const provenSchema = z.object({ provenForMs: z.number() });

/**
 * @param events of one incident, oldest first
 * @param now milliseconds since the epoch, the end of a phase that goes on
 */
export function phaseTimes(events: readonly StateEvent[], now: number): PhaseTimes {
  const times: PhaseTimes = {};
  let current: SparcPhase | null = null;
  let since = 0;
  const spend = (phase: SparcPhase, from: number, until: number) => {
    const { at, durationMs } = times[phase] ?? { at: from, durationMs: 0 };
    times[phase] = { at, durationMs: durationMs + Math.max(0, Math.round(until - from)) };
  };
  /** Ends the phase under way and begins another; `null` begins none. */
  const turn = (next: SparcPhase | null, at: number) => {
    if (current !== null) spend(current, since, at);
    current = next;
    since = at;
  };
  /** The quiet time that ends here was Completion, what came before it was the phase under way. */
  const prove = ({ data, at }: StateEvent, next: SparcPhase | null) => {
    const proven = provenSchema.safeParse(data);
    const began = proven.success ? Math.max(since, at - proven.data.provenForMs) : at;
    turn("Completion", began);
    turn(next, at);
  };
  for (const event of events) {
    switch (event.type) {
      case "IncidentOpened": {
        const opened = openedSchema.safeParse(event.data);
        spend("Specification", opened.success ? opened.data.lookedSince : event.at, event.at);
        turn("Pseudocode", event.at);
        break;
      }
      case AGENT_RAN: {
        const run = agentRunSchema.safeParse(event.data);
        if (!run.success) break;
        if (run.data.agent === "optimizer") turn("Architecture", event.at);
        // After an attempt has ended, reading the next failure begins the thinking anew.
        if (run.data.agent === "analyzer" && current === "Completion") {
          turn("Pseudocode", Math.max(since, event.at - run.data.durationMs));
        }
        break;
      }
      case "AttemptBegun":
        turn("Refinement", event.at);
        break;
      case "AttemptFailed":
        turn("Pseudocode", event.at);
        break;
      case "AttemptSucceeded":
        prove(event, "Completion");
        break;
      case "IncidentHealed":
        prove(event, null);
        break;
      case "IncidentStalled":
        turn(null, event.at);
        break;
      case "IncidentResumed":
        turn("Pseudocode", event.at);
        break;
    }
  }
  turn(null, now);
  return times;
}
