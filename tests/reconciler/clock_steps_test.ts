/**
 * Everything that takes time, while somebody sets the machine's clock by a day: the real controller, daemon, journal
 * and store, whose process has the product's own time of day on a machine with such a clock. What happens, and when
 * by the world's time, is the same as on a machine whose clock is right.
 */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import type { Policy } from "../../reconciler/policy.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { DatabaseSpec } from "../../reconciler/spec.ts";
import { IN_MEMORY } from "../../state/database.ts";
import type { StateEvent } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { asksRender } from "../simulation/hearing.ts";
import { Platform } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import { Process } from "../simulation/process.ts";
import { Chance } from "../simulation/random.ts";
import { createSimulatedRender } from "../simulation/render.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import type { Weather } from "../simulation/weather.ts";
import { simulatedParts } from "../soak/parts.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** By when the service is proven good, and something befalls it. */
const BEGINS = 30 * MINUTE;

interface Plot {
  policy: Partial<Policy>;
  database?: DatabaseSpec;
  /** What befalls the service, from `BEGINS` on. */
  befalls(fate: Fate): void;
  /** How long it is watched from then on, in milliseconds. */
  forMs: number;
  /** What must have happened, and how long after the beginning at least, in milliseconds. */
  shows: { what: string; afterMs: number };
}

interface Fate {
  service: SimService;
  push(files: Record<string, string>): void;
  weather(change: Partial<Weather>): void;
  after(ms: number, run: () => void): void;
}

interface Happening {
  at: number;
  what: string;
  /** Of an incident: how long the look took that found it, in milliseconds. */
  lookedMs?: number;
}

/** How far the machine's clock is off after so many steps, in milliseconds. */
type Clockwork = (step: number) => number;

interface Course {
  /** Whether the process is killed and started again with each step. @default false */
  restarts?: boolean;
  /** Whether the process that was started with a step does not hear what time Render says it is. @default none */
  isDeaf?: (step: number) => boolean;
  /** Whether the first process stands still from `BEGINS` on. @default false */
  standsStill?: boolean;
}

/**
 * @param steps how often the clock is set while it is watched
 * @returns what happened from `BEGINS` on, with the world's time
 */
async function happenings(
  plot: Plot,
  off: Clockwork,
  steps: number,
  { restarts = false, isDeaf = () => false, standsStill = false }: Course = {},
): Promise<Happening[]> {
  const scheduler = new Scheduler();
  let weather: Weather = { ...CALM, latencyMs: 10 };
  const platform = new Platform(scheduler, new Chance(1, "platform"), () => weather, () => {});
  const service = platform.addService({ "src/main": "v0", "src/routes": "v0" }, "wait");
  await using store = await openSqliteStore(IN_MEMORY);
  const told: Happening[] = [];
  const tell = (what: string, more: Partial<Happening> = {}) =>
    told.push({ at: scheduler.now - BEGINS, what, ...more });
  const watchMs = plot.forMs > DAY ? 5 * MINUTE : 10 * SECOND;
  const spec = {
    ...DEFAULT_SPEC,
    service: service.id,
    repo: null,
    branch: null,
    expect: null,
    database: plot.database ?? { kind: "none" as const },
    intervalMs: watchMs,
    watchIntervalMs: watchMs,
    generation: 1,
    policy: { ...DEFAULT_POLICY, ...plot.policy },
  };
  const watcher = {
    effect: (_: unknown, { kind }: { kind: string }) => void tell(`effect ${kind}`),
    sawService: () => {},
    sawDatabase: () => {},
    sawDeploys: () => {},
  };
  let step = 0;
  const boot = () => {
    const process = new Process(
      `p${step}`,
      { scheduler, weather: () => weather, tell: () => {}, wallOffsetMs: () => off(step) },
      new Chance(1, "process"),
      () => {},
    );
    const shown = () => weather;
    const simulated = simulatedParts({
      seed: 1,
      platform,
      process,
      store,
      weather: shown,
      watcher,
      sampled: () => {},
    });
    const render = createSimulatedRender(platform, shown, new Chance(1, "api"), watcher, process.dead);
    const hears = !isDeaf(step);
    const api = asksRender(process, render, () => hears ? platform.wallNow() : NaN);
    const onEvent = ({ at, type, message, data }: StateEvent) => {
      const opened = z.object({ lookedSince: z.number() }).safeParse(data);
      const more = opened.success ? { lookedMs: at - opened.data.lookedSince } : {};
      if (/^(Incident|Attempt)/.test(type)) tell(`${type} ${message}`, more);
    };
    const parts = { ...simulated, api, onEvent, random: () => 0.5 };
    const stop = new AbortController();
    const daemon = runDaemon(new Controller(parts), parts, [spec], { signal: stop.signal });
    return { process, stop, daemon };
  };
  let running = boot();
  const to = (untilMs: number) => scheduler.run(untilMs, () => false, () => {});
  await to(BEGINS);
  if (standsStill) running.process.stop(plot.forMs, false);
  plot.befalls({
    service,
    push(files) {
      const { repository } = service;
      const tree = { ...repository.get(repository.head).tree, ...files };
      const message = `Push ${scheduler.now}`;
      repository.head = repository.make({ parent: repository.head, tree, message }, 0).id;
      platform.createDeploy(service, repository.head, "new_commit");
    },
    weather: (change) => weather = { ...weather, ...change },
    after: (ms, run) => scheduler.after(ms, run),
  });
  const everyMs = plot.forMs / (steps + 1);
  while (scheduler.now < BEGINS + plot.forMs) {
    await to(Math.ceil(scheduler.now + everyMs));
    step++;
    if (!restarts) continue;
    running.process.die("for the test");
    running = boot();
  }
  running.stop.abort();
  let isOver = false;
  void running.daemon.finally(() => isOver = true);
  await scheduler.run(scheduler.now + DAY, () => isOver, () => {});
  return told;
}

