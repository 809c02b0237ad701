/** Puts into a repository what no ordinary program writes: links, submodules, executable files, odd attributes. */
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import type { BareRepository } from "../helpers/repository.ts";

export interface RawEntry {
  path: string;
  /** `100644`, `100755`, `120000` (content is the target) or `160000` (content is a commit id). */
  mode: string;
  content: string;
}

/** Commits raw entries on top of the branch, straight into the bare repository. @returns the commit's id */
export async function commitRaw(repository: BareRepository, entries: readonly RawEntry[]): Promise<string> {
  const parent = await repository.head();
  const lines = [
    `commit refs/heads/${repository.branch}`,
    "mark :1",
    "committer A Stranger <stranger@example.com> 1700000000 +0000",
    data("Hostile"),
    `from ${parent}`,
    ...entries.map(({ path, mode, content }) =>
      mode === "160000" ? `M 160000 ${content} ${path}` : `M ${mode} inline ${path}\n${data(content)}`
    ),
    "",
    "get-mark :1",
    "",
  ];
  return (await gitIn(repository.url, ["fast-import", "--quiet"], lines.join("\n"))).trim();
}

function data(text: string): string {
  return `data ${new TextEncoder().encode(text).length}\n${text}`;
}

/** Runs git as any program would, in a folder. @throws when it fails */
export async function gitIn(cwd: string, args: readonly string[], input?: string): Promise<string> {
  const result = await run({
    command: ["git", ...args],
    cwd,
    env: {
      ...toolEnvironment(),
      HOME: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
    },
    timeoutMs: 30_000,
    ...(input === undefined ? {} : { input }),
  });
  if (result.kind === "exited" && result.code === 0) return result.stdout;
  throw new Error(`git ${args.join(" ")} failed: ${result.stderr}`);
}

/** A folder that is removed at the end of the test. */
export async function createFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "evenkeel-repo-test-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

export async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) names.push(entry.name);
  return names.sort();
}
