/**
 * Watches a branch for new commits and reports each new head once. A local repository's ref is read from its
 * files; anything else is asked with `git ls-remote`, less often.
 */
import { join } from "@std/path";
import type { Clock } from "../base/clock.ts";
import type { GitMirrors } from "./deploy/mirror.ts";

/** How many local periods pass between two questions to a remote. */
const REMOTE_PERIODS = 5;
const SHA = /^[0-9a-f]{40}$/;
const SKIP = /\[(?:skip (?:render|deploy|cd)|(?:render|deploy|cd) skip)\]/i;

/** True when a commit's message asks for no deploy (reference section 4). */
export function asksToSkip(message: string): boolean {
  return SKIP.test(message);
}

/** The head of a branch as a local repository's files tell it; `undefined` when they do not. */
export async function localHead(repo: string, branch: string): Promise<string | undefined> {
  const path = repo.startsWith("file://") ? decodeURIComponent(new URL(repo).pathname) : repo;
  if (!path.startsWith("/")) return undefined;
  for (const folder of [path, join(path, ".git")]) {
    const loose = (await read(join(folder, "refs", "heads", branch)))?.trim();
    if (loose !== undefined && SHA.test(loose)) return loose;
    const packed = await read(join(folder, "packed-refs"));
    const line = packed?.split("\n").find((each) => each.endsWith(` refs/heads/${branch}`));
    if (line !== undefined && SHA.test(line.slice(0, 40))) return line.slice(0, 40);
  }
  return undefined;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}

export interface BranchWatch {
  mirrors: GitMirrors;
  clock: Clock;
  periodMs: number;
  /** Read each time: repository and branch can change. */
  target: () => { repo: string; branch: string };
  /** Called with every head, in order; the callee knows which it has seen. */
  onHead: (head: string) => Promise<void>;
}

/** Runs until the signal aborts; never rejects. */
export async function watchBranch(watch: BranchWatch, signal: AbortSignal): Promise<void> {
  for (let period = 0; !signal.aborted; period++) {
    await watch.clock.sleep(watch.periodMs, signal);
    if (signal.aborted) return;
    const { repo, branch } = watch.target();
    try {
      let head = await localHead(repo, branch);
      if (head === undefined && period % REMOTE_PERIODS === 0) {
        head = await watch.mirrors.remoteHead(repo, branch, signal);
      }
      if (head !== undefined) await watch.onHead(head);
    } catch {
      // A repository that cannot be asked now is asked again in the next period; deploys say it aloud.
    }
  }
}
