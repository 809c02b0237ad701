/**
 * `drydock`: runs one local Render until SIGTERM or SIGINT. Standard output gets exactly one JSON line, when the
 * API is ready; everything for people goes to standard error.
 */
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { BUILD_MEMORY_MIB } from "../drydock/deploy/memory.ts";
import { startDrydock } from "../drydock/mod.ts";
import type { Drydock, DrydockOptions } from "../drydock/mod.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { stopOnSignals } from "./signals.ts";

/** No platform is worth watching faster than this. */
const SPEED_MAX = 100_000;

export const drydockDefinition = defineCommand({
  name: "drydock",
  summary:
    "Runs a local stand-in for Render: the same API, real clones, builds and processes, on loopback only. " +
    'Prints one JSON line {"url","apiKey","ownerId"} when it is ready.',
  flags: {
    port: {
      kind: "number",
      placeholder: "PORT",
      min: 0,
      max: 65_535,
      whole: true,
      default: 0,
      description: "Port of the API; 0 takes a free one",
    },
    speed: {
      kind: "number",
      placeholder: "FACTOR",
      min: 1,
      max: SPEED_MAX,
      whole: false,
      default: 1,
      description: "Divides the platform's time limits and periods",
    },
    directory: {
      kind: "text",
      placeholder: "DIR",
      description:
        "Where repositories are mirrored and services run, else a temp folder that is removed at the end",
    },
    "build-time": {
      kind: "number",
      placeholder: "SECONDS",
      min: 1,
      max: 7_200,
      whole: false,
      description: "How long a build may take, else what the speed makes of Render's two hours",
    },
    "build-memory": {
      kind: "number",
      placeholder: "MIB",
      min: 64,
      max: 1_048_576,
      whole: true,
      default: BUILD_MEMORY_MIB,
      description: "What the processes of a build may use together; beyond, the largest is killed (Linux)",
    },
    policy: {
      kind: "choice",
      of: ["wait", "override"],
      default: "wait",
      description: "A new deploy waits for the running one, or cancels it",
    },
    engine: {
      kind: "text",
      placeholder: "auto|none|PATH",
      default: "auto",
      description:
        "What builds Dockerfiles: the first of docker, podman and buildah that works, no engine, or this one",
    },
    images: {
      kind: "text",
      placeholder: "DIR",
      environment: "EVENKEEL_DRYDOCK_IMAGES",
      description: "A buildah store with base images, besides the user's own",
    },
  },
  exitCodes: {
    0: "stopped by SIGTERM or SIGINT, with everything it ran",
    1: "stopped by a second signal; what it ran ends with it",
    2: "a flag is wrong, or the port, the folder or the engine cannot be used",
  },
  examples: [
    "deno task drydock --speed 100",
    "deno task drydock --port 8080 --directory ./yard --engine none",
  ],
});

export async function drydockCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(drydockDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { port, speed, directory, policy, engine, images } = parsed.flags;
  const buildSeconds = parsed.flags["build-time"];
  const stopped = Promise.withResolvers<void>();
  using _stop = stopOnSignals((name) => {
    console.error(`Drydock stops: ${name}`);
    stopped.resolve();
  });
  await using drydock = await start({
    port,
    speed,
    overlapPolicy: policy,
    containerEngine: engine,
    buildMemoryMiB: parsed.flags["build-memory"],
    ...(buildSeconds === undefined ? {} : { limits: { buildMs: buildSeconds * 1000 } }),
    ...(directory === undefined ? {} : { directory }),
    ...(images === undefined ? {} : { imageStore: images }),
  });
  const { url, apiKey, ownerId } = drydock;
  console.log(JSON.stringify({ url, apiKey, ownerId }));
  console.error(`Drydock answers at ${url}, ${speed} times as fast as Render`);
  await stopped.promise;
  return EXIT.ready;
}

async function start(options: DrydockOptions): Promise<Drydock> {
  try {
    return await startDrydock(options);
  } catch (error) {
    if (error instanceof EvenkeelError) throw error;
    throw new EvenkeelError(`Cannot start drydock: ${messageOf(error)}`, {
      hint: "Choose another --port or --directory",
      cause: error,
    });
  }
}
