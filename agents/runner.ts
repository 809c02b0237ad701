/**
 * Runs an agent as a process of its own, shut in by Deno's permissions (sandbox.ts), with a deadline, a ceiling
 * on memory and a cap on what it says. Whatever the agent does, the caller gets an `AgentRun`: nothing here
 * throws for it, and when the promise settles its process group and its temp folder are gone.
 *
 * On a fresh machine: agents start with `--cached-only`, so each module of an agent must have been loaded by
 * this process before. It has: whoever runs an agent imports its `agent.ts`, and packages come from the one lock file.
 */
import { fromFileUrl, resolve } from "@std/path";
import { z } from "zod";
import { messageOf, unreachable } from "../base/errors.ts";
import { startGroup } from "../process/group.ts";
import type { ProcessGroup } from "../process/group.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { Agent, AgentFailure, AgentRun, AskTool, RunAgent } from "./agent.ts";
import { auditEnvironment, createAttempts } from "./audit.ts";
import type { Attempts } from "./audit.ts";
import { createGate } from "./gate.ts";
import { findLink } from "./links.ts";
import { LineLimitError, readLines } from "./lines.ts";
import type { AgentName } from "./messages.ts";
import { sayingSchema, toLine } from "./protocol.ts";
import type { Reply } from "./protocol.ts";
import { createScratch, findDenoDir, findProgram, sandboxCommand, sandboxEnvironment } from "./sandbox.ts";
import { createSlots } from "./slots.ts";
import { readStderr, STDERR_BYTES_MAX } from "./stderr.ts";

export interface SubprocessRunnerOptions {
  /** Where the agents' temp folders go; made when missing. */
  scratchRoot: string;
  /** @default the Deno that runs this process */
  denoPath?: string;
  /** Agents that run at the same time. @default CHILDREN_MAX */
  childrenMax?: number;
  /** The module that serves an agent. @default agents/<name>/main.ts */
  entry?: (agent: AgentName) => URL;
  /** What an agent logs, one clean line at a time. @default dropped */
  onLog?: (agent: AgentName, message: string) => void;
}

/** Two children use two cores best; more only wait for one another. */
export const CHILDREN_MAX = 2;
/** Lines an agent may say in one run. */
export const OUTPUT_LINES_MAX = 10_000;
const MESSAGE_CHARS_MAX = 400;
/** Exit code of a process that V8 ended for want of memory (SIGTRAP). */
const OUT_OF_MEMORY_CODE = 133;

type Ending<Output> = { kind: "answered"; output: Output } | {
  kind: "failed";
  why: AgentFailure;
  message: string;
};

export function createSubprocessRunner(options: SubprocessRunnerOptions): RunAgent {
  const slots = createSlots(options.childrenMax ?? CHILDREN_MAX);
  const scratchRoot = resolve(options.scratchRoot);
  const denoPath = options.denoPath ?? Deno.execPath();
  const entry = options.entry ?? ((agent) => new URL(`./${agent}/main.ts`, import.meta.url));
  const configPath = fromFileUrl(new URL("../deno.json", import.meta.url));
  const lookAround = async () => ({
    denoDir: await findDenoDir(denoPath),
    prlimitPath: await findProgram("prlimit"),
    audit: await auditEnvironment(),
  });
  let machine: ReturnType<typeof lookAround> | undefined;

  return async <Input, Output>(
    agent: Agent<Input, Output>,
    input: Input,
    { toolbox, signal }: Parameters<RunAgent>[2],
  ): Promise<AgentRun<Output>> => {
    using slot = await slots.take(signal);
    const startedAt = performance.now();
    const end = (ending: Ending<Output>) => ({ ...ending, durationMs: performance.now() - startedAt });
    const aborted = () => end({ kind: "failed", why: "aborted", message: `${agent.name} was stopped` });
    if (slot === undefined) return aborted();
    let scratch: string | undefined;
    try {
      const here = await (machine ??= lookAround());
      const permissions = agent.permissions(input);
      const command = sandboxCommand(entry(agent.name), permissions, agent.limits, {
        ...here,
        denoPath,
        configPath,
      });
      for (const folder of permissions.read ?? []) {
        const link = await findLink(folder);
        if (link === undefined) continue;
        const message = `${agent.name} may not read ${folder}: ${link} in it leads elsewhere`;
        return end({ kind: "failed", why: "denied", message: clean(message) });
      }
      scratch = await createScratch(scratchRoot, here.denoDir);
      if (signal?.aborted) return aborted();
      const env = sandboxEnvironment(scratch, permissions, here.audit);
      await using gate = createGate(agent, toolbox);
      await using group = startGroup({ command, cwd: scratch, env, stdin: "piped", scratch });
      const attempts = createAttempts(permissions, scratch);
      return end(
        await supervise({ agent, input, group, ask: gate.ask, attempts, onLog: options.onLog, signal }),
      );
    } catch (error) {
      return end({ kind: "failed", why: "crash", message: clean(messageOf(error)) });
    } finally {
      // Where no child took it over.
      if (scratch !== undefined) await Deno.remove(scratch, { recursive: true }).catch(() => {});
    }
  };
}

