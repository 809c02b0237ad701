/**
 * Looks after services, one pass at a time: observe, plan, act (one effect at most), record, say when to look again.
 * A pass begins with nothing but the store and the world, so that a kill between any two lines loses nothing and
 * a timer, a webhook and a person can all start one.
 */
import { runInline } from "../agents/inline.ts";
import { messageWithHint } from "../base/errors.ts";
import { systemTrouble } from "../state/disk.ts";
import { Doubts } from "../state/doubts.ts";
import type { ServiceRecord } from "../state/records.ts";
import type { Action, Memory } from "./action.ts";
import { CheckoutCache } from "./checkouts.ts";
import { glimpse } from "./glimpse.ts";
import { resume, runningAttempt } from "./incident.ts";
import type { Observation } from "./observation.ts";
import { CannotLookAfter, findServiceId, MONITOR_FAILED, MONITOR_REASONS, observe } from "./observe.ts";
import { OBSERVE_ONLY } from "./outcome.ts";
import type { Parts } from "./parts.ts";
import { RunningPass } from "./pass.ts";
import type { Pass } from "./pass.ts";
import { act, diagnose, lookingAgain, read } from "./pass_steps.ts";
import { plan } from "./plan.ts";
import { FailureCounts } from "./process_memory.ts";
import type { ProcessMemory } from "./process_memory.ts";
import { Rehearsals, REHEARSING } from "./rehearsals.ts";
import { emptyRecord } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

export type { Pass } from "./pass.ts";

/** Bookkeeping actions in one pass; a plan that wants more is going in circles. */
const BOOKKEEPING_MAX = 12;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Newest lines of a service's journal that are looked at: an attempt makes a few at most. */
const JOURNAL_READ = 20;

export interface ControllerOptions {
  /** `false` for `--check`: everything is read and decided, nothing is changed. @default true */
  mayAct?: boolean;
  /** Decides each step. @default plan */
  plan?: typeof plan;
}

/** How far a pass came before it was given up. */
interface Looked {
  observation?: Observation;
  serviceId?: string;
}

