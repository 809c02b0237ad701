/**
 * One run of the swarm: agents that share a board, and end together when one of them fails. A failure is an agent
 * that crashed, took too long, flooded its output, asked for what it may not have, or answered nonsense; what an
 * agent decides is never one.
 */
import type { Agent, AgentFailure, AgentOccasion, RunAgent, Toolbox } from "../agent.ts";
import type { AgentName } from "../messages.ts";
import { createBoard } from "./board.ts";

export class SwarmFailure extends Error {
  override readonly name = "SwarmFailure";
  constructor(readonly agent: AgentName, readonly why: AgentFailure, detail: string) {
    super(`The ${agent} failed (${why}): ${detail}`);
  }
}

/** What a run of an agent came to, for those who watch. */
export interface AgentReport {
  agent: AgentName;
  output: unknown;
  durationMs: number;
}

export interface SwarmOptions {
  runAgent: RunAgent;
  toolbox: Toolbox;
  signal: AbortSignal;
  occasion?: AgentOccasion;
  onReport: (report: AgentReport) => Promise<void>;
}

export class Swarm implements AsyncDisposable {
  readonly #options: SwarmOptions;
  readonly #board = createBoard();
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: SwarmOptions) {
    this.#options = options;
  }

  /**
   * Runs an agent and puts its answer on the board.
   * @param extra tools for this run beside those of the swarm @default none
   * @throws {SwarmFailure} after which every other agent of this swarm is stopped
   */
  run<Input, Output>(agent: Agent<Input, Output>, input: Input, extra: Toolbox = {}): Promise<Output> {
    const work = this.#run(agent, input, extra);
    this.#running.add(work);
    // Handled by whoever awaits `work`; this copy only keeps the set.
    work.catch(() => {}).finally(() => this.#running.delete(work));
    return work;
  }

  async #run<Input, Output>(agent: Agent<Input, Output>, input: Input, extra: Toolbox): Promise<Output> {
    const { runAgent, toolbox, signal, occasion, onReport } = this.#options;
    const run = await runAgent(agent, input, {
      toolbox: { ...toolbox, ...extra, peer: this.#board.peer },
      signal: AbortSignal.any([signal, this.#over.signal]),
      ...(occasion === undefined ? {} : { occasion }),
    });
    if (run.kind === "failed") {
      this.#board.fail(agent.name, run.message);
      this.#over.abort();
      signal.throwIfAborted();
      throw new SwarmFailure(agent.name, run.why, run.message);
    }
    this.#board.publish(agent.name, run.output);
    await onReport({ agent: agent.name, output: run.output, durationMs: run.durationMs });
    return run.output;
  }

  /** Stops what still runs and waits for it: nothing goes on behind the back of what comes next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.allSettled(this.#running);
  }
}
