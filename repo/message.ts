/**
 * The commit message of a fix: what was wrong, the line that shows it, what was done, and two trailers by which
 * the attempt is found again. The evidence comes from a log: it stays one line, and nothing in it can skip a
 * deploy, close an issue or pass for a trailer.
 */
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";

export interface CommitMessage {
  /** What the commit does, in the imperative. */
  title: string;
  /** The slug of the cause, such as `python/pin-conflict`. */
  cause: string;
  /** The line of the log that shows it; empty when there is none. */
  evidence: string;
  /** What the remedy is, in a few words. */
  remedy: string;
  incident: string;
  /** The number of the attempt inside the incident. */
  attempt: number;
}

const TITLE_CHARS_MAX = 72;
const LINE_CHARS_MAX = 300;

/** The value of the trailer `Evenkeel-Attempt`: `inc_x/2`. */
export function attemptTrailer(incident: string, attempt: number): string {
  return `${incident}/${attempt}`;
}

/** @param knownSecrets values that must not be shown @default none; shapes of secrets go in any case */
export function renderCommitMessage(message: CommitMessage, knownSecrets: Iterable<string> = []): string {
  const redact = createRedactor(knownSecrets);
  const line = (text: string, charsMax: number) =>
    neutralize(sanitizeLine(redact(sanitizeLine(text, 4000)), charsMax));
  const body = [
    `Cause: ${line(message.cause, LINE_CHARS_MAX)}`,
    ...(message.evidence.trim() === "" ? [] : [`Evidence: ${line(message.evidence, LINE_CHARS_MAX)}`]),
    `Remedy: ${line(message.remedy, LINE_CHARS_MAX)}`,
  ];
  return [
    line(message.title, TITLE_CHARS_MAX),
    "",
    ...body,
    "",
    `Evenkeel-Incident: ${line(message.incident, 100)}`,
    `Evenkeel-Attempt: ${line(attemptTrailer(message.incident, message.attempt), 120)}`,
    "",
  ].join("\n");
}

/**
 * Takes the meaning out of words that Render, CI systems and GitHub act on (`[skip render]`, `[ci skip]`,
 * `fixes #12`, `@somebody`), and leaves them readable. Source of the phrases: reference Render API, section 4.
 */
function neutralize(text: string): string {
  return text
    .replace(/\[([^[\]]{0,40}\b(?:skip|no)\b[^[\]]{0,40})\]/gi, "($1)")
    .replace(/(#|\bGH-)(?=\d)/g, "$1 ")
    .replace(/(^|[\s(])@(?=[A-Za-z0-9-]+(?![\w-]*\/))/g, "$1@ ");
}
