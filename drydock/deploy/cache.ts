/**
 * What one build of a service leaves for the next, kept as Render keeps it: fetched before a build begins, stored
 * when a build has succeeded. A build that fails, runs out of time or is canceled stores nothing, so that the next
 * one begins from the same state (docs/decisions/split-installs-at-the-same-time.md says what shows that).
 */
import { join } from "@std/path";
import { run } from "../../process/run.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { StageFailed } from "./failure.ts";

/** What logs call the home of a build. */
export const SHOWN_HOME = "/opt/render";

const COPY_TIMEOUT_MS = 300_000;

export interface BuildCache {
  /** The home of the build, with what was kept in it; package managers have their caches there. */
  readonly home: string;
  /** Keeps what the home holds now; the build has succeeded. */
  store(): Promise<void>;
  /** Forgets the home; without `store` nothing of the build is kept. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface CacheRequest {
  /** The service's folder. One build at a time uses it. */
  folder: string;
  /** Forget what was kept first. */
  clear: boolean;
  log: (line: string) => void;
  signal: AbortSignal;
}

/**
 * A home for a build that leaves nothing to another one. What the build made of its folders stays as it is, because a
 * build in a cell may have put a link in the place of any of them.
 */
export async function bareHome(folder: string): Promise<BuildCache> {
  const home = join(folder, "build-home");
  await Deno.mkdir(home, { recursive: true });
  return { home, store: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** @throws {StageFailed} when what was kept cannot be copied */
export async function fetchCache({ folder, clear, log, signal }: CacheRequest): Promise<BuildCache> {
  const kept = join(folder, "cache");
  // The same place in every build: some caches name their own path.
  const home = join(folder, "build-home");
  const remove = (path: string) => Deno.remove(path, { recursive: true }).catch(() => {});
  if (clear) await remove(kept);
  await remove(home);
  await Deno.mkdir(home, { recursive: true });
  if (await Deno.stat(kept).then(() => true, () => false)) {
    log("==> Downloading cache...");
    const result = await run({
      command: ["cp", "-a", `${kept}/.`, home],
      cwd: "/",
      env: toolEnvironment(),
      timeoutMs: COPY_TIMEOUT_MS,
      signal,
    });
    if (result.kind !== "exited" || result.code !== 0) {
      if (!signal.aborted) log(`==> Drydock: the build cache cannot be copied: ${result.stderr.trim()}`);
      throw new StageFailed("build", {});
    }
  }
  return {
    home,
    async store() {
      await remove(kept);
      await Deno.rename(home, kept);
    },
    [Symbol.asyncDispose]: () => remove(home),
  };
}
