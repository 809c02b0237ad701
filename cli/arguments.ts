/**
 * Arguments into typed values, by a command's description. Unknown flags and operands are refused with the
 * nearest known one, all mistakes at once; nothing is guessed and nothing is ignored.
 */
import { parseArgs } from "@std/cli";
import { EvenkeelError, unreachable } from "../base/errors.ts";
import { nearest } from "../text/nearest.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { parseDuration } from "../text/duration.ts";
import { invocationOf } from "./command.ts";
import type { CommandDefinition, Flag, Flags } from "./command.ts";
import { helpOf } from "./help.ts";

type ValueOf<F extends Flag> = F extends { kind: "switch" } ? boolean
  : F extends { kind: "list" } ? string[]
  : F extends { kind: "choice"; of: readonly (infer C)[] } ? C
  : F extends { kind: "number" | "duration" } ? (F extends { default: number } ? number : number | undefined)
  : F extends { default: string } ? string
  : string | undefined;

export type Parsed<F extends Flags> =
  | { kind: "help"; text: string }
  | { kind: "run"; flags: { -readonly [K in keyof F]: ValueOf<F[K]> }; operands: string[] };

/** How many arguments a command takes at most. */
const ARGUMENTS_MAX = 1000;

/**
 * Parses what stands after the command's name.
 * @param args the arguments; one leading `--`, which `deno task X -- ...` passes on, is skipped
 * @param environment reads a variable @default Deno.env.get
 * @throws {EvenkeelError} naming every mistake at once
 */
export function parseArguments<const F extends Flags>(
  definition: CommandDefinition<F>,
  args: readonly string[],
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Parsed<F> {
  const given = args[0] === "--" ? args.slice(1) : args;
  const entries = Object.entries<Flag>(definition.flags);
  const names = (...kinds: Flag["kind"][]) =>
    entries.filter(([, flag]) => kinds.includes(flag.kind)).map(([name]) => name);
  const valued = names("text", "list", "number", "duration", "choice");
  const mistakes: string[] = [];
  if (given.length > ARGUMENTS_MAX) mistakes.push(`there are more than ${ARGUMENTS_MAX} arguments`);

  const parsed = parseArgs(given.slice(0, ARGUMENTS_MAX), {
    string: [...valued, "_"],
    boolean: [...names("switch"), "help"],
    collect: valued,
    alias: Object.fromEntries([
      ["help", "h"],
      ...entries.flatMap(([name, flag]) => flag.short === undefined ? [] : [[name, flag.short]]),
    ]),
    unknown: (argument, key) => {
      if (key === undefined) return true;
      mistakes.push(unknownFlag(argument, entries));
      return false;
    },
  });
  if (parsed["help"] === true) return { kind: "help", text: helpOf(definition) };
  for (const argument of given) {
    const [, name, value] = /^--([^=]+)=(.*)$/s.exec(argument) ?? [];
    if (name !== undefined && definition.flags[name]?.kind === "switch" && !/^(true|false)$/.test(value!)) {
      mistakes.push(`--${name} takes no value`);
    }
  }

  const values: Record<string, unknown> = {};
  for (const [name, flag] of entries) {
    const raw = parsed[name];
    const texts = Array.isArray(raw) ? raw.map(String) : [];
    const result = valueOf(name, flag, raw === true, texts, environment);
    if ("mistake" in result) mistakes.push(result.mistake);
    else values[name] = result.value;
  }
  const operands = parsed._.map(String);
  mistakes.push(...operandMistakes(definition, operands, entries));

  if (mistakes.length > 0) {
    throw new EvenkeelError(`Cannot run ${definition.name}: ${mistakes.join("; ")}`, {
      hint: `${invocationOf(definition)} --help shows what it takes`,
    });
  }
  return {
    kind: "run",
    // The loop above filled in every flag of F with the type that ValueOf gives it; the compiler cannot follow that.
    flags: values as { [K in keyof F]: ValueOf<F[K]> },
    operands,
  };
}

function unknownFlag(argument: string, entries: readonly [string, Flag][]): string {
  const typed = argument.split("=")[0]!;
  const shown = sanitizeLine(typed, 60);
  const meant = meantBy(typed.replace(/^-+/, ""), entries);
  return meant === undefined
    ? `there is no flag ${shown}`
    : `there is no flag ${shown}, did you mean ${meant}?`;
}

/** The way to say what a word probably means: a choice by its flag (`json` is `-o json`), else the nearest flag. */
function meantBy(word: string, entries: readonly [string, Flag][]): string | undefined {
  const choice = entries.find(([, flag]) => flag.kind === "choice" && flag.of.includes(word.toLowerCase()));
  if (choice !== undefined) {
    const [name, { short }] = choice;
    return `${short === undefined ? `--${name}` : `-${short}`} ${word.toLowerCase()}`;
  }
  const flag = nearest(word, [...entries.map(([name]) => name), "help"]);
  return flag === undefined ? undefined : `--${flag}`;
}

function operandMistakes(
  definition: CommandDefinition,
  operands: string[],
  entries: readonly [string, Flag][],
): string[] {
  const { min, max, placeholder } = definition.operands ?? { min: 0, max: 0, placeholder: "" };
  if (operands.length < min) return [`it needs ${placeholder}`];
  return operands.slice(max).map((operand) => {
    const meant = meantBy(operand, entries);
    const shown = JSON.stringify(sanitizeLine(operand, 60));
    return meant === undefined
      ? `${shown} is one argument too many`
      : `${shown} is no argument, did you mean ${meant}?`;
  });
}

type Read = { value: unknown } | { mistake: string };

function valueOf(
  name: string,
  flag: Flag,
  isOn: boolean,
  texts: string[],
  environment: (name: string) => string | undefined,
): Read {
  if (texts.some((text) => text === "")) return { mistake: `--${name} needs a value` };
  if (flag.kind !== "list" && texts.length > 1) {
    return { mistake: `--${name} is given ${texts.length} times` };
  }
  const fallback = flag.environment === undefined ? undefined : environment(flag.environment);
  const label = texts.length > 0 || isOn ? `--${name}` : flag.environment ?? `--${name}`;
  const text = texts[0] ?? (fallback === "" ? undefined : fallback);
  switch (flag.kind) {
    case "switch":
      if (isOn || text === undefined) return { value: isOn };
      if (!/^(true|false|1|0)$/.test(text)) return mistaken(label, text, "true or false");
      return { value: text === "true" || text === "1" };
    case "list":
      return { value: texts.length > 0 ? texts : text?.split(",").map((part) => part.trim()) ?? [] };
    case "text":
      return { value: text ?? flag.default };
    case "choice":
      if (text === undefined) return { value: flag.default };
      if (flag.of.includes(text)) return { value: text };
      return mistaken(label, text, `one of ${flag.of.join(", ")}`);
    case "number": {
      if (text === undefined) return { value: flag.default };
      const number = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
      if (number >= flag.min && number <= flag.max && (!flag.whole || Number.isInteger(number))) {
        return { value: number };
      }
      return mistaken(label, text, `a ${flag.whole ? "whole " : ""}number from ${flag.min} to ${flag.max}`);
    }
    case "duration": {
      if (text === undefined) return { value: flag.default };
      const ms = parseDuration(text);
      return ms === null ? mistaken(label, text, "a duration such as 90s, 5m or 1h 30m") : { value: ms };
    }
    default:
      return unreachable(flag);
  }
}

function mistaken(label: string, text: string, allowed: string): Read {
  return { mistake: `${label} is ${JSON.stringify(sanitizeLine(text, 60))}, allowed is ${allowed}` };
}