export class Controller implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #mayAct: boolean;
  readonly #plan: typeof plan;
  readonly #memory: ProcessMemory;
  readonly #serviceIds = new Map<string, string>();
  /** Services whose newest sample was taken and could not be recorded: it may have been a bad one. */
  readonly #lostSamples = new Set<string>();
  /** What was seen of services while it could not be recorded. */
  readonly #glimpses = new Map<string, ServiceRecord>();

  constructor(parts: Parts, options: ControllerOptions = {}) {
    this.#parts = parts;
    this.#mayAct = options.mayAct ?? true;
    this.#plan = options.plan ?? plan;
    this.#memory = {
      checkouts: new CheckoutCache(),
      doubts: new Doubts(parts.clock, parts.predecessorMs),
      failures: new FailureCounts(),
      rehearsals: new Rehearsals(parts.clock),
    };
  }

  /**
   * Runs one pass. While the disk refuses what would have to be written, it looks and changes nothing.
   * @param signal gives up what is under way; nothing is recorded of it
   * @throws {Fenced} when another Evenkeel leads by now
   * @throws {CannotLookAfter} for what only a person can mend: a wrong key, no such service
   */
  async pass(spec: ServiceSpec, signal: AbortSignal): Promise<Pass> {
    const looked: Looked = {};
    const { rehearsals } = this.#memory;
    try {
      const pass = await this.#pass(spec, signal, looked);
      const { outcome, incident } = pass;
      const waits = outcome.kind === "waiting" && outcome.reason === REHEARSING;
      const mayNeed = incident?.status === "open" && runningAttempt(incident) === null;
      const newestDeployId = pass.observation.seen?.deploys[0]?.id ?? null;
      rehearsals.passed(pass.record.serviceId, { waits, mayNeed, newestDeployId });
      return pass;
    } catch (error) {
      const { observation, serviceId } = looked;
      const isGivenUp = { waits: false, mayNeed: true, newestDeployId: null };
      if (serviceId !== undefined) rehearsals.passed(serviceId, isGivenUp);
      const trouble = systemTrouble(`go on with ${spec.service}`, error);
      if (trouble === null || observation === undefined || serviceId === undefined) throw error;
      const { record, incident } = await this.#glimpse(spec, serviceId, observation);
      const message = messageWithHint(trouble);
      const afterMs = spec.intervalMs;
      const outcome = { kind: "waiting", reason: OBSERVE_ONLY, message, afterMs, forPerson: true } as const;
      return { outcome, record, incident, observation, withheld: null };
    }
  }

  /** Keeps in memory what was seen and cannot be recorded, and tells what is new in it. */
  async #glimpse(
    spec: ServiceSpec,
    serviceId: string,
    observation: Observation,
  ): Promise<Pick<Pass, "record" | "incident">> {
    const { store, onEvent } = this.#parts;
    // A disk that refuses to be written often can still be read.
    const incident = await store.getActiveIncident(serviceId).catch(() => null);
    const stored = this.#glimpses.get(serviceId) ?? await store.getService(serviceId).catch(() => null);
    const before = stored ?? emptyRecord(serviceId, spec.service, spec.generation);
    const { record, events } = glimpse(before, incident, observation, spec);
    this.#glimpses.set(serviceId, record);
    for (const event of events) onEvent(event, { serviceName: record.name, incident });
    return { record, incident };
  }

  async #pass(given: ServiceSpec, signal: AbortSignal, looked: Looked): Promise<Pass> {
    const { clock } = this.#parts;
    const beganMs = clock.monotonic();
    const serviceId = await this.#serviceId(given, signal);
    const wasLost = this.#lostSamples.has(serviceId);
    this.#lostSamples.add(serviceId);
    const observation = await observe(this.#parts, given, serviceId, signal).catch((error) => {
      // A service that was made anew under its name has another id.
      this.#serviceIds.delete(given.service);
      throw error;
    });
    Object.assign(looked, { observation, serviceId });
    if (observation.seen === null || MONITOR_REASONS.has(observation.seen.health.reason)) {
      await this.#parts.checkRoom?.().catch(async (error) => {
        // There is no room for a process of the monitor's own: what can be seen without one, is.
        if (observation.seen?.health.reason === MONITOR_FAILED) {
          const runAgent = this.#parts.runFallback ?? runInline;
          looked.observation = await observe({ ...this.#parts, runAgent }, given, serviceId, signal);
        }
        throw error;
      });
    }
    const pass = await RunningPass.begin(
      this.#parts,
      given,
      serviceId,
      observation,
      wasLost,
      this.#memory.rehearsals,
    );
    this.#lostSamples.delete(serviceId);
    this.#glimpses.delete(serviceId);
    const { incident } = pass;
    if (incident?.status === "stalled" && await this.#parts.store.isResumeAsked(incident.id)) {
      await pass.become(resume(incident), { type: "IncidentResumed", message: "A person asked to go on" });
    }
    for (let round = 0; round < BOOKKEEPING_MAX; round++) {
      const old = pass.tooOld();
      // What was decided so far is recorded, so that the next pass goes on from there with what it sees.
      if (old !== null) return pass.end(lookingAgain(old));
      const action = this.#plan(pass.spec, observation, pass.current, await this.#recall(pass), pass.now());
      // Counted back from now: what was read may have told what time it is.
      const lookedSince = Math.round(clock.now() - (clock.monotonic() - beganMs));
      const end = await this.#follow(pass, action, lookedSince, signal);
      if (end !== null) return end;
    }
    throw new Error(`The plan for ${given.service} went in circles for ${BOOKKEEPING_MAX} steps`);
  }

  /** Does what the plan says. @returns how the pass ends, or `null` when the plan is to be asked again */
  async #follow(
    pass: RunningPass,
    action: Action,
    lookedSince: number,
    signal: AbortSignal,
  ): Promise<Pass | null> {
    const { intervalMs } = pass.spec;
    switch (action.kind) {
      case "record": {
        const { incident, record, event, outcome: finished } = action;
        // An opened incident was looked at before it had a name.
        const data = event.data ?? (event.type === "IncidentOpened" ? { lookedSince } : null);
        await pass.become(incident, { ...event, data }, { record, finished });
        return null;
      }
      case "diagnose":
      case "read":
      case "effect": {
        if (action.kind === "effect" && !this.#mayAct) {
          const { summary: message } = action.attempt;
          return pass.end(
            { kind: "waiting", reason: "OnlyLooked", message, afterMs: 0, forPerson: true },
            action,
          );
        }
        const outcome = action.kind === "diagnose"
          ? await diagnose(pass, this.#memory, action, signal)
          : action.kind === "read"
          ? await read(pass, this.#memory, action, signal)
          : await act(pass, this.#memory, action, signal);
        return outcome === null ? null : pass.end(outcome);
      }
      case "settled":
        return pass.end({ kind: "settled", afterMs: intervalMs });
      case "wait": {
        const { reason, message, afterMs, forPerson } = action;
        return pass.end({ kind: "waiting", reason, message, afterMs, forPerson });
      }
      case "unobserved":
        return pass.end({ kind: "retry", reason: "CannotObserve", message: action.message });
      case "stalled": {
        const { reason, message, resume } = action.incident.stalled ??
          { reason: "Stalled", message: action.incident.message, resume: "" };
        return pass.end({ kind: "stalled", reason, message, resume, afterMs: intervalMs });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#memory.rehearsals[Symbol.asyncDispose]();
    await this.#memory.checkouts[Symbol.asyncDispose]();
  }

  async #serviceId(spec: ServiceSpec, signal: AbortSignal): Promise<string> {
    const known = this.#serviceIds.get(spec.service);
    if (known !== undefined) return known;
    const found = await findServiceId(this.#parts.api, spec.service, signal);
    for (const [other, id] of this.#serviceIds) {
      // Two passes over one service at a time would do everything twice.
      if (id !== found) continue;
      throw new CannotLookAfter(`Cannot look after ${spec.service}: ${other} names the same service`, {
        hint: "Name each service once, by id or by name",
      });
    }
    this.#serviceIds.set(spec.service, found);
    return found;
  }

  /** What the plan is to know beside what was seen. */
  async #recall({ record, current: incident }: RunningPass): Promise<Memory> {
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
}
