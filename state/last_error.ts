/**
 * The last error of an incident, in the words of the log wherever one was read: neither the reason for stopping nor
 * the name of a status says what has to be mended. Pure.
 */
import { tellingLine } from "../text/template.ts";
import type { Attempt, Evidence, Incident } from "./records.ts";

export function lastErrorOf({ stalled, attempts, message }: Incident): string {
  // What an incident stopped with was read last, after every attempt.
  const line = stalled === null ? null : tellingLine(stalled.evidence);
  return line?.text ?? errorAfter(attempts.at(-1)) ?? message;
}

function errorAfter(attempt: Attempt | undefined): string | null {
  // Where nothing came of an attempt yet, the failure that it is about is the last one.
  return attempt?.aftermath?.evidence?.text ?? attempt?.error ?? attempt?.evidence?.text ?? null;
}

/** The line of the newest log that was read of an incident; none where its last failure left no line. */
export function lastEvidenceOf({ attempts }: Incident): Evidence[] {
  const attempt = attempts.at(-1);
  const line = attempt?.aftermath?.evidence ?? (attempt?.error === null ? attempt.evidence : null);
  return line === null ? [] : [line];
}
