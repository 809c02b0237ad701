/**
 * Which instruction of a Dockerfile a build log was at when it failed: the classic builder's `Step 4/9 : ...`,
 * BuildKit's `[stage 2/7] RUN ...`, or the line that the parser names.
 */
import type { Dockerfile, Instruction } from "./dockerfile.ts";

export interface BuildStep {
  /** From 1, as the builder counts; 0 when it does not say. */
  index: number;
  /** The instruction as the builder prints it. */
  text: string;
  /** Name of the stage, for BuildKit. */
  stage: string | null;
}

/** Characters of an instruction that are compared. */
const COMPARED_CHARS = 300;

/** The step a log ends in; null when it shows none. */
export function lastStep(lines: readonly string[]): BuildStep | null {
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at]!;
    const classic = /^\s*(?:#\d+ )?[Ss]tep (\d+)\/\d+ ?: (.+)/.exec(line);
    if (classic !== null) return { index: Number(classic[1]), text: classic[2]!, stage: null };
    const summary = /^\s*> \[(?:([^\]\s]+) )?(\d+)\/\d+\] (.+?):?$/.exec(line) ??
      /ERROR \[(?:([^\]\s]+) )?\s*(\d+)\/\d+\] (.+)/.exec(line);
    if (summary !== null) {
      return { index: Number(summary[2]), text: summary[3]!, stage: summary[1]?.toLowerCase() ?? null };
    }
  }
  return null;
}

/** The instruction of a step; undefined when none fits, as after an edit of the Dockerfile. */
export function findStep(file: Dockerfile, step: BuildStep): Instruction | undefined {
  const wanted = normal(step.text);
  const fits = (instruction: Instruction | undefined): instruction is Instruction => {
    if (instruction === undefined) return false;
    const have = normal(
      instruction.raw.replace(/[\\`][ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:[ \t]*#[^\n]*\n)*/g, ""),
    );
    const length = Math.min(wanted.length, have.length, COMPARED_CHARS);
    return length > 0 && have.slice(0, length) === wanted.slice(0, length);
  };
  if (step.stage === null && step.index > 0) {
    const counted = file.instructions[step.index - 1];
    if (fits(counted)) return counted;
  }
  const alike = file.instructions.filter(fits);
  return alike.length === 1 ? alike[0] : alike.length > 1 && wanted.length > 40 ? alike[0] : undefined;
}

const normal = (text: string) => text.replace(/\s+/g, " ").trim().toLowerCase();

/** The line of the Dockerfile that a parse error names; null when the log has none. */
export function parseErrorLine(lines: readonly string[]): number | null {
  for (const line of lines) {
    const match = /[Dd]ockerfile parse error (?:on )?line (\d+)/.exec(line) ??
      /^Dockerfile\S*:(\d+)\b/.exec(line);
    if (match !== null) return Number(match[1]);
  }
  return null;
}
