/** What comes from outside while it storms: people, mishaps, webhooks, clocks that step, processes that stand still. */
import type { Hands } from "./people.ts";
import { act, mishap, review } from "./people.ts";
import type { Platform, SimService } from "./platform.ts";
import type { Process } from "./process.ts";
import { Chance } from "./random.ts";
import type { Weather } from "./weather.ts";

const MINUTE = 60_000;
/** Mean time between pauses of a leader that another stands by for, in milliseconds. */
const PAUSES_MS = 6 * MINUTE;
/** Mean time between looks of a person who resumes what is stalled, in milliseconds. */
const RESUMES_MS = 15 * MINUTE;

/** What can be reached from outside. */
export interface Surroundings {
  seed: number;
  platform: Platform;
  /** How bad it gets. */
  stormy: Weather;
  isCalm(): boolean;
  tell(line: string): void;
  hands(stream: string): Hands;
  /** Says that something may have happened to a service. */
  trigger(service: SimService): void;
  /** Sets the wall clock of the processes off by so many milliseconds. */
  setClock(offsetMs: number): void;
  /** Sets the clock of one machine, beside that. */
  setClockOf(machine: number, offsetMs: number): void;
  /** How many machines there are. */
  machines: number;
  /** The processes that live, whether they lead or not. */
  processes(): Process[];
  /** Whether one of them stands still or sleeps. */
  isStopped(): boolean;
  /** The process that leads, as far as it knows. */
  leader(): Process | null;
  /** How long a leader may be silent where another stands by, in milliseconds; `null` where none does. */
  leaseMs: number | null;
  /** A person resumes whatever is stalled. */
  resume(): Promise<void>;
}

export function scheduleTrouble(around: Surroundings): void {
  const { platform, tell } = around;
  const { scheduler } = platform;
  const { peopleMs, triggersMs, clockStepsMs, databaseMs, pause } = around.stormy;
  const chance = new Chance(around.seed, "outside");
  const hands = { ...around.hands("people"), chance };
  const anyService = (): SimService => platform.services[chance.whole(0, platform.services.length - 1)]!;
  for (let n = chance.whole(0, 3); n > 0; n--) {
    scheduler.after(chance.whole(0, 25) * MINUTE + 4 * MINUTE, () => {
      if (!around.isCalm()) mishap(hands, anyService());
    });
  }
  const storms = repeat(around, chance);
  storms(peopleMs, () => act(hands, anyService()));
  // A webhook that is about nothing: all the same to a queue of keys.
  storms(triggersMs, () => around.trigger(anyService()));
  storms(clockStepsMs, () => {
    // A clock that is set back while the machine sleeps hides the sleep from everybody.
    if (!around.isStopped()) around.setClock(chance.whole(-10, 10) * MINUTE);
  });
  storms(databaseMs, () => {
    const service = anyService();
    service.databaseUp = !service.databaseUp;
    if (!service.databaseUp) service.databaseWentDownAt = scheduler.now;
    tell(`the database of ${service.id} is ${service.databaseUp ? "up" : "down"}`);
  });
  storms(
    pause > 0 ? 10 * MINUTE : 0,
    () => around.leader()?.stop(chance.whole(10_000, 600_000), chance.roll(0.5)),
  );
  scheduleMore(around);
}

/** What was added later, from a stream of its own, so that older seeds keep their stories. */
function scheduleMore(around: Surroundings): void {
  const { platform, leaseMs } = around;
  const { scheduler } = platform;
  const { reviewMs, webhooks } = around.stormy;
  const chance = new Chance(around.seed, "more from outside");
  const hands = { ...around.hands("reviews"), chance };
  // Pull requests are looked at in calm times too.
  const look = () =>
    scheduler.after(chance.next() * 2 * reviewMs, () => {
      for (const service of platform.services) review(hands, service, 0.6);
      look();
    });
  if (reviewMs > 0) look();
  const storms = repeat(around, chance);
  if (leaseMs !== null) {
    storms(PAUSES_MS, () => around.leader()?.stop(chance.whole(1_000, 4 * leaseMs), chance.roll(0.3)));
  }
  storms(RESUMES_MS, () => void around.resume());
  setClocks(around);
  if (!webhooks) return;
  platform.onEvent = (service) => {
    if (!around.isCalm() && chance.roll(0.3)) return;
    // Render repeats what was not acknowledged; whatever comes late comes out of order.
    for (let copies = chance.roll(0.2) ? chance.whole(2, 4) : 1; copies > 0; copies--) {
      const lateMs = chance.roll(0.2) ? chance.whole(0, 10 * MINUTE) : 300;
      scheduler.after(lateMs, () => around.trigger(service));
    }
  };
}

/** How far a clock that is set may be off, in milliseconds: small and large, as likely as the other. */
const OFF_MS = [MINUTE, 10 * MINUTE, 5 * 60 * MINUTE, 24 * 60 * MINUTE] as const;
const SLEEP_MS_MAX = 20 * MINUTE;

/** Machines whose clocks are set by minutes or by a day, each by itself, also while they sleep; and that sleep. */
function setClocks(around: Surroundings): void {
  const { machines } = around;
  const { clockLeapsMs } = around.stormy;
  if (clockLeapsMs === 0) return;
  const chance = new Chance(around.seed, "clocks");
  const set = (machine: number) => {
    const off = chance.pick(OFF_MS);
    around.setClockOf(machine, chance.whole(-off, off));
  };
  for (let machine = 0; machine < machines; machine++) if (chance.roll(0.5)) set(machine);
  const storms = repeat(around, chance);
  storms(clockLeapsMs, () => set(chance.whole(0, machines - 1)));
  storms(2 * clockLeapsMs, () => {
    const living = around.processes();
    living[chance.whole(0, living.length - 1)]?.stop(chance.whole(1_000, SLEEP_MS_MAX), true);
  });
}

/** Does something again and again until it is calm; never where the mean time is 0. */
function repeat({ platform, isCalm }: Surroundings, chance: Chance) {
  return (meanMs: number, run: () => void): void => {
    if (meanMs === 0) return;
    const next = () =>
      platform.scheduler.after(chance.next() * 2 * meanMs, () => {
        if (isCalm()) return;
        run();
        next();
      });
    next();
  };
}
