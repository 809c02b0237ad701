/** Looks around a finding: the frames of its traceback, the lines that follow it, and lines elsewhere. */
import type { Cause, Context, Finding, Sign } from "../catalogue.ts";
import type { Phase } from "../../messages.ts";

/** Lines of a traceback that are looked at. */
const FRAMES_MAX = 60;

/** The files of the traceback above a Python error, the one that raised it last. */
export function framesAbove(finding: Finding, context: Context): string[] {
  const frames: string[] = [];
  for (let at = finding.at - 1; at >= Math.max(0, finding.at - FRAMES_MAX); at--) {
    const line = context.lines[at]!;
    const file = /^\s*(?:\S+ )?File "([^"]+)", line \d+/.exec(line)?.[1];
    if (file !== undefined) frames.unshift(file);
    if (line.includes("Traceback (most recent call last)")) break;
  }
  return frames;
}

/** Up to `count` lines from the finding's own on, until an empty one when `untilBlank`. */
export function linesFrom(finding: Finding, context: Context, count: number): string[] {
  return context.lines.slice(finding.at, finding.at + count);
}

/** Whether any line from the finding's own on, at most `count`, holds the text. */
export function follows(finding: Finding, context: Context, text: string, count: number): boolean {
  return linesFrom(finding, context, count).some((line) => line.includes(text));
}

/** Whether a file named in a traceback is the project's own. */
export function isOwnFile(file: string): boolean {
  return !/site-packages|dist-packages|[/\\]lib[/\\]python\d|node_modules|^<|^node:/.test(file);
}

export const BUILD: readonly Phase[] = ["build"];
export const START: readonly Phase[] = ["start", "run"];
export const ANY: readonly Phase[] = ["build", "pre-deploy", "start", "run"];

/** A sign with its literal taken from the front: the usual case. */
export function sign(literal: string, pattern: RegExp, confidence: number): Sign {
  return { literal, pattern, confidence };
}

/** A cause that is named so that nobody is hurt: what a person must do is all there is to say. */
export function reported(
  slug: string,
  phases: readonly Phase[],
  signs: readonly Sign[],
  explain: Cause["explain"],
  examples: readonly string[],
  rest: Partial<Pick<Cause, "identity" | "decide" | "step" | "severity" | "redeployMayCure" | "remedies">> =
    {},
): Cause {
  return {
    slug,
    phases,
    severity: "cause",
    redeployMayCure: false,
    signs,
    explain,
    identity: [],
    remedies: [],
    examples,
    ...rest,
  };
}
