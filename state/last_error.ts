/**
 * The last error of an incident, in the words of the log wherever one was read: neither the reason for stopping nor
 * the name of a status says what has to be mended. Where a change was refused, the words of the refusal. Pure.
 */
import { tellingLine } from "../text/template.ts";
import type { Attempt, Evidence, Incident } from "./records.ts";

/** The reason of an incident that stopped because Render refuses the setting that would mend it. */
export const SETTING_REFUSED = "SettingRefused";

export function lastErrorOf({ stalled, attempts, message }: Incident): string {
  // What the log shows is known by then; what nobody but Render can say is why it may not be mended.
  const refused = stalled?.reason === SETTING_REFUSED ? attempts.findLast(isRefusedSetting)?.error : null;
  if (typeof refused === "string") return refused;
  // What an incident stopped with was read last, after every attempt.
  const line = stalled === null ? null : tellingLine(stalled.evidence);
  return line?.text ?? errorAfter(attempts.at(-1)) ?? message;
}

function isRefusedSetting({ repair, status, publishedAt }: Attempt): boolean {
  return repair.kind === "setting" && status === "failed" && publishedAt === null;
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
