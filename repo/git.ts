/**
 * The git command line as a named tool: nothing of the machine's or the repository's configuration can make it
 * run another program. Hooks, filters, file system monitors, credential helpers, prompts, submodules and LFS are
 * off; only the transports of remote.ts are on. All settings travel in the environment, so they bind the
 * processes git starts too, and no credential is ever an argument or stored on disk.
 */
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { logOf } from "../base/log.ts";
import { toolEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";
import type { RunResult } from "../process/run.ts";
import type { Remote } from "./remote.ts";

const log = logOf("git");

/** Milliseconds for one git command. */
export const GIT_TIMEOUT_MS = 120_000;

export interface GitOptions {
  cwd: string;
  /**
   * Where git keeps its own files: then `cwd` is the work tree, unless both are the same, and git believes no
   * `.git` it finds.
   */
  gitDirectory?: string;
  /** Whose credential the command may use; none when absent. */
  remote?: Remote;
  input?: string;
  /** @default GIT_TIMEOUT_MS */
  timeoutMs?: number;
  /** Bytes kept of the output. @default OUTPUT_BYTES_MAX of process/run.ts */
  outputBytesMax?: number;
  /** Ends git as soon as it has printed more than that. @default false */
  endAtOutputMax?: boolean;
  /** Bytes of the largest file git may write, enforced by the kernel. */
  fileBytesMax?: number;
  /** Bytes of memory that each git process may take, enforced by the kernel where it can (Linux). */
  memoryBytesMax?: number;
  signal?: AbortSignal;
}

/** Settings of every git command; `protocol.*` is completed by the remote. */
const CONFIG: readonly (readonly [string, string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.symlinks", "false"],
  ["core.quotePath", "false"],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  ["core.autocrlf", "false"],
  // A blob above this is streamed, not held in memory.
  ["core.bigFileThreshold", "8m"],
  ["credential.helper", ""],
  // Each thread takes memory of its own.
  ["pack.threads", "2"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["init.templateDir", ""],
  ["protocol.allow", "never"],
  ["protocol.file.allow", "always"],
  ["protocol.https.allow", "always"],
  ["protocol.ssh.allow", "always"],
  ["push.followTags", "false"],
  ["push.recurseSubmodules", "no"],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["advice.detachedHead", "false"],
];

/**
 * Runs git to its end.
 * @throws {EvenkeelError} only when git cannot be started
 */
export async function git(args: readonly string[], options: GitOptions): Promise<RunResult> {
  const { remote } = options;
  const authorization = remote?.authorization();
  const config = [
    ...CONFIG,
    ["protocol.http.allow", remote?.kind === "http" ? "always" : "never"] as const,
    // Only for this address: git would send an unbound header along to every host it talks to.
    ...(authorization === undefined
      ? []
      : [[`http.${remote?.url}.extraHeader`, `Authorization: ${authorization}`] as const]),
  ];
  const environment: Record<string, string> = {
    ...toolEnvironment(),
    // Messages are read by our code and shown in our words.
    LC_ALL: "C",
    HOME: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=20",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_CONFIG_COUNT: String(config.length),
    ...(options.gitDirectory === undefined ? {} : { GIT_DIR: options.gitDirectory }),
    ...(options.gitDirectory === undefined || options.gitDirectory === options.cwd
      ? {}
      : { GIT_WORK_TREE: options.cwd }),
  };
  for (const [index, [key, value]] of config.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  const result = await run({
    command: limited(["git", ...args], options),
    cwd: options.cwd,
    env: environment,
    timeoutMs: options.timeoutMs ?? GIT_TIMEOUT_MS,
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.outputBytesMax === undefined ? {} : { outputBytesMax: options.outputBytesMax }),
    ...(options.endAtOutputMax === undefined ? {} : { endAtOutputMax: options.endAtOutputMax }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const words = remote?.redact(args.join(" ")) ?? args.join(" ");
  const end = result.kind === "exited" ? `exit code ${result.code}` : `ended (${result.why})`;
  log.debug(`git ${words}: ${end} in ${Math.round(result.durationMs)} ms`);
  return result;
}

/**
 * $1 is the size of the largest file in blocks of 512 bytes, $2 the largest data segment in KiB. A system that knows no
 * such limit goes without it.
 */
const LIMITED = 'ulimit -f "$1" || exit; ulimit -d "$2" 2>/dev/null; shift 2; exec "$@"';

function limited(
  command: [string, ...string[]],
  { fileBytesMax, memoryBytesMax }: GitOptions,
): [string, ...string[]] {
  if (fileBytesMax === undefined && memoryBytesMax === undefined) return command;
  const blocks = fileBytesMax === undefined ? "unlimited" : String(Math.ceil(fileBytesMax / 512));
  const kibibytes = memoryBytesMax === undefined ? "unlimited" : String(Math.ceil(memoryBytesMax / 1024));
  return ["/bin/sh", "-c", LIMITED, "sh", blocks, kibibytes, ...command];
}

/**
 * The output of a git command that must succeed.
 * @param doing what it is for, after "Cannot": `clone https://...`
 * @throws {EvenkeelError} `Cannot <doing>: <git's first fatal line>`
 * @throws the signal's reason when it aborted
 */
export async function gitOutput(
  args: readonly string[],
  doing: string,
  options: GitOptions,
): Promise<string> {
  const result = await git(args, options);
  if (result.kind === "exited" && result.code === 0) return result.stdout;
  options.signal?.throwIfAborted();
  throw gitError(result, doing, options);
}

/** What went wrong, from git's own words. */
export function gitError(result: RunResult, doing: string, options: GitOptions): EvenkeelError {
  const why = whyFailed(result, options);
  const isAuthentication = /could not read Username|Authentication failed|Permission denied|\b40[13]\b/.test(
    why,
  );
  return new EvenkeelError(`Cannot ${doing}: ${why}`, {
    exitCode: EXIT.unobservable,
    ...(isAuthentication
      ? { hint: "Set GITHUB_TOKEN to a token that may read and write the repository" }
      : {}),
  });
}

/** One line, without credentials. */
export function whyFailed(result: RunResult, options: GitOptions): string {
  if (result.kind === "killed") {
    if (result.why === "timeout") return `git took longer than ${options.timeoutMs ?? GIT_TIMEOUT_MS} ms`;
    if (result.why === "output") return "it lists more than is allowed";
    if (result.why === "SIGXFSZ") return `it is larger than ${options.fileBytesMax} bytes`;
    return `git was ended (${result.why})`;
  }
  const lines = result.stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // A few bytes can stand for any number of them: git finds out when it unfolds them.
  if (
    lines.some((line) => /Out of memory|malloc failed|mmap failed/i.test(line)) &&
    options.memoryBytesMax !== undefined
  ) {
    return `it needs more than ${options.memoryBytesMax} bytes of memory`;
  }
  // The process that met the limit is a child of git's; what git says of its end depends on the moment.
  const isCut = lines.some((line) => /File too large|signal 25|invalid index-pack output/.test(line));
  if (isCut && options.fileBytesMax !== undefined) {
    return `it is larger than ${options.fileBytesMax} bytes, or the transfer broke off`;
  }
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines.at(-1);
  const text = line?.replace(/^(?:fatal|error): /, "") ?? `git ended with exit code ${result.code}`;
  return options.remote?.redact(text) ?? text.slice(0, 300);
}
