/** Looks around a finding inside the failing step of a container build. */
import { reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";

/** Lines of the failing step that are looked at for another line. */
const LOOK_MAX = 600;

/** Lines with text that follow a finding inside the failing step, the builder's closing line not counted. */
export function linesLeft(finding: Finding, context: Context): number {
  const to = context.docker?.to ?? context.lines.length;
  let count = 0;
  for (let at = finding.at + 1; at < to && count < LOOK_MAX; at++) {
    const line = context.lines[at]!;
    if (line.startsWith("------") || line.startsWith("The command '")) break;
    if (line.trim() !== "") count++;
  }
  return count;
}

/** Whether what failed is among the last lines: an error that the step went on after did not end it. */
export function isNearEnd(finding: Finding, context: Context, max = 6): boolean {
  return linesLeft(finding, context) <= max;
}

/** Whether one of the lines after the finding, at most `count`, matches. */
export function after(finding: Finding, context: Context, pattern: RegExp, count = LOOK_MAX): boolean {
  return context.lines.slice(finding.at + 1, finding.at + 1 + count).some((line) => pattern.test(line));
}

/** Whether one of the lines before the finding, at most `count` and in the same step, matches. */
export function before(finding: Finding, context: Context, pattern: RegExp, count = LOOK_MAX): boolean {
  const from = Math.max(context.docker?.from ?? 0, finding.at - count);
  return context.lines.slice(from, finding.at).some((line) => pattern.test(line));
}

/** Whether any line of the failing step matches; only its last lines are read. */
export function inStep(context: Context, pattern: RegExp): boolean {
  const from = Math.max(context.docker?.from ?? 0, context.lines.length - LOOK_MAX);
  return context.lines.slice(from).some((line) => pattern.test(line));
}

/** The failing instruction; "" for any other log. */
export const instructionOf = (context: Context): string => context.docker?.instruction ?? "";

type Decide = NonNullable<Cause["decide"]>;

/** For causes that exist in container builds only. */
export function inContainer(decide?: Decide): Decide {
  return (finding, context): Verdict =>
    context.docker === null
      ? reject("it is no container build")
      : decide?.(finding, context) ?? { accept: true };
}

/** For causes that have another name in a container build. */
export function onPlatform(decide?: Decide): Decide {
  return (finding, context): Verdict =>
    context.docker !== null
      ? reject("in a container build it has another name")
      : decide?.(finding, context) ?? { accept: true };
}

/** Accepts what stands among the last lines, and takes anything earlier for a mere hint. */
export const nearEnd = (max = 6, otherwise = 0.6): Decide => (finding, context) =>
  isNearEnd(finding, context, max)
    ? { accept: true }
    : { accept: true, confidence: Math.min(finding.confidence, otherwise), severity: "symptom" };
