/** What is asked when an attempt is prepared, and what comes of it. */
import type { Phase } from "../agents/messages.ts";
import type { Json } from "../base/json.ts";
import type { Attempt, Evidence, Incident } from "../state/records.ts";
import type { Finding } from "./aftermath.ts";
import type { DeployView, Sighting } from "./observation.ts";
import type { Checkout } from "./parts.ts";
import type { Rehearsals } from "./rehearsals.ts";
import type { ServiceSpec } from "./spec.ts";

export type Preparation =
  /** `checkout` holds the commit that is to be published, when the repair is a patch. */
  | { kind: "attempt"; attempt: Attempt; checkout: Checkout | null }
  | { kind: "stall"; reason: string; message: string; evidence: Evidence[] }
  /** The patch is being built, or waits for that; `hasBegun`: whoever builds it has the checkout. */
  | { kind: "rehearsing"; hasBegun: boolean; message: string }
  /** The gap has closed while it was looked at. */
  | { kind: "changed"; message: string }
  /** Something could not be read; worth another try. */
  | { kind: "retry"; message: string };

export interface Question {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  deploy: DeployView;
  phase: Phase;
  /** Where patches are rehearsed. @default nowhere, whatever the policy says */
  rehearsals?: Rehearsals;
  /** Told what the log says, before anything is prepared. */
  onFinding?: (finding: Finding) => void;
  /** Records what happened so far, before what it announces happens; what is not handed over here is returned. */
  onNotes?: (notes: readonly Note[]) => Promise<void>;
}

/** Something that happened while an attempt was prepared, to be recorded as an event. */
export interface Note {
  type: string;
  message: string;
  data: Json;
}
