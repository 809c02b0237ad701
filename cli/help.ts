/** The `--help` of a command, made from the description that also parses it: the two cannot disagree. */
import { unreachable } from "../base/errors.ts";
import { formatDuration } from "../text/duration.ts";
import { invocationOf } from "./command.ts";
import type { CommandDefinition, Flag } from "./command.ts";
import { table, wrap } from "./output.ts";

/** Columns of a help text. */
export const HELP_COLUMNS = 100;

export function helpOf(definition: CommandDefinition): string {
  const flags = Object.entries(definition.flags);
  const { operands } = definition;
  const usage = [
    `Usage: ${invocationOf(definition)}`,
    flags.length > 0 ? "[flags]" : "",
    operands === undefined ? "" : operands.min > 0 ? operands.placeholder : `[${operands.placeholder}]`,
  ].filter((part) => part !== "").join(" ");
  const described = definition.environment ?? [];
  const variables = [
    ...flags.flatMap(([name, { environment }]) =>
      environment === undefined || described.some((one) => one.name === environment)
        ? []
        : [[environment, `Stands in for --${name}`]]
    ),
    ...described.map(({ name, description }) => [name, description]),
  ];
  const sections = [
    usage,
    wrap(definition.summary, HELP_COLUMNS),
    section("Arguments", operands === undefined ? [] : [[operands.placeholder, operands.description]]),
    section("Flags", [
      ...flags.map(([name, flag]) => [spellingOf(name, flag), meaningOf(flag)]),
      ["-h, --help", "Show this text"],
    ]),
    section("Environment", variables),
    section("Exit codes", Object.entries(definition.exitCodes)),
    ["Example:", ...definition.examples.map((example) => `  ${example}`)].join("\n"),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function section(title: string, rows: string[][]): string {
  return rows.length === 0 ? "" : `${title}:\n${table(rows, { columns: HELP_COLUMNS, indent: 2 })}`;
}

function spellingOf(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  return `${short}--${name}${flag.kind === "switch" ? "" : ` ${placeholderOf(flag)}`}`;
}

function placeholderOf(flag: Exclude<Flag, { kind: "switch" }>): string {
  switch (flag.kind) {
    case "choice":
      return flag.of.join("|");
    case "duration":
      return "DURATION";
    case "text":
    case "list":
    case "number":
      return flag.placeholder;
    default:
      return unreachable(flag);
  }
}

function meaningOf(flag: Flag): string {
  if (flag.kind === "list") return `${flag.description} (may be repeated)`;
  if (flag.kind === "switch" || flag.default === undefined) return flag.description;
  const value = flag.kind === "duration" ? formatDuration(flag.default) : String(flag.default);
  return `${flag.description} [default: ${value}]`;
}
