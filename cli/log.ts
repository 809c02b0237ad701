/**
 * The detail that `--verbose` and EVENKEEL_LOG ask for: one line an agent's run, tool call, API call or git command,
 * on standard error. Every line passes the sanitiser and the redactor on its way out; nothing else prints them.
 */
import { configure, reset } from "@logtape/logtape";
import type { LogLevel, LogRecord } from "@logtape/logtape";
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { nearest } from "../text/nearest.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { Flag } from "./command.ts";
import { createPainter, printOn } from "./output.ts";
import type { Style } from "./output.ts";
import type { Secrets } from "./secrets.ts";

/** What EVENKEEL_LOG takes, and the names of the logging library. */
const LEVELS = { error: "error", warn: "warning", info: "info", debug: "debug" } as const;
export type Level = keyof typeof LEVELS;
/** What is said without being asked: what went wrong and was got over. */
export const LEVEL_DEFAULT: Level = "warn";
const LINE_CHARS_MAX = 400;
const STYLES: Partial<Record<LogLevel, Style>> = { error: "red", warning: "yellow", debug: "dim" };

/** The switch of every command that looks after services. */
export const verboseFlag = {
  kind: "switch",
  short: "v",
  description:
    "Say every agent run, tool call, API call and git command, with durations; as EVENKEEL_LOG=debug",
} as const satisfies Flag;

/** @throws {EvenkeelError} when EVENKEEL_LOG is no level */
export function levelOf(isVerbose: boolean, variable: string | undefined): Level {
  if (isVerbose) return "debug";
  if (variable === undefined || variable === "") return LEVEL_DEFAULT;
  const names = Object.keys(LEVELS);
  const level = Object.hasOwn(LEVELS, variable) ? variable : undefined;
  if (level === undefined) {
    const meant = nearest(variable, names);
    throw new EvenkeelError(
      `Cannot log: EVENKEEL_LOG is ${JSON.stringify(sanitizeLine(variable, 60))}, allowed is one of ${
        names.join(", ")
      }`,
      { hint: `Set EVENKEEL_LOG to ${meant ?? LEVEL_DEFAULT}` },
    );
  }
  // Object.hasOwn has just said that it is a key of LEVELS.
  return level as Level;
}

/**
 * Starts the log; disposing of it stops it.
 * @param options.print takes one line @default console.error
 */
export async function startLog(
  options: {
    level: Level;
    secrets: Pick<Secrets, "redact">;
    print?: (line: string) => void;
    /** Dates the lines. @default systemClock */
    clock?: Pick<Clock, "now">;
  },
): Promise<AsyncDisposable> {
  const { level, secrets, clock = systemClock } = options;
  const print = options.print ?? ((line) => printOn("stderr", line));
  const { paint } = createPainter({ isTerminal: Deno.stderr.isTerminal() });
  const sink = (record: LogRecord) => {
    const text = secrets.redact(sanitizeLine(textOf(record), LINE_CHARS_MAX));
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    const label = `${record.category.at(-1) ?? ""}`.padEnd(6);
    const style = STYLES[record.level];
    const line = `${label} ${text}`;
    print(`${paint("dim", time)}  ${style === undefined ? line : paint(style, line)}`);
  };
  await configure({
    reset: true,
    sinks: { lines: sink },
    loggers: [
      { category: "evenkeel", lowestLevel: LEVELS[level], sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["lines"] },
    ],
  });
  return { [Symbol.asyncDispose]: reset };
}

function textOf({ message }: LogRecord): string {
  return message.map((part) => typeof part === "string" ? part : messageOf(part)).join("");
}
