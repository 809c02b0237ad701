/** Placeholder until the Dockerfile follower is in. */
import type { Platform } from "../platform.ts";
import type { ServiceSettings, StartCommand } from "../records.ts";
import { StageFailed } from "./failure.ts";

export interface DockerRequest {
  settings: ServiceSettings;
  checkout: string;
  workDirectory: string;
  env: Record<string, string>;
  own: ReadonlyMap<string, string>;
  log: (line: string) => void;
  signal: AbortSignal;
}

export interface DockerImage {
  command: StartCommand;
  workDirectory: string;
  env: Record<string, string>;
}

export function buildDockerfile(_platform: Platform, request: DockerRequest): Promise<DockerImage> {
  request.log("==> Drydock: Dockerfile services are not built here yet");
  throw new StageFailed("build", { nonZeroExit: 1 });
}
