/** A machine whose time is moved by hand: it runs, it sleeps, and somebody sets its clock. */
import { steadyTime } from "../../base/clock.ts";
import type { SteadyTime, TimeSources } from "../../base/clock.ts";

export class Machine implements TimeSources {
  #ranMs = 0;
  #sleptMs = 0;
  #offMs = 0;

  /** @param bootedAt when it was started, in milliseconds since the epoch */
  constructor(readonly bootedAt: number) {}

  /** What time it really is. */
  get truth(): number {
    return this.bootedAt + this.#ranMs + this.#sleptMs;
  }

  runs(ms: number): void {
    this.#ranMs += ms;
  }

  sleeps(ms: number): void {
    this.#sleptMs += ms;
  }

  /** Sets its clock. @param offMs how far it is off from then on */
  isSet(offMs: number): void {
    this.#offMs = offMs;
  }

  wall(): number {
    return this.truth + this.#offMs;
  }

  monotonic(): number {
    return this.#ranMs;
  }

  uptime(): number {
    return Math.floor((this.#ranMs + this.#sleptMs) / 1_000) * 1_000;
  }

  /** The time of day of a process that starts on it now. */
  time(): SteadyTime {
    return steadyTime({
      wall: () => this.wall(),
      monotonic: () => this.monotonic(),
      uptime: () => this.uptime(),
    });
  }
}
