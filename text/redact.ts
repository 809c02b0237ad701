/**
 * Takes secrets out of text, by value where the values are known and by shape where they are not. It errs on
 * the side of removing, but leaves what a diagnosis needs: versions, digests, paths, ports, references to variables.
 * Give it sanitised text: an invisible character inside a token would hide it. The number of lines stays, except
 * that a key block becomes one, and the time is linear in the text.
 */
import { createFinder } from "./known_values.ts";
import { isPlainValue } from "./plain_value.ts";
import { LOG_CHARS_MAX, sanitizeLog } from "./sanitize.ts";
import type { SanitizeLimits } from "./sanitize.ts";
import * as shapes from "./secret_shapes.ts";

export { KNOWN_VALUE_CHARS_MIN } from "./known_values.ts";
export const REDACTED = "[redacted]";
const ADDRESS_CHARS_MAX = 2000;

/** What is left of a known value that was cut where a text was shortened. */
const STUMP_BEFORE_CUT = /\[redacted\][^\s[\]]{1,32}(?=\[\.\.\. \d{1,12} characters\])/g;
const STUMP_AFTER_CUT = /(\[\.\.\. \d{1,12} characters\])[^\s[\]]{1,32}(?=\[redacted\])/g;

/**
 * Makes a function that replaces secrets by `[redacted]`. Of a URL only the credentials go.
 * @param knownValues values that must not be shown, such as the API key and the service's variables; plain ones
 *   (`production`, `3.11.4`, a path) and very short ones are left out
 */
export function createRedactor(knownValues: Iterable<string>): (text: string) => string {
  const hide = createHider(knownValues);
  return (text) => redactShapes(hide(text));
}

/** Makes a function that takes out known values only; several in a row take out the values of all. */
export function createHider(knownValues: Iterable<string>): (text: string) => string {
  const find = createFinder(secretParts(knownValues));
  return (text) => withoutRanges(text, find(text));
}

/** Takes out what looks like a secret. */
export function redactShapes(text: string): string {
  let clean = text.replace(STUMP_BEFORE_CUT, REDACTED).replace(STUMP_AFTER_CUT, "$1");
  clean = clean.replace(shapes.KEY_BLOCK, REDACTED).replace(shapes.KEY_FILE, REDACTED)
    .replace(shapes.KEY_LINE, (line) => shapes.isKeyLine(line) ? REDACTED : line);
  clean = clean.replace(shapes.CONNECTION, `$1${REDACTED}@`).replace(shapes.USER_INFO, `$1${REDACTED}@`)
    .replace(shapes.DRIVER_ADDRESS, `$1$2${REDACTED}@`);
  for (const token of [shapes.TOKEN, shapes.AZURE_CLIENT_SECRET, shapes.JWT]) {
    clean = clean.replace(token, REDACTED);
  }
  for (const after of AFTER_A_NAME) clean = clean.replace(after, `$1${REDACTED}`);
  return clean.replace(shapes.ASSIGNMENT, redactAssignment);
}

/** A log without escapes and secrets, redacted before its lines are shortened so that no secret is cut in two. */
export function cleanLog(raw: string, redact: (text: string) => string, limits: SanitizeLimits = {}): string {
  const whole = sanitizeLog(raw, { ...limits, lineCharsMax: limits.charsMax ?? LOG_CHARS_MAX });
  return sanitizeLog(redact(whole), limits);
}

/** Shapes whose first group stays. */
const AFTER_A_NAME = [
  shapes.WEBHOOK_PATH,
  shapes.AUTHORIZATION_LIST,
  shapes.AUTHORIZATION,
  shapes.BEARER,
  shapes.COOKIE,
  shapes.NETRC,
  shapes.CURL_USER,
  shapes.TOOL_PASSWORD,
  shapes.FLAG,
  shapes.SHARED_ACCESS,
  shapes.REGISTRY_AUTH,
];

function withoutRanges(text: string, ranges: readonly (readonly [number, number])[]): string {
  if (ranges.length === 0) return text;
  const parts: string[] = [];
  let done = 0;
  for (const [from, to] of ranges) {
    // Pieces of one value that touch are one.
    if (from > done || done === 0) parts.push(text.slice(done, from), REDACTED);
    done = to;
  }
  return parts.join("") + text.slice(done);
}

function redactAssignment(
  all: string,
  name: string,
  operator: string,
  value: string,
  offset: number,
  text: string,
): string {
  const quote = value.startsWith('"') || value.startsWith("'") ? value.charAt(0) : "";
  const inner = quote === "" ? value : value.slice(1, -1);
  const isReference = /^(?:\$|process\.env|os\.environ|os\.getenv|env\.|%|\*+$|\.{3}$)/.test(inner);
  const isCall = quote === "" && text.charAt(offset + all.length) === "(";
  if (/^\\*$/.test(inner) || isReference || isCall || inner.includes(REDACTED)) return all;
  const isPassword = /^pass|^pwd/i.test(name);
  if (isPlainValue(inner) && !(isPassword && /^\d+$/.test(inner))) return all;
  // "Unexpected token: punc" is prose; a real token in this place has a digit. So is "passwd: password expired".
  const goesOn = /^ [a-z']/i.test(text.slice(offset + all.length, offset + all.length + 2));
  const isProse = quote === "" && /^\s*:/.test(operator) &&
    (isPassword ? goesOn && /^[a-z]+$/i.test(inner) : !/\d/.test(inner));
  return isProse ? all : `${name}${operator}${quote}${REDACTED}${quote}`;
}

/** What of known values is secret, without what is plain. */
function* secretParts(knownValues: Iterable<string>): Iterable<string> {
  for (const value of knownValues) {
    if (isPlainValue(value)) continue;
    const passwords = passwordsOf(value);
    // Of an address only the credentials are secret, and the pattern for addresses removes them there.
    for (const part of passwords.length > 0 ? passwords : [value]) if (!isPlainValue(part)) yield part;
  }
}

/** The passwords of an address or a connection string, as they are written and as they are meant. */
function passwordsOf(value: string): string[] {
  if (value.includes("\n") || value.length > ADDRESS_CHARS_MAX) return [];
  // Several hosts or an odd port make an address that URL does not take.
  const [, written] = /^[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/@]{0,256}:([^\s]{1,512})@[^\s@]+$/i.exec(value) ??
    [];
  const [, inList] = /(?:^|;)\s*(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*([^;]+)/i.exec(value) ?? [];
  return [written, inList].flatMap((found) => found === undefined ? [] : [found, decodePercent(found)]);
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
