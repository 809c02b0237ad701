/**
 * A command described once, as data. `arguments.ts` parses by it, `help.ts` prints it and docs/cli.md is checked
 * against it, so that a default or a meaning stands in one place only.
 */
import { topologies } from "../agents/swarm/topology.ts";

interface FlagBase {
  /** One line for the help, without a full stop. */
  description: string;
  /** One letter, such as `o` for `-o`. */
  short?: string;
  /** The environment variable that stands in when the flag is absent. */
  environment?: string;
}

export type Flag =
  | FlagBase & { kind: "switch" }
  | FlagBase & { kind: "text"; placeholder: string; default?: string }
  /** May be given more than once. */
  | FlagBase & { kind: "list"; placeholder: string }
  | FlagBase & {
    kind: "number";
    placeholder: string;
    min: number;
    max: number;
    whole: boolean;
    default?: number;
  }
  /** A duration such as `30m`; the value is in milliseconds. */
  | FlagBase & { kind: "duration"; default?: number }
  | FlagBase & { kind: "choice"; of: readonly string[]; default: string };

export type Flags = Readonly<Record<string, Flag>>;

export interface CommandDefinition<F extends Flags = Flags> {
  /** As typed after `main.ts`. */
  name: string;
  /** How a person types it. @default "deno task <name>" */
  invocation?: string;
  /** What it does, in a sentence. */
  summary: string;
  flags: F;
  /** What stands after the flags. @default none allowed */
  operands?: { placeholder: string; description: string; min: number; max: number };
  /** Variables that the command reads besides those of its flags. */
  environment?: readonly { name: string; description: string }[];
  /** Exit codes with their meaning, in the words of this command. */
  exitCodes: Readonly<Record<number, string>>;
  /** Commands to copy. */
  examples: readonly string[];
}

/** Keeps the literal types of a description, so that `parseArguments` can give each flag its type. */
export function defineCommand<const F extends Flags>(definition: CommandDefinition<F>): CommandDefinition<F> {
  return definition;
}

/** The flag of every command that reports something. */
export const outputFlag = {
  kind: "choice",
  short: "o",
  of: ["text", "json"],
  default: "text",
  description: "Text for people or JSON for programs",
} as const satisfies Flag;

/** Which services; the same in every command that looks after them. */
export const serviceFlag = {
  kind: "list",
  placeholder: "NAME",
  environment: "EVENKEEL_SERVICE",
  description: "A service's Render id or name, instead of all services of evenkeel.yaml",
} as const satisfies Flag;

/** Where the desired state is written down. */
export const configFlag = {
  kind: "text",
  placeholder: "FILE",
  environment: "EVENKEEL_CONFIG",
  description: "The configuration file, evenkeel.yaml where there is one",
} as const satisfies Flag;

/** Where agents run. */
export const agentsFlag = {
  kind: "choice",
  of: ["subprocess", "off"],
  default: "subprocess",
  description: "Agents as confined subprocesses, or off: the same steps in this process",
} as const satisfies Flag;

/** How agents work together. */
export const topologyFlag = {
  kind: "choice",
  of: ["auto", ...topologies],
  default: "auto",
  description: "Agents at once (mesh), one after another (hierarchical), or as measurements advise",
} as const satisfies Flag;

/** How a person types a command. */
export function invocationOf(definition: Pick<CommandDefinition, "name" | "invocation">): string {
  return definition.invocation ?? `deno task ${definition.name}`;
}

/** What `main.ts` runs. @returns the exit code */
export type RunCommand = (args: string[]) => Promise<number>;
