/**
 * One pass of the loop for a service: observe, plan, act (one effect at most), record, say when to look again.
 * A pass begins with nothing but the store and the world, so that a kill between any two lines loses nothing and
 * a timer, a webhook and a person can all start one.
 */
import { EvenkeelError } from "../base/errors.ts";
import { setNewest } from "../base/newest.ts";
import { RenderRefused, RenderUnreachable } from "../render/api.ts";
import { DiskTrouble, systemTrouble } from "../state/disk.ts";
import { Doubts, StillInDoubt } from "../state/doubts.ts";
import type { Performance } from "../state/performance.ts";
import type { Attempt, Incident, ServiceRecord, StateEvent } from "../state/records.ts";
import type { Action, Memory } from "./action.ts";
import { aftermathOf, NOTHING_READ } from "./aftermath.ts";
import type { Aftermath, Finding } from "./aftermath.ts";
import { CheckoutCache } from "./checkouts.ts";
import { conditionsOf } from "./conditions.ts";
import { performEffect } from "./effects.ts";
import { dependencyDetail, dependencyVariant } from "./advising.ts";
import { addAttempt, changeAttempt, resume, runningAttempt, stall } from "./incident.ts";
import type { Observation } from "./observation.ts";
import { underSpec } from "./generation.ts";
import { findServiceId, MONITOR_FAILED, observe } from "./observe.ts";
import { OBSERVE_ONLY } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import type { Parts } from "./parts.ts";
import { plan } from "./plan.ts";
import type { Note } from "./preparation.ts";
import { readFailure } from "./read_failure.ts";
import { prepareAttempt } from "./repair.ts";
import { addSample, emptyRecord } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

/** Bookkeeping actions in one pass; a plan that wants more is going in circles. */
const BOOKKEEPING_MAX = 12;
/** Tries at reading a failure before a person is asked. */
export const PREPARE_TRIES_MAX = 3;
/** Tries at an effect that the world does not answer, before a person is asked. */
export const ACT_TRIES_MAX = 6;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Counts of failures that are remembered: each service has one or two at a time. */
const FAILURES_KEPT = 10_000;
/** Newest lines of a service's journal that are looked at: an attempt makes a few at most. */
const JOURNAL_READ = 20;

export interface Pass {
  outcome: Outcome;
  record: ServiceRecord;
  /** The incident that is open, stalled, or was closed by this pass. */
  incident: Incident | null;
  observation: Observation;
  /** What the pass stopped short of, when effects are off. */
  withheld: Action | null;
}

export interface ControllerOptions {
  /** `false` for `--check`: everything is read and decided, nothing is changed. @default true */
  mayAct?: boolean;
}

