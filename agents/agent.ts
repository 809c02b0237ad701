/**
 * What an agent is: one role, one question, one answer, the permissions that role needs and nothing more.
 * The same `answer` runs in a subprocess (the default) or, when the swarm fails or is off, in this process.
 */
import type { z } from "zod";
import type { AgentName } from "./messages.ts";

/** Asks the parent to run one of its named tools. Rejects with the tool's reason when it fails. */
export type AskTool = (tool: string, input: unknown) => Promise<unknown>;

export interface AgentPermissions {
  /** `host:port` pairs. @default none */
  net?: readonly string[];
  /** Absolute folders. @default none */
  read?: readonly string[];
  /**
   * The environment reads as empty instead of being denied, for a driver that looks for its own variables.
   * @default false
   */
  emptyEnvironment?: boolean;
}

export interface AgentLimits {
  deadlineMs: number;
  /** V8 heap ceiling. */
  memoryMiB: number;
  outputBytesMax: number;
}

export interface Agent<Input, Output> {
  name: AgentName;
  input: z.ZodType<Input>;
  output: z.ZodType<Output>;
  /** Names of the tools it may ask for. */
  tools: readonly string[];
  limits: AgentLimits;
  permissions(input: Input): AgentPermissions;
  answer(input: Input, ask: AskTool): Promise<Output> | Output;
}

/** How a run of an agent ended. */
export type AgentRun<Output> =
  | { kind: "answered"; output: Output; durationMs: number }
  | { kind: "failed"; why: AgentFailure; message: string; durationMs: number };
/** `denied`: it asked for what it was not given, whatever it answered. */
export type AgentFailure =
  | "crash"
  | "memory"
  | "deadline"
  | "output-cap"
  | "bad-output"
  | "denied"
  | "aborted";

/** On whose behalf an agent runs, for those who watch. */
export interface AgentOccasion {
  serviceId: string;
  serviceName: string;
  incidentId: string | null;
  /** The number of the attempt that it is for; none where it only looks. */
  attempt?: number;
}

/** A named tool of the parent: a fixed program with a fixed argument list, or an effect behind the journal. */
export interface Tool {
  input: z.ZodType;
  run(input: unknown, signal: AbortSignal): Promise<unknown>;
}
export type Toolbox = Readonly<Record<string, Tool>>;

/** Runs an agent; implemented by the subprocess runner and, for the fallback, in this process. */
export type RunAgent = <Input, Output>(
  agent: Agent<Input, Output>,
  input: Input,
  options: { toolbox: Toolbox; signal?: AbortSignal; occasion?: AgentOccasion },
) => Promise<AgentRun<Output>>;
