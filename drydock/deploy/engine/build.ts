/**
 * A Dockerfile built by a container engine. What the engine says goes to the log as it comes; a base image that
 * cannot be had fails the build with the engine's own words, as on Render.
 */
import { z } from "zod";
import type { BuildPlatform } from "../../platform.ts";
import type { StartCommand } from "../../records.ts";
import { DockerfileError } from "../docker/parse.ts";
import { locate } from "../docker/locate.ts";
import type { DockerSource } from "../docker/locate.ts";
import { splitWords } from "../docker/words.ts";
import { beyondLimit } from "../build_limits.ts";
import { DeployCanceled, StageFailed } from "../failure.ts";
import { runLogged } from "../shell.ts";
import type { Engine } from "./commands.ts";
import { layersOf, removeLayers, runTool, sweep } from "./containers.ts";

export interface ImageRequest extends DockerSource {
  serviceId: string;
  deployId: string;
  withoutCache: boolean;
  /** What build arguments may be given as. */
  variables: Readonly<Record<string, string>>;
  log: (line: string) => void;
  signal: AbortSignal;
}

export interface BuiltImage {
  image: string;
  command: StartCommand;
}

/** The engines agree on these two names and differ in where they are. */
const settingsSchema = z.object({
  Entrypoint: z.array(z.string()).nullish(),
  Cmd: z.array(z.string()).nullish(),
});
const inspectSchema = z.union([
  z.tuple([z.object({ Config: settingsSchema })], z.unknown()).transform(([{ Config }]) => Config),
  z.object({ OCIv1: z.object({ config: settingsSchema }) }).transform(({ OCIv1 }) => OCIv1.config),
]);
export type ImageSettings = z.infer<typeof settingsSchema>;

/** @throws {StageFailed} @throws {DeployCanceled} @throws {DockerfileError} */
export async function buildImage(
  platform: BuildPlatform,
  engine: Engine,
  request: ImageRequest,
): Promise<BuiltImage> {
  const { serviceId, log, signal, settings } = request;
  const { dockerfile, context, text } = await locate(request);
  const use = await platform.containers.use(engine, serviceId);
  const image = platform.containers.nameImage(serviceId, request.deployId);
  const args = declaredArguments(text, request.variables);
  const failed = inBuildKitsWords();
  const before = await layersOf(use);
  const result = await runLogged({
    command: use.commands.build({ dockerfile, context, image, args, withoutCache: request.withoutCache }),
    cwd: "/",
    env: use.env,
    onLine: (line) => {
      log(line);
      failed.read(line);
    },
    timeoutMs: platform.timing.buildMs,
    clock: platform.clock,
    signal,
    memoryMiB: platform.buildMemoryMiB,
  });
  if (result.kind !== "exited" || result.code !== 0) {
    await sweep(use);
    // Render's builder gives its layers away at the end of a build that has succeeded, and only then.
    await removeLayers(use, before);
  }
  if (result.kind === "aborted") throw new DeployCanceled();
  const beyond = beyondLimit(platform, result, log);
  if (beyond !== undefined) throw beyond;
  if (result.kind === "exited" && result.code !== 0) {
    if (failed.words !== undefined) log(failed.words);
    throw new StageFailed("build", { nonZeroExit: result.code });
  }
  const inspected = parseInspection(await runTool(use, use.commands.inspect(image), signal));
  const command = startCommandOf(inspected, settings.dockerCommand);
  if (command === undefined) {
    throw new DockerfileError(
      "no command to start: the Dockerfile has neither CMD nor ENTRYPOINT, and dockerCommand is empty",
    );
  }
  return { image, command };
}

/** The variables that the Dockerfile asks for with ARG; engines complain of others. */
export function declaredArguments(
  dockerfile: string,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const declared = [...dockerfile.matchAll(/^[ \t]*ARG[ \t]+([^\n]*(?:\\\r?\n[^\n]*)*)/gim)]
    .flatMap(([, rest = ""]) => rest.split(/[\s\\]+/).map((word) => word.split("=")[0] ?? ""));
  return Object.fromEntries(Object.entries(variables).filter(([name]) => declared.includes(name)));
}

/** @throws when it is no answer of an engine's */
export function parseInspection(json: string): ImageSettings {
  return inspectSchema.parse(JSON.parse(json));
}

/** What an image starts. @param override Render's dockerCommand, which takes CMD's place and meets no shell */
export function startCommandOf(settings: ImageSettings, override: string): StartCommand | undefined {
  const words = override.trim() === "" ? settings.Cmd ?? [] : splitWords(override);
  const [first, ...rest] = [...settings.Entrypoint ?? [], ...words];
  if (first === undefined) return undefined;
  return { argv: [first, ...rest], shown: [first, ...rest].join(" ") };
}

/** Buildah's line about a failed RUN as BuildKit says it, which is what Render's users see and search for. */
function inBuildKitsWords() {
  const found: { words?: string; read(line: string): void } = {
    read(line) {
      const match = /building at STEP "RUN (.*)": .*exit status (\d+)$/.exec(line);
      if (match === null) return;
      found.words = `ERROR: failed to build: failed to solve: process "/bin/sh -c ${match[1]}" ` +
        `did not complete successfully: exit code: ${match[2]}`;
    },
  };
  return found;
}