interface Running<Input, Output> {
  agent: Agent<Input, Output>;
  input: Input;
  group: ProcessGroup;
  ask: AskTool;
  attempts: Attempts;
  onLog: SubprocessRunnerOptions["onLog"];
  signal: AbortSignal | undefined;
}

/** Talks with a started agent until it has answered, failed, or run out of time, and ends its group. */
async function supervise<Input, Output>(running: Running<Input, Output>): Promise<Ending<Output>> {
  const { agent, group, attempts, signal } = running;
  const stopped = Promise.withResolvers<Ending<Output>>();
  const stop = (why: AgentFailure, message: string) => stopped.resolve({ kind: "failed", why, message });
  const { deadlineMs } = agent.limits;
  const timer = setTimeout(() => stop("deadline", `${agent.name} took over ${deadlineMs} ms`), deadlineMs);
  const onAbort = () => stop("aborted", `${agent.name} was stopped`);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();

  const stderr = readStderr(
    group.stderr,
    attempts,
    () => stop("output-cap", `${agent.name} said too much: over ${STDERR_BYTES_MAX} bytes of errors`),
  );
  const conversation = converse(running);
  let ending = await Promise.race([stopped.promise, conversation]);
  if (ending === "silent") {
    // An agent that closed its output is leaving by itself, with an exit code that says why.
    const status = await Promise.race([stopped.promise, group.status]);
    await group.end();
    ending = "kind" in status
      ? status
      : { kind: "failed", ...explainExit(status, await stderr, agent.limits.memoryMiB) };
  }
  clearTimeout(timer);
  signal?.removeEventListener("abort", onAbort);
  await group.end();
  await Promise.all([conversation, stderr]);
  const asked = attempts.describe();
  if (asked === undefined || (ending.kind === "failed" && ending.why === "aborted")) return ending;
  // Whatever it answered: who tries to get out is not believed.
  const message = clean(`${agent.name} asked for what it was not given: ${asked}`);
  return { kind: "failed", why: "denied", message };
}

/** @returns how the agent ended what it said, `"silent"` when its output ended without a result */
async function converse<Input, Output>(
  { agent, input, group, ask, attempts, onLog }: Running<Input, Output>,
): Promise<Ending<Output> | "silent"> {
  const failed = (why: AgentFailure, message: string) =>
    ({ kind: "failed", why, message: clean(message) }) as const;
  const writer = group.stdin?.getWriter();
  const write = async (message: unknown) => {
    // An agent that does not read or has left is judged by what it says, not by this.
    await writer?.write(new TextEncoder().encode(toLine(message))).catch(() => {});
  };
  const answerTool = async (id: number, tool: string, toolInput: unknown) => {
    const reply: Reply = await ask(tool, toolInput).then(
      // The agent parses it as JSON.
      (output) => ({ id, ok: true, output: (output ?? null) as z.core.util.JSONType }),
      (error) => ({ id, ok: false, error: messageOf(error) }),
    );
    await write(reply);
  };
  write({ input });
  const { outputBytesMax } = agent.limits;
  const limits = { bytesMax: outputBytesMax, lineBytesMax: outputBytesMax, linesMax: OUTPUT_LINES_MAX };
  try {
    for await (const line of readLines(group.stdout, limits)) {
      const saying = sayingSchema.safeParse(parseJson(line));
      if (!saying.success) {
        return failed("bad-output", `${agent.name} said what is no message: ${line.slice(0, 200)}`);
      }
      switch (saying.data.type) {
        case "tool":
          answerTool(saying.data.id, saying.data.tool, saying.data.input);
          break;
        case "log":
          onLog?.(agent.name, clean(saying.data.message));
          break;
        case "denied":
          attempts.add(saying.data.what);
          break;
        case "failed":
          return failed(saying.data.denied ? "denied" : "crash", saying.data.message);
        case "result": {
          const parsed = agent.output.safeParse(saying.data.output);
          if (parsed.success) return { kind: "answered", output: parsed.data };
          return failed("bad-output", `${agent.name} answered wrongly: ${z.prettifyError(parsed.error)}`);
        }
        default:
          unreachable(saying.data);
      }
    }
    return "silent";
  } catch (error) {
    if (error instanceof LineLimitError) {
      return failed("output-cap", `${agent.name} said too much: ${error.message}`);
    }
    return failed("crash", messageOf(error));
  } finally {
    writer?.close().catch(() => {});
  }
}

function explainExit(status: Deno.CommandStatus, stderr: string, memoryMiB: number) {
  if (status.code === OUT_OF_MEMORY_CODE || stderr.includes("heap out of memory")) {
    return { why: "memory", message: `ran out of memory: its heap may have ${memoryMiB} MiB` } as const;
  }
  const denied = /\bNotCapable: /.test(stderr);
  const ended = status.signal === null ? `exit code ${status.code}` : status.signal;
  const said = clean(stderr.replace(/^\s+at .*$/gm, ""));
  return { why: denied ? "denied" : "crash", message: said === "" ? ended : `${ended}: ${said}` } as const;
}

const clean = (text: string) => sanitizeLine(text, MESSAGE_CHARS_MAX);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
