/** What the repairs of a Dockerfile share about apt. */
import type { Instruction } from "../code/dockerfile.ts";
import { subcommandOf } from "../code/shell_words.ts";
import type { Invocation } from "../code/shell_words.ts";

export const APT = ["apt-get", "apt", "aptitude"];
export const isApt = (invocation: Invocation, ...subs: string[]) =>
  APT.includes(invocation.program) && subs.includes(subcommandOf(invocation)?.text ?? "");

/** Where a pattern stands in an instruction, as offsets of the file. */
export function placesIn(
  text: string,
  instruction: Instruction,
  pattern: RegExp,
): { start: number; end: number }[] {
  return [...text.slice(instruction.start, instruction.end).matchAll(pattern)].map((match) => ({
    start: instruction.start + match.index,
    end: instruction.start + match.index + match[0].length,
  }));
}
