/**
 * One pass over a service while it runs: what was seen, the record and the incident as they are by now. Whatever
 * changes is recorded before the pass goes on, with the events that tell it, so that a kill between any two lines
 * leaves a state from which the next pass goes on.
 */
import type { Performance } from "../state/performance.ts";
import type { Incident, Outcome as VerifiedOutcome, ServiceRecord, StateEvent } from "../state/records.ts";
import type { Action } from "./action.ts";
import { dependencyDetail, dependencyVariant } from "./advising.ts";
import { conditionsOf } from "./conditions.ts";
import { underSpec } from "./generation.ts";
import { tooOld } from "./look_age.ts";
import { incidentNotAhead, recordNotAhead } from "./not_ahead.ts";
import type { Observation } from "./observation.ts";
import type { Outcome } from "./outcome.ts";
import type { Parts } from "./parts.ts";
import type { Rehearsals } from "./rehearsals.ts";
import { addSample, emptyRecord } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

/** How a pass ended. */
export interface Pass {
  outcome: Outcome;
  record: ServiceRecord;
  /** The incident that is open, stalled, or was closed by this pass. */
  incident: Incident | null;
  observation: Observation;
  /** What the pass stopped short of, when effects are off. */
  withheld: Action | null;
}

/** What happened, as it is told. */
type Told = Pick<StateEvent, "type" | "message"> & Partial<Pick<StateEvent, "data">>;
/** An attempt that came to its end. */
export type Finished = NonNullable<Extract<Action, { kind: "record" }>["outcome"]>;

export class RunningPass {
  #record: ServiceRecord;
  #incident: Incident | null;

  private constructor(
    readonly parts: Parts,
    readonly spec: ServiceSpec,
    readonly observation: Observation,
    record: ServiceRecord,
    incident: Incident | null,
    readonly rehearsals: Pick<Rehearsals, "describe">,
  ) {
    this.#record = record;
    this.#incident = incident;
  }

  /**
   * Begins with what was just seen and what the store knows, and records the sample.
   * @param wasLost whether the sample before could not be recorded: it may have been a bad one
   */
  static async begin(
    parts: Parts,
    given: ServiceSpec,
    serviceId: string,
    observation: Observation,
    wasLost: boolean,
    rehearsals: Pick<Rehearsals, "describe">,
  ): Promise<RunningPass> {
    const { store } = parts;
    const stored = await store.getService(serviceId) ??
      emptyRecord(serviceId, given.service, given.generation);
    const incident = await store.getActiveIncident(serviceId);
    // What is written here stays: only who has just heard from Render what time it is knows what lies ahead.
    const now = observation.seen === null ? Infinity : parts.clock.now();
    const { record: known, spec } = underSpec(recordNotAhead(stored, now), given);
    const before = wasLost ? { ...known, streak: null } : known;
    const record = addSample(before, observation, spec);
    const begun = incident === null ? null : incidentNotAhead(incident, now);
    const pass = new RunningPass(parts, spec, observation, record, begun, rehearsals);
    await pass.#write([]);
    return pass;
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  get incident(): Incident | null {
    return this.#incident;
  }

  /** The incident that is under way or stalled; one that this pass has closed is none. */
  get current(): Incident | null {
    return this.#incident?.status === "healed" ? null : this.#incident;
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** Why nothing may be decided or done by what this pass has seen any more; `null` while it may. */
  tooOld(): string | null {
    // Where nothing was seen, nothing is decided by it.
    return this.observation.seen === null ? null : tooOld(this.observation, this.spec, this.parts.clock);
  }

  end(outcome: Outcome, withheld: Action | null = null): Pass {
    const { observation } = this;
    return { outcome, record: this.#record, incident: this.#incident, observation, withheld };
  }

  /** Records that the incident is this now, and what happened. */
  async become(
    incident: Incident,
    event: Told,
    also: { record?: ServiceRecord | undefined; finished?: Finished | undefined } = {},
  ): Promise<void> {
    this.#incident = incident;
    this.#record = also.record ?? this.#record;
    await this.#write([event], also.finished);
  }

  /** Records the pass as it is, with events for conditions that changed and those given. */
  async #write(told: readonly Told[], finished?: Finished): Promise<void> {
    const { store, onEvent } = this.parts;
    const incident = this.#incident;
    const rehearsing = incident === null ? null : this.rehearsals.describe(incident.serviceId, incident.id);
    const conditions = conditionsOf(this.#record, this.observation, incident, this.spec, rehearsing);
    const at = this.now();
    const about = { serviceId: this.#record.serviceId, incidentId: incident?.id ?? null };
    const events = [...transitions(this.#record, conditions), ...told]
      .map(({ type, message, data = null }): StateEvent => ({ at, ...about, type, message, data }));
    const record = this.#record = { ...this.#record, conditions };
    await store.record({
      service: record,
      ...(incident === null ? {} : { incident }),
      events,
      ...(finished === undefined || incident === null ? {} : {
        outcome: verifiedOutcome(record, incident, finished, at),
        performance: durationsOf(record, finished, at),
      }),
    });
    for (const event of events) onEvent(event, { serviceName: record.name, incident });
  }
}

function verifiedOutcome(
  { serviceId }: ServiceRecord,
  { id: incidentId }: Incident,
  { attempt, outcome, isStep }: Finished,
  at: number,
): VerifiedOutcome {
  const { number, cause, fingerprint, failureClass, remedy, startedAt, endedAt } = attempt;
  return {
    at,
    serviceId,
    incidentId,
    attempt: number,
    cause,
    fingerprint,
    ...(failureClass === undefined ? {} : { failureClass }),
    remedy,
    outcome,
    ...(isStep === undefined ? {} : { isStep }),
    durationMs: (endedAt ?? at) - startedAt,
  };
}

/** How long the deploy of a finished attempt took, for each variant that it was. */
function durationsOf(
  { serviceId }: ServiceRecord,
  { attempt, deployMs }: Finished,
  at: number,
): Performance[] {
  const { deployId, remedy, build } = attempt;
  if (deployMs === null || deployId === null) return [];
  const row = { at, serviceId, deployId, seconds: deployMs / 1000 };
  const set = build?.dependencies ?? null;
  return [
    { ...row, variant: `remedy:${remedy}` },
    ...(set === null ? [] : [{ ...row, variant: dependencyVariant(set), detail: dependencyDetail(set) }]),
  ];
}

/** One event for each condition whose status changed. */
export function* transitions(
  record: ServiceRecord,
  conditions: ServiceRecord["conditions"],
): Iterable<Told> {
  for (const condition of conditions) {
    const previous = record.conditions.find((other) => other.type === condition.type);
    if (previous === undefined || previous.status === condition.status) continue;
    yield { type: `${condition.type}${condition.status}`, message: condition.message };
  }
}
