/** A bare repository that plays the part of a git host, and the commits that a developer would push to it. */
import { dirname, join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";

const GIT_TIMEOUT_MS = 30_000;
const BRANCH = "main";

export interface DemoRepository {
  /** Path of the bare repository. */
  url: string;
  branch: string;
  push(files: Readonly<Record<string, string>>, message: string): Promise<void>;
}

/** @param directory an existing folder; the repository becomes a folder in it */
export async function createDemoRepository(directory: string, name: string): Promise<DemoRepository> {
  const bare = join(directory, `${name}.git`);
  const tree = join(directory, name);
  await git(directory, "init", "--quiet", "--bare", `--initial-branch=${BRANCH}`, bare);
  await git(directory, "clone", "--quiet", bare, tree);
  return {
    url: bare,
    branch: BRANCH,
    async push(files, message) {
      // Somebody else (the fix) may have pushed meanwhile.
      await git(tree, "fetch", "--quiet", "origin");
      await git(
        tree,
        "checkout",
        "--quiet",
        "-B",
        BRANCH,
        ...await hasBranch(tree) ? [`origin/${BRANCH}`] : [],
      );
      for (const [path, text] of Object.entries(files)) {
        await Deno.mkdir(dirname(join(tree, path)), { recursive: true });
        await Deno.writeTextFile(join(tree, path), text);
      }
      await git(tree, "add", "--all");
      await git(tree, "commit", "--quiet", "-m", message);
      await git(tree, "push", "--quiet", "origin", BRANCH);
    },
  };
}

async function hasBranch(tree: string): Promise<boolean> {
  return (await git(tree, "branch", "--remotes")).includes(`origin/${BRANCH}`);
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const result = await run({
    command: ["git", ...args],
    cwd,
    env: {
      ...toolEnvironment(),
      HOME: cwd,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "A Developer",
      GIT_AUTHOR_EMAIL: "developer@example.com",
      GIT_COMMITTER_NAME: "A Developer",
      GIT_COMMITTER_EMAIL: "developer@example.com",
    },
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (result.kind === "exited" && result.code === 0) return result.stdout;
  throw new EvenkeelError(
    `Cannot run git ${args[0]}: ${result.stderr.trim().split("\n")[0] ?? result.kind}`,
    {
      hint: "The demo needs git 2.28 or newer on PATH",
    },
  );
}
