/**
 * The machine sleeps for hours between a look and what was decided by it, and a person mends the service meanwhile:
 * the real controller, daemon, journal and store, in a simulated world.
 */
import { assert, assertEquals } from "@std/assert";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import { LOOK_AGE_MS_MIN, LOOK_MS_MAX, lookAgeMaxMs, tooOld } from "../../reconciler/look_age.ts";
import type { Observation } from "../../reconciler/observation.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import { gapMaxMs } from "../../reconciler/samples.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { DOUBT_MS } from "../../state/doubts.ts";
import type { StateEvent } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { Platform } from "../simulation/platform.ts";
import { Process } from "../simulation/process.ts";
import { Chance } from "../simulation/random.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import { simulatedParts } from "../soak/parts.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SLEEP = 8 * HOUR;

function specOf(service: string): ServiceSpec {
  return {
    ...DEFAULT_SPEC,
    service,
    repo: null,
    branch: null,
    expect: null,
    database: { kind: "none" },
    intervalMs: 30_000,
    watchIntervalMs: 30_000,
    generation: 1,
    policy: DEFAULT_POLICY,
  };
}

/** Where the machine falls asleep: after a write to the store. */
interface Bed {
  /** What the store was just told, after which the machine sleeps. */
  after: "a look at a deploy" | "the attempt" | "the intent";
  autoDeploy: boolean;
  /** Whether a person mends the service meanwhile. */
  isMended: boolean;
  /** What is pushed before. @default what breaks it */
  pushed?: string;
}

