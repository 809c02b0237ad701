/**
 * A Dockerfile service without a container engine: its instructions are followed on this machine in a scratch
 * folder, one a stage, and the log says so. Absolute paths mean the scratch folder, except programs and
 * devices; base images stand for the Node.js or Python of this machine; package managers of the system and
 * user management are passed over. Stages that do not need one another are followed at the same time, as BuildKit
 * builds them on Render. This isolates nothing: it is what a native build does, in another place.
 */
import { join } from "@std/path";
import { toolEnvironment } from "../../../process/environment.ts";
import type { BuildPlatform } from "../../platform.ts";
import type { StartCommand } from "../../records.ts";
import { BeyondLimit, beyondLimit } from "../build_limits.ts";
import { locate } from "./locate.ts";
import type { DockerSource } from "./locate.ts";
import { DockerfileError, parseDockerfile } from "./parse.ts";
import { ImageStage } from "./stage.ts";
import type { StageContext } from "./stage.ts";
import { substitute } from "./words.ts";

export interface DockerRequest extends DockerSource {
  /** Where the stages' scratch folders go. */
  scratch: string;
  env: Readonly<Record<string, string>>;
  own: ReadonlyMap<string, string>;
  log: (line: string) => void;
  signal: AbortSignal;
}

export interface DockerImage {
  folder: string;
  workDirectory: string;
  env: Record<string, string>;
  command: StartCommand;
}

/** @throws {DockerfileError} @throws {StageFailed} when it goes beyond a limit */
export async function followDockerfile(
  platform: BuildPlatform,
  request: DockerRequest,
): Promise<DockerImage> {
  const { settings } = request;
  request.log("==> Drydock: absolute paths inside scripts and programs are this machine's own");
  const { context, text } = await locate(request);
  const dockerfile = parseDockerfile(text);

  const args = new Map(request.own);
  for (const { rest } of dockerfile.globals) {
    const [name = "", value] = splitOnce(rest);
    if (!args.has(name) && value !== undefined) {
      args.set(name, substitute(value.replace(/^["']|["']$/g, ""), args));
    }
  }
  const failed = new AbortController();
  const shared: StageContext = {
    platform,
    context,
    tools: { ...toolEnvironment(), ...pick(request.env, ["HOME", "PATH", "PYENV_ROOT"]) },
    args: request.own,
    globals: args,
    log: request.log,
    signal: AbortSignal.any([request.signal, failed.signal]),
    endsAt: platform.clock.monotonic() + platform.timing.buildMs,
    stages: [],
  };
  const count = dockerfile.stages.length;
  for (const [index, stage] of dockerfile.stages.entries()) {
    const root = join(request.scratch, `stage-${index}`);
    const earlier = shared.stages.slice();
    const built = ImageStage.build({ ...shared, stages: earlier }, stage, root, `${index + 1}/${count}`);
    // One that fails ends the others; the first to fail is what the build failed for.
    built.catch(() => failed.abort());
    shared.stages.push({ name: stage.name, built });
  }
  const last = await lastOf(platform, request, shared.stages.map(({ built }) => built));
  const command = last.command(settings.dockerCommand);
  if (command === undefined) {
    throw new DockerfileError(
      "no command to start: the Dockerfile has neither CMD nor ENTRYPOINT, and dockerCommand is empty",
    );
  }
  const directory = last.directory();
  await Deno.mkdir(directory, { recursive: true });
  return { folder: last.root, workDirectory: directory, env: last.environment(), command };
}

/** The last stage, once all have ended. */
async function lastOf(
  platform: BuildPlatform,
  { log }: DockerRequest,
  stages: readonly Promise<ImageStage>[],
): Promise<ImageStage> {
  try {
    return (await Promise.all(stages)).at(-1)!;
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    throw beyondLimit(platform, error.result, log) ?? error;
  } finally {
    await Promise.allSettled(stages);
  }
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function pick(env: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => names.includes(name)));
}
