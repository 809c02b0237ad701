/**
 * Writes whose end is not known: the answer was lost, or the process was killed before it came. Such a write may
 * still arrive, and what it did may not be listed yet, so it is not repeated until that can no longer be. Counted
 * on the monotonic clock, from the last try or, for what another process left, from when it was first met.
 */
import type { Clock } from "../base/clock.ts";
import { setNewest } from "../base/newest.ts";

/**
 * How long a lost write may still arrive and its effect be missing from lists, in milliseconds. Render's lists
 * miss a new deploy for about a second (reference 13); the rest is for a request that lingers on its way.
 */
export const DOUBT_MS = 15_000;

/** Writes in doubt that are remembered: a service has one or two at a time. */
export const DOUBTS_KEPT = 10_000;

/** It is too early to tell whether an effect has happened; nothing was done. */
export class StillInDoubt extends Error {
  override readonly name = "StillInDoubt";
  /** @param waitMs when to ask again, in milliseconds */
  constructor(readonly key: string, readonly waitMs: number) {
    super(`Effect ${key} may still arrive: it is looked for again before it is repeated`);
  }
}

export class Doubts {
  /** When each write was last tried or first met, by key. One that was forgotten is met anew, and waited for. */
  readonly #since = new Map<string, number>();

  /**
   * @param predecessorMs how long a request that another process has left may still be under way, in milliseconds; of
   * a dead one its system gives it up @default 0
   * @param doubtMs how long a write stays in doubt after that, in milliseconds @default DOUBT_MS
   */
  constructor(
    private readonly clock: Pick<Clock, "monotonic">,
    private readonly predecessorMs: number = 0,
    private readonly doubtMs: number = DOUBT_MS,
  ) {}

  /** The answer to a write was lost. */
  lost(key: string): void {
    setNewest(this.#since, key, this.clock.monotonic(), DOUBTS_KEPT);
  }

  /** A write was refused for now: it did not happen, and may be tried again at once. */
  refused(key: string): void {
    setNewest(this.#since, key, -Infinity, DOUBTS_KEPT);
  }

  settled(key: string): void {
    this.#since.delete(key);
  }

  /** @throws {StillInDoubt} while a write that was left pending may still arrive */
  check(key: string): void {
    const since = this.#since.get(key) ?? this.clock.monotonic() + this.predecessorMs;
    setNewest(this.#since, key, since, DOUBTS_KEPT);
    const waitMs = since + this.doubtMs - this.clock.monotonic();
    if (waitMs > 0) throw new StillInDoubt(key, waitMs);
  }
}
