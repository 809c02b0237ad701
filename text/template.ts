/**
 * The pattern behind an error line: what differs from run to run and from machine to machine is replaced, so
 * that the same unknown failure is recognised the next time. For counting only; no decision is made on it.
 */
import { sanitizeLine } from "./sanitize.ts";

/** UTF-16 units of a template. */
export const TEMPLATE_CHARS_MAX = 200;
/** UTF-16 units of a line that are looked at. */
const LINE_CHARS_MAX = 500;

/** In this order: what a later pattern would take apart is replaced before it. Each is linear. */
const PARTS: readonly [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?/g, "<time>"],
  [/\b\d\d?:\d\d:\d\d(?:[.,]\d+)?\b/g, "<time>"],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s'"<>)\]]+/gi, "<url>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\bsha(?:256|512|1)[:-][A-Za-z0-9+/=]{8,}/g, "<hash>"],
  [/\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b/gi, "<hash>"],
  [/\b0x[0-9a-f]+\b/gi, "<hash>"],
  [/"[^"\n]{1,200}"|`[^`\n]{1,200}`|‘[^’\n]{1,200}’|(?<![\w])'[^'\n]{1,200}'(?!\w)/g, "<name>"],
  [/(?<![\w<])(?:~|\.{1,2})?(?:\/[\w.@+~%-]+)+\/?/g, "<path>"],
  [/\b(?:[\w.@+-]+\/){1,20}[\w.@+-]+\.\w{1,8}\b/g, "<path>"],
  [/\b[A-Za-z]:\\[^\s'"]+/g, "<path>"],
  [/\bv?\d+\.\d+(?:\.\d+)*(?:[-+][\w.]+)?\b/g, "<version>"],
  [/(?<![\w<.])\d+(?:[.,]\d+)*(?:ms|[smhdkKMGT]i?B?)?\b/g, "<n>"],
];

/** @param line a line of a log, as it came or sanitised */
export function templateOf(line: string): string {
  let text = sanitizeLine(line, LINE_CHARS_MAX);
  for (const [pattern, name] of PARTS) text = text.replace(pattern, name);
  return text.replace(/\s+/g, " ").trim().slice(0, TEMPLATE_CHARS_MAX).trimEnd();
}

/** Lines that only say that something failed; the platform's reason for the end of a deploy is one (`deploy_ended: {`). */
const GENERIC =
  /^(?:(?:pre_)?(?:deploy|build)_ended|server_failed): \{|returned a non-zero code|[Ee]xited with (?:status|code)|exit (?:code|status)|failed with exit|process .* did not complete|^=+>|[Bb]uild failed|complete log of this run|^\s*at\s/;

/**
 * The line that stands for an unknown failure: the last that says more than that something failed.
 * @returns null when no line is given
 */
export function tellingLine<L extends { text: string }>(lines: readonly L[]): L | null {
  return lines.findLast(({ text }) => text.trim() !== "" && !GENERIC.test(text)) ?? lines.at(-1) ?? null;
}
