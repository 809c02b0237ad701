/**
 * `drydock`: runs one drydock until SIGTERM or SIGINT. Standard output gets exactly one JSON line, when the
 * API is ready; everything for people goes to standard error.
 */
import { parseArgs } from "@std/cli";
import { closestString } from "@std/text";
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { startDrydock } from "./mod.ts";
import type { DrydockOptions } from "./mod.ts";
import type { OverlapPolicy } from "./platform.ts";

const FLAGS = ["port", "speed", "directory", "policy", "help"] as const;

export const DRYDOCK_HELP = `Usage: drydock [--port N] [--speed X] [--directory D] [--policy wait|override]

Runs a local stand-in for Render: the same API, real clones, builds and processes, on loopback only.
Prints one JSON line {"url","apiKey","ownerId"} when it is ready; SIGTERM or SIGINT ends it and all it runs.

  --port N         port of the API; 0 takes a free one (default 0)
  --speed X        divides the platform's time limits and periods (default 1)
  --directory D    where repositories are mirrored and services run (default: a temp folder, removed at the end)
  --policy P       wait: a new deploy waits for the running one; override: it cancels it (default wait)
  --help           this text
`;

/** @returns the exit code @throws {EvenkeelError} for a wrong argument */
export async function drydockCommand(args: string[]): Promise<number> {
  const options = readArguments(args);
  if (options === "help") {
    await write(Deno.stdout, DRYDOCK_HELP);
    return EXIT.ready;
  }
  const stop = Promise.withResolvers<Deno.Signal>();
  const handlers = (["SIGTERM", "SIGINT"] as const).map((signal) =>
    [signal, () => stop.resolve(signal)] as const
  );
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  try {
    await using drydock = await start(options);
    const { url, apiKey, ownerId } = drydock;
    await write(Deno.stdout, `${JSON.stringify({ url, apiKey, ownerId })}\n`);
    await write(Deno.stderr, `Drydock answers at ${url}, ${options.speed ?? 1} times as fast as Render\n`);
    const signal = await stop.promise;
    await write(Deno.stderr, `Drydock stops: ${signal}\n`);
  } finally {
    for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
  }
  return EXIT.ready;
}

async function start(options: DrydockOptions) {
  try {
    return await startDrydock(options);
  } catch (error) {
    throw new EvenkeelError(`Cannot start drydock: ${messageOf(error)}`, {
      hint: "Choose another --port or --directory",
      cause: error,
    });
  }
}

async function write(to: { write(bytes: Uint8Array): Promise<number> }, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await to.write(bytes));
}

function readArguments(args: string[]): DrydockOptions | "help" {
  const given = args[0] === "--" ? args.slice(1) : args;
  const mistakes: string[] = [];
  const parsed = parseArgs(given, {
    string: ["port", "speed", "directory", "policy"],
    boolean: ["help"],
    alias: { help: "h" },
    unknown: (argument) => {
      mistakes.push(
        argument.startsWith("-")
          ? `${argument} is not a flag; the nearest is --${
            closestString(argument.replace(/^-+|=.*$/g, ""), FLAGS)
          }`
          : `${argument} is not expected`,
      );
      return false;
    },
  });
  if (parsed["help"] === true) return "help";
  const options: DrydockOptions = {};
  for (const name of FLAGS) {
    const value = parsed[name];
    if (typeof value !== "string") continue;
    const mistake = setOption(options, name, value);
    if (mistake !== undefined) mistakes.push(mistake);
  }
  if (mistakes.length > 0) {
    throw new EvenkeelError(`Cannot run drydock: ${mistakes.join("; ")}`, {
      hint: "deno task drydock --help",
    });
  }
  return options;
}

/** @returns what is wrong with the value, if anything */
function setOption(options: DrydockOptions, name: string, value: string): string | undefined {
  const number = Number(value);
  switch (name) {
    case "port":
      if (!/^\d+$/.test(value) || number > 65535) return `--port ${value} is not a port from 0 to 65535`;
      options.port = number;
      return undefined;
    case "speed":
      if (!(number >= 1 && number <= 100_000)) return `--speed ${value} is not a number from 1 to 100000`;
      options.speed = number;
      return undefined;
    case "policy":
      if (!isPolicy(value)) return `--policy ${value} is neither wait nor override`;
      options.overlapPolicy = value;
      return undefined;
    default:
      if (value === "") return "--directory is empty";
      options.directory = value;
      return undefined;
  }
}

function isPolicy(value: string): value is OverlapPolicy {
  return value === "wait" || value === "override";
}