/** A service turns bad, and the machine sleeps right before the effect. @returns what was done, and how it ends */
async function sleepThrough({ after, autoDeploy, isMended, pushed = "defect crash" }: Bed) {
  const scheduler = new Scheduler();
  const platform = new Platform(scheduler, new Chance(1, "platform"), () => CALM, () => {});
  await using store = await openSqliteStore(IN_MEMORY);
  const service = platform.addService({ "src/main": "v0", "src/routes": "v0" }, "wait");
  service.autoDeploy = autoDeploy;
  const world = { scheduler, weather: () => CALM, tell: () => {}, wallOffsetMs: () => 0 };
  const process = new Process("p", world, new Chance(1, "process"), () => {});
  const push = (files: Record<string, string>) => {
    const { repository } = service;
    const tree = { ...repository.get(repository.head).tree, ...files };
    repository.head = repository.make({ parent: repository.head, tree, message: "By hand" }, 0).id;
    platform.createDeploy(service, repository.head, autoDeploy ? "new_commit" : "manual");
  };
  let hasSlept = false;
  let wakesAt = 0;
  const fallAsleep = () => {
    if (hasSlept || scheduler.now < 30 * MINUTE) return;
    hasSlept = true;
    wakesAt = scheduler.now + SLEEP;
    process.stop(SLEEP, true);
    if (isMended) scheduler.after(SLEEP / 8, () => push({ "src/main": "fixed", "src/routes": "v2" }));
  };
  const slept: Pick<Store, "record" | "intend"> = {
    async record(change) {
      await store.record(change);
      const isRunning = change.incident?.attempts.at(-1)?.status === "running";
      if (after === "the attempt" && isRunning) fallAsleep();
      const clean = change.service?.conditions.find(({ type }) => type === "BuildClean");
      if (after === "a look at a deploy" && clean?.status === "Unknown") fallAsleep();
    },
    async intend(entry) {
      const written = await store.intend(entry);
      if (after === "the intent") fallAsleep();
      return written;
    },
  };
  const watched = new Proxy<Store>(store, {
    get(target, key) {
      const member: unknown = Reflect.get(Object.hasOwn(slept, key) ? slept : target, key);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const effects: string[] = [];
  let actedMs = 0;
  const events: StateEvent[] = [];
  const watcher = {
    effect(_: unknown, { kind }: { kind: string }) {
      if (effects.push(kind) === 1) actedMs = scheduler.now - wakesAt;
    },
    sawService: () => {},
    sawDatabase: () => {},
    sawDeploys: () => {},
  };
  const weather = () => CALM;
  const parts = {
    ...simulatedParts({ seed: 1, platform, process, store: watched, weather, watcher, sampled: () => {} }),
    onEvent: (event: StateEvent) => void events.push(event),
  };
  const spec = specOf(service.id);
  const stop = new AbortController();
  const daemon = runDaemon(new Controller(parts), parts, [spec], { signal: stop.signal });
  const run = (ms: number) => scheduler.run(scheduler.now + ms, () => false, () => {});
  await run(30 * MINUTE);
  push({ "src/main": pushed });
  await run(SLEEP + HOUR);
  stop.abort();
  let isOver = false;
  void daemon.finally(() => isOver = true);
  await scheduler.run(scheduler.now + 24 * HOUR, () => isOver, () => {});
  assert(hasSlept, "the machine never slept");
  const live = platform.live(service);
  const serves = live === null ? null : service.repository.get(live.commit).tree["src/main"];
  const journal = await store.listJournal({ serviceId: service.id, limit: 10 });
  return {
    effects,
    /** How long after the machine woke the first effect came, in milliseconds; 0 where none came. */
    actedMs,
    serves,
    autoDeploy: service.autoDeploy,
    intents: journal.map(({ key, state }) => `${key.split("/").slice(2).join("/")} ${state}`).toReversed(),
    told: events.map(({ type }) => type).filter((type) => /^(Incident|Attempt)/.test(type)),
  };
}

const WELL = ["IncidentOpened", "AttemptBegun", "AttemptAbandoned", "IncidentHealed"];

Deno.test("a machine that slept for hours between a decision and its effect rolls nothing back that a person has mended meanwhile, and leaves autodeploy on (promise 4) (promise 12) (promise 25)", async () => {
  for (const autoDeploy of [false, true]) {
    for (const after of ["the attempt", "the intent"] as const) {
      const { intents, ...end } = await sleepThrough({ after, autoDeploy, isMended: true });
      assertEquals(end, { effects: [], actedMs: 0, serves: "fixed", autoDeploy, told: WELL });
      const step = autoDeploy ? "autodeploy-off" : "rollback";
      // Of what was intended it is only looked whether it has happened.
      assertEquals(intents, after === "the intent" ? [`${step} failed`] : []);
    }
  }
});

Deno.test("a machine that slept for hours before an effect looks again, and does it once where it is still needed (promise 4) (promise 25)", async () => {
  for (const after of ["the attempt", "the intent"] as const) {
    const end = await sleepThrough({ after, autoDeploy: false, isMended: false });
    // Once the old commit serves again, the new one is mended.
    assertEquals(end.effects.filter((kind) => kind === "rollback").length, 1);
    assertEquals([end.effects[0], end.intents[0]], ["rollback", "rollback done"]);
    // Nothing was sent before, so that nothing may still arrive.
    assert(end.actedMs < DOUBT_MS, `${end.actedMs} ms`);
  }
});

Deno.test("a deploy that ended while the machine slept is not called stuck by what was seen before (promise 4)", async () => {
  const after = "a look at a deploy";
  const end = await sleepThrough({ after, autoDeploy: true, isMended: false, pushed: "v1" });
  assertEquals([end.told, end.effects, end.serves], [[], [], "v1"]);
});

Deno.test("a look is too old by either clock, and a long look of a service that sleeps is not (promise 4)", () => {
  const used = specOf("srv-1");
  const look = (tookMs: number): Observation => ({
    at: 1_000_000_000,
    beganAt: 1_000_000_000 - tookMs,
    monotonicMs: 1_000_000,
    beganMonotonicMs: 1_000_000 - tookMs,
    epoch: "p",
    seen: null,
    problem: null,
  });
  const is = (tookMs: number, wallMs: number, monotonicMs: number) =>
    tooOld(look(tookMs), used, {
      now: () => 1_000_000_000 + wallMs,
      monotonic: () => 1_000_000 + monotonicMs,
    });
  const maxMs = lookAgeMaxMs(used);
  assertEquals(maxMs, Math.max(LOOK_AGE_MS_MIN, gapMaxMs(used)));
  assertEquals(is(LOOK_MS_MAX, maxMs, maxMs), null);
  assert(is(0, maxMs + 1, 0) !== null);
  assert(is(0, 0, maxMs + 1) !== null);
  assert(is(LOOK_MS_MAX + 1, 0, 0) !== null);
});
