/**
 * Child processes that cannot outlive us. Each child leads a process group of its own with exactly the
 * environment it is given; ending it ends the whole group. A small guard process waits for our end of a pipe
 * to close: whether we close it or are killed, it kills the group and removes the child's scratch folder.
 * Linux and macOS only: process groups and signals are not the same elsewhere.
 */
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, messageOf } from "../base/errors.ts";

export interface GroupOptions {
  /** The program and its arguments; never a shell string. */
  command: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  /** @default "null" */
  stdin?: "piped" | "null";
  /** A folder that is removed when the child has ended, however it or we end. */
  scratch?: string;
}

export interface ProcessGroup extends AsyncDisposable {
  readonly pid: number;
  /** Present when `stdin` is `"piped"`. */
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>> | undefined;
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Resolves when the leader has ended; other members of the group may still run. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Sends a signal to every member of the group; a group that has gone is no error. */
  signal(signal: Deno.Signal): void;
  /**
   * Ends the group: SIGTERM, SIGKILL after `graceMs`, then the guard and the scratch folder.
   * @param graceMs how long the leader may take to leave by itself, in milliseconds; 0 kills at once @default 0
   */
  end(graceMs?: number): Promise<Deno.CommandStatus>;
}

/** Waits for end of input, then kills group $1 and removes folder $2. */
const GUARD =
  'while read -r _; do :; done; kill -s KILL -- "-$1" 2>/dev/null; [ -n "$2" ] && rm -rf -- "$2"; exit 0';

/**
 * Starts a program as the leader of a new process group.
 * @throws {EvenkeelError} when the program cannot be started
 */
export function startGroup(options: GroupOptions): ProcessGroup {
  const [program, ...args] = options.command;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      cwd: options.cwd,
      env: options.env,
      clearEnv: true,
      detached: true,
      stdin: options.stdin ?? "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new EvenkeelError(`Cannot start ${program}: ${messageOf(error)}`, {
      hint: `Install ${program} or put it on PATH`,
      cause: error,
    });
  }
  let ended: Promise<Deno.CommandStatus> | undefined;
  const signal = (name: Deno.Signal) => {
    try {
      Deno.kill(-child.pid, name);
    } catch {
      // The group has gone already.
    }
  };
  let guard: Deno.ChildProcess;
  try {
    guard = new Deno.Command("/bin/sh", {
      args: ["-c", GUARD, "evenkeel-guard", String(child.pid), options.scratch ?? ""],
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin" },
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch (error) {
    // Without its guard, a child could outlive us.
    signal("SIGKILL");
    for (const stream of [child.stdout, child.stderr]) stream.cancel().catch(() => {});
    throw new EvenkeelError(`Cannot start ${program}: ${messageOf(error)}`, { cause: error });
  }
  const end = async (graceMs: number) => {
    if (graceMs > 0) {
      signal("SIGTERM");
      const patience = new AbortController();
      await Promise.race([child.status, systemClock.sleep(graceMs, patience.signal)]);
      patience.abort();
    }
    signal("SIGKILL");
    const status = await child.status;
    await guard.stdin.close().catch(() => {});
    await guard.status;
    return status;
  };
  return {
    pid: child.pid,
    stdin: options.stdin === "piped" ? child.stdin : undefined,
    stdout: child.stdout,
    stderr: child.stderr,
    status: child.status,
    signal,
    end: (graceMs = 0) => ended ??= end(graceMs),
    [Symbol.asyncDispose]: async () => {
      ended ??= end(0);
      await ended;
    },
  };
}