const PLOTS: Record<string, Plot> = {
  "the end of a deploy": {
    policy: { deployTimeoutMs: 30 * MINUTE },
    befalls({ push, weather }) {
      push({ "src/main": "defect missing" });
      weather({ stuckDeploy: 1 });
    },
    forMs: 40 * MINUTE,
    shows: { what: "AttemptFailed Deploy dep-7 is still", afterMs: 30 * MINUTE },
  },
  "the end of somebody's deploy": {
    policy: { deployTimeoutMs: 30 * MINUTE },
    befalls({ push, weather }) {
      weather({ stuckDeploy: 1 });
      push({ "src/main": "v1" });
    },
    forMs: 40 * MINUTE,
    shows: { what: "IncidentStalled Deploy dep-4 is build_in_progress for 30m", afterMs: 30 * MINUTE },
  },
  "a deploy of what was pushed": {
    policy: { autodeployGraceMs: 15 * MINUTE },
    befalls({ push, weather }) {
      push({ "src/main": "defect missing" });
      weather({ lostAutodeploy: 1 });
    },
    forMs: 25 * MINUTE,
    shows: { what: "effect deploy", afterMs: 15 * MINUTE },
  },
  "a database": {
    policy: { databaseWaitMs: 20 * MINUTE },
    database: { kind: "json-path", path: "database", good: ["up"] },
    befalls: ({ service }) => void (service.databaseUp = false),
    forMs: 30 * MINUTE,
    shows: { what: "IncidentStalled Database has been down for 20m", afterMs: 20 * MINUTE },
  },
  "room in the budget of an hour": {
    policy: { effectsPerHourMax: 2 },
    befalls({ push, after }) {
      push({ "src/main": "defect pins" });
      after(10 * MINUTE, () => push({ "src/main": "defect missing" }));
      after(50 * MINUTE, () => push({ "src/main": "defect missing", "src/routes": "v2" }));
      after(70 * MINUTE, () => push({ "src/main": "defect missing", "src/routes": "v3" }));
    },
    forMs: 80 * MINUTE,
    shows: { what: "IncidentHealed", afterMs: 70 * MINUTE },
  },
  "room in the budget of a day": {
    policy: { effectsPerDayMax: 2 },
    befalls({ push, after }) {
      push({ "src/main": "defect pins" });
      after(2 * HOUR, () => push({ "src/main": "defect missing" }));
      after(22 * HOUR, () => push({ "src/main": "defect missing", "src/routes": "v2" }));
      after(25 * HOUR, () => push({ "src/main": "defect missing", "src/routes": "v3" }));
    },
    forMs: 26 * HOUR,
    shows: { what: "IncidentHealed", afterMs: 25 * HOUR },
  },
  "the day of a failure's attempts": {
    policy: { attemptsPerFingerprintMax: 1 },
    befalls({ push, after }) {
      push({ "src/main": "defect stone" });
      after(20 * MINUTE, () => push({ "src/main": "v1" }));
      after(40 * MINUTE, () => push({ "src/main": "defect stone", "src/routes": "v2" }));
    },
    forMs: HOUR,
    shows: { what: "IncidentStalled", afterMs: 40 * MINUTE },
  },
};
const LEAPS = [0, DAY, -DAY, 5 * HOUR, -10 * MINUTE, -5 * HOUR, 10 * MINUTE];
const leaps: Clockwork = (step) => LEAPS[step % LEAPS.length] ?? 0;
const right: Clockwork = () => 0;

