/**
 * Makes one call of a hook: a program that gets the payload on standard input, or a POST. Ends within the
 * deadline whatever the other side does, keeps nothing of what it says, and gives its failure as a value.
 */
import { isAbsolute, resolve } from "@std/path";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError, unreachable } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { toolEnvironment } from "../process/environment.ts";
import type { run } from "../process/run.ts";
import { formatDuration } from "../text/duration.ts";
import type { HookPayload } from "./payload.ts";
import { fillArgument, hookEnvironment } from "./placeholders.ts";
import type { HookTarget } from "./settings.ts";

/** Bytes of a hook's output that are held while it runs; all of them are dropped. */
const OUTPUT_BYTES_MAX = 4096;

export type FailureReason =
  | "NotInstalled"
  | "CannotStart"
  | "DeadlineExceeded"
  | "ExitCode"
  | "Killed"
  | "Refused"
  | "Redirected"
  | "Unreachable"
  | "Stopped";

export interface HookFailure {
  reason: FailureReason;
  /** A sentence's end for people; nothing that the hook said is in it. */
  why: string;
}

export interface CallContext {
  clock: Clock;
  run: typeof run;
  fetch: typeof fetch;
  /** Working folder and HOME of commands; it exists. */
  folder: string;
  /** The folder that a program given as a relative path lies below. */
  programFolder: string;
  /** Aborted when the run ends. */
  signal: AbortSignal;
}

/** @returns `null` when all went well */
export function callHook(
  target: HookTarget,
  payload: HookPayload,
  context: CallContext,
): Promise<HookFailure | null> {
  switch (target.kind) {
    case "command": {
      const [program, ...rest] = target.command;
      const isPath = program.includes("/") && !isAbsolute(program);
      const where = isPath ? resolve(context.programFolder, program) : program;
      const command = [where, ...rest.map((argument) => fillArgument(argument, payload))] as const;
      const env = { ...toolEnvironment(), HOME: context.folder, ...hookEnvironment(payload) };
      return runHook(
        { command, env, deadlineMs: target.deadlineMs, input: JSON.stringify(payload) },
        context,
      );
    }
    case "http":
      return postHook(target, payload, context);
    default:
      return unreachable(target);
  }
}

/** Runs a program with exactly this environment. */
export async function runHook(
  call: {
    command: readonly [string, ...string[]];
    env: Readonly<Record<string, string>>;
    deadlineMs: number;
    input: string;
  },
  context: CallContext,
): Promise<HookFailure | null> {
  let result: Awaited<ReturnType<typeof run>>;
  try {
    result = await context.run({
      command: call.command,
      cwd: context.folder,
      env: call.env,
      input: call.input,
      timeoutMs: call.deadlineMs,
      outputBytesMax: OUTPUT_BYTES_MAX,
      signal: context.signal,
    });
  } catch (error) {
    if (!(error instanceof EvenkeelError)) throw error;
    return error.cause instanceof Deno.errors.NotFound
      ? { reason: "NotInstalled", why: "there is no such program" }
      : { reason: "CannotStart", why: "the program could not be started" };
  }
  if (result.kind === "exited") {
    return result.code === 0 ? null : { reason: "ExitCode", why: `it ended with exit code ${result.code}` };
  }
  switch (result.why) {
    case "timeout":
      return tooLate(call.deadlineMs);
    case "aborted":
      return stopped;
    default:
      return { reason: "Killed", why: `it was ended by ${result.why}` };
  }
}

const stopped: HookFailure = { reason: "Stopped", why: "it was ended with the run" };

function tooLate(deadlineMs: number): HookFailure {
  return { reason: "DeadlineExceeded", why: `it did not end within ${formatDuration(deadlineMs)}` };
}

async function postHook(
  target: Extract<HookTarget, { kind: "http" }>,
  payload: HookPayload,
  context: CallContext,
): Promise<HookFailure | null> {
  const deadline = new AbortController();
  const done = new AbortController();
  context.clock.sleep(target.deadlineMs, done.signal).then(() => {
    if (!done.signal.aborted) deadline.abort();
  });
  try {
    const response = await context.fetch(target.url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": `Evenkeel/${VERSION}` },
      body: JSON.stringify(payload),
      // Where an answer points to is not what was configured.
      redirect: "manual",
      signal: AbortSignal.any([deadline.signal, context.signal]),
    });
    await response.body?.cancel();
    if (response.ok) return null;
    if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
      return { reason: "Redirected", why: "the address redirects, which is not followed" };
    }
    return { reason: "Refused", why: `the address answered ${response.status}` };
  } catch {
    if (context.signal.aborted) return stopped;
    if (deadline.signal.aborted) return tooLate(target.deadlineMs);
    return { reason: "Unreachable", why: "the connection failed" };
  } finally {
    done.abort();
  }
}
