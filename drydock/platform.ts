/** What all parts of one drydock share: its folder, clock, timing, books and policies. */
import type { Clock, Random } from "../base/clock.ts";
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
