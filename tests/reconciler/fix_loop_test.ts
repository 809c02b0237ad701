/**
 * Repairs that lead nowhere, again and again: the real controller, daemon, journal and store with a simulated Render
 * on which somebody brings the same failure back for days.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunAgent } from "../../agents/agent.ts";
import { proposalSchema } from "../../agents/messages.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import { resume } from "../../reconciler/incident.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import type { Policy } from "../../reconciler/policy.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { Platform } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import { Process } from "../simulation/process.ts";
import { Chance } from "../simulation/random.ts";
import type { WorldEffect } from "../simulation/render.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import { simulatedParts } from "../soak/parts.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One service in a world where nothing else happens, looked after for as long as a test wants. */
class Patient implements AsyncDisposable {
  readonly effects: { at: number; effect: WorldEffect }[] = [];
  /** Told of every effect before it happens. */
  onEffect: (effect: WorldEffect) => void = () => {};
  readonly #scheduler = new Scheduler();
  readonly #platform = new Platform(this.#scheduler, new Chance(1, "platform"), () => CALM, () => {});
  readonly service: SimService;
  readonly #stop = new AbortController();
  readonly #daemon: Promise<void>;

  private constructor(
    readonly store: Store,
    policy: Partial<Policy>,
    agents: (simulated: RunAgent) => RunAgent,
    database: ServiceSpec["database"],
  ) {
    const scheduler = this.#scheduler;
    this.service = this.#platform.addService({ "src/main": "v0", "src/routes": "v0" }, "wait");
    const process = new Process(
      "loop",
      { scheduler, weather: () => CALM, tell: () => {}, wallOffsetMs: () => 0 },
      new Chance(1, "process"),
      () => {},
    );
    const parts = simulatedParts({
      seed: 1,
      platform: this.#platform,
      process,
      store,
      weather: () => CALM,
      watcher: {
        effect: (_, effect) => {
          this.effects.push({ at: scheduler.now, effect });
          this.onEffect(effect);
        },
        sawService: () => {},
        sawDatabase: () => {},
        sawDeploys: () => {},
      },
      sampled: () => {},
      agents,
    });
    const spec = {
      ...DEFAULT_SPEC,
      service: this.service.id,
      repo: null,
      branch: null,
      expect: null,
      database,
      intervalMs: 5 * MINUTE,
      watchIntervalMs: 30_000,
      generation: 1,
      policy: { ...DEFAULT_POLICY, ...policy },
    };
    this.#daemon = runDaemon(new Controller(parts), parts, [spec], { signal: this.#stop.signal });
  }

  static async open(
    policy: Partial<Policy>,
    agents: (simulated: RunAgent) => RunAgent = (simulated) => simulated,
    database: ServiceSpec["database"] = { kind: "none" },
  ): Promise<Patient> {
    const patient = new Patient(await openSqliteStore(IN_MEMORY), policy, agents, database);
    await patient.pass(30 * MINUTE);
    return patient;
  }

  async pass(ms: number): Promise<void> {
    await this.#scheduler.run(this.#scheduler.now + ms, () => false, () => {});
  }

  /** Somebody pushes these files. */
  push(files: Record<string, string>): void {
    const { repository } = this.service;
    const tree = { ...repository.get(repository.head).tree, ...files };
    const message = `Push at ${this.#scheduler.now}`;
    repository.head = repository.make({ parent: repository.head, tree, message }, 0).id;
    this.#platform.pushed(this.service);
  }

  /** Somebody sets the start command; a deploy takes it when it starts. */
  setCommand(startCommand: string): void {
    this.#platform.change(this.service, { settings: { ...this.service.settings, startCommand } });
  }

  async stalled() {
    return (await this.store.getActiveIncident(this.service.id))?.stalled ?? null;
  }

  async resume(): Promise<void> {
    const incident = await this.store.getActiveIncident(this.service.id);
    assert(incident?.status === "stalled");
    await this.store.record({ incident: resume(incident) });
  }

