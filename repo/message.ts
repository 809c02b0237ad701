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
/** The cause says what was changed and why, of which nothing may be cut out: a commit may name many packages. */
const CAUSE_CHARS_MAX = 1600;

/** The value of the trailer `Evenkeel-Attempt`: `inc_x/2`. */
export function attemptTrailer(incident: string, attempt: number): string {
  return `${incident}/${attempt}`;
}

/** @param knownSecrets values that must not be shown @default none; shapes of secrets go in any case */
export function renderCommitMessage(message: CommitMessage, knownSecrets: Iterable<string> = []): string {
  const line = lineRenderer(knownSecrets);
  const facts = factsOf(message, line).join("\n");
  return `${line(message.title, TITLE_CHARS_MAX)}\n\n${facts}\n\n${trailersOf(message, line)}\n`;
}

/** The title of a pull request. */
export function renderTitle(title: string): string {
  return lineRenderer([])(title, TITLE_CHARS_MAX);
}

/** The text of a pull request: the same facts where Markdown, HTML and mentions mean nothing, and the trailers. */
export function renderPullRequestBody(message: CommitMessage, knownSecrets: Iterable<string> = []): string {
  const line = lineRenderer(knownSecrets);
  // Nothing inside can end the block: it has no line of backticks.
  const facts = factsOf(message, line).map((fact) => fact.replaceAll("`", "'")).join("\n");
  return `\`\`\`text\n${facts}\n\`\`\`\n\n${trailersOf(message, line)}\n`;
}

type Line = (text: string, charsMax: number) => string;

function lineRenderer(knownSecrets: Iterable<string>): Line {
  const redact = createRedactor(knownSecrets);
  return (text, charsMax) => neutralize(sanitizeLine(redact(sanitizeLine(text, 4000)), charsMax));
}

function factsOf({ cause, evidence, remedy }: CommitMessage, line: Line): string[] {
  return [
    `Cause: ${line(cause, CAUSE_CHARS_MAX)}`,
    ...(evidence.trim() === "" ? [] : [`Evidence: ${line(evidence, LINE_CHARS_MAX)}`]),
    `Remedy: ${line(remedy, LINE_CHARS_MAX)}`,
  ];
}

function trailersOf({ incident, attempt }: CommitMessage, line: Line): string {
  const id = line(attemptTrailer(incident, attempt), 120);
  return `Evenkeel-Incident: ${line(incident, 100)}\nEvenkeel-Attempt: ${id}`;
}

/**
 * Takes the meaning out of words that Render, CI systems and GitHub act on (`[skip render]`, `[ci skip]`,
 * `fixes #12`, the address of an issue, `@somebody`), and leaves them readable. Source of the phrases: reference
 * Render API, section 4.
 */
function neutralize(text: string): string {
  return text
    .replace(/\[([^[\]]{0,40}\b(?:skip|no)\b[^[\]]{0,40})\]/gi, "($1)")
    .replace(/(#|\bGH-)(?=\d)/gi, "$1 ")
    .replace(/(\/(?:issues|pull|discussions|commit))\/(?=\w)/gi, "$1 / ")
    // An address of mail or a package with a scope is no mention.
    .replace(/(^|[^\w.@/+-])@(?=[A-Za-z0-9-]+(?![\w-]*\/))/g, "$1@ ");
}
