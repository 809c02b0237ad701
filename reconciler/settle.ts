/**
 * Runs passes over one service until it is decided: in its desired state, waiting for a person, not to be seen,
 * or out of time. What `once` does; the daemon never ends.
 */
import type { Incident, ServiceRecord } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import type { Action } from "./action.ts";
import type { Controller, Pass } from "./controller.ts";
import type { Parts } from "./parts.ts";
import type { ServiceSpec } from "./spec.ts";

/** Looks in a row at a world that cannot be seen, before it is called so. */
export const UNOBSERVED_MAX = 3;
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;

export type Verdict = "ready" | "not-ready" | "unobserved";

export interface Settlement {
  service: string;
  verdict: Verdict;
  /** One CamelCase word. */
  reason: string;
  message: string;
  /** The command that goes on, when a person is needed. */
  resume: string | null;
  record: ServiceRecord;
  /** The incident of this run, healed ones included. */
  incident: Incident | null;
  /** What would have been done, when effects are off. */
  withheld: Action | null;
  durationMs: number;
}

/**
 * @param options.timeoutMs when to give up waiting, in milliseconds
 * @param options.signal ends the run after the step that is under way
 * @param options.lost ends it at once: another Evenkeel leads
 * @throws {Fenced} when another Evenkeel leads by now
 * @throws {EvenkeelError} for what only a person can mend: a wrong key, no such service
 */
export async function settle(
  controller: Controller,
  parts: Pick<Parts, "clock" | "random">,
  spec: ServiceSpec,
  options: {
    timeoutMs: number;
    signal: AbortSignal;
    lost?: AbortSignal;
    onPass?: (pass: Pass) => void;
  },
): Promise<Settlement> {
  const { clock } = parts;
  const startedAt = clock.monotonic();
  const elapsed = () => clock.monotonic() - startedAt;
  let incident: Incident | null = null;
  let failures = 0;
  let unobserved = 0;
  for (;;) {
    // A step that has begun is finished: only the waits between steps end early.
    const pass = await controller.pass(spec, options.lost ?? new AbortController().signal);
    options.onPass?.(pass);
    incident = pass.incident ?? incident;
    const end = (
      verdict: Verdict,
      reason: string,
      message: string,
      resume: string | null = null,
    ): Settlement => ({
      service: spec.service,
      verdict,
      reason,
      message,
      resume,
      record: pass.record,
      incident,
      withheld: pass.withheld,
      durationMs: elapsed(),
    });
    unobserved = verdictIsMissing(pass) ? unobserved + 1 : 0;
    const { outcome } = pass;
    if (unobserved >= UNOBSERVED_MAX) return end("unobserved", "CannotObserve", unseenMessage(pass));
    let waitMs: number;
    switch (outcome.kind) {
      case "settled":
        return end("ready", "Ready", "In the desired state");
      case "stalled":
        return end("not-ready", outcome.reason, outcome.message, outcome.resume);
      case "waiting":
        if (outcome.forPerson) return end("not-ready", outcome.reason, outcome.message);
        failures = 0;
        waitMs = outcome.afterMs;
        break;
      case "retry":
        failures++;
        waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (failures - 1)) * (0.5 + parts.random() / 2);
        break;
    }
    const leftMs = options.timeoutMs - elapsed();
    if (waitMs > leftMs) {
      const message = `Not in the desired state within ${
        formatDuration(options.timeoutMs)
      }: ${outcome.message}`;
      return end("not-ready", "TimedOut", message);
    }
    await clock.sleep(waitMs, options.signal);
    if (options.signal.aborted) return end("not-ready", "Stopped", `Stopped: ${outcome.message}`);
  }
}

/** Whether nothing is under way and the service's state cannot be told, the database's included. */
function verdictIsMissing({ observation, outcome, record, incident }: Pass): boolean {
  if (observation.seen === null) return true;
  const isQuiet = incident === null || incident.status !== "open";
  const isInDoubt = outcome.kind === "waiting" && outcome.reason === "NotConfirmed";
  return isQuiet && isInDoubt && record.recentVerdicts.at(-1) === "unknown";
}

function unseenMessage({ observation }: Pass): string {
  const { problem, seen } = observation;
  const probes = seen === null ? [] : [seen.health, seen.json, seen.database];
  const unknown = probes.find((probe) => probe.status === "unknown");
  return problem ?? unknown?.message ?? "The service could not be observed";
}
