/**
 * One run of the simulation: the real controller, plan, daemon, queue, journal and store in a world that follows
 * from a seed. For a while everything goes wrong; then it is calm, and everything has to come to an end. The same
 * seed gives the same trace.
 */
import { runDaemon } from "../../reconciler/daemon.ts";
import { Controller } from "../../reconciler/controller.ts";
import type { ControllerOptions, Pass } from "../../reconciler/controller.ts";
import type { Outcome } from "../../reconciler/outcome.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { QUIET_PARTS } from "../helpers/parts.ts";
import { plan } from "../../reconciler/plan.ts";
import { DEPLOY_STUCK } from "../../reconciler/stuck_deploy.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import type { FixMode } from "../../reconciler/policy.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import { EvenkeelError, messageOf } from "../../base/errors.ts";
import { REQUEST_TIMEOUT_MS } from "../../render/client.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { Fenced } from "../../state/lease.ts";
import { Replica } from "../../state/replica.ts";
import type { Term } from "../../state/replica.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore } from "../../state/store.ts";
import { confirmedRepositories } from "../../cli/leading.ts";
import { createSimulatedAgents } from "./agents.ts";
import { Checker } from "./checker.ts";
import type { Violation } from "./checker.ts";
import { drawDatabase } from "./databases.ts";
import { DEFECTS, defectsOf } from "./defects.ts";
import type { Tree } from "./git.ts";
import { confirmedApi, Lock, openStore } from "./leading.ts";
import { asksRender } from "./hearing.ts";
import { scheduleTrouble } from "./outside.ts";
import { comeBack } from "./people.ts";
import type { Hands } from "./people.ts";
import { EPOCH_MS, Platform } from "./platform.ts";
import type { SimService } from "./platform.ts";
import { instead } from "./planted.ts";
import { Process } from "./process.ts";
import { Chance } from "./random.ts";
import { createSimulatedRender } from "./render.ts";
import type { Watcher } from "./render.ts";
import { createSimulatedRepositories } from "./repositories.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";
import { CALM, drawMore, drawWeather } from "./weather.ts";
import type { Weather } from "./weather.ts";

/** A planted bug: puts something between the product and its world. */
export interface Bug {
  /** The store takes what an old leader writes. */
  isUnfenced?: boolean;
  /** Nobody hears from Render what time it is. */
  isDeaf?: boolean;
  /** Nobody knows that a machine has slept. */
  isSleepUnseen?: boolean;
  term?(term: Term): Term;
  specs?(specs: readonly ServiceSpec[]): readonly ServiceSpec[];
  parts?(parts: Parts, sim: Simulation): Parts;
  plan?(own: typeof plan): typeof plan;
  queue?(queue: WorkQueue, random: () => number): WorkQueue;
}

export interface SimulationOptions {
  bug?: Bug | undefined;
  /** Told of every line of the trace. */
  echo?: (line: string) => void;
}

export interface SimulationResult {
  seed: number;
  violations: readonly Violation[];
  /** The newest lines of the trace. */
  trace: string[];
  checksum: string;
  steps: number;
  passes: number;
  effects: number;
  /** How the services ended. */
  ends: string[];
  simulatedMs: number;
}

const MINUTE = 60_000;
/** How long a settled end may take once it is calm, in milliseconds. */
export const BOUND_MS = 4 * 60 * MINUTE;
/** Passes of a run; a service is looked at every ten seconds at most, so that more is a loop without a pause. */
const PASSES_MAX = 20_000;
const TRACE_LINES = 40;

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const sim = new Simulation(seed, options);
  return await sim.run();
}

class WatchedController extends Controller {
  constructor(
    parts: Parts,
    options: ControllerOptions,
    private readonly begins: (spec: ServiceSpec) => void,
    private readonly failed: (error: unknown) => void,
  ) {
    super(parts, options);
  }

