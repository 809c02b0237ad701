/** Finds a service's Dockerfile and build context, both inside the repository whatever links say. */
import { dirname, join } from "@std/path";
import type { ServiceSettings } from "../../records.ts";
import { DockerfileError } from "./parse.ts";

export interface DockerSource {
  settings: ServiceSettings;
  /** The repository's files. */
  checkout: string;
  /** The service's root directory in them. */
  workDirectory: string;
}

export interface Located {
  /** Real paths. */
  dockerfile: string;
  context: string;
  /** The Dockerfile's text. */
  text: string;
}

const DOCKERFILE_BYTES_MAX = 256 * 1024;

/** @throws {DockerfileError} */
export async function locate({ settings, checkout, workDirectory }: DockerSource): Promise<Located> {
  const dockerfile = await inside(checkout, join(workDirectory, settings.dockerfilePath));
  if (dockerfile === undefined) {
    const name = settings.dockerfilePath.split("/").at(-1);
    throw new DockerfileError(`failed to read dockerfile: open ${name}: no such file or directory`);
  }
  const context = await inside(checkout, join(workDirectory, settings.dockerContext));
  if (context === undefined) throw new DockerfileError(`build context ${settings.dockerContext} not found`);
  if ((await Deno.stat(dockerfile)).size > DOCKERFILE_BYTES_MAX) {
    throw new DockerfileError("the Dockerfile is too large");
  }
  return { dockerfile, context, text: await Deno.readTextFile(dockerfile) };
}

/** The real path when it exists and lies inside the folder. */
async function inside(folder: string, path: string): Promise<string | undefined> {
  const [real, root] = await Promise.all([Deno.realPath(path).catch(() => undefined), Deno.realPath(folder)]);
  return real !== undefined && (real === root || real.startsWith(`${root}/`) || dirname(real) === root)
    ? real
    : undefined;
}
