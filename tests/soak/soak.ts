/**
 * A soak: the real controller, plan, queue, daemon, session files and SQLite file, with the status server being
 * read, over many simulated services in compressed time. It measures the process along the way; what must always
 * hold is checked as in the simulator.
 */
import { join } from "@std/path";
import { optimizerAgent } from "../../agents/optimizer/agent.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import type { Agent, AgentRun, RunAgent } from "../../agents/agent.ts";
import { systemClock } from "../../base/clock.ts";
import { EvenkeelError, messageOf } from "../../base/errors.ts";
import { createExplainer } from "../../cli/failure.ts";
import { createSessionRecorder } from "../../cli/session_recorder.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore, Store } from "../../state/store.ts";
import { startStatusServer } from "../../status/server.ts";
import { Checker } from "../simulation/checker.ts";
import type { Violation } from "../simulation/checker.ts";
import { Platform } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import { Process } from "../simulation/process.ts";
import { Chance } from "../simulation/random.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import { judge } from "./gates.ts";
import type { Allowances, Gate, Sample } from "./gates.ts";
import { CAPS, Gauge } from "./measure.ts";
import { simulatedParts } from "./parts.ts";
import { passWeeks } from "./weeks.ts";

export interface SoakOptions {
  services: number;
  /** Ends the soak after so long, in milliseconds. */
  wallMs: number;
  /** Ends it earlier, in simulated milliseconds. @default never */
  simulatedMs?: number;
  /** Ends it early; what was measured so far is judged. @default none */
  signal?: AbortSignal;
  /** Run the agents that need no network as real processes. @default false */
  realAgents?: boolean;
  /** @default 1 */
  seed?: number;
  allowances?: Allowances;
  /** Measurements over the whole run. @default SAMPLES */
  samples?: number;
  onSample?: (progress: Progress) => void;
  /** Told of an invariant that broke, with what went on around it, newest last. */
  onViolation?: (violation: string, trace: readonly string[]) => void;
  /** A defect planted by a test: done at every pass. */
  plant?: (databasePath: string) => void;
}

export interface Progress {
  sample: Sample;
  incidents: number;
  effects: number;
  violations: number;
}

export interface SoakResult {
  gates: Gate[];
  samples: readonly Sample[];
  wallMs: number;
  simulatedMs: number;
  passes: number;
  incidents: number;
  effects: number;
  agentProcesses: number;
  statusReads: number;
  violations: readonly Violation[];
}

const MINUTE = 60_000;
/** Simulated time between looks at the real world, in milliseconds: what waits for it is late by no more. */
const STRIDE_MS = 5_000;
/** While something real is under way, so much simulated time passes in so much real time, in milliseconds. */
const CREEP_MS = 200;
const CREEP_EVERY_MS = 20;
/** How often the status server is read, in milliseconds. */
const STATUS_EVERY_MS = 5_000;
/** Session files are written as often as `reconcile` does in as many passes, in simulated milliseconds. */
const FILES_EVERY_MS = 120 * MINUTE;
const SAMPLES = 180;
const TRACE_LINES_KEPT = 5_000;
const VIOLATIONS_TOLD = 5;
const VIOLATION_LINES = 60;
const PATHS = ["/healthz", "/readyz", "/status", "/nothing"] as const;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-soak-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const path = join(folder, "evenkeel.db");
  const disk = cleanup.use(await openSqliteStore(path));
  return await new Soak(options, folder, path, disk).run();
}

class Soak {
  readonly #scheduler = new Scheduler();
  readonly #chance: Chance;
  readonly #platform: Platform;
  readonly #checker: Checker;
  readonly #process: Process;
  readonly #specs = new Map<string, ServiceSpec>();
  #weather = CALM;
  #wallOffsetMs = 0;
  #passes = 0;
  #effects = 0;
  #incidents = 0;
  #agentProcesses = 0;
  #statusReads = 0;
  readonly #statusFailures: string[] = [];
  readonly #trace: string[] = [];
  #told = 0;
  /** What is done in the real world; simulated time waits for it. */
  readonly #pending = new Set<Promise<unknown>>();