  /** What each commit that was pushed changed. */
  get changes(): string[] {
    const { repository } = this.service;
    return this.effects.flatMap(({ effect }) => {
      if (effect.kind !== "push" || effect.parent === null) return [];
      const before = repository.get(effect.parent).tree;
      const { tree } = repository.get(effect.commit);
      return JSON.stringify(Object.entries(tree).filter(([path, text]) => before[path] !== text));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    let isOver = false;
    void this.#daemon.finally(() => isOver = true);
    await this.#scheduler.run(this.#scheduler.now + 24 * HOUR, () => isOver, () => {});
    await this.store[Symbol.asyncDispose]();
  }
}

Deno.test("a failure that no repair cures is tried with each patch once, however often it comes back, and stalls with the reason (promise 9) (promise 22)", async () => {
  await using patient = await Patient.open({});
  for (let day = 0; day < 4; day++) {
    patient.push({ "src/main": "defect stone", notes: "none yet" });
    await patient.pass(20 * HOUR);
    const stalled = await patient.stalled();
    assert(stalled !== null);
    assertStringIncludes(stalled.message, "sim-stone");
    assertStringIncludes(stalled.resume, "deno task resume");
    // As if nothing had been tried: the same files, and a person who asks to go on.
    patient.push({ "src/main": "defect stone", notes: "none yet" });
    await patient.resume();
    await patient.pass(4 * HOUR);
  }
  const { changes } = patient;
  assertEquals(new Set(changes).size, changes.length, changes.join("\n"));
  assertEquals(changes.length, 2);
  // Of each it is learned that it did not help.
  const learned = await patient.store.listOutcomes();
  assertEquals(learned.map(({ outcome }) => outcome), ["no_effect", "no_effect"], JSON.stringify(learned));
});

Deno.test("a setting that did not help is not set again, whatever somebody has set in its place since (promise 9)", async () => {
  await using patient = await Patient.open({}, (simulated) => async (agent, input, options) => {
    const run = await simulated(agent, input, options);
    if (agent.name !== "fixer" || run.kind === "failed") return run;
    if (proposalSchema.parse(run.output).kind !== "patch") return run;
    return {
      ...run,
      output: agent.output.parse({ kind: "none", why: "the setting is all there is to change" }),
    };
  });
  let deploys = 0;
  patient.onEffect = ({ kind }) => {
    if (kind === "deploy") patient.setCommand(`run --slow ${++deploys}`);
  };
  patient.push({ "src/main": "defect bind" });
  await patient.pass(4 * HOUR);
  assertEquals(patient.effects.map(({ effect }) => effect.kind), ["patch", "deploy"]);
  const stalled = await patient.stalled();
  assertEquals(stalled?.reason, "NoRemedyApplies");
  assertStringIncludes(stalled?.message ?? "", "the same change was tried before");
});

Deno.test("attempts at one failure within a day have a budget, and the next day has its own (promise 9)", async () => {
  await using patient = await Patient.open({ attemptsPerFingerprintMax: 1 });
  patient.push({ "src/main": "defect stone" });
  await patient.pass(10 * HOUR);
  assertEquals([patient.changes.length, (await patient.stalled())?.reason], [1, "FingerprintSpent"]);
  await patient.resume();
  await patient.pass(10 * HOUR);
  assertEquals([patient.changes.length, (await patient.stalled())?.reason], [1, "FingerprintSpent"]);
  await patient.pass(5 * HOUR);
  await patient.resume();
  await patient.pass(5 * HOUR);
  assertEquals(patient.changes.length, 2);
});

Deno.test("a failure that is cured and brought back all day spends the day's budget, then stalls with the reason (promise 9)", async () => {
  const effectsPerDayMax = 6;
  await using patient = await Patient.open({ effectsPerDayMax });
  for (let hour = 0; hour < 20; hour++) {
    patient.push({ "src/main": "defect missing", notes: `hour ${hour}` });
    await patient.pass(HOUR);
  }
  const stalled = await patient.stalled();
  assert(stalled !== null);
  assertEquals(stalled.reason, "EffectsSpent");
  assertStringIncludes(stalled.message, `${effectsPerDayMax} effects within a day`);
  assertEquals(patient.effects.length, effectsPerDayMax);
  await patient.pass(24 * HOUR);
  await patient.resume();
  await patient.pass(HOUR);
  assertEquals(await patient.stalled(), null);
  assertEquals(patient.effects.length, effectsPerDayMax + 1);
});

Deno.test("what chance alone may have failed is deployed once more before any change, whatever healed it before (promise 13)", async () => {
  await using patient = await Patient.open({}, (simulated) => async (agent, input, options) => {
    const run = await simulated(agent, input, options);
    if (agent.name !== "analyzer" || run.kind === "failed") return run;
    return { ...run, output: agent.output.parse({ ...run.output, redeployMayCure: true }) };
  });
  for (let day = 0; day < 3; day++) {
    patient.effects.length = 0;
    patient.push({ "src/main": "defect missing", notes: `day ${day}` });
    const { head } = patient.service.repository;
    await patient.pass(24 * HOUR);
    assertEquals(patient.effects.map(({ effect }) => effect.kind), ["deploy", "push"], `day ${day}`);
    const [first] = patient.effects;
    assert(first?.effect.kind === "deploy" && first.effect.commit === head);
    assertEquals(await patient.stalled(), null);
  }
});

Deno.test("a rollback that the database spoiled leaves the bad commit to be mended, however well the old one serves by then", async () => {
  const database = { kind: "render-postgres", id: "dpg-sim1" } as const;
  await using patient = await Patient.open({}, undefined, database);
  patient.onEffect = ({ kind }) => {
    if (kind === "rollback") patient.service.databaseUp = false;
  };
  patient.push({ "src/main": "defect crash" });
  await patient.pass(20 * MINUTE);
  const incident = await patient.store.getActiveIncident(patient.service.id);
  const [first] = incident?.attempts ?? [];
  assertEquals([first?.repair.kind, first?.status], ["rollback", "no_effect"]);
  patient.service.databaseUp = true;
  await patient.pass(2 * HOUR);
  assertEquals(patient.changes, ['[["src/main","fixed"]]']);
  assertEquals(await patient.store.getActiveIncident(patient.service.id), null);
});
