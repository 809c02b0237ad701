/**
 * What a pass saw and could not record, because the disk refuses it: the record as it would be by now, for people. It
 * is kept in this process and never becomes part of the state: what is decided, is decided from what the store says.
 */
import type { Condition, Incident, ServiceRecord, StateEvent } from "../state/records.ts";
import { conditionsOf } from "./conditions.ts";
import { underSpec } from "./generation.ts";
import type { Observation } from "./observation.ts";
import { transitions } from "./pass.ts";
import { addSample } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

export interface Glimpse {
  record: ServiceRecord;
  /** Conditions that changed since it was last looked. */
  events: StateEvent[];
}

/** @param before the glimpse before, or the record that was stored last */
export function glimpse(
  before: ServiceRecord,
  incident: Incident | null,
  observation: Observation,
  given: ServiceSpec,
): Glimpse {
  const { record: known, spec } = underSpec(before, given);
  const sampled = addSample(known, observation, spec);
  const conditions = conditionsOf(sampled, observation, incident, spec);
  const about = { serviceId: before.serviceId, incidentId: incident?.id ?? null };
  const changes = sampled.conditions.length === 0
    ? firstSeen(conditions)
    : [...transitions(sampled, conditions)];
  const events = changes.map(({ type, message }): StateEvent => ({
    at: observation.at,
    ...about,
    type,
    message,
    data: null,
  }));
  return { record: { ...sampled, conditions }, events };
}

/** Of a service that was never seen before, what is wrong is news. */
function firstSeen(conditions: readonly Condition[]): Pick<StateEvent, "type" | "message">[] {
  return conditions.filter(({ type, status }) => type === "Ready" && status === "False")
    .map(({ message }) => ({ type: "ReadyFalse", message }));
}