  constructor(
    private readonly options: SoakOptions,
    private readonly folder: string,
    private readonly path: string,
    private readonly disk: SharedStore,
  ) {
    const seed = options.seed ?? 1;
    this.#chance = new Chance(seed, "weeks");
    const tell = (line: string) => this.#tell(line);
    const weather = () => this.#weather;
    this.#platform = new Platform(this.#scheduler, new Chance(seed, "platform"), weather, tell);
    this.#checker = new Checker(this.#platform, (id) => this.#specOf(id), tell);
    this.#process = new Process(
      "soak",
      { scheduler: this.#scheduler, weather, tell, wallOffsetMs: () => this.#wallOffsetMs },
      new Chance(seed, "process"),
      () => {},
    );
  }

  async run(): Promise<SoakResult> {
    const { options, folder } = this;
    this.#addServices();
    const store = this.#checker.watchStore(this.disk);
    const specs = [...this.#specs.values()];
    const parts = this.#parts(store);
    const queue = new WorkQueue(parts);
    const recorder = createSessionRecorder({
      dataDirectory: folder,
      sessionId: parts.sessionId,
      store: this.disk,
      services: specs,
      redact: (text) => text,
      clock: parts.clock,
      agents: "subprocess",
    });
    parts.onAgentOutput = (...answer) => this.#really(recorder.agentAnswered(...answer));
    parts.onEvent = (event, about) => {
      if (event.type === "IncidentOpened") this.#incidents++;
      this.#checker.event("soak", event, about.incident?.attempts.at(-1) ?? null);
      recorder.event(event, about);
    };
    passWeeks({
      platform: this.#platform,
      checker: this.#checker,
      store,
      chance: this.#chance,
      specOf: (service) => this.#specOf(service.id),
      trigger: (service) => queue.add(this.#specOf(service.id).service),
      setWeather: (weather) => this.#weather = weather,
      setClock: (offsetMs) => this.#wallOffsetMs = offsetMs,
      tell: (line) => this.#tell(line),
    });
    await using controller = new Controller(parts);
    const explain = createExplainer(() => {});
    const nextPasses = new Map<string, number>();
    const stop = new AbortController();
    const daemon = runDaemon(this.#watched(controller), parts, specs, {
      signal: stop.signal,
      queue,
      onPass: async (_, pass) => {
        await explain(this.disk, pass);
        if ("afterMs" in pass.outcome) {
          nextPasses.set(pass.record.serviceId, parts.clock.now() + pass.outcome.afterMs);
        } else nextPasses.delete(pass.record.serviceId);
      },
    });
    const status = await startStatusServer({
      store: this.disk,
      version: "soak",
      clock: systemClock,
      port: 0,
      readiness: async () => ({ ready: await this.disk.whyUnwritable() === null, reason: "Soaking" }),
      isWatched: ({ serviceId, name }) => this.#specs.has(serviceId) || this.#specs.has(name),
      nextPassAt: (serviceId) => nextPasses.get(serviceId) ?? null,
    });
    const reading = this.#readStatus(status.url, stop.signal);
    const samples: Sample[] = [];
    const startedAt = performance.now();
    const wallMs = () => performance.now() - startedAt;
    try {
      using gauge = new Gauge(this.path);
      let filesAt = 0;
      const sample = () => {
        const { now: simulatedMs } = this.#scheduler;
        const progress = { passes: this.#passes, wallMs: wallMs(), simulatedMs, queueKeys: queue.size };
        samples.push(gauge.measure(progress));
        options.onSample?.({ sample: samples.at(-1)!, ...this.#figures() });
      };
      const { samples: count = SAMPLES, simulatedMs = Infinity } = options;
      /** From 0 to 1. */
      const done = () => Math.max(wallMs() / options.wallMs, this.#scheduler.now / simulatedMs);
      while (done() < 1 && options.signal?.aborted !== true) {
        await this.#scheduler.run(this.#scheduler.now + STRIDE_MS, () => false, () => {});
        await this.#waitForReality();
        if (this.#scheduler.now >= filesAt) {
          filesAt = this.#scheduler.now + FILES_EVERY_MS;
          await recorder.write();
        }
        if (done() >= samples.length / count) sample();
      }
      sample();
    } finally {
      stop.abort();
      await reading;
      await status.stop();
      // The steps under way end in simulated time.
      let isOver = false;
      void daemon.finally(() => isOver = true);
      await this.#scheduler.run(this.#scheduler.now + 24 * 60 * MINUTE, () => isOver, () => {});
    }
    await Promise.all(this.#pending);
    return {
      gates: [...judge(samples, CAPS, options.services, options.allowances), ...await this.#ownGates()],
      samples,
      wallMs: wallMs(),
      simulatedMs: this.#scheduler.now,
      passes: this.#passes,
      agentProcesses: this.#agentProcesses,
      statusReads: this.#statusReads,
      incidents: this.#incidents,
      effects: this.#effects,
      violations: this.#checker.violations,
    };
  }

  #figures() {
    const { violations } = this.#checker;
    return { incidents: this.#incidents, effects: this.#effects, violations: violations.length };
  }

  async #ownGates(): Promise<Gate[]> {
    const { violations } = this.#checker;
    const [broken] = violations;
    const [failure] = this.#statusFailures;
    const left = await leftovers(this.folder);
    return [
      {
        name: "invariants",
        figure: broken === undefined ? "all held" : `${violations.length} broken, first ${broken.message}`,
        allowed: "none broken",
        isHeld: broken === undefined,
      },
      {
        name: "status server",
        figure: failure ?? `${this.#statusReads} answers`,
        allowed: "every request answered",
        isHeld: failure === undefined && this.#statusReads > 0,
      },
      {
        name: "left behind",
        figure: left.length === 0 ? "nothing" : left.join(", "),
        allowed: "no child, no scratch folder",
        isHeld: left.length === 0,
      },
      {
        name: "the world was alive",
        figure: `${this.#incidents} incidents, ${this.#effects} effects`,
        allowed: "at least one of each",
        isHeld: this.#incidents > 0 && this.#effects > 0,
      },
    ];
  }

  /** Keeps the newest lines, and hands them over with the first few invariants that break. */
  #tell(text: string): void {
    this.#trace.push(`${(this.#scheduler.now / 1000).toFixed(1)} ${text}`);
    if (this.#trace.length > 2 * TRACE_LINES_KEPT) this.#trace.splice(0, TRACE_LINES_KEPT);
    if (!text.startsWith("VIOLATION") || this.#told++ >= VIOLATIONS_TOLD) return;
    const incident = this.#checker.incidents.get(/inc_[A-Za-z0-9_]+/.exec(text)?.[0] ?? "");
    const serviceId = incident?.serviceId ?? /srv-sim\d+/.exec(text)?.[0] ?? "";
    const isAbout = new RegExp(`${serviceId}\\b`);
    const around = this.#trace.filter((line) => isAbout.test(line)).slice(-VIOLATION_LINES);
    this.options.onViolation?.(text, around);
  }

  /** Lets simulated time creep: what runs in reality may wait for something simulated. */
  async #waitForReality(): Promise<void> {
    while (this.#pending.size > 0) {
      await Promise.race([Promise.all(this.#pending), systemClock.sleep(CREEP_EVERY_MS)]);
      if (this.#pending.size === 0) return;
      await this.#scheduler.run(this.#scheduler.now + CREEP_MS, () => false, () => {});
    }
  }

  /** Work in the real world, for which simulated time waits. */
  #really<T>(work: Promise<T>): Promise<T> {
    const ended = work.catch(() => {}).finally(() => this.#pending.delete(ended));
    this.#pending.add(ended);
    return work;
  }

  #specOf(serviceId: string): ServiceSpec {
    const spec = this.#specs.get(serviceId);
    if (spec === undefined) throw new Error(`No spec for ${serviceId}`);
    return spec;
  }

  #addServices(): void {
    const chance = this.#chance;
    for (let n = 0; n < this.options.services; n++) {
      const tree = { "src/main": "v0", "src/routes": "v0", "src/model": "v0" };
      const service = this.#platform.addService(tree, chance.roll(0.5) ? "wait" : "override");
      this.#specs.set(service.id, {
        ...DEFAULT_SPEC,
        service: service.id,
        repo: null,
        branch: null,
        expect: null,
        database: chance.pick([
          { kind: "none" },
          { kind: "none" },
          { kind: "json-path", path: "database", good: ["up"] },
          { kind: "render-postgres", id: service.id.replace("srv-", "dpg-") },
        ]),
        intervalMs: 10 * MINUTE,
        watchIntervalMs: 30_000,
        generation: 1,
        policy: { ...DEFAULT_POLICY, deployTimeoutMs: 20 * MINUTE },
      });
    }
  }

  #parts(store: Store): Parts {
    const process = this.#process;
    const [checker, platform] = [this.#checker, this.#platform];
    const watcher = {
      effect: (service: SimService, effect: Parameters<Checker["effect"]>[2]) => {
        this.#effects++;
        checker.effect(process.name, service, effect);
      },
      sawService: (
        service: SimService,
        { suspended, inMaintenance }: { suspended: boolean; inMaintenance: boolean },
      ) => checker.saw(process.name, service, { suspended, inMaintenance }),
      sawDatabase: (service: SimService, isDatabaseDown: boolean) =>
        checker.saw(process.name, service, { isDatabaseDown }),
      sawDeploys: (service: SimService, liveId: string | null) =>
        checker.saw(process.name, service, { liveId }),
    };
    return simulatedParts({
      seed: this.options.seed ?? 1,
      platform,
      process,
      store,
      weather: () => this.#weather,
      watcher,
      sampled: (service, verdict) => checker.sampled(process.name, service, verdict),
      ...this.options.realAgents === true ? { agents: (simulated) => this.#withProcesses(simulated) } : {},
    });
  }

  /**
   * The analyzer and the optimizer need nothing but their question, so they run as the processes they are. The
   * analyzer knows no simulated cause: its answer is thrown away.
   */
  #withProcesses(simulated: RunAgent): RunAgent {
    const real = createSubprocessRunner({ scratchRoot: join(this.folder, "scratch") });
    return async <Input, Output>(
      agent: Agent<Input, Output>,
      input: Input,
      options: Parameters<RunAgent>[2],
    ): Promise<AgentRun<Output>> => {
      if (agent.name !== "analyzer" && agent.name !== optimizerAgent.name) {
        return await simulated(agent, input, options);
      }
      this.#agentProcesses++;
      const answer = await this.#really(real(agent, input, options));
      if (answer.kind === "failed" && answer.why !== "aborted") {
        this.#checker.fail("defect", `the process of the ${agent.name} failed: ${answer.message}`);
      }
      return agent.name === "analyzer" && answer.kind === "answered"
        ? await simulated(agent, input, options)
        : answer;
    };
  }

  #watched(controller: Controller): Controller {
    return new Proxy(controller, {
      get: (target, key) => {
        if (key !== "pass") return Reflect.get(target, key);
        return async (spec: ServiceSpec, signal: AbortSignal) => {
          this.#passes++;
          this.options.plant?.(this.path);
          this.#checker.passBegins("soak", spec.service);
          try {
            return await target.pass(spec, signal);
          } catch (error) {
            const isExpected = error instanceof EvenkeelError || error instanceof RenderRefused ||
              error instanceof RenderUnreachable;
            if (!isExpected) this.#checker.fail("defect", `${messageOf(error)} in a pass`);
            throw error;
          }
        };
      },
    });
  }

  async #readStatus(url: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const path of PATHS) {
        const expected = path === "/nothing" ? 404 : 200;
        const got = await fetch(`${url}${path}`).then(async (response) => {
          const length = (await response.text()).length;
          return length > 0 ? response.status : 0;
        }, messageOf);
        this.#statusReads++;
        if (got !== expected && this.#statusFailures.length < 10) {
          this.#statusFailures.push(`${path}: ${got}`);
        }
      }
      await systemClock.sleep(STATUS_EVERY_MS, signal);
    }
  }
}

/** Children that still run and folders that agents had. */
async function leftovers(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(join(folder, "scratch"))) found.push(`folder ${name}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  for await (const { name } of Deno.readDir(`/proc/${Deno.pid}/task`)) {
    const children = await Deno.readTextFile(`/proc/${Deno.pid}/task/${name}/children`).catch(() => "");
    found.push(...children.split(" ").filter((pid) => pid !== "").map((pid) => `process ${pid}`));
  }
  return found;
}