  override async pass(spec: ServiceSpec, signal: AbortSignal): Promise<Pass> {
    this.begins(spec);
    try {
      return await super.pass(spec, signal);
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }
}

export class Simulation {
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly platform: Platform;
  readonly checker: Checker;
  readonly specs: ServiceSpec[] = [];
  readonly #chance: Chance;
  readonly #stormy: Weather;
  #isCalm = false;
  #wallOffsetMs = 0;
  /** How far the clock of each machine is off beside that, in milliseconds. */
  readonly #clocksOff: number[] = [0, 0];
  #processes = 0;
  #passes = 0;
  #lies = 0;
  /** Each process with its queue, while it leads. */
  readonly #living = new Map<Process, WorkQueue | null>();
  readonly #lock = new Lock();
  #disk: SharedStore | null = null;
  /** Whether a second process stands by. */
  readonly #hasTwo: boolean;
  readonly #nerves: Chance;
  readonly #sleep: Chance;
  /** Incidents that a person asked to go on with. */
  readonly #wishes = new Set<string>();
  readonly #lease: { leaseMs: number; watchMs: number };
  /** How the newest pass over each service ended, and how many ended so in a row since it is calm. */
  readonly #outcomes = new Map<string, { outcome: Outcome; count: number }>();

  constructor(readonly seed: number, private readonly options: SimulationOptions) {
    this.#chance = new Chance(seed, "scenario");
    this.#stormy = {
      ...drawWeather(new Chance(seed, "weather")),
      ...drawMore(new Chance(seed, "more weather")),
    };
    this.#nerves = new Chance(seed, "nerves");
    this.#sleep = new Chance(seed, "sleep");
    const more = new Chance(seed, "replicas");
    this.#hasTwo = more.roll(0.4);
    this.#lease = this.#hasTwo
      ? { leaseMs: more.pick([30_000, 60_000]), watchMs: more.pick([5_000, 10_000]) }
      : { leaseMs: 60 * MINUTE, watchMs: 10_000 };
    this.trace = new Trace(() => this.scheduler.now, options.echo ?? null);
    this.platform = new Platform(this.scheduler, new Chance(seed, "platform"), this.weather, this.tell);
    this.checker = new Checker(this.platform, (id) => this.#specOf(id), this.tell);
  }

  readonly weather = (): Weather => this.#isCalm ? CALM : this.#stormy;
  readonly tell = (line: string): void => this.trace.add(line);

