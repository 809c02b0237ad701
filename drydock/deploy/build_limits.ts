/** What the log and the events say of a build that went beyond a limit of the platform. */
import type { BuildPlatform } from "../platform.ts";
import { StageFailed } from "./failure.ts";
import { shownMemory } from "./memory.ts";
import type { ShellResult } from "./shell.ts";

/** Thrown where a step of a build goes beyond a limit, for the whole build to end. */
export class BeyondLimit extends Error {
  override readonly name = "BeyondLimit";
  constructor(readonly result: ShellResult) {
    super("the build went beyond a limit of the platform");
  }
}

export function isBeyondLimit(result: ShellResult): boolean {
  return result.kind === "timeout" || (result.kind === "exited" && result.code !== 0 && result.isOutOfMemory);
}

/** Says in the log which limit it was. @returns what to throw; `undefined` for a build that ended otherwise */
export function beyondLimit(
  { timing, buildMemoryMiB }: Pick<BuildPlatform, "timing" | "buildMemoryMiB">,
  result: ShellResult,
  log: (line: string) => void,
): StageFailed | undefined {
  if (!isBeyondLimit(result)) return undefined;
  if (result.kind === "timeout") {
    log("==> Timed Out");
    return new StageFailed("build", { timedOutSeconds: Math.ceil(timing.buildMs / 1000) });
  }
  const memoryLimit = shownMemory(buildMemoryMiB);
  log(`==> Out of memory (used over ${memoryLimit})`);
  return new StageFailed("build", { oomKilled: { memoryLimit } });
}
