/**
 * One bare mirror a repository, kept in drydock's folder and fetched before each deploy. Nothing a repository
 * says is run: no hooks, no filters, no submodules, no LFS, no configuration of this machine, only the file,
 * http and https protocols. A credential is never an argument.
 */
import { join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { GIT_TIMEOUT_MS, LS_REMOTE_TIMEOUT_MS } from "../limits.ts";
import type { Commit } from "../records.ts";

/** A git command that failed; `detail` is what git said, without credentials. */
export class GitFailed extends Error {
  override readonly name = "GitFailed";
  constructor(readonly detail: string) {
    super(detail);
  }
}

/** A repository's address without user name and password, for logs and answers. */
export function withoutCredentials(repo: string): string {
  return repo.replace(/^([a-z]+:\/\/)[^/@]*@/i, "$1");
}

/**
 * An address without its credential, and the environment that gives git the credential: a command line can be
 * read by every process of the machine.
 */
function apart(repo: string): { address: string; env: Record<string, string> } {
  const url = URL.parse(repo);
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === null || !isHttp || (url.username === "" && url.password === "")) {
    return { address: repo, env: {} };
  }
  const credential = `${decoded(url.username)}:${decoded(url.password)}`;
  const address = withoutCredentials(repo);
  return {
    address,
    env: {
      GIT_CONFIG_COUNT: "1",
      // Only for this address: git would send an unbound header to every host that it is sent on to.
      GIT_CONFIG_KEY_0: `http.${address}.extraHeader`,
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${new TextEncoder().encode(credential).toBase64()}`,
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const SHA = /^[0-9a-f]{40}$/;

export class GitMirrors {
  readonly #folder: string;
  readonly #env: Record<string, string>;
  /** The end of the queue of each mirror: git locks its files, so commands on one mirror take turns. */
  readonly #queues = new Map<string, Promise<unknown>>();

  private constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
  }

  /** @param folder where the mirrors live; made when missing */
  static async open(folder: string): Promise<GitMirrors> {
    await Deno.mkdir(folder, { recursive: true });
    const config = join(folder, "gitconfig");
    // Repositories of other users are read, never trusted: git's ownership check guards hooks and
    // configuration, and those are off.
    await Deno.writeTextFile(config, "[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n");
    return new GitMirrors(folder, {
      ...toolEnvironment(),
      HOME: folder,
      GIT_CONFIG_GLOBAL: config,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_ALLOW_PROTOCOL: "file:http:https",
      GIT_TERMINAL_PROMPT: "0",
      GIT_LFS_SKIP_SMUDGE: "1",
    });
  }

  /** The commit a branch points at, asked of the remote; `undefined` when the branch does not exist. */
  async remoteHead(repo: string, branch: string, signal?: AbortSignal): Promise<string | undefined> {
    const { address, env } = apart(repo);
    const args = ["ls-remote", "--", address, `refs/heads/${branch}`];
    const text = await this.#git(this.#folder, args, LS_REMOTE_TIMEOUT_MS, signal, env);
    const sha = text.split("\t")[0]?.trim() ?? "";
    return SHA.test(sha) ? sha : undefined;
  }

  /** The branch the remote's HEAD names. */
  async defaultBranch(repo: string, signal?: AbortSignal): Promise<string | undefined> {
    const { address, env } = apart(repo);
    const args = ["ls-remote", "--symref", "--", address, "HEAD"];
    const text = await this.#git(this.#folder, args, LS_REMOTE_TIMEOUT_MS, signal, env);
    return /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(text)?.[1];
  }

  /**
   * Brings the mirror up to date and finds a commit in it.
   * @param commitId the branch's head when absent
   * @throws {GitFailed} when the repository cannot be fetched or has no such commit
   */
  resolve(repo: string, branch: string, commitId?: string, signal?: AbortSignal): Promise<Commit> {
    return this.#inTurn(repo, async (mirror) => {
      const { address, env } = apart(repo);
      await this.#git(
        mirror,
        [
          "fetch",
          "-q",
          "--prune",
          "--no-tags",
          "--no-recurse-submodules",
          "--",
          address,
          "+refs/heads/*:refs/heads/*",
        ],
        GIT_TIMEOUT_MS,
        signal,
        env,
      );
      const revision = commitId ?? `refs/heads/${branch}`;
      const args = [
        "log",
        "-1",
        "--no-show-signature",
        "--format=%H%x1f%cI%x1f%B",
        `${revision}^{commit}`,
        "--",
      ];
      const text = await this.#git(mirror, args, GIT_TIMEOUT_MS, signal);
      const [id = "", createdAt = "", message = ""] = text.split("\x1f");
      return { id: id.trim(), createdAt, message: message.trim() };
    });
  }

  /**
   * Writes a commit's files, with a repository around them that knows where they came from.
   * @param target a folder that does not exist yet
   */
  checkout(repo: string, commit: string, target: string, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(repo, async (mirror) => {
      const clone = [
        "clone",
        "-q",
        "--no-checkout",
        "--template=",
        "--no-recurse-submodules",
        "--",
        mirror,
        target,
      ];
      await this.#git(this.#folder, clone, GIT_TIMEOUT_MS, signal);
      const filters = [
        "-c",
        "filter.lfs.smudge=",
        "-c",
        "filter.lfs.process=",
        "-c",
        "filter.lfs.required=false",
      ];
      await this.#git(target, [...filters, "checkout", "-q", "--detach", commit], GIT_TIMEOUT_MS, signal);
      await this.#git(
        target,
        ["remote", "set-url", "origin", withoutCredentials(repo)],
        GIT_TIMEOUT_MS,
        signal,
      );
    });
  }

  async #inTurn<T>(repo: string, work: (mirror: string) => Promise<T>): Promise<T> {
    const previous = this.#queues.get(repo) ?? Promise.resolve();
    const turn = previous.catch(() => {}).then(async () => work(await this.#mirror(repo)));
    this.#queues.set(repo, turn.catch(() => {}));
    return await turn;
  }

  async #mirror(repo: string): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(repo));
    const name = Array.from(
      new Uint8Array(digest.slice(0, 10)),
      (byte) => byte.toString(16).padStart(2, "0"),
    );
    const mirror = join(this.#folder, `${name.join("")}.git`);
    await this.#git(this.#folder, ["init", "-q", "--bare", "--template=", mirror], GIT_TIMEOUT_MS);
    return mirror;
  }

  /** @param env what this command has on top, a credential for one */
  async #git(
    cwd: string,
    args: string[],
    timeoutMs: number,
    signal?: AbortSignal,
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const result = await run({
      command: ["git", ...args],
      cwd,
      env: { ...this.#env, ...env },
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    if (result.kind === "exited" && result.code === 0) return result.stdout;
    const why = result.kind === "killed" ? `git was stopped: ${result.why}` : result.stderr.trim();
    throw new GitFailed(why.replace(/([a-z]+:\/\/)[^/@\s]*@/gi, "$1"));
  }
}