  async run(): Promise<SimulationResult> {
    await using disk = await openSqliteStore(IN_MEMORY);
    // A rejection that nobody handles ends a real process.
    const onUnhandled = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      this.checker.fail("defect", `nobody handles: ${messageOf(event.reason)}`);
    };
    globalThis.addEventListener("unhandledrejection", onUnhandled);
    using _listening = {
      [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onUnhandled),
    };
    this.#disk = disk;
    this.#addServices();
    this.#scheduleTrouble();
    this.#boot(0);
    if (this.#hasTwo) this.#boot(1);
    const stormMs = this.#chance.whole(15, 45) * MINUTE;
    const isBroken = () => {
      if (this.#passes > PASSES_MAX && this.checker.violations.length === 0) {
        this.checker.fail(
          "busy",
          `${this.#passes} passes after ${Math.round(this.scheduler.now / MINUTE)} min`,
        );
      }
      return this.checker.violations.length > 0;
    };
    await this.scheduler.run(stormMs, isBroken, () => {});
    this.tell("calm");
    this.#isCalm = true;
    for (const service of this.platform.services) {
      if (this.#chance.roll(0.8)) comeBack(this.#hands("calm"), service);
      if (this.#chance.roll(0.8)) service.databaseUp = true;
      for (const deploy of service.deploys.filter((one) => this.platform.stuck.has(one))) {
        // As the product asks a person to, sooner or later.
        const afterMs = new Chance(this.seed, deploy.id).whole(0, 90) * MINUTE;
        this.scheduler.after(afterMs, () => this.platform.cancel(service, deploy));
      }
    }
    await this.#settle(isBroken);
    if (!isBroken()) {
      await this.#resumeStalled();
      await this.#settle(isBroken);
      for (const id of this.#wishes) {
        if (!isBroken() && await disk.isResumeAsked(id)) this.checker.fail("wish", `${id} is still stalled`);
      }
    }
    const ends = this.platform.services.map((service) => this.#judge(service));
    return {
      seed: this.seed,
      violations: this.checker.violations,
      trace: this.trace.newest(TRACE_LINES),
      checksum: this.trace.checksum,
      steps: this.scheduler.steps,
      passes: this.#passes,
      effects: this.checker.effects,
      ends,
      simulatedMs: this.scheduler.now,
    };
  }

  #specOf(serviceId: string): ServiceSpec {
    const at = this.platform.services.findIndex((service) => service.id === serviceId);
    const spec = this.specs[at];
    if (spec === undefined) throw new Error(`No spec for ${serviceId}`);
    return spec;
  }

  #addServices(): void {
    const chance = this.#chance;
    const count = chance.roll(0.3) ? 2 : 1;
    for (let n = 0; n < count; n++) {
      const tree: Tree = {
        "src/main": chance.roll(0.15) ? "defect missing" : "v0",
        "src/routes": "v0",
        "src/model": "v0",
      };
      const service = this.platform.addService(tree, chance.roll(0.5) ? "wait" : "override");
      const [intervalMs, watchIntervalMs, stableForMs] = chance.pick([[30_000, 10_000, 60_000], [
        60_000,
        20_000,
        120_000,
      ]]);
      const modes = new Chance(this.seed, `mode ${n}`);
      const mode: FixMode = modes.roll(0.7)
        ? "push"
        : modes.pick(["pull-request", "pull-request", "suggest"]);
      this.specs.push({
        ...DEFAULT_SPEC,
        mode,
        service: chance.roll(0.5) ? service.id : service.name,
        repo: null,
        branch: null,
        expect: null,
        database: drawDatabase(chance, service),
        intervalMs,
        watchIntervalMs,
        stableForMs,
        generation: 1,
        policy: {
          ...DEFAULT_POLICY,
          attemptsMax: chance.pick([2, 5, 15]),
          effectsPerHourMax: chance.pick([6, 12, 20]),
          deployTimeoutMs: 20 * MINUTE,
        },
      });
    }
  }

  /** For a planted bug: what the clock of the machine says on which these parts work. */
  wallOf(parts: Parts): () => number {
    const process = [...this.#living.keys()].find(({ name }) => parts.epoch.startsWith(`${name}/`));
    return process?.wall ?? parts.clock.now;
  }

  /** For a planted bug: puts a commit on its branch whatever lies there. */
  force(commit: string): void {
    const service = this.platform.services.find(({ repository }) => repository.knows(commit));
    if (service === undefined) return;
    const { parent, incident, attempt } = service.repository.get(commit);
    this.checker.effect(this.#leader?.name ?? "", service, {
      kind: "push",
      commit,
      parent,
      incident,
      attempt,
    });
    service.repository.head = commit;
    this.platform.pushed(service);
  }

  // Processes: one, or two of which one leads. Each may die and is started again.

  #boot(machine: number): void {
    const { seed, scheduler } = this;
    const name = `p${++this.#processes}`;
    const chance = new Chance(seed, name);
    const process = new Process(
      name,
      {
        scheduler,
        weather: this.weather,
        tell: this.tell,
        wallOffsetMs: () => this.#wallOffsetMs + (this.#clocksOff[machine] ?? 0),
        isSleepUnseen: this.options.bug?.isSleepUnseen === true,
      },
      new Chance(seed, `${name} faults`),
      () => {
        this.#living.delete(process);
        scheduler.after(chance.whole(500, 60_000), () => this.#boot(machine));
      },
    );
    this.#living.set(process, null);
    this.tell(`${name} starts`);
    this.#live(process, chance)
      .catch((error) => this.checker.fail("defect", `${name} ended: ${messageOf(error)}`));
  }

  /** What `reconcile` does: stands by, leads, and stands by again when another has taken its place. */
  async #live(process: Process, chance: Chance): Promise<void> {
    const { bug } = this.options;
    const { name } = process;
    // Alone it has nobody to be afraid of: what the lease asks of it makes no difference to its story.
    const isQuiet = !this.#hasTwo;
    const clock = process.clockOf(isQuiet);
    const disk = this.#disk;
    if (disk === null) throw new Error("There is no store");
    const store = openStore({
      disk,
      checker: this.checker,
      process,
      chance: new Chance(this.seed, `${name} store`),
      weather: this.weather,
      tell: this.tell,
      isQuiet,
      isFenced: bug?.isUnfenced !== true,
      onIntent: () => this.#startle(process),
    });
    const replica = new Replica({ store, lock: this.#lock.for(process), clock, name, ...this.#lease });
    for (;;) {
      const found = await replica.lead(new AbortController().signal, ({ holder }) => {
        this.tell(`${name} stands by for ${holder}`);
      });
      if (found === null) return;
      const term = bug?.term?.(found) ?? found;
      if (this.#hasTwo) this.tell(`${name} leads with number ${term.fencing}`);
      const parts = this.#partsOf(process, chance, term);
      const used = bug?.parts?.(parts, this) ?? parts;
      const own = new WorkQueue(used);
      const queue = bug?.queue?.(own, chance.next) ?? own;
      this.#living.set(process, queue);
      const controller = new WatchedController(
        used,
        { plan: bug?.plan?.(plan) ?? plan },
        (spec) => {
          this.#passes++;
          this.checker.passBegins(name, this.#serviceOf(spec).id);
        },
        (error) => {
          if (!isExpected(error)) this.checker.fail("defect", `${messageOf(error)} in a pass of ${name}`);
        },
      );
      await runDaemon(controller, used, bug?.specs?.(this.specs) ?? this.specs, {
        signal: new AbortController().signal,
        lost: term.lost,
        queue,
        onPass: (spec, pass) => this.#passed(spec, pass),
        onTrouble: (spec, message) => this.tell(`${name} ${spec.service}: trouble: ${message}`),
      });
      this.tell(`${name} leads no more`);
      this.#living.set(process, null);
      await controller[Symbol.asyncDispose]();
      await found[Symbol.asyncDispose]();
    }
  }

  #serviceOf(spec: ServiceSpec): SimService {
    const service = this.platform.services[this.specs.findIndex((one) => one.service === spec.service)];
    if (service === undefined) throw new Error(`No service for ${spec.service}`);
    return service;
  }

  #partsOf(process: Process, chance: Chance, term: Term): Parts {
    const { checker, platform, scheduler, weather } = this;
    const { confirm, fencing } = term;
    const watcher: Watcher = {
      sends: (service, what) => checker.sends(process.name, fencing, `${what} (${service.id})`),
      effect: (service, effect) => checker.effect(process.name, service, effect),
      sawService: (service, { suspended, inMaintenance }) =>
        checker.saw(process.name, service, { suspended, inMaintenance }),
      sawDatabase: (service, isDatabaseDown) => checker.saw(process.name, service, { isDatabaseDown }),
      sawDeploys: (service, liveId) => checker.saw(process.name, service, { liveId }),
    };
    const agentWorld = {
      platform,
      scheduler,
      weather,
      chance: new Chance(this.seed, `${process.name} agents`),
      sampled: (service: SimService, verdict: "good" | "bad" | "unknown") =>
        checker.sampled(process.name, service, verdict),
      lied: (agent: string) => {
        this.#lies++;
        this.tell(`${process.name}: the ${agent} lies`);
      },
    };
    const run = createSimulatedAgents(agentWorld, true);
    const runFallback = createSimulatedAgents(agentWorld, false);
    const apiChance = new Chance(this.seed, `${process.name} api`);
    const api = asksRender(
      process,
      confirmedApi(confirm, createSimulatedRender(platform, weather, apiChance, watcher, process.dead)),
      this.options.bug?.isDeaf === true ? () => NaN : () => platform.wallNow(),
    );
    return {
      ...QUIET_PARTS,
      api: instead(api, ({ patchService, restartService, createDeploy, rollback }) => {
        const asks = (id: string, what: string) => checker.asks(process.name, id, what);
        return {
          patchService: (id, ...of) => (asks(id, "a patch"), patchService(id, ...of)),
          restartService: (id, ...of) => (asks(id, "a restart"), restartService(id, ...of)),
          createDeploy: (id, ...of) => (asks(id, "a deploy"), createDeploy(id, ...of)),
          rollback: (id, ...of) => (asks(id, "a rollback"), rollback(id, ...of)),
        };
      }),
      store: term.store,
      repositories: process.guard(
        "git",
        confirmedRepositories(
          confirm,
          createSimulatedRepositories(
            platform,
            weather,
            new Chance(this.seed, `${process.name} git`),
            watcher,
            confirm,
          ),
        ),
      ),
      runAgent: (agent, input, options) => process.call(agent.name, () => run(agent, input, options)),
      runFallback: (agent, input, options) =>
        process.call(agent.name, () => runFallback(agent, input, options)),
      clock: process.clock,
      random: chance.next,
      sessionId: "sim",
      // A term begins with an assembly of its own, as in reconcile.
      epoch: `${process.name}/${term.fencing}`,
      predecessorMs: term.wasSilent ? REQUEST_TIMEOUT_MS : 0,
      onEvent: (event, { incident }) => checker.event(process.name, event, incident?.attempts.at(-1) ?? null),
    };
  }

  #passed(spec: ServiceSpec, { outcome }: Pass): void {
    const before = this.#outcomes.get(spec.service);
    const count = this.#isCalm && before?.outcome.kind === outcome.kind ? before.count + 1 : 1;
    if (before?.outcome.kind !== outcome.kind || reasonOf(before.outcome) !== reasonOf(outcome)) {
      this.tell(`${spec.service} is ${outcome.kind} ${reasonOf(outcome)}`);
    }
    this.#outcomes.set(spec.service, { outcome, count: this.#isCalm ? count : 0 });
  }

  // What comes from outside.

  #hands(stream: string): Hands {
    return {
      platform: this.platform,
      chance: new Chance(this.seed, stream),
      tell: this.tell,
      touched: (service) => this.checker.touched(service),
      setAutodeploy: (service) => {
        this.checker.touched(service);
        this.checker.personSetAutodeploy(service);
      },
    };
  }

