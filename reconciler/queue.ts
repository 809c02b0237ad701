/**
 * The work queue: keys of services that are due. A key is handed to one worker at a time; adding it again while
 * it waits keeps the earlier time, adding it while it is worked on brings it back when the work is done. Failures
 * back off per key with jitter; a success forgets them. The model is client-go's workqueue.
 */
import type { Clock, Random } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";

export interface QueueOptions {
  clock: Clock;
  random: Random;
  /** First wait after a failure, in milliseconds. @default 2000 */
  backoffMinMs?: number;
  /** Longest wait after failures, in milliseconds. @default 300000 */
  backoffMaxMs?: number;
  /** Most keys held at once. @default 10000 */
  keysMax?: number;
}

interface Slot {
  /** When the key is due, on the monotonic clock; `null` while a worker has it and nobody asked again. */
  dueAt: number | null;
  isWorkedOn: boolean;
  failures: number;
  /** When it was last given back, on the monotonic clock; `null` before the first time. */
  returnedAt: number | null;
  /** The distance of a nudge that came while a worker had the key. */
  nudgedMs: number | null;
}

export class WorkQueue {
  readonly #options: Required<QueueOptions>;
  readonly #slots = new Map<string, Slot>();
  /** Wakes workers that wait for a key. */
  #changed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(options: QueueOptions) {
    this.#options = { backoffMinMs: 2_000, backoffMaxMs: 300_000, keysMax: 10_000, ...options };
  }

  /**
   * Makes a key due.
   * @param afterMs milliseconds from now; the earlier of this and an already planned time counts @default 0
   * @throws {EvenkeelError} when the queue is full
   */
  add(key: string, afterMs = 0): void {
    if (this.#isClosed) return;
    const dueAt = this.#options.clock.monotonic() + Math.max(0, afterMs);
    const slot = this.#slots.get(key);
    if (slot === undefined) {
      if (this.#slots.size >= this.#options.keysMax) {
        throw new EvenkeelError(`Cannot queue ${key}: the queue is full at ${this.#options.keysMax} keys`);
      }
      this.#slots.set(key, { dueAt, isWorkedOn: false, failures: 0, returnedAt: null, nudgedMs: null });
    } else {
      slot.dueAt = Math.min(slot.dueAt ?? Infinity, dueAt);
    }
    this.#wake();
  }

  /**
   * Asks for an early look, from outside: the key is due as soon as the least distance from its last look allows,
   * however often this is said. A key that waits after failures keeps its wait, or a flood would defeat the backoff.
   * @param distanceMs the least time between the end of a look and the next, in milliseconds
   * @throws {EvenkeelError} when the queue is full
   */
  nudge(key: string, distanceMs: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return this.add(key);
    if (slot.isWorkedOn) slot.nudgedMs = Math.min(slot.nudgedMs ?? Infinity, distanceMs);
    else if (slot.failures === 0) this.add(key, this.#distanceLeft(slot, distanceMs));
  }

  #distanceLeft({ returnedAt }: Slot, distanceMs: number): number {
    return returnedAt === null ? 0 : returnedAt + distanceMs - this.#options.clock.monotonic();
  }

  /**
   * Waits for a due key and takes it; the taker must end with `done` or `failed`.
   * @returns `null` when the queue was closed or `signal` aborted
   */
  async take(signal?: AbortSignal): Promise<string | null> {
    while (!this.#isClosed && !signal?.aborted) {
      const now = this.#options.clock.monotonic();
      let next: { key: string; slot: Slot; dueAt: number } | null = null;
      for (const [key, slot] of this.#slots) {
        if (slot.isWorkedOn || slot.dueAt === null) continue;
        if (next === null || slot.dueAt < next.dueAt) next = { key, slot, dueAt: slot.dueAt };
      }
      if (next !== null && next.dueAt <= now) {
        next.slot.isWorkedOn = true;
        next.slot.dueAt = null;
        return next.key;
      }
      await this.#sleepUntil(next?.dueAt ?? null, signal);
    }
    return null;
  }

  /**
   * Gives a key back after success, and forgets its failures.
   * @param afterMs when it is due again, in milliseconds
   */
  done(key: string, afterMs: number): void {
    this.#release(key, 0);
    this.add(key, afterMs);
  }

  /**
   * Gives a key back after a failure: it is due again after its backoff.
   * @returns the wait in milliseconds and how many failures in a row there were
   */
  failed(key: string): { afterMs: number; failures: number } {
    const failures = (this.#slots.get(key)?.failures ?? 0) + 1;
    this.#release(key, failures);
    const { backoffMinMs, backoffMaxMs, random } = this.#options;
    const full = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(failures - 1, 30));
    const afterMs = full / 2 + random() * full / 2;
    this.add(key, afterMs);
    return { afterMs, failures };
  }

  /** Ends every wait; nothing is handed out any more. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  get size(): number {
    return this.#slots.size;
  }

  #release(key: string, failures: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined || !slot.isWorkedOn) throw new Error(`Key ${key} was not taken`);
    const { nudgedMs } = slot;
    slot.isWorkedOn = false;
    slot.failures = failures;
    slot.returnedAt = this.#options.clock.monotonic();
    slot.nudgedMs = null;
    if (nudgedMs !== null) this.nudge(key, nudgedMs);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #sleepUntil(dueAt: number | null, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const abort = () => stop.abort();
    signal?.addEventListener("abort", abort, { once: true });
    const { clock } = this.#options;
    const changed = this.#changed.promise;
    // A year when nothing is planned: a change wakes us.
    const ms = dueAt === null ? 2 ** 30 : Math.max(0, dueAt - clock.monotonic());
    await Promise.race([changed, clock.sleep(ms, stop.signal)]);
    // With a reason of our own: the default is an error with its stack, at every wait.
    stop.abort("over");
    signal?.removeEventListener("abort", abort);
  }
}
