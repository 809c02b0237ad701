/** A log as clean lines that still know their number in the text as it came. */
import { sanitizeLog } from "../../text/sanitize.ts";

export interface LogLines {
  lines: readonly string[];
  /** Number, from 1, of the line at an index. */
  numberOf(at: number): number;
}

/** Sanitises a log; where the middle of a long one was left out, the numbers after it go on as they were. */
export function readLog(raw: string): LogLines {
  const lines = sanitizeLog(raw).split("\n");
  let total = 1;
  for (let at = raw.indexOf("\n"); at !== -1; at = raw.indexOf("\n", at + 1)) total++;
  const missing = total - lines.length;
  const lastMarker = missing <= 0
    ? -1
    : lines.findLastIndex((line) => /^\[\.{3} \d+ (?:lines|characters)\]$/.test(line));
  return { lines, numberOf: (at) => missing > 0 && at > lastMarker ? at + 1 + missing : at + 1 };
}
