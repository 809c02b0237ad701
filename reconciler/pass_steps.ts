/**
 * The steps of a pass that reach out: diagnose a failure, read why an attempt failed, perform one effect. Each
 * records what it did, and says how the pass ends or that the plan is to be asked again.
 */
import { EvenkeelError, NotSent } from "../base/errors.ts";
import { RenderNotAsked, RenderRefused, RenderUnreachable } from "../render/api.ts";
import { DiskTrouble } from "../state/disk.ts";
import { StillInDoubt } from "../state/doubts.ts";
import type { Attempt, Incident } from "../state/records.ts";
import type { Action } from "./action.ts";
import { aftermathOf, NOTHING_READ } from "./aftermath.ts";
import type { Aftermath, Finding } from "./aftermath.ts";
import { performEffect } from "./effects.ts";
import { addAttempt, changeAttempt, stall } from "./incident.ts";
import { LookedLongAgo } from "./look_age.ts";
import type { Sighting } from "./observation.ts";
import type { Outcome } from "./outcome.ts";
import type { RunningPass } from "./pass.ts";
import type { Note } from "./preparation.ts";
import type { ProcessMemory } from "./process_memory.ts";
import { readFailure } from "./read_failure.ts";
import { REHEARSING, subjectOf } from "./rehearsals.ts";
import { prepareAttempt } from "./repair.ts";

/** Tries at reading a failure before a person is asked. */
export const PREPARE_TRIES_MAX = 3;
/** Tries at an effect that the world does not answer, before a person is asked. */
export const ACT_TRIES_MAX = 6;

/** Prepares an attempt or stalls. @returns an outcome when the pass ends here */
export async function diagnose(
  pass: RunningPass,
  memory: ProcessMemory,
  action: Extract<Action, { kind: "diagnose" }>,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { parts, spec } = pass;
  const seen = sightingOf(pass);
  const { deploy, phase } = action;
  let { incident } = action;
  const { rehearsals } = memory;
  const rehearsing = rehearsals.waitingFor(subjectOf(incident, deploy, seen));
  if (rehearsing !== null) return waiting(REHEARSING, rehearsing, spec.watchIntervalMs);
  let after: Aftermath | null = null;
  const onFinding = (finding: Finding) => after ??= aftermathOf(spec, seen, incident, deploy, finding);
  const onNotes = async (notes: readonly Note[]) => {
    for (const note of notes) await pass.become(incident, note);
  };
  const giveUp = (reason: string, message: string, of: Incident = incident) =>
    pass.become(stall(of, seen, { reason, message }, pass.now()), { type: "IncidentStalled", message });
  await parts.checkRoom?.();
  const question = { spec, seen, incident, deploy, phase, rehearsals, onFinding, onNotes };
  const { preparation, notes } = await prepareAttempt(parts, question, signal);
  incident = await understand(pass, incident, after);
  await onNotes(notes);
  const key = `prepare/${incident.id}`;
  switch (preparation.kind) {
    case "changed":
      return waiting("Changed", preparation.message, spec.watchIntervalMs);
    case "rehearsing": {
      memory.failures.forget(key);
      const { message, hasBegun } = preparation;
      if (hasBegun) await pass.become(incident, { type: "RehearsalBegun", message });
      return waiting(REHEARSING, message, spec.watchIntervalMs);
    }
    case "retry":
      await parts.checkRoom?.();
      if (memory.failures.count(key) < PREPARE_TRIES_MAX) {
        return { kind: "retry", reason: "CannotDiagnose", message: preparation.message };
      }
      memory.failures.forget(key);
      await giveUp("CannotDiagnose", preparation.message);
      return null;
    case "stall":
      await pass.become(stall(incident, seen, preparation, pass.now()), {
        type: "IncidentStalled",
        message: preparation.message,
      });
      return null;
    case "attempt": {
      memory.failures.forget(key);
      const { attempt, checkout } = preparation;
      if (spec.mode === "suggest") {
        await checkout?.[Symbol.asyncDispose]();
        const message =
          `${attempt.summary}. The mode is suggest: the change is shown and not made; mode: push would make it`;
        const suggested = addAttempt(incident, { ...attempt, status: "suggested", endedAt: pass.now() });
        await giveUp("SuggestOnly", message, suggested);
        return null;
      }
      if (checkout !== null) await memory.checkouts.put(incident.id, attempt.number, checkout);
      await pass.become(addAttempt(incident, attempt), { type: "AttemptBegun", message: begun(attempt) });
      // Reading and checking took its time: the world is looked at once more before anything is changed.
      return waiting("Prepared", attempt.summary, 0);
    }
  }
}

