/**
 * Failures whose cause is not known, grouped by the pattern of the line that tells most, so that the same one is
 * recognised and counted. What is kept is an example of the line, sanitised and redacted; it stays data.
 */
import { z } from "zod";
import { evidenceSchema } from "./records.ts";
import type { Incident } from "./records.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { tellingLine, TEMPLATE_CHARS_MAX, templateOf } from "../text/template.ts";

/** Most recently seen patterns. */
export const UNKNOWNS_KEPT = 1000;

export const unknownSchema = z.object({
  /** The line with numbers, paths, hashes, names and versions replaced. */
  template: z.string().max(TEMPLATE_CHARS_MAX),
  seen: z.number(),
  firstSeenAt: z.number(),
  lastSeenAt: z.number(),
  /** The line as it was last seen. */
  example: z.string(),
});
export type Unknown = z.infer<typeof unknownSchema>;

export interface UnknownSeen {
  template: string;
  example: string;
  at: number;
}

/**
 * Names an unknown failure by its lines.
 * @param lines those that look like errors, as a diagnosis gives them
 * @returns null when there are none
 */
export function unknownOf(
  lines: readonly z.infer<typeof evidenceSchema>[],
  at: number,
): UnknownSeen | null {
  const line = tellingLine(lines);
  if (line === null) return null;
  const example = createRedactor([])(sanitizeLine(line.text));
  const template = templateOf(example);
  return template === "" ? null : { template, example, at };
}

/** The unknown failure that an incident stalled with. */
export function unknownOfIncident({ status, stalled }: Incident): UnknownSeen | null {
  if (status !== "stalled" || stalled?.reason !== "UnknownCause") return null;
  return unknownOf(stalled.evidence, stalled.at);
}
