/**
 * A Dockerfile as instructions and stages. Understands continuation lines, comments, flags and both forms of
 * a command; here-documents and parser directives other than the default escape are refused, not guessed.
 */
import { z } from "zod";

export type Command = { form: "shell"; text: string } | { form: "exec"; argv: [string, ...string[]] };

export interface Instruction {
  /** In capitals, such as `RUN`. */
  readonly name: string;
  readonly flags: ReadonlyMap<string, string>;
  /** The text after name and flags. */
  readonly rest: string;
}

export interface Stage {
  readonly base: string;
  /** Lower case; empty when the stage has no name. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** The ARG instructions before the first stage. */
  readonly globals: readonly Instruction[];
  readonly stages: readonly Stage[];
}

/** A Dockerfile that cannot be followed; the message names the line or the instruction. */
export class DockerfileError extends Error {
  override readonly name = "DockerfileError";
}

const INSTRUCTIONS_MAX = 1000;
const argvSchema = z.tuple([z.string()], z.string());

/** @throws {DockerfileError} */
export function parseDockerfile(text: string): Dockerfile {
  const instructions = logicalLines(text).map(parseInstruction);
  if (instructions.length > INSTRUCTIONS_MAX) {
    throw new DockerfileError("the Dockerfile has too many instructions");
  }
  const globals: Instruction[] = [];
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.name === "FROM") {
      const match = /^(\S+)(?:\s+as\s+(\S+))?$/i.exec(instruction.rest);
      if (match === null) throw new DockerfileError(`FROM ${instruction.rest} is not understood`);
      stages.push({ base: match[1]!, name: match[2]?.toLowerCase() ?? "", instructions: [] });
    } else if (stages.length > 0) stages.at(-1)!.instructions.push(instruction);
    else if (instruction.name === "ARG") globals.push(instruction);
    else {throw new DockerfileError(
        `no build stage in current context: ${instruction.name} comes before FROM`,
      );}
  }
  if (stages.length === 0) throw new DockerfileError("file with no instructions");
  return { globals, stages };
}

/** A shell line or a JSON array of words. */
export function parseCommand(rest: string): Command {
  if (rest.startsWith("[")) {
    try {
      const parsed = argvSchema.safeParse(JSON.parse(rest));
      if (parsed.success) return { form: "exec", argv: parsed.data };
    } catch {
      // What is no JSON is a shell line that happens to begin with a bracket.
    }
  }
  return { form: "shell", text: rest };
}

function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open: string | undefined;
  for (const raw of text.split(/\r?\n/)) {
    if (/^\s*#/.test(raw) || (open === undefined && raw.trim() === "")) continue;
    if (/^\s*$/.test(raw)) continue;
    const line: string = open === undefined ? raw.trim() : `${open} ${raw.trim()}`;
    if (line.endsWith("\\")) open = line.slice(0, -1).trimEnd();
    else {
      lines.push(line);
      open = undefined;
    }
  }
  if (open !== undefined) lines.push(open);
  return lines;
}

function parseInstruction(line: string): Instruction {
  const match = /^([A-Za-z]+)(?:\s+(.*))?$/s.exec(line);
  if (match === null) throw new DockerfileError(`unknown instruction: ${line.slice(0, 80)}`);
  const name = match[1]!.toUpperCase();
  let rest = (match[2] ?? "").trim();
  const flags = new Map<string, string>();
  for (let flag = takeFlag(rest); flag !== null; flag = takeFlag(rest)) {
    flags.set(flag[1]!, flag[2] ?? "");
    rest = rest.slice(flag[0].length).trimStart();
  }
  if (/^(RUN|COPY|ADD)$/.test(name) && /<<-?\s*["']?[A-Za-z_]/.test(rest)) {
    throw new DockerfileError(`here-documents are not followed: ${name} ${rest.slice(0, 80)}`);
  }
  return { name, flags, rest };
}

function takeFlag(rest: string): RegExpExecArray | null {
  return /^--([a-z-]+)(?:=(\S+))?(?=\s|$)/.exec(rest);
}