/** Reads why the newest attempt failed. @returns an outcome when the pass ends here */
export async function read(
  pass: RunningPass,
  memory: ProcessMemory,
  { incident, deploy, phase }: Extract<Action, { kind: "read" }>,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { parts, spec } = pass;
  const seen = sightingOf(pass);
  const key = `read/${incident.id}`;
  const question = { spec, seen, incident, deploy, phase };
  const finding = await readFailure(parts, question, signal).catch((error) => {
    if (!isPassing(error)) throw error;
    return error;
  });
  const isError = finding instanceof Error;
  if (isError && memory.failures.count(key) < PREPARE_TRIES_MAX) {
    return { kind: "retry", reason: "CannotRead", message: finding.message };
  }
  memory.failures.forget(key);
  await understand(
    pass,
    incident,
    aftermathOf(spec, seen, incident, deploy, isError ? NOTHING_READ : finding),
  );
  return null;
}

/** Performs one effect, or stalls when the world does not answer. @returns an outcome when the pass ends here */
export async function act(
  pass: RunningPass,
  memory: ProcessMemory,
  action: Extract<Action, { kind: "effect" }>,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { parts, spec, record } = pass;
  const seen = sightingOf(pass);
  const key = `act/${action.incident.id}`;
  await parts.checkRoom?.();
  try {
    const assertRecent = () => {
      const old = pass.tooOld();
      if (old !== null) throw new LookedLongAgo(old);
    };
    const request = { spec, seen, record, doubts: memory.doubts, assertRecent, ...action };
    const result = await performEffect(parts, memory.checkouts, request, signal);
    memory.failures.forget(key);
    const changed = changeAttempt(action.incident, action.attempt.number, result.attempt);
    await pass.become(
      changed,
      { type: result.event, message: result.message },
      { record: { ...record, ...result.record } },
    );
    if (result.stall !== undefined) {
      const { message } = result.stall;
      await pass.become(stall(changed, seen, result.stall, pass.now()), { type: "IncidentStalled", message });
      return null;
    }
    return waiting("Acted", result.message, 0);
  } catch (error) {
    if (error instanceof LookedLongAgo) return lookingAgain(error.message);
    if (error instanceof StillInDoubt) return waiting("InDoubt", error.message, error.waitMs);
    if (!isPassing(error) || error instanceof DiskTrouble) throw error;
    await parts.checkRoom?.();
    // Nobody was asked, so it is no try, however often it happens.
    if (error instanceof NotSent || error instanceof RenderNotAsked) {
      return { kind: "retry", reason: "CannotAct", message: error.message };
    }
    if (memory.failures.count(key) < ACT_TRIES_MAX) {
      return { kind: "retry", reason: "CannotAct", message: error.message };
    }
    memory.failures.forget(key);
    const why = { reason: "CannotAct", message: `${error.message} (${ACT_TRIES_MAX} tries)` };
    const stalled = stall(action.incident, seen, why, pass.now());
    await pass.become(stalled, { type: "IncidentStalled", message: why.message });
    return null;
  }
}

/** Records what became of an earlier attempt. @returns the incident as it then is */
async function understand(pass: RunningPass, incident: Incident, after: Aftermath | null): Promise<Incident> {
  if (after === null) return incident;
  await pass.become(after.incident, after.event, { finished: after.outcome });
  return after.incident;
}

function sightingOf({ observation: { seen } }: RunningPass): Sighting {
  if (seen === null) throw new Error("A step was planned without a sighting");
  return seen;
}

/** The pass ends and the next one begins: what this one has seen is too old. */
export function lookingAgain(message: string): Outcome {
  return waiting("LookedLongAgo", message, 0);
}

function waiting(reason: string, message: string, afterMs: number): Outcome {
  return { kind: "waiting", reason, message, afterMs, forPerson: false };
}

/** What is tried, and why this and nothing else. */
function begun({ summary, remedy, why }: Attempt): string {
  return why === null ? summary : `${summary} (${remedy}, ${why})`;
}

/** Whether an error may pass by itself: Render busy or away, a tool that could not run. */
function isPassing(error: unknown): error is Error {
  return error instanceof RenderUnreachable || error instanceof RenderRefused ||
    error instanceof EvenkeelError;
}
