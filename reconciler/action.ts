/** The one next step for a service, and what is remembered when it is chosen. */
import type { Phase } from "../agents/messages.ts";
import type { Json } from "../base/json.ts";
import type { Attempt, Incident, JournalEntry, Outcome, ServiceRecord } from "../state/records.ts";
import type { EffectsSpent } from "./effects_spent.ts";
import type { DeployView } from "./observation.ts";

export const steps = [
  "push",
  "pull-request",
  "setting",
  "deploy",
  "autodeploy-off",
  "autodeploy-on",
  "rollback",
  "restart",
] as const;
/** An effect of an attempt; with incident and attempt it makes the key of the journal. */
export type Step = typeof steps[number];

/** What is remembered beside the incident. */
export interface Memory {
  /** With the newest sample already added. */
  record: ServiceRecord;
  /** Effects whose end is not known or not noted by their attempt, oldest first: what a crash left. */
  pending: readonly JournalEntry[];
  effects: EffectsSpent;
  sessionId: string;
}

export type Action =
  | { kind: "settled" }
  | { kind: "unobserved"; message: string }
  | { kind: "wait"; reason: string; message: string; afterMs: number; forPerson: boolean }
  /** Bookkeeping: the incident (and record) become this, and the plan is asked again. */
  | {
    kind: "record";
    incident: Incident;
    record?: ServiceRecord;
    /** `data` is for programs; the files of a session take their durations from it. */
    event: { type: string; message: string; data?: Json };
    outcome?: {
      attempt: Attempt;
      outcome: Outcome["outcome"];
      /** Another failure came in place of its own; see records.ts. */
      isStep?: boolean;
      /** How long the deploy took that carried the repair live; `null` when none did or Render does not say. */
      deployMs: number | null;
    };
  }
  /** Read the failure of a deploy and prepare an attempt. */
  | { kind: "diagnose"; incident: Incident; deploy: DeployView; phase: Phase }
  /** Read why the deploy of an attempt failed: the incident stops here, and nobody else will. */
  | { kind: "read"; incident: Incident; deploy: DeployView; phase: Phase }
  | {
    kind: "effect";
    incident: Incident;
    attempt: Attempt;
    step: Step;
    /** Why the effect is no longer wanted: it is recorded if the world has it, and not performed. */
    onlyIfDone?: string;
  }
  | { kind: "stalled"; incident: Incident };
