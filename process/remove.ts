/**
 * Removes folders that a program made which nobody trusts. `Deno.remove` goes into each level by a call of its own, so
 * that folders some ten thousand levels deep end this whole process; the system's own program goes as deep as they do,
 * and follows no link, not even one that appears while it works.
 */
import { run } from "./run.ts";

const TIMEOUT_MS = 120_000;
const SYSTEM = { cwd: "/", env: { PATH: "/usr/bin:/bin" }, timeoutMs: TIMEOUT_MS };

/** @returns whether it is gone, with everything in it on the same file system */
export async function removeTree(path: string): Promise<boolean> {
  return await succeeds(["rm", "-rf", "--one-file-system", "--", path]);
}

/** Opens folders to their owner. It may follow a link that appears while it works: whoever could make one has ended. */
export async function openTree(path: string): Promise<boolean> {
  return await succeeds(["chmod", "-R", "u+rwX", "--", path]);
}

async function succeeds(command: readonly [string, ...string[]]): Promise<boolean> {
  const result = await run({ command, ...SYSTEM }).catch(() => null);
  return result?.kind === "exited" && result.code === 0;
}
