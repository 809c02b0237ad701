/** What all parts of one drydock share: its folder, clock, timing, books and policies; and what a build needs of it. */
import type { Clock, Random } from "../base/clock.ts";
import type { Cell } from "../process/cell.ts";
import type { Containers } from "./deploy/engine/containers.ts";
import type { GitMirrors } from "./deploy/mirror.ts";
import type { EventBook } from "./events.ts";
import type { Timing } from "./limits.ts";
import type { LogBook } from "./logs.ts";
import type { Owner } from "./records.ts";

export type OverlapPolicy = "wait" | "override";

export interface Platform {
  /** Real path of the folder that holds everything drydock writes. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: Timing;
  readonly logs: LogBook;
  readonly events: EventBook;
  readonly mirrors: GitMirrors;
  readonly containers: Containers;
  readonly owner: Owner;
  readonly overlapPolicy: OverlapPolicy;
  readonly artifactsKept: number;
  /** What the processes of a build may use together, in mebibytes. */
  readonly buildMemoryMiB: number;
  /** Whether a webhook may lead off this machine. */
  readonly deliversAnywhere: boolean;
  /** What only a test can make happen; see `DrydockControl`. */
  readonly switches: { hasBuildMinutes: boolean };
  /** Full Python version to interpreter path, besides those found on the machine. */
  readonly pythonVersions: Readonly<Record<string, string>>;
}

/** What the builds of a rehearsal are shut in. */
export interface Confinement {
  readonly cell: Cell;
  /** What the machine's programs need there, in place of what this process passes on. */
  readonly env: Readonly<Record<string, string>>;
  /** Told of each command before it runs: `build` is the service's own. */
  readonly onStep: (step: BuildStep) => void;
}
export type BuildStep = "toolchain" | "build";

/** What a build takes of the platform. */
export interface BuildPlatform extends
  Pick<
    Platform,
    "directory" | "clock" | "timing" | "logs" | "containers" | "buildMemoryMiB" | "pythonVersions"
  > {
  readonly mirrors: Pick<GitMirrors, "resolve" | "checkout">;
  /** Absent for a deploy, which builds as what drydock itself runs as. */
  readonly confinement?: Confinement;
}

export interface CommandInPlace {
  command: readonly [string, ...string[]];
  /** The folder that it is started in; a cell enters the one that was asked for by itself. */
  cwd: string;
}

/** The command as it is run: in the cell, where there is one. */
export function confined(
  platform: Pick<BuildPlatform, "confinement">,
  step: BuildStep,
  command: readonly [string, ...string[]],
  cwd: string,
): CommandInPlace {
  const { confinement } = platform;
  confinement?.onStep(step);
  return confinement === undefined
    ? { command, cwd }
    : { command: confinement.cell.command(command, cwd), cwd: "/" };
}