for (const [name, plot] of Object.entries(PLOTS)) {
  Deno.test(`a clock that is set by a day and back again changes nothing for who waits for ${name} (promise 4)`, async () => {
    const undisturbed = await happenings(plot, right, 10);
    const { what, afterMs } = plot.shows;
    const shown = undisturbed.find((one) => one.what.startsWith(what) && one.at >= afterMs);
    assert(shown !== undefined, JSON.stringify(undisturbed, null, 2));
    assertEquals(await happenings(plot, leaps, 10), undisturbed);
  });
}

Deno.test("a process that is started again on a machine whose clock was set meanwhile waits as long as it is to, by Render's word (promise 4)", async () => {
  // Its first answers say in whole seconds what time it is.
  const kinds = (told: Happening[]) => told.map(({ what }) => what.replace(/\d+m?s?\b.*/, ""));
  for (const plot of Object.values(PLOTS)) {
    const undisturbed = await happenings(plot, right, 3, { restarts: true });
    const disturbed = await happenings(plot, leaps, 3, { restarts: true });
    assertEquals(kinds(disturbed), kinds(undisturbed));
    for (const [n, { at }] of disturbed.entries()) {
      assert(
        Math.abs(at - (undisturbed[n]?.at ?? NaN)) <= 15 * SECOND,
        JSON.stringify([disturbed, undisturbed]),
      );
    }
  }
});

Deno.test("what a process with a wrong clock dated ahead is waited for no longer than from when it is met (promise 4)", async () => {
  const ahead: Clockwork = (step) => step === 0 ? DAY : 0;
  for (const name of ["the end of a deploy", "the end of somebody's deploy", "a database"]) {
    const plot = PLOTS[name];
    assert(plot !== undefined);
    const { what, afterMs } = plot.shows;
    const told = await happenings({ ...plot, forMs: 80 * MINUTE }, ahead, 3, {
      restarts: true,
      isDeaf: (step) => step === 0,
    });
    const end = told.find((one) => one.what.startsWith(what))?.at ?? Infinity;
    const restartedAt = 20 * MINUTE;
    assert(end >= afterMs && end <= restartedAt + afterMs + MINUTE, `${name}: ${end} ms`);
  }
});

Deno.test("a process whose clock is hours behind, and which cannot ask Render, makes nothing that is waited for older than it is (promise 4)", async () => {
  const behind: Clockwork = (step) => step === 1 ? -15.5 * HOUR : 0;
  for (const name of ["the end of a deploy", "the end of somebody's deploy", "a deploy of what was pushed"]) {
    const plot = PLOTS[name];
    assert(plot !== undefined);
    const told = await happenings(
      {
        ...plot,
        befalls(fate) {
          plot.befalls(fate);
          const { after, weather } = fate;
          // Nothing is answered as long as the clock is wrong.
          after(plot.forMs / 4 - SECOND, () => weather({ busy: 1 }));
          after(plot.forMs / 2, () => weather({ busy: 0 }));
        },
      },
      behind,
      3,
      { restarts: true, isDeaf: (step) => step === 1 },
    );
    const { what, afterMs } = plot.shows;
    const [kind = ""] = what.split(" for ");
    const end = told.find((one) => one.what.startsWith(kind));
    assert(end !== undefined && end.at >= afterMs, JSON.stringify(told, null, 2));
  }
});

Deno.test("how long a look took is told rightly where its first answer set the clock (promise 4)", async () => {
  const plot = PLOTS["the end of a deploy"];
  assert(plot !== undefined);
  for (const wrongMs of [DAY, -DAY]) {
    const told = await happenings(plot, (step) => step === 1 ? wrongMs : 0, 3, {
      restarts: true,
      standsStill: true,
    });
    const lookedMs = told[0]?.lookedMs ?? NaN;
    assert(lookedMs >= 0 && lookedMs < MINUTE, JSON.stringify(told));
  }
});
