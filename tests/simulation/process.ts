/**
 * One simulated process of Evenkeel. Whatever it calls passes through here: at each call it may die, which means
 * that nothing of it ever goes on, or stand still for a while. Its clocks begin anew with it; the time of day is the
 * product's own, on a machine whose clock is set and which sleeps.
 */
import { steadyTime } from "../../base/clock.ts";
import type { Clock, SteadyTime } from "../../base/clock.ts";
import { EPOCH_MS } from "./platform.ts";
import type { Chance } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Weather } from "./weather.ts";

export interface ProcessWorld {
  scheduler: Scheduler;
  weather(): Weather;
  tell(line: string): void;
  /** How far the wall clock of this machine is off, in milliseconds. */
  wallOffsetMs(): number;
  /** `true` for a planted bug: nothing tells it that its machine has slept. @default false */
  isSleepUnseen?: boolean;
}

/** What a dead process waits for. Each its own: one shared by all would keep everything that ever waited alive. */
const never = () => new Promise<never>(() => {});

export class Process {
  isAlive = true;
  /** Resolved when it is dead: its connections are closed then. */
  readonly #dead = Promise.withResolvers<void>();
  #stoppedUntil = 0;
  /** What the monotonic clock has not counted: the time this machine slept. */
  #sleptMs = 0;
  #latest = 0;
  readonly #bornAt: number;
  readonly #base: number;
  readonly #time: SteadyTime;

  constructor(
    readonly name: string,
    private readonly world: ProcessWorld,
    private readonly chance: Chance,
    private readonly onDeath: () => void,
  ) {
    this.#bornAt = world.scheduler.now;
    this.#base = chance.whole(0, 100_000);
    this.#time = steadyTime({
      wall: this.wall,
      monotonic: () => this.clock.monotonic(),
      uptime: () => world.isSleepUnseen === true ? 0 : Math.floor(world.scheduler.now / 1_000) * 1_000,
    });
  }

  get isStopped(): boolean {
    return this.#stoppedUntil > this.world.scheduler.now;
  }

  get dead(): Promise<void> {
    return this.#dead.promise;
  }

  die(why: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#dead.resolve();
    this.world.tell(`${this.name} dies ${why}`);
    this.onDeath();
  }

  /** @param isSleep the machine sleeps, so that its monotonic clock stands still too */
  stop(ms: number, isSleep: boolean): void {
    const { now } = this.world.scheduler;
    if (this.#stoppedUntil > now) return;
    this.#stoppedUntil = now + ms;
    if (isSleep) this.#sleptMs += ms;
    this.world.tell(`${this.name} ${isSleep ? "sleeps" : "stands still"} for ${Math.round(ms / 1000)} s`);
  }

  /**
   * Makes a call on behalf of the process; the call goes on in the world even when the process dies meanwhile.
   * @param isQuiet nothing new happens to the process here
   */
  async call<T>(what: string, work: () => Promise<T> | T, isQuiet = false): Promise<T> {
    await this.#point(`before ${what}`, isQuiet);
    let end: { value: T } | { error: unknown };
    try {
      end = { value: await work() };
    } catch (error) {
      end = { error };
    }
    await this.#point(`after ${what}`, isQuiet);
    if ("error" in end) throw end.error;
    return end.value;
  }

  /** An object whose methods are calls of this process. */
  guard<T extends object>(name: string, target: T, isQuiet = false): T {
    return new Proxy(target, {
      get: (_, key) => {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== "function" || typeof key === "symbol") return member;
        return (...args: unknown[]) =>
          this.call(`${name}.${key}`, () => Reflect.apply(member, target, args), isQuiet);
      },
    });
  }

  /** @param isQuiet nothing new happens to the process when it wakes */
  clockOf(isQuiet: boolean): Clock {
    return isQuiet ? { ...this.clock, sleep: (ms, signal) => this.#sleep(ms, signal, true) } : this.clock;
  }

  /** What the clock of its machine says. */
  readonly wall = (): number => EPOCH_MS + this.world.scheduler.now + this.world.wallOffsetMs();

  readonly clock: Clock & SteadyTime = {
    now: () => this.#time.now(),
    asking: () => this.#time.asking(),
    monotonic: () => {
      const at = this.#base + this.world.scheduler.now - this.#bornAt - this.#sleptMs;
      return this.#latest = Math.max(this.#latest, at);
    },
    sleep: (ms, signal) => this.#sleep(ms, signal, false),
  };

  #sleep(ms: number, signal: AbortSignal | undefined, isQuiet: boolean): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener("abort", wake);
        void this.#point("waking", isQuiet).then(resolve);
      };
      if (signal?.aborted) return wake();
      // Whole milliseconds: a wait too short to change the time would never end.
      this.world.scheduler.after(Math.ceil(ms), wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** What may happen to it at a call: it dies, or stands still. */
  #happen(where: string): void {
    const { crash, pause, pauseMs } = this.world.weather();
    if (crash > 0 && this.chance.roll(crash)) this.die(where);
    else if (pause > 0 && this.chance.roll(pause)) {
      this.stop(this.chance.whole(1_000, pauseMs), this.chance.roll(0.5));
    }
  }

  async #point(where: string, isQuiet = false): Promise<void> {
    const { scheduler } = this.world;
    if (!this.isAlive) await never();
    if (!isQuiet) this.#happen(where);
    while (this.isAlive && this.#stoppedUntil > scheduler.now) {
      await scheduler.sleep(this.#stoppedUntil - scheduler.now);
    }
    if (!this.isAlive) await never();
  }
}
