/**
 * What a simulation does in the real world: files that are written, processes that are asked. Simulated time waits for
 * it, and lets the event loop go often enough that others of this process get their turn.
 */
import { systemClock } from "../../base/clock.ts";
import type { Scheduler } from "../simulation/scheduler.ts";

/** While something real is under way, so much simulated time passes in so much real time, in milliseconds. */
const CREEP_MS = 200;
const CREEP_EVERY_MS = 20;
/** The event loop is let go of after so long, in milliseconds. */
const TURN_MS = 20;

export class Reality {
  readonly #pending = new Set<Promise<unknown>>();
  #turnEndsAt = 0;

  constructor(private readonly scheduler: Scheduler) {}

  /** Work in the real world, for which simulated time waits. */
  really<T>(work: Promise<T>): Promise<T> {
    const ended = work.catch(() => {}).finally(() => this.#pending.delete(ended));
    this.#pending.add(ended);
    return work;
  }

  /** Lets others have their turn, and simulated time creep: what runs in reality may wait for something simulated. */
  async catchUp(): Promise<void> {
    if (performance.now() >= this.#turnEndsAt) {
      await systemClock.sleep(0);
      this.#turnEndsAt = performance.now() + TURN_MS;
    }
    while (this.#pending.size > 0) {
      await Promise.race([this.settled(), systemClock.sleep(CREEP_EVERY_MS)]);
      if (this.#pending.size === 0) return;
      await this.scheduler.run(this.scheduler.now + CREEP_MS, () => false, () => {});
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
