/** A folder on disk as `diagnose` sees it: its files, and what edits would change in them. Writes only into a scratch folder. */
import { dirname, join } from "@std/path";
import { EvenkeelError } from "../base/errors.ts";
import { toolEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";
import type { Edit } from "../state/records.ts";

/** Files listed of a folder. */
export const FILES_MAX = 20_000;
const GIT_TIMEOUT_MS = 20_000;
const SKIPPED = new Set([".git", "node_modules", ".venv", "venv", "__pycache__"]);

/**
 * The files of a repository, or of a plain folder without what is installed there.
 * @throws {EvenkeelError} when it is no folder that can be read
 */
export async function listFiles(directory: string): Promise<string[]> {
  const isFolder = await Deno.stat(directory).then((stat) => stat.isDirectory, () => false);
  if (!isFolder) {
    throw new EvenkeelError(`Cannot read the repository ${directory}: it is no folder`, {
      hint: "Give the folder of the repository as --repo",
    });
  }
  const listed = await run({
    command: [
      "git",
      "-c",
      "core.fsmonitor=false",
      "ls-files",
      "-z",
      "--cached",
      "--others",
      "--exclude-standard",
    ],
    cwd: directory,
    env: gitEnvironment(),
    timeoutMs: GIT_TIMEOUT_MS,
  }).catch(() => undefined);
  if (listed?.kind === "exited" && listed.code === 0 && !listed.truncated) {
    return listed.stdout.split("\0").filter((path) => path !== "").slice(0, FILES_MAX);
  }
  const files: string[] = [];
  const queue = [""];
  for (let folder = queue.shift(); folder !== undefined && files.length < FILES_MAX; folder = queue.shift()) {
    for await (const entry of Deno.readDir(join(directory, folder))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory && !SKIPPED.has(entry.name)) queue.push(path);
      else if (entry.isFile && files.length < FILES_MAX) files.push(path);
    }
  }
  return files.sort();
}

/** What edits would change, as a unified diff that `git apply` takes. */
export async function unifiedDiff(
  directory: string,
  edits: readonly Edit[],
  scratch: string,
): Promise<string> {
  const parts: string[] = [];
  for (const { path, content } of edits) {
    const old = await Deno.readTextFile(join(directory, path)).catch(() => null);
    await place(scratch, "a", path, old);
    await place(scratch, "b", path, content);
    const result = await run({
      command: [
        "git",
        "diff",
        "--no-index",
        "--no-color",
        "--no-ext-diff",
        "--src-prefix=",
        "--dst-prefix=",
        "--",
        old === null ? "/dev/null" : `a/${path}`,
        content === null ? "/dev/null" : `b/${path}`,
      ],
      cwd: scratch,
      env: gitEnvironment(),
      timeoutMs: GIT_TIMEOUT_MS,
    });
    // 1 means that they differ.
    if (result.kind !== "exited" || result.code > 1) {
      throw new EvenkeelError(`Cannot compare ${path}: git diff failed`);
    }
    parts.push(result.stdout.replace(/^index .*\n/m, ""));
  }
  return parts.join("").trimEnd();
}

async function place(scratch: string, side: string, path: string, text: string | null): Promise<void> {
  if (text === null) return;
  const file = join(scratch, side, path);
  await Deno.mkdir(dirname(file), { recursive: true });
  await Deno.writeTextFile(file, text);
}

function gitEnvironment(): Record<string, string> {
  return { ...toolEnvironment(), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
}
