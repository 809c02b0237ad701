/**
 * Finds the command that is asked for, runs it and turns whatever it throws into a message and an exit code. A
 * person sees what could not be done, why, and the step that helps; a stack only where they ask for one.
 */
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { createRedactor } from "../text/redact.ts";
import { nearest } from "../text/nearest.ts";
import { sanitizeLog } from "../text/sanitize.ts";
import type { RunCommand } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { printJson, safe, table } from "./output.ts";
import { secretVariables } from "./secrets.ts";

/** Lines of an error that are shown: a configuration may have many mistakes. */
const ERROR_LINES_MAX = 200;

/**
 * Runs one command.
 * @param args the arguments after `main.ts`
 * @returns the exit code
 */
export async function dispatch(args: readonly string[]): Promise<number> {
  const [name = "help", ...given] = skipSeparator(args);
  const rest = skipSeparator(given);
  try {
    if (["help", "--help", "-h"].includes(name)) return await help(rest);
    const run = await find(name === "--version" ? "version" : name);
    return await run(rest);
  } catch (error) {
    const code = reportError(error);
    if (wantsJson(rest)) printJson({ schemaVersion: 1, exitCode: code, error: errorJson(error) });
    return code;
  }
}

/** Whether a program reads the answer: it then gets the error on standard output too, as JSON. */
function wantsJson(args: readonly string[]): boolean {
  return args.some((argument, at) =>
    /^(?:-o|--output)[= ]?json$/.test(argument) ||
    (/^(?:-o|--output)$/.test(argument) && args[at + 1] === "json")
  );
}

function errorJson(error: unknown) {
  const redact = createRedactor(secretVariables());
  const hint = error instanceof EvenkeelError ? error.hint ?? null : null;
  return { message: redact(sanitizeLog(messageOf(error))), hint };
}

/** `deno task X -- ...` hands its `--` on to us. */
function skipSeparator(args: readonly string[]): string[] {
  return args[0] === "--" ? args.slice(1) : [...args];
}

async function help(rest: readonly string[]): Promise<number> {
  const [name] = rest;
  if (name === undefined || name.startsWith("-")) {
    console.log(overview());
    return EXIT.ready;
  }
  const run = await find(name);
  return await run(["--help"]);
}

async function find(name: string): Promise<RunCommand> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw unknownCommand(name);
  return await entry.load();
}

function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]);
  return [
    "Usage: deno task evenkeel COMMAND [flags]",
    "",
    "Keeps web services on Render in their desired state: reads why a deploy failed, repairs it, proves it.",
    "",
    "Commands:",
    table(rows, { indent: 2 }),
    "",
    "`deno task evenkeel help COMMAND` says more of one. Those a person types often are tasks of their own:",
    "once, reconcile, resume, demo, scenario, drydock, diagnose, schema.",
  ].join("\n");
}

function unknownCommand(name: string): EvenkeelError {
  const meant = nearest(name, [...Object.keys(COMMANDS), "help"]);
  const help = meant === undefined ? "" : `, did you mean ${meant}?`;
  return new EvenkeelError(`Cannot run ${JSON.stringify(safe(name, 60))}: there is no such command${help}`, {
    hint: "deno task evenkeel help lists the commands",
  });
}

/**
 * Prints an error on standard error.
 * @returns the exit code it asks for
 */
export function reportError(error: unknown): number {
  const redact = createRedactor(secretVariables());
  const print = (text: string) => console.error(redact(sanitizeLog(text, { linesMax: ERROR_LINES_MAX })));
  const stack = Deno.env.get("EVENKEEL_DEBUG") === "1" && error instanceof Error ? error.stack : undefined;
  if (stack !== undefined) print(stack);
  if (error instanceof EvenkeelError) {
    if (stack === undefined) print(error.message);
    if (error.hint !== undefined) print(`  ${error.hint}`);
    return error.exitCode;
  }
  const isRemote = error instanceof Error && ["RenderRefused", "RenderUnreachable"].includes(error.name);
  if (stack === undefined) print(isRemote ? messageOf(error) : `Unexpected error: ${safe(messageOf(error))}`);
  if (isRemote) return EXIT.unobservable;
  if (stack === undefined) print("  This is a defect of Evenkeel; EVENKEEL_DEBUG=1 shows where it happened");
  return EXIT.notReady;
}
