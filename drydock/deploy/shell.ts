/** Runs one command of a service in a process group, its output going line by line to the log. */
import { startGroup } from "../../process/group.ts";
import type { Clock } from "../../base/clock.ts";
import { readLines } from "../lines.ts";
import { watchMemory } from "./memory.ts";

export interface ShellOptions {
  command: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  onLine: (line: string) => void;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** What its processes may use together, in mebibytes. @default no limit */
  memoryMiB?: number;
}

export type ShellResult =
  | { kind: "exited"; code: number; /** Whether a process was killed for memory. */ isOutOfMemory: boolean }
  | { kind: "timeout" }
  | { kind: "aborted" };

/** @throws {EvenkeelError} only when the program cannot be started */
export async function runLogged(options: ShellOptions): Promise<ShellResult> {
  if (options.signal.aborted) return { kind: "aborted" };
  await using group = startGroup(options);
  const output = Promise.all([
    readLines(group.stdout, options.onLine),
    readLines(group.stderr, options.onLine),
  ]);
  using memory = options.memoryMiB === undefined ? undefined : watchMemory(group.pid, options.memoryMiB);
  const over = new AbortController();
  const deadline = options.clock.sleep(options.timeoutMs, AbortSignal.any([over.signal, options.signal]));
  const first = await Promise.race([group.status, deadline]);
  over.abort();
  group.signal("SIGKILL");
  await group.status;
  await output;
  if (first !== undefined) {
    return { kind: "exited", code: first.code, isOutOfMemory: memory?.hasKilled ?? false };
  }
  return { kind: options.signal.aborted ? "aborted" : "timeout" };
}
