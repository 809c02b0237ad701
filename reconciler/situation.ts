/** What the steps of the plan look at, and the bookkeeping that they answer with. */
import type { Evidence, Incident } from "../state/records.ts";
import type { Action, Memory } from "./action.ts";
import { stall } from "./incident.ts";
import type { Sighting } from "./observation.ts";
import type { ServiceSpec } from "./spec.ts";

export interface Situation {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  memory: Memory;
  now: number;
}

export function record(incident: Incident, type: string, message: string) {
  return { kind: "record" as const, incident, event: { type, message } };
}

export function stallAction(
  { seen, incident, now }: Situation,
  reason: string,
  message: string,
  evidence: Evidence[] = [],
): Action {
  return record(stall(incident, seen, { reason, message, evidence }, now), "IncidentStalled", message);
}
