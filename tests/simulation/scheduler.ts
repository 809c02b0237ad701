/**
 * Simulated time. Whatever waits is in one list ordered by time; between two entries every promise that can go on
 * does, so that one run of JavaScript's own queue is one step. Nothing here looks at the real time.
 */
import { setImmediate } from "node:timers";

interface Entry {
  at: number;
  order: number;
  run: () => void;
}

export class Scheduler {
  /** Milliseconds since the simulation began. */
  now = 0;
  /** Entries that were run. */
  steps = 0;
  #order = 0;
  /** A binary heap by time, then by order of adding. */
  readonly #heap: Entry[] = [];

  /** Runs `run` after `ms`. */
  after(ms: number, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, ms), order: this.#order++, run });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /**
   * Runs entries until `isOver` says so or the time is up.
   * @param afterStep looked at after every step
   */
  async run(untilMs: number, isOver: () => boolean, afterStep: () => void): Promise<void> {
    await settled();
    while (!isOver()) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.at > untilMs) {
        this.now = untilMs;
        return;
      }
      this.#pop();
      this.now = entry.at;
      this.steps++;
      entry.run();
      await settled();
      afterStep();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(entry, heap[up]!)) break;
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++;
      if (!isBefore(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Ends when every promise that can go on has gone on: the queue of promises is emptied before an immediate runs. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
