/**
 * A shallow copy of one branch in a folder of its own. What is in the repository stays data: nothing of it runs,
 * no link leads out of the folder, files are byte for byte what the commit holds, and a repository beyond the
 * limits is refused before its files are written. The credential stays in memory. What git itself keeps lies
 * beside the folder: whoever may write in the folder must not be able to tell our git what to run.
 */
import { join } from "@std/path";
import { EvenkeelError, EXIT } from "../base/errors.ts";
import type { RunResult } from "../process/run.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { git, gitError, gitOutput } from "./git.ts";
import type { GitOptions } from "./git.ts";
import { readInside } from "./read_inside.ts";
import { checkBranch, checkCommit, parseRemote } from "./remote.ts";
import type { Remote } from "./remote.ts";

export interface CheckoutLimits {
  /** @default CHECKOUT_FILES_MAX */
  filesMax?: number;
  /** Bytes of all files together, and of the packed history. @default CHECKOUT_BYTES_MAX */
  bytesMax?: number;
  /** Folders in one path. @default CHECKOUT_DEPTH_MAX */
  depthMax?: number;
  /** Bytes of memory for each git process: objects that unfold to more are refused. @default CHECKOUT_MEMORY_MAX */
  memoryBytesMax?: number;
}

export const CHECKOUT_FILES_MAX = 50_000;
export const CHECKOUT_BYTES_MAX = 512 * 1024 * 1024;
export const CHECKOUT_DEPTH_MAX = 64;
export const CHECKOUT_MEMORY_MAX = 1024 * 1024 * 1024;
/** What `read` gives of one file. */
export const READ_BYTES_MAX = 1024 * 1024;
/** How far back a commit that is not the branch's head is looked for, in commits. */
export const CHECKOUT_HISTORY_MAX = 500;

export interface CloneOptions {
  /** https, ssh, file, an absolute path, or http to this machine. */
  url: string;
  branch: string;
  /** A whole commit id. @default the branch's head */
  commit?: string;
  /** Absolute; this folder and `<directory>.git` beside it must not exist yet, or be empty. */
  directory: string;
  /** For GitHub only. */
  token?: string;
  limits?: CheckoutLimits;
  signal?: AbortSignal;
}

/** One tracked thing of the checkout's commit. */
export interface TreeEntry {
  /** `100644`, `100755`, LINK or SUBMODULE. */
  readonly mode: string;
  readonly blob: string;
}

/** git's modes of what is neither a file nor a folder. */
export const LINK = "120000";
export const SUBMODULE = "160000";

export interface Checkout extends AsyncDisposable {
  /** The files, without a `.git`. */
  readonly directory: string;
  /** Without credentials. */
  readonly url: string;
  readonly branch: string;
  /** The commit that is checked out. */
  readonly head: string;
  readonly remote: Remote;
  /** Every tracked file, links and submodules included. */
  paths(): Promise<string[]>;
  entry(path: string): TreeEntry | undefined;
  /** True when tracked files lie below this path. */
  isFolder(path: string): boolean;
  /**
   * The text of a file, or `null` when there is none.
   * @param bytesMax larger files are refused @default READ_BYTES_MAX
   * @throws {EvenkeelError} for a path that leaves the folder or is a link, and for what is no UTF-8 text
   */
  read(path: string, bytesMax?: number): Promise<string | null>;
  /** Runs git on the folder with the remote's credential. */
  git(args: readonly string[], options?: Omit<GitOptions, "cwd" | "remote">): Promise<RunResult>;
  gitOutput(
    args: readonly string[],
    doing: string,
    options?: Omit<GitOptions, "cwd" | "remote">,
  ): Promise<string>;
}

/**
 * Clones one branch. The folder is removed when that fails and when the checkout is disposed.
 * @throws {EvenkeelError} `Cannot clone <url>: <git's first fatal line>`
 */