  #scheduleTrouble(): void {
    scheduleTrouble({
      seed: this.seed,
      platform: this.platform,
      stormy: this.#stormy,
      isCalm: () => this.#isCalm,
      tell: this.tell,
      hands: (stream) => this.#hands(stream),
      trigger: (service) => this.#trigger(service),
      isStopped: () => [...this.#living.keys()].some((process) => process.isStopped),
      setClock: (offsetMs) => {
        this.#wallOffsetMs = offsetMs;
        this.tell(`the wall clock is off by ${offsetMs / 1000} s`);
      },
      setClockOf: (machine, offsetMs) => {
        this.#clocksOff[machine] = offsetMs;
        this.tell(`the clock of machine ${machine + 1} is off by ${offsetMs / 1000} s`);
      },
      machines: this.#hasTwo ? 2 : 1,
      processes: () => [...this.#living.keys()],
      leader: () => this.#leader,
      leaseMs: this.#hasTwo ? this.#lease.leaseMs : null,
      resume: () => this.#resumeStalled(),
    });
  }

  /** An intent is written: the worst moment to stand still is before the effect has left. */
  #startle(process: Process): void {
    if (!this.#isCalm && this.#stormy.clockLeapsMs > 0 && this.#sleep.roll(0.1)) {
      process.stop(this.#sleep.whole(10, 60) * MINUTE, true);
    }
    if (!this.#hasTwo || this.#isCalm || !this.#nerves.roll(0.2)) return;
    const forMs = this.#nerves.whole(this.#lease.leaseMs, 4 * this.#lease.leaseMs);
    const isSleep = this.#nerves.roll(0.3);
    this.scheduler.after(this.#nerves.whole(0, 3_000), () => process.stop(forMs, isSleep));
  }

  /** The process that leads, as far as it knows. */
  get #leader(): Process | null {
    return [...this.#living].findLast(([, queue]) => queue !== null)?.[0] ?? null;
  }

  /** Tells the processes of a service; one that stands by has nothing to do with it. */
  #trigger(service: SimService): void {
    const spec = this.specs[this.platform.services.indexOf(service)];
    if (spec === undefined) return;
    for (const queue of this.#living.values()) queue?.add(spec.service);
  }

  // The end.

  async #settle(isBroken: () => boolean): Promise<void> {
    this.#outcomes.clear();
    const until = this.scheduler.now + BOUND_MS;
    const isOver = () => isBroken() || this.specs.every((spec) => this.#isAtRest(spec));
    await this.scheduler.run(until, isOver, () => {});
  }

  #isAtRest(spec: ServiceSpec): boolean {
    const last = this.#outcomes.get(spec.service);
    if (last === undefined || last.count < 3) return false;
    const { outcome } = last;
    // Here every deploy ends once it is calm, and what waits for one then goes on.
    if (reasonOf(outcome) === DEPLOY_STUCK) return false;
    return outcome.kind === "settled" || outcome.kind === "stalled" ||
      (outcome.kind === "waiting" && outcome.forPerson);
  }

  /** A person asks to go on with whatever has stalled, as `deno task resume` does. */
  async #resumeStalled(): Promise<void> {
    for (const service of this.platform.services) {
      const incident = await this.#disk?.askToResume(service.id, EPOCH_MS + this.scheduler.now) ?? null;
      if (incident === null) continue;
      this.tell(`person resumes ${incident.id}: it was ${incident.stalled?.reason}`);
      this.#wishes.add(incident.id);
    }
  }

  #judge(service: SimService): string {
    const spec = this.#specOf(service.id);
    const outcome = this.#outcomes.get(spec.service)?.outcome;
    if (this.checker.violations.length > 0) return "stopped";
    const troubles = [...this.platform.troubles(service)];
    if (spec.database.kind !== "none" && !service.databaseUp) troubles.push("database");
    const said = outcome === undefined ? "never looked at" : `${outcome.kind} ${reasonOf(outcome)}`;
    if (!this.#isAtRest(spec)) {
      this.checker.fail("ends", `${service.id} is ${said} after ${BOUND_MS / MINUTE} min of calm`);
      return said;
    }
    if (outcome?.kind === "settled") {
      const ready = this.checker.services.get(service.id)?.conditions.find(({ type }) => type === "Ready");
      const incident = this.checker.active(service.id);
      if (troubles.length > 0) {
        this.checker.fail("ends", `${service.id} is called settled with ${troubles.join(", ")}`);
      }
      if (incident !== null) this.checker.fail("ends", `${service.id} is settled with an open incident`);
      if (ready?.status === "False") this.checker.fail("ends", `${service.id} is settled and not Ready`);
      return "Ready";
    }
    if (outcome?.kind === "stalled" && (outcome.reason === "" || outcome.resume === "")) {
      this.checker.fail("ends", `${service.id} stalled without a reason or a command`);
    }
    const mayBeSpent = ["EffectsSpent", "AttemptsSpent", "FingerprintSpent"];
    // What was tried in vain is never tried again, also where it would help by now; what did harm is kept away.
    const isSpent = outcome?.kind === "stalled" &&
      (mayBeSpent.includes(outcome.reason) || /tried before|in quarantine/.test(outcome.message));
    const isShown = outcome?.kind === "stalled" && outcome.reason === "SuggestOnly" &&
      spec.mode === "suggest";
    if (outcome?.kind === "stalled" && !isSpent && !isShown && this.#isRepairable(service)) {
      this.checker.fail("repairs", `${service.id} is stalled (${outcome.reason}): ${outcome.message}`);
    }
    return said;
  }

  /** Whether an Evenkeel that makes no mistake has to bring the service back. */
  #isRepairable(service: SimService): boolean {
    const { repository, settings } = service;
    const defects = defectsOf(repository.get(repository.head).tree, settings);
    // What was pushed and never deployed cannot be judged by anybody who reads deploys.
    const latest = service.deploys.find((deploy) => deploy.status !== "canceled");
    if (latest?.commit !== repository.head) return false;
    const spec = this.#specOf(service.id);
    if (spec.database.kind !== "none" && !service.databaseUp) return false;
    // Nothing in a log tells that a restart would help, and only what was good before is restarted on trust.
    if (service.hasWornOut) return false;
    return this.#lies === 0 && defects.every(({ name }) => DEFECTS[name].isRepairable);
  }
}

function reasonOf(outcome: Outcome): string {
  return "reason" in outcome ? outcome.reason : "";
}

function isExpected(error: unknown): boolean {
  return error instanceof EvenkeelError || error instanceof RenderRefused ||
    error instanceof RenderUnreachable || error instanceof Fenced;
}
