/**
 * How long this process's event loop was held: by a simulation that does not let go, by a disk that makes SQLite wait,
 * or because the machine gave the process no time. Whoever waits for an answer of this process waits that long in vain.
 */

interface Hold {
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
}

const TICK_MS = 20;
/** Holds are remembered for longer than any reader waits, in milliseconds. */
const REMEMBERED_MS = 5 * 60_000;

export class LoopWatch implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #tickedAt: number;
  /** Oldest first, at most REMEMBERED_MS / TICK_MS. */
  #holds: Hold[] = [];
  #longestMs = 0;

  /** @param now milliseconds since the epoch */
  constructor(private readonly now: () => number = Date.now) {
    this.#tickedAt = now();
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** The longest hold so far, in milliseconds. */
  get longestMs(): number {
    return Math.max(this.#longestMs, this.#heldNow().to - this.#heldNow().from);
  }

  /** How much of a span the loop was held, in milliseconds. */
  heldMs(from: number, to: number): number {
    return [...this.#holds, this.#heldNow()].reduce(
      (sum, hold) => sum + Math.max(0, Math.min(to, hold.to) - Math.max(from, hold.from)),
      0,
    );
  }

  tick(): void {
    const hold = this.#heldNow();
    this.#tickedAt = this.now();
    if (hold.to <= hold.from) return;
    this.#holds.push(hold);
    this.#longestMs = Math.max(this.#longestMs, hold.to - hold.from);
    const first = this.#holds.findIndex(({ to }) => to >= hold.to - REMEMBERED_MS);
    this.#holds.splice(0, first);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** The tick that is due and has not come. */
  #heldNow(): Hold {
    const from = this.#tickedAt + TICK_MS;
    return { from, to: Math.max(from, this.now()) };
  }
}
