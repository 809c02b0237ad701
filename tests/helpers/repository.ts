/**
 * A real bare git repository in a temp folder, for tests that clone, push and deploy. Commits are made in a
 * working tree beside it and pushed; nothing of the machine's git configuration is read.
 */
import { dirname, join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";

export interface BareRepository extends AsyncDisposable {
  /** The absolute path of the bare repository; git and drydock take it as a URL. */
  readonly url: string;
  readonly branch: string;
  /** Writes files (`null` deletes one) on top of the branch's head and pushes. @returns the commit's id */
  commit(files: Readonly<Record<string, string | null>>, message: string): Promise<string>;
  /** The commit at the branch's head. */
  head(): Promise<string>;
  /** A file's text at the branch's head. @throws when there is no such file */
  read(path: string): Promise<string>;
  /** The branch's commits, newest first, with the files each one changed. */
  log(): Promise<{ sha: string; message: string; files: string[] }[]>;
}

export interface BareRepositoryOptions {
  /** @default "main" */
  branch?: string;
  /** @default "First version" */
  message?: string;
}

const GIT_TIMEOUT_MS = 30_000;

/** @param files the first commit: path to text */
export async function createBareRepository(
  files: Readonly<Record<string, string>>,
  options: BareRepositoryOptions = {},
): Promise<BareRepository> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-repository-" });
  const branch = options.branch ?? "main";
  const url = join(folder, "origin.git");
  const tree = join(folder, "tree");
  const author = { name: "A Developer", email: "developer@example.com" };
  const env = {
    ...toolEnvironment(),
    HOME: folder,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const result = await run({ command: ["git", ...args], cwd, env, timeoutMs: GIT_TIMEOUT_MS });
    if (result.kind === "exited" && result.code === 0) return result.stdout;
    throw new Error(`git ${args.join(" ")} failed in ${cwd}: ${result.stderr}`);
  };
  const repository: BareRepository = {
    url,
    branch,
    async commit(files, message) {
      await git(tree, "fetch", "-q", "origin");
      await git(tree, "reset", "-q", "--hard", `origin/${branch}`);
      return await commitAndPush(files, message);
    },
    head: async () => (await git(url, "rev-parse", branch)).trim(),
    read: (path) => git(url, "show", `${branch}:${path}`),
    async log() {
      const text = await git(url, "log", "--format=%x1e%H%x1f%B%x1f", "--name-only", branch);
      return text.split("\x1e").slice(1).map((record) => {
        const [sha = "", message = "", changed = ""] = record.split("\x1f");
        return { sha, message: message.trim(), files: changed.split("\n").filter((line) => line !== "") };
      });
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  const commitAndPush = async (files: Readonly<Record<string, string | null>>, message: string) => {
    for (const [path, text] of Object.entries(files)) {
      const target = join(tree, path);
      if (text === null) {
        await Deno.remove(target);
        continue;
      }
      await Deno.mkdir(dirname(target), { recursive: true });
      await Deno.writeTextFile(target, text);
    }
    await git(tree, "add", "-A");
    await git(tree, "commit", "-q", "--allow-empty", "-m", message);
    await git(tree, "push", "-q", "origin", `HEAD:refs/heads/${branch}`);
    return (await git(tree, "rev-parse", "HEAD")).trim();
  };
  try {
    await git(folder, "init", "-q", "--bare", `--initial-branch=${branch}`, url);
    await git(folder, "init", "-q", `--initial-branch=${branch}`, tree);
    await git(tree, "remote", "add", "origin", url);
    await commitAndPush(files, options.message ?? "First version");
    return repository;
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}
