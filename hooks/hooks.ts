/**
 * Runs hooks beside a heal, never in its way: `fire` returns at once and never throws, the queue behind it has
 * an end, calls are made one at a time and each has a deadline. A hook that fails is told of once for each
 * reason, as an event, and changes nothing else.
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { run } from "../process/run.ts";
import type { StateEvent } from "../state/records.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { callClaudeFlow, CLAUDE_FLOW, INSTALL_CLAUDE_FLOW } from "./claude_flow.ts";
import { payloadOf } from "./payload.ts";
import type { HookFacts, HookPayload } from "./payload.ts";
import { callHook } from "./perform.ts";
import type { CallContext, FailureReason, HookFailure } from "./perform.ts";
import type { HookName, HooksConfig, HookTarget } from "./settings.ts";

/** Calls that wait; a further one pushes out the oldest. */
export const HOOKS_QUEUED_MAX = 100;

export interface HooksOptions {
  /** Working folder of commands; made when it is not there. */
  folder: string;
  /** The folder that a program given as a relative path lies below. */
  programFolder: string;
  session: string;
  /** Takes secrets out of text. */
  redact: (text: string) => string;
  /** Told of each failure once. */
  onEvent: (event: StateEvent, about: { serviceName: string }) => void;
  /** @default systemClock */
  clock?: Clock;
  /** @default process/run.ts */
  run?: CallContext["run"];
  /** @default globalThis.fetch */
  fetch?: typeof fetch;
  /** @default HOOKS_QUEUED_MAX */
  queuedMax?: number;
}

export interface Hooks extends AsyncDisposable {
  /** Queues the calls of a hook. Never waits, never throws. */
  fire(name: HookName, facts: HookFacts): void;
  /**
   * Waits for the calls that are queued, then ends for good: what is left after the limit is ended or dropped.
   * @param timeoutMs the longest wait, in milliseconds
   */
  drain(timeoutMs: number): Promise<void>;
}

interface Call {
  payload: HookPayload;
  /** What is called, for people: nothing of an address but its host. */
  what: string;
  make: (context: CallContext) => Promise<HookFailure | null>;
}

export function createHooks(config: HooksConfig, options: HooksOptions): Hooks {
  return new QueuedHooks(config, options);
}

class QueuedHooks implements Hooks {
  readonly #queue: Call[] = [];
  readonly #told = new Set<string>();
  readonly #stop = new AbortController();
  readonly #context: CallContext;
  #working: Promise<void> | null = null;
  #presetIsMissing = false;

  constructor(private readonly config: HooksConfig, private readonly options: HooksOptions) {
    this.#context = {
      clock: options.clock ?? systemClock,
      run: options.run ?? run,
      fetch: options.fetch ?? globalThis.fetch,
      folder: options.folder,
      programFolder: options.programFolder,
      signal: this.#stop.signal,
    };
  }

  fire(name: HookName, facts: HookFacts): void {
    if (this.#stop.signal.aborted) return;
    const target = this.config.targets[name];
    if (target === undefined && this.config.preset === "none") return;
    const { session, redact } = this.options;
    const payload = payloadOf(name, facts, { session, at: this.#context.clock.now(), redact });
    if (target !== undefined) {
      this.#add({
        payload,
        what: nameOf(target),
        make: (context) => callHook(target, payload, context),
      });
    }
    if (this.config.preset === "claude-flow") {
      this.#add({
        payload,
        what: CLAUDE_FLOW.program,
        make: (context) => this.#callPreset(payload, context),
      });
    }
  }

  async drain(timeoutMs: number): Promise<void> {
    const patience = new AbortController();
    await Promise.race([this.#working, this.#context.clock.sleep(timeoutMs, patience.signal)]);
    patience.abort();
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { payload, what } of this.#queue.splice(0)) {
      this.#tell(payload, what, "Dropped", "the run ended before it was its turn");
    }
    this.#stop.abort();
    await this.#working;
  }

  #add(call: Call): void {
    if (this.#queue.length >= (this.options.queuedMax ?? HOOKS_QUEUED_MAX)) {
      const oldest = this.#queue.shift();
      const why = `${this.#queue.length + 1} calls wait already, and the oldest is dropped`;
      if (oldest !== undefined) this.#tell(oldest.payload, oldest.what, "Dropped", why);
    }
    this.#queue.push(call);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let call = this.#queue.shift(); call !== undefined; call = this.#queue.shift()) {
      const { payload, what } = call;
      try {
        await Deno.mkdir(this.options.folder, { recursive: true, mode: 0o700 });
        const failure = await call.make(this.#context);
        if (failure !== null) this.#tell(payload, what, failure.reason, failure.why);
      } catch {
        // Whatever it was, it is the hook's trouble and not the heal's; its text may hold anything.
        this.#tell(payload, what, "CannotStart", "it could not be called");
      }
    }
    this.#working = null;
  }

  async #callPreset(payload: HookPayload, context: CallContext): Promise<HookFailure | null> {
    if (this.#presetIsMissing) return null;
    const failure = await callClaudeFlow(payload, context);
    if (failure?.reason !== "NotInstalled") return failure;
    this.#presetIsMissing = true;
    return { ...failure, why: `it is not installed, and the preset does nothing: ${INSTALL_CLAUDE_FLOW}` };
  }

  #tell(payload: HookPayload, what: string, reason: FailureReason | "Dropped", why: string): void {
    const { hook, service, serviceId, incident } = payload;
    const key = `${hook} ${what} ${reason}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.options.onEvent({
      at: this.#context.clock.now(),
      serviceId,
      incidentId: incident,
      type: "HookFailed",
      message: `Hook ${hook} (${what}): ${why}. The heal goes on`,
      data: { hook, reason },
    }, { serviceName: service ?? "hooks" });
  }
}

function nameOf(target: HookTarget): string {
  return sanitizeLine(target.kind === "http" ? new URL(target.url).host : target.command[0], 100);
}
