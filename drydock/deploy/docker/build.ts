/**
 * A Dockerfile service's build: by the container engine that was chosen, else by following the Dockerfile on
 * this machine. The choice and its reason stand in the log before anything else.
 */
import type { BuildPlatform } from "../../platform.ts";
import type { Artifact } from "../../records.ts";
import { buildImage } from "../engine/build.ts";
import { DeployCanceled, StageFailed } from "../failure.ts";
import { followDockerfile } from "./follow.ts";
import type { DockerRequest } from "./follow.ts";
import { DockerfileError } from "./parse.ts";

export interface DockerBuild extends DockerRequest {
  serviceId: string;
  deployId: string;
  withoutCache: boolean;
  /** What Render sets in a build; build arguments may be given as these too. */
  platformVariables: Readonly<Record<string, string>>;
}

/** What an artifact of a Dockerfile has besides its commit. */
export type DockerArtifact =
  & Pick<Artifact, "env">
  & Required<Pick<Artifact, "command">>
  & Partial<Pick<Artifact, "image" | "folder" | "shownFolder" | "workDirectory">>;

/** @throws {StageFailed} @throws {DeployCanceled} */
export async function buildDockerfile(
  platform: BuildPlatform,
  request: DockerBuild,
): Promise<DockerArtifact> {
  const { log, settings, signal } = request;
  const choice = await platform.containers.choice();
  try {
    if (choice.kind === "none") {
      log(
        "==> Drydock: no container engine is used; the Dockerfile's instructions are followed on this machine",
      );
      log(`==> Drydock: why no engine: ${choice.why}`);
      return { ...await followDockerfile(platform, request), shownFolder: "" };
    }
    const { kind, version, program } = choice.engine;
    log(`==> Drydock: the Dockerfile is built by ${kind} ${version} (${program}): ${choice.why}`);
    const variables = { ...request.platformVariables, ...Object.fromEntries(request.own) };
    return { ...await buildImage(platform, choice.engine, { ...request, variables }), env: {} };
  } catch (error) {
    if (signal.aborted) throw new DeployCanceled();
    if (error instanceof DockerfileError) {
      log(`ERROR: failed to build: failed to solve: ${error.message}`);
      log(`==> Drydock: the Dockerfile is ${settings.dockerfilePath}`);
      throw new StageFailed("build", { nonZeroExit: 1 });
    }
    throw error;
  }
}
