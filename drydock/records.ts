/**
 * What drydock remembers: services, deploys, artifacts, databases. Plain data without behaviour; the API's
 * answers are made from it in `api/present.ts`.
 */
import type { DeployStatus } from "../render/schemas.ts";

export interface Owner {
  id: string;
  name: string;
  email: string;
}

export type Runtime = "node" | "python" | "docker";

/** The settings a deploy takes a copy of; a rollback brings the copy back. */
export interface ServiceSettings {
  runtime: Runtime;
  rootDir: string;
  buildCommand: string;
  startCommand: string;
  preDeployCommand: string;
  /** Empty means no HTTP check, only a port. */
  healthCheckPath: string;
  dockerCommand: string;
  dockerContext: string;
  dockerfilePath: string;
  maxShutdownDelaySeconds: number;
}

export interface ServiceRecord {
  readonly id: string;
  name: string;
  readonly slug: string;
  readonly ownerId: string;
  repo: string;
  branch: string;
  autoDeploy: boolean;
  plan: string;
  readonly region: string;
  numInstances: number;
  notifyOnFail: "default" | "notify" | "ignore";
  suspended: boolean;
  maintenance: { enabled: boolean; uri: string };
  settings: ServiceSettings;
  env: Map<string, string>;
  /** Where the service answers. */
  url: string;
  readonly createdAt: number;
  updatedAt: number;
}

export interface Commit {
  id: string;
  message: string;
  /** RFC 3339. */
  createdAt: string;
}

export type DeployTrigger =
  | "api"
  | "manual"
  | "new_commit"
  | "rollback"
  | "service_resumed"
  | "service_updated"
  | "other";

/** Settings and variables a deploy runs with, fixed when it starts. */
export interface Snapshot {
  settings: ServiceSettings;
  env: ReadonlyMap<string, string>;
}

/** The outcome of a build: a folder that can be started any number of times. */
export interface Artifact {
  readonly id: string;
  readonly folder: string;
  /** What logs call the folder. */
  readonly shownFolder: string;
  /** Where commands run. */
  readonly workDirectory: string;
  /** Variables the build's tools need at run time too, such as PATH with a virtual environment in front. */
  readonly env: Readonly<Record<string, string>>;
  /** The name of the image that a container engine built; absent for what runs on this machine itself. */
  readonly image?: string;
  /** The start command of a Dockerfile's own CMD; absent for native runtimes. */
  readonly command?: StartCommand;
  readonly commit: Commit;
  readonly branch: string;
  readonly runtime: Runtime;
}

/** How an instance is started. `shown` is what the log says. */
export interface StartCommand {
  readonly argv: readonly [string, ...string[]];
  readonly shown: string;
}

export interface DeployRecord {
  readonly id: string;
  readonly serviceId: string;
  readonly buildId: string;
  status: DeployRecordStatus;
  readonly trigger: DeployTrigger;
  readonly clearCache: boolean;
  commit: Commit | undefined;
  /** Present when the deploy reuses an artifact instead of building. */
  reuse: Artifact | undefined;
  /** The settings to bring back; absent means those of the service when the deploy starts. */
  snapshot: Snapshot | undefined;
  rollbackTarget: string | undefined;
  artifact: Artifact | undefined;
  readonly createdAt: number;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  updatedAt: number;
}

export type DeployRecordStatus = Exclude<DeployStatus, "unknown">;

/** True when nothing will change the deploy any more, apart from live to deactivated. */
export function isFinished(status: DeployRecordStatus): boolean {
  switch (status) {
    case "live":
    case "deactivated":
    case "build_failed":
    case "pre_deploy_failed":
    case "update_failed":
    case "canceled":
      return true;
    case "created":
    case "queued":
    case "build_in_progress":
    case "pre_deploy_in_progress":
    case "update_in_progress":
      return false;
  }
}

/** A database as a record: its status can be read and set, there is no server behind it. */
export interface PostgresRecord {
  readonly id: string;
  name: string;
  readonly databaseName: string;
  readonly databaseUser: string;
  readonly password: string;
  plan: string;
  readonly version: string;
  readonly region: string;
  status: string;
  suspended: boolean;
  readonly createdAt: number;
  updatedAt: number;
}