export async function cloneCheckout(options: CloneOptions): Promise<Checkout> {
  const remote = parseRemote(options.url, options.token);
  const branch = checkBranch(options.branch);
  const commit = options.commit === undefined ? undefined : checkCommit(options.commit);
  const folders = [options.directory, gitDirectoryOf(options.directory)];
  for (const folder of folders) await refuseUsedFolder(folder);
  const dispose = async () => {
    for (const folder of folders) await remove(folder);
  };
  try {
    return await clone(options, remote, branch, commit, dispose);
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function clone(
  options: CloneOptions,
  remote: Remote,
  branch: string,
  commit: string | undefined,
  dispose: () => Promise<void>,
): Promise<Checkout> {
  const { directory, signal } = options;
  const gitDirectory = gitDirectoryOf(directory);
  const bytesMax = options.limits?.bytesMax ?? CHECKOUT_BYTES_MAX;
  const doing = `clone ${remote.url}`;
  const common = {
    remote,
    fileBytesMax: bytesMax,
    memoryBytesMax: options.limits?.memoryBytesMax ?? CHECKOUT_MEMORY_MAX,
    ...(signal === undefined ? {} : { signal }),
  };
  const inside = { ...common, cwd: directory, gitDirectory };
  await Deno.mkdir(directory, { recursive: true });
  await gitOutput(
    // Without --no-local, git would link or copy a local repository's files instead of fetching from it.
    [
      ...["clone", "-q", "--bare", "--no-local", "--template=", "--depth", "1", "--single-branch"],
      ...["--no-tags", "--no-recurse-submodules", "-c", "core.symlinks=false", "--branch", branch],
      ...["--", remote.url, gitDirectory],
    ],
    doing,
    { ...common, cwd: "/" },
  );
  const head = commit ?? (await gitOutput(["rev-parse", "HEAD"], doing, inside)).trim();
  if (commit !== undefined) await fetchCommit(commit, branch, doing, inside);
  const tree = await readTree(head, doing, inside, options.limits ?? {});
  // The last word on attributes: no filter, no change of line ends or encoding, whatever the repository says.
  await Deno.mkdir(join(gitDirectory, "info"), { recursive: true });
  await Deno.writeTextFile(
    join(gitDirectory, "info", "attributes"),
    "* -text -ident !eol !filter !working-tree-encoding\n",
  );
  await gitOutput(["read-tree", "--reset", "-u", head], doing, inside);
  return {
    directory,
    url: remote.url,
    branch,
    head,
    remote,
    paths: () => Promise.resolve([...tree.entries.keys()]),
    entry: (path) => tree.entries.get(path),
    isFolder: (path) => tree.folders.has(path),
    read: async (path, readBytesMax = READ_BYTES_MAX) => {
      // On disk a tracked link is a small file that holds its target.
      if (tree.entries.get(path)?.mode !== LINK) return await readInside(directory, path, readBytesMax);
      throw new EvenkeelError(`Cannot read ${sanitizeLine(path, 200)}: it is a symbolic link`);
    },
    git: (args, more) => git(args, { ...more, cwd: directory, gitDirectory, remote }),
    gitOutput: (args, what, more) => gitOutput(args, what, { ...more, cwd: directory, gitDirectory, remote }),
    [Symbol.asyncDispose]: dispose,
  };
}

/** Makes sure that a commit of the branch is there: by its id, else by going back along the branch. */
async function fetchCommit(
  commit: string,
  branch: string,
  doing: string,
  options: GitOptions & { remote: Remote },
): Promise<void> {
  const isThere = async () => {
    const found = await git(["cat-file", "-e", `${commit}^{commit}`], options);
    return found.kind === "exited" && found.code === 0;
  };
  const fetch = ["fetch", "-q", "--no-tags", "--no-recurse-submodules"];
  if (await isThere()) return;
  await git([...fetch, "--depth", "1", "--", options.remote.url, commit], options);
  if (await isThere()) return;
  await git(
    [...fetch, `--depth=${CHECKOUT_HISTORY_MAX}`, "--", options.remote.url, `refs/heads/${branch}`],
    options,
  );
  if (await isThere()) return;
  options.signal?.throwIfAborted();
  throw new EvenkeelError(`Cannot ${doing}: commit ${commit} is not on ${branch}`, {
    exitCode: EXIT.unobservable,
  });
}

/** Lists what a commit holds and refuses it beyond the limits, before any of it is written. */
async function readTree(commit: string, doing: string, options: GitOptions, limits: CheckoutLimits) {
  const filesMax = limits.filesMax ?? CHECKOUT_FILES_MAX;
  const bytesMax = limits.bytesMax ?? CHECKOUT_BYTES_MAX;
  const depthMax = limits.depthMax ?? CHECKOUT_DEPTH_MAX;
  const refuse = (why: string) => {
    throw new EvenkeelError(`Cannot ${doing}: ${why}`, { exitCode: EXIT.unobservable });
  };
  const outputBytesMax = 1024 * 1024 + filesMax * 300;
  const result = await git(["ls-tree", "-r", "-l", "-z", "--full-tree", commit], {
    ...options,
    outputBytesMax,
    // A few trees can name each other into more files than anybody could list.
    endAtOutputMax: true,
  });
  const isTooMuch = result.kind === "killed" ? result.why === "output" : result.truncated;
  if (isTooMuch) refuse(`it has more than ${filesMax} files, or very long names`);
  if (result.kind !== "exited" || result.code !== 0) {
    options.signal?.throwIfAborted();
    throw gitError(result, doing, options);
  }
  const entries = new Map<string, TreeEntry>();
  const folders = new Set<string>();
  let bytes = 0;
  for (const record of result.stdout.split("\0")) {
    const match = /^(\d{6}) \w+ ([0-9a-f]+) +(\d+|-)\t([^]+)$/.exec(record);
    if (match === null) continue;
    const [, mode = "", blob = "", size = "", path = ""] = match;
    entries.set(path, { mode, blob });
    bytes += size === "-" ? 0 : Number(size);
    const parts = path.split("/");
    if (parts.length > depthMax) refuse(`a path in it is more than ${depthMax} folders deep`);
    for (let count = 1; count < parts.length; count++) folders.add(parts.slice(0, count).join("/"));
  }
  if (entries.size > filesMax) refuse(`it has ${entries.size} files, more than the ${filesMax} allowed`);
  if (bytes > bytesMax) refuse(`its files have ${bytes} bytes, more than the ${bytesMax} allowed`);
  return { entries, folders };
}

function gitDirectoryOf(directory: string): string {
  return `${directory}.git`;
}

async function refuseUsedFolder(directory: string): Promise<void> {
  try {
    for await (const _entry of Deno.readDir(directory)) {
      throw new EvenkeelError(`Cannot clone into ${directory}: the folder is not empty`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function remove(directory: string): Promise<void> {
  try {
    await Deno.remove(directory, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
