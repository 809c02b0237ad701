/**
 * Publishes one commit on one branch, and never at the cost of anybody's: the remote's head is compared with the
 * checkout's just before, the commit must sit directly on it, and git is told the same expectation, so that a
 * push that comes between is noticed by the remote itself. After a failure the remote is asked what is so.
 */
import type { Checkout } from "./checkout.ts";
import { CHECKOUT_BYTES_MAX, CHECKOUT_HISTORY_MAX } from "./checkout.ts";
import { git, gitError, gitOutput, whyFailed } from "./git.ts";
import type { GitOptions } from "./git.ts";
import { checkBranch, checkCommit, parseRemote } from "./remote.ts";
import type { Remote } from "./remote.ts";

/** Commits fetched first when a commit is looked for on a branch; most are found here. */
const HISTORY_FIRST = 30;

export type PushResult =
  | { kind: "pushed" }
  /** The branch's head is the commit, or has it among its ancestors. */
  | { kind: "already-there" }
  /** Somebody else's commit is at the head (`null`: the branch is gone). Nothing was changed. */
  | { kind: "moved"; head: string | null }
  /** The remote said no: a rule, a hook, no permission. */
  | { kind: "refused"; reason: string };

/**
 * Pushes `commit`, whose parent is the checkout's head, to `branch`. The checkout's own branch must still be where
 * it was; another branch must not exist yet.
 * @throws {EvenkeelError} when the remote does not answer
 */
export async function pushCommit(
  checkout: Checkout,
  commit: string,
  branch: string,
  signal?: AbortSignal,
): Promise<PushResult> {
  checkBranch(branch);
  checkCommit(commit);
  const more = signal === undefined ? {} : { signal };
  const doing = `push to ${checkout.url}`;
  const parents = await checkout.gitOutput(["rev-parse", `${commit}^@`], doing, more);
  if (parents.trim() !== checkout.head) {
    throw new Error(`commit ${commit} does not sit on ${checkout.head}`);
  }
  const expected = branch === checkout.branch ? checkout.head : null;
  const before = await headOf(checkout.remote, branch, signal);
  if (before !== expected) return await judgeMoved(checkout, commit, branch, before, signal);

  const ref = `refs/heads/${branch}`;
  // With an expected value, git's lease refuses instead of overwriting; as the commit's parent is that value, the
  // push is a plain fast forward in every case in which it happens.
  const lease = `--force-with-lease=${ref}:${expected ?? ""}`;
  const push = [
    "push",
    "--porcelain",
    "--no-verify",
    "--no-signed",
    lease,
    "--",
    checkout.remote.url,
    `${commit}:${ref}`,
  ];
  const result = await checkout.git(push, more);
  if (result.kind === "exited" && result.code === 0) return { kind: "pushed" };
  const options = { cwd: checkout.directory, remote: checkout.remote };
  const failure = gitError(result, doing, options);
  // Whatever git says, what counts is what the remote has now; an abort must not keep us from asking.
  const after = await headOf(checkout.remote, branch).catch(() => {
    throw failure;
  });
  if (after === commit) return { kind: "pushed" };
  if (after !== expected) return await judgeMoved(checkout, commit, branch, after, signal);
  signal?.throwIfAborted();
  const rejected = /^!\t\S+\t\[(?:remote )?(?:rejected|failure)\] ?\(?([^\n]*?)\)?$/m.exec(result.stdout)
    ?.[1];
  if (rejected !== undefined) {
    const said = /^remote: (?:error: |fatal: )?(\S[^\n]*)$/m.exec(result.stderr)?.[1];
    return {
      kind: "refused",
      reason: checkout.remote.redact(said === undefined ? rejected : `${rejected}: ${said}`),
    };
  }
  const why = whyFailed(result, options);
  if (failure.hint !== undefined) return { kind: "refused", reason: why };
  throw failure;
}

async function judgeMoved(
  checkout: Checkout,
  commit: string,
  branch: string,
  head: string | null,
  signal: AbortSignal | undefined,
): Promise<PushResult> {
  if (head === null) return { kind: "moved", head };
  if (head === commit) return { kind: "already-there" };
  const isInside = await contains(checkout.remote, branch, commit, signal === undefined ? {} : { signal });
  return isInside ? { kind: "already-there" } : { kind: "moved", head };
}

/**
 * The commit at a branch's head, or `null` when there is no such branch.
 * @throws {EvenkeelError} when the remote does not answer
 */
export async function remoteHead(
  url: string,
  branch: string,
  token?: string,
  signal?: AbortSignal,
): Promise<string | null> {
  return await headOf(parseRemote(url, token), checkBranch(branch), signal);
}

async function headOf(remote: Remote, branch: string, signal?: AbortSignal): Promise<string | null> {
  const ref = `refs/heads/${branch}`;
  const options = { cwd: "/", remote, ...(signal === undefined ? {} : { signal }) };
  const output = await gitOutput(
    ["ls-remote", "--", remote.url, ref],
    `ask ${remote.url} for ${branch}`,
    options,
  );
  // A pattern matches the end of names too, such as refs/remotes/refs/heads/main.
  const line = output.split("\n").find((one) => one.endsWith(`\t${ref}`));
  return line === undefined ? null : checkCommit(line.slice(0, line.indexOf("\t")));
}

/**
 * True when `commit` is the branch's head or among its last CHECKOUT_HISTORY_MAX ancestors.
 * @throws {EvenkeelError} when the remote does not answer
 */
export async function remoteContains(
  url: string,
  branch: string,
  commit: string,
  options: RemoteContainsOptions = {},
): Promise<boolean> {
  const remote = parseRemote(url, options.token);
  const head = await headOf(remote, checkBranch(branch), options.signal);
  if (head === null || head === checkCommit(commit)) return head !== null;
  return await contains(remote, branch, commit, options);
}

export interface RemoteContainsOptions {
  token?: string;
  /** Where the temp folder goes, so that whoever sweeps it finds what a killed run left. @default the system's */
  scratchRoot?: string;
  signal?: AbortSignal;
}

/** Fetches the branch's recent history, and more of it when that is not enough, and looks into it. */
async function contains(
  remote: Remote,
  branch: string,
  commit: string,
  { scratchRoot, signal }: RemoteContainsOptions,
): Promise<boolean> {
  const folder = await Deno.makeTempDir({
    prefix: "evenkeel-history-",
    ...(scratchRoot === undefined ? {} : { dir: scratchRoot }),
  });
  try {
    const options: GitOptions = {
      cwd: folder,
      gitDirectory: folder,
      remote,
      fileBytesMax: CHECKOUT_BYTES_MAX,
      ...(signal === undefined ? {} : { signal }),
    };
    const doing = `read the history of ${branch} of ${remote.url}`;
    await gitOutput(["init", "-q", "--bare", "--template="], doing, options);
    for (const depth of [HISTORY_FIRST, CHECKOUT_HISTORY_MAX]) {
      const fetch = [
        "fetch",
        "-q",
        "--no-tags",
        `--depth=${depth}`,
        "--",
        remote.url,
        `refs/heads/${branch}`,
      ];
      await gitOutput(fetch, doing, options);
      // Only ancestors of the branch were fetched, so a commit that is there is one.
      const found = await git(["cat-file", "-e", `${commit}^{commit}`], options);
      if (found.kind === "exited" && found.code === 0) return true;
      signal?.throwIfAborted();
    }
    return false;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