export class Controller implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #mayAct: boolean;
  readonly #checkouts = new CheckoutCache();
  readonly #serviceIds = new Map<string, string>();
  readonly #doubts: Doubts;
  /** Services whose newest sample was taken and could not be recorded: it may have been a bad one. */
  readonly #lostSamples = new Set<string>();
  /** Failures in a row by incident and what failed; forgotten on success and with the process. */
  readonly #failures = new Map<string, number>();

  constructor(parts: Parts, options: ControllerOptions = {}) {
    this.#parts = parts;
    this.#doubts = new Doubts(parts.clock, parts.predecessorMs);
    this.#mayAct = options.mayAct ?? true;
  }

  /**
   * Runs one pass. While the disk refuses what would have to be written, it looks and changes nothing.
   * @param signal gives up what is under way; nothing is recorded of it
   * @throws {Fenced} when another Evenkeel leads by now
   * @throws {EvenkeelError} for what only a person can mend: a wrong key, no such service
   */
  async pass(spec: ServiceSpec, signal: AbortSignal): Promise<Pass> {
    const looked: Looked = {};
    try {
      return await this.#pass(spec, signal, looked);
    } catch (error) {
      const { observation, serviceId } = looked;
      const trouble = systemTrouble(`go on with ${spec.service}`, error);
      if (trouble === null || observation === undefined || serviceId === undefined) throw error;
      const record = addSample(emptyRecord(serviceId, spec.service, spec.generation), observation, spec);
      const message = trouble.hint === undefined ? trouble.message : `${trouble.message}. ${trouble.hint}`;
      const outcome: Outcome = {
        kind: "waiting",
        reason: OBSERVE_ONLY,
        message,
        afterMs: spec.intervalMs,
        forPerson: true,
      };
      return { outcome, record, incident: null, observation, withheld: null };
    }
  }

  async #pass(given: ServiceSpec, signal: AbortSignal, looked: Looked): Promise<Pass> {
    const { store } = this.#parts;
    const lookedSince = this.#parts.clock.now();
    const serviceId = await this.#serviceId(given, signal);
    const wasLost = this.#lostSamples.has(serviceId);
    this.#lostSamples.add(serviceId);
    const observation = await observe(this.#parts, given, serviceId, signal).catch((error) => {
      // A service that was made anew under its name has another id.
      this.#serviceIds.delete(given.service);
      throw error;
    });
    Object.assign(looked, { observation, serviceId });
    if (observation.seen === null || observation.seen.health.reason === MONITOR_FAILED) {
      await this.#parts.checkRoom?.();
    }
    const stored = await store.getService(serviceId) ??
      emptyRecord(serviceId, given.service, given.generation);
    const { record: known, spec } = underSpec(stored, given);
    const before = wasLost ? { ...known, streak: null } : known;
    let record = addSample(before, observation, spec);
    let incident = await store.getActiveIncident(serviceId);
    const remember = async (event: StateEvent | null, finished?: Finished) => {
      const conditions = conditionsOf(record, observation, incident, spec);
      const events = [...transitions(record, conditions, this.#event(serviceId, incident))];
      if (event !== null) events.push(event);
      record = { ...record, conditions };
      await this.#remember(record, incident, events, finished);
    };
    const become: Become = async (next, event, finished) => {
      incident = next;
      await remember(event, finished);
    };
    await remember(null);
    this.#lostSamples.delete(serviceId);
    if (incident?.status === "stalled" && await store.isResumeAsked(incident.id)) {
      incident = resume(incident);
      await remember(this.#event(serviceId, incident)("IncidentResumed", "A person asked to go on"));
    }
    const finish = (outcome: Outcome, withheld: Action | null = null): Pass => ({
      outcome,
      record,
      incident,
      observation,
      withheld,
    });
    for (let round = 0; round < BOOKKEEPING_MAX; round++) {
      const current = incident?.status === "healed" ? null : incident;
      const action = plan(
        spec,
        observation,
        current,
        await this.#memory(record, current),
        this.#parts.clock.now(),
      );
      switch (action.kind) {
        case "record":
          incident = action.incident;
          record = action.record ?? record;
          await remember(
            {
              ...this.#event(serviceId, incident)(action.event.type, action.event.message),
              // An opened incident was looked at before it had a name.
              data: action.event.data ?? (action.event.type === "IncidentOpened" ? { lookedSince } : null),
            },
            action.outcome,
          );
          continue;
        case "diagnose":
        case "read": {
          const retry = action.kind === "diagnose"
            ? await this.#diagnose(spec, observation, action, become, signal)
            : await this.#read(spec, observation, action, become, signal);
          if (retry !== null) return finish(retry);
          continue;
        }
        case "effect": {
          if (!this.#mayAct) {
            const message = action.attempt.summary;
            return finish(
              { kind: "waiting", reason: "OnlyLooked", message, afterMs: 0, forPerson: true },
              action,
            );
          }
          if (observation.seen === null) throw new Error("An effect was planned without a sighting");
          await this.#parts.checkRoom?.();
          try {
            const request = { spec, seen: observation.seen, record, doubts: this.#doubts, ...action };
            const result = await performEffect(this.#parts, this.#checkouts, request, signal);
            incident = changeAttempt(action.incident, action.attempt.number, result.attempt);
            record = { ...record, ...result.record };
            this.#failures.delete(`act/${incident.id}`);
            await remember(this.#event(serviceId, incident)("EffectPerformed", result.message));
            return finish({
              kind: "waiting",
              reason: "Acted",
              message: result.message,
              afterMs: 0,
              forPerson: false,
            });
          } catch (error) {
            if (error instanceof StillInDoubt) {
              const { message, waitMs } = error;
              return finish({
                kind: "waiting",
                reason: "InDoubt",
                message,
                afterMs: waitMs,
                forPerson: false,
              });
            }
            if (!isPassing(error) || error instanceof DiskTrouble) throw error;
            await this.#parts.checkRoom?.();
            if (this.#countFailure(`act/${action.incident.id}`) < ACT_TRIES_MAX) {
              return finish({ kind: "retry", reason: "CannotAct", message: error.message });
            }
            this.#failures.delete(`act/${action.incident.id}`);
            const why = { reason: "CannotAct", message: `${error.message} (${ACT_TRIES_MAX} tries)` };
            incident = stall(action.incident, observation.seen, why, this.#parts.clock.now());
            await remember(this.#event(serviceId, incident)("IncidentStalled", why.message));
            continue;
          }
        }
        case "settled":
          return finish({ kind: "settled", afterMs: spec.intervalMs });
        case "wait": {
          const { reason, message, afterMs, forPerson } = action;
          return finish({ kind: "waiting", reason, message, afterMs, forPerson });
        }
        case "unobserved":
          return finish({ kind: "retry", reason: "CannotObserve", message: action.message });
        case "stalled": {
          const { reason, message, resume } = action.incident.stalled ??
            { reason: "Stalled", message: action.incident.message, resume: "" };
          return finish({ kind: "stalled", reason, message, resume, afterMs: spec.intervalMs });
        }
      }
    }
    throw new Error(`The plan for ${spec.service} went in circles for ${BOOKKEEPING_MAX} steps`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checkouts[Symbol.asyncDispose]();
  }

  async #serviceId(spec: ServiceSpec, signal: AbortSignal): Promise<string> {
    const known = this.#serviceIds.get(spec.service);
    if (known !== undefined) return known;
    const found = await findServiceId(this.#parts.api, spec.service, signal);
    for (const [other, id] of this.#serviceIds) {
      // Two passes over one service at a time would do everything twice.
      if (id !== found) continue;
      throw new EvenkeelError(`Cannot look after ${spec.service}: ${other} names the same service`, {
        hint: "Name each service once, by id or by name",
      });
    }
    this.#serviceIds.set(spec.service, found);
    return found;
  }

  async #memory(record: ServiceRecord, incident: Incident | null): Promise<Memory> {
    const { store, clock, sessionId } = this.#parts;
    const { serviceId } = record;
    // Without an incident nothing is under way and nothing is spent.
    if (incident === null) return { record, pending: [], effects: { lastHour: 0, lastDay: 0 }, sessionId };
    const now = clock.now();
    const [journal, intended, lastHour, lastDay] = await Promise.all([
      store.listJournal({ serviceId, limit: JOURNAL_READ }),
      store.listPending(serviceId),
      store.countEffects(serviceId, now - HOUR_MS),
      store.countEffects(serviceId, now - DAY_MS),
    ]);
    const attempt = runningAttempt(incident);
    // Killed between the end of an effect and the record of the attempt: done, and the attempt does not know.
    const unnoted = journal.filter(({ key, state }) => {
      const [incidentId, number, step = ""] = key.split("/");
      return state === "done" && incidentId === incident.id && number === String(attempt?.number) &&
        !attempt?.stepsDone.includes(step);
    });
    const pending = [...unnoted.toReversed(), ...intended];
    return { record, pending, effects: { lastHour, lastDay }, sessionId };
  }

  /** Prepares an attempt or stalls. @returns an outcome when the pass ends here */
  async #diagnose(
    spec: ServiceSpec,
    observation: Observation,
    action: Extract<Action, { kind: "diagnose" }>,
    become: Become,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
    const { seen } = observation;
    if (seen === null) throw new Error("A diagnosis was planned without a sighting");
    let { incident } = action;
    const { deploy, phase } = action;
    const now = () => this.#parts.clock.now();
    const event = this.#event(seen.service.id, incident);
    let after: Aftermath | null = null;
    const onFinding = (finding: Finding) => after ??= aftermathOf(spec, seen, incident, deploy, finding);
    await this.#parts.checkRoom?.();
    const onNotes = async (notes: readonly Note[]) => {
      for (const note of notes) {
        await become(incident, { ...event(note.type, note.message), data: note.data });
      }
    };
    const question = { spec, seen, incident, deploy, phase, onFinding, onNotes };
    const { preparation, notes } = await prepareAttempt(this.#parts, question, signal);
    incident = await this.#understand(incident, after, become, event);
    await onNotes(notes);
    switch (preparation.kind) {
      case "changed": {
        const { message } = preparation;
        return {
          kind: "waiting",
          reason: "Changed",
          message,
          afterMs: spec.watchIntervalMs,
          forPerson: false,
        };
      }
      case "retry": {
        await this.#parts.checkRoom?.();
        if (this.#countFailure(`prepare/${incident.id}`) < PREPARE_TRIES_MAX) {
          return { kind: "retry", reason: "CannotDiagnose", message: preparation.message };
        }
        this.#failures.delete(`prepare/${incident.id}`);
        const why = { reason: "CannotDiagnose", message: preparation.message };
        await become(stall(incident, seen, why, now()), event("IncidentStalled", preparation.message));
        return null;
      }
      case "stall":
        await become(
          stall(incident, seen, preparation, now()),
          event("IncidentStalled", preparation.message),
        );
        return null;
      case "attempt": {
        this.#failures.delete(`prepare/${incident.id}`);
        const { attempt, checkout } = preparation;
        if (spec.mode === "suggest") {
          await checkout?.[Symbol.asyncDispose]();
          const suggested = addAttempt(incident, { ...attempt, status: "suggested", endedAt: now() });
          const message =
            `${attempt.summary}. The mode is suggest: the change is shown and not made; mode: push would make it`;
          await become(
            stall(suggested, seen, { reason: "SuggestOnly", message }, now()),
            event("IncidentStalled", message),
          );
          return null;
        }
        if (checkout !== null) await this.#checkouts.put(incident.id, attempt.number, checkout);
        await become(addAttempt(incident, attempt), event("AttemptBegun", begun(attempt)));
        // Reading and checking took its time: the world is looked at once more before anything is changed.
        return {
          kind: "waiting",
          reason: "Prepared",
          message: attempt.summary,
          afterMs: 0,
          forPerson: false,
        };
      }
    }
  }

  /** Reads why the newest attempt failed. @returns an outcome when the pass ends here */
  async #read(
    spec: ServiceSpec,
    { seen }: Observation,
    { incident, deploy, phase }: Extract<Action, { kind: "read" }>,
    become: Become,
    signal: AbortSignal,
  ): Promise<Outcome | null> {
    if (seen === null) throw new Error("A reading was planned without a sighting");
    const key = `read/${incident.id}`;
    const question = { spec, seen, incident, deploy, phase };
    const finding = await readFailure(this.#parts, question, signal).catch((error) => {
      if (!isPassing(error)) throw error;
      return error;
    });
    const isError = finding instanceof Error;
    if (isError && this.#countFailure(key) < PREPARE_TRIES_MAX) {
      return { kind: "retry", reason: "CannotRead", message: finding.message };
    }
    this.#failures.delete(key);
    const after = aftermathOf(spec, seen, incident, deploy, isError ? NOTHING_READ : finding);
    await this.#understand(incident, after, become, this.#event(seen.service.id, incident));
    return null;
  }

  /** Records what became of an earlier attempt. @returns the incident as it then is */
  async #understand(
    incident: Incident,
    after: Aftermath | null,
    become: Become,
    event: (type: string, message: string) => StateEvent,
  ): Promise<Incident> {
    if (after === null) return incident;
    await become(after.incident, event(after.event.type, after.event.message), after.outcome);
    return after.incident;
  }

  #countFailure(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    setNewest(this.#failures, key, failures, FAILURES_KEPT);
    return failures;
  }

  #event(serviceId: string, incident: Incident | null) {
    return (type: string, message: string): StateEvent => ({
      at: this.#parts.clock.now(),
      serviceId,
      incidentId: incident?.id ?? null,
      type,
      message,
      data: null,
    });
  }

  async #remember(
    record: ServiceRecord,
    incident: Incident | null,
    events: StateEvent[],
    finished: Finished | undefined,
  ): Promise<void> {
    const { store, clock } = this.#parts;
    await store.record({
      service: record,
      ...(incident === null ? {} : { incident }),
      events,
      ...(finished === undefined || incident === null ? {} : {
        outcome: {
          at: clock.now(),
          serviceId: record.serviceId,
          incidentId: incident.id,
          attempt: finished.attempt.number,
          cause: finished.attempt.cause,
          fingerprint: finished.attempt.fingerprint,
          remedy: finished.attempt.remedy,
          outcome: finished.outcome,
          ...(finished.isStep === undefined ? {} : { isStep: finished.isStep }),
          durationMs: (finished.attempt.endedAt ?? clock.now()) - finished.attempt.startedAt,
        },
        performance: durationsOf(record, finished, clock.now()),
      }),
    });
    for (const event of events) this.#parts.onEvent(event, { serviceName: record.name, incident });
  }
}

type Finished = NonNullable<Extract<Action, { kind: "record" }>["outcome"]>;
/** Makes the incident of a pass another, and records it with what happened. */
type Become = (incident: Incident, event: StateEvent, finished?: Finished) => Promise<void>;

/** How far a pass came before it was given up. */
interface Looked {
  observation?: Observation;
  serviceId?: string;
}

/** What is tried, and why this and nothing else. */
function begun({ summary, remedy, why }: Attempt): string {
  return why === null ? summary : `${summary}; ${remedy}: ${why}`;
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
function* transitions(
  record: ServiceRecord,
  conditions: ServiceRecord["conditions"],
  event: (type: string, message: string) => StateEvent,
): Iterable<StateEvent> {
  for (const condition of conditions) {
    const previous = record.conditions.find((other) => other.type === condition.type);
    if (previous === undefined || previous.status === condition.status) continue;
    yield event(`${condition.type}${condition.status}`, condition.message);
  }
}

/** Whether an error may pass by itself: Render busy or away, a tool that could not run. */
function isPassing(error: unknown): error is Error {
  return error instanceof RenderUnreachable || error instanceof RenderRefused ||
    error instanceof EvenkeelError;
}
