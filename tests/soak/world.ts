/**
 * The simulated world of a soak and what of the real Evenkeel looks after it. Counts what happens, and has the checker
 * look at it.
 */
import { EvenkeelError, messageOf } from "../../base/errors.ts";
import type { RunAgent } from "../../agents/agent.ts";
import type { Controller } from "../../reconciler/controller.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import type { Store } from "../../state/store.ts";
import { Checker } from "../simulation/checker.ts";
import { drawDatabase } from "../simulation/databases.ts";
import { Platform } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import { Process } from "../simulation/process.ts";
import { Chance } from "../simulation/random.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import type { Gate } from "./gates.ts";
import { simulatedParts } from "./parts.ts";
import { Trace } from "./trace.ts";
import type { OnViolation } from "./trace.ts";
import { passWeeks } from "./weeks.ts";

export type Pass = Awaited<ReturnType<Controller["pass"]>>;

const MINUTE = 60_000;

export class World {
  readonly scheduler = new Scheduler();
  readonly checker: Checker;
  readonly specs = new Map<string, ServiceSpec>();
  passes = 0;
  effects = 0;
  incidents = 0;
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #platform: Platform;
  readonly #process: Process;
  #weather = CALM;
  #wallOffsetMs = 0;

  readonly #trace: Trace;

  /** @param onViolation told of an invariant that broke, with what went on around it, newest last */
  constructor(services: number, seed: number, onViolation?: OnViolation) {
    this.#trace = new Trace(onViolation);
    this.#seed = seed;
    const tell = (line: string) => this.#tell(line);
    this.#chance = new Chance(seed, "weeks");
    const weather = () => this.#weather;
    this.#platform = new Platform(this.scheduler, new Chance(seed, "platform"), weather, tell);
    this.checker = new Checker(this.#platform, (id) => this.specOf(id), tell);
    this.#process = new Process(
      "soak",
      { scheduler: this.scheduler, weather, tell, wallOffsetMs: () => this.#wallOffsetMs },
      new Chance(seed, "process"),
      () => {},
    );
    for (let n = 0; n < services; n++) this.#addService();
  }

  specOf(serviceId: string): ServiceSpec {
    const spec = this.specs.get(serviceId);
    if (spec === undefined) throw new Error(`No spec for ${serviceId}`);
    return spec;
  }

  /** Lets the weeks begin. @param trigger a webhook came for a service */
  begin(store: Store, trigger: (service: string) => void): void {
    passWeeks({
      platform: this.#platform,
      checker: this.checker,
      store,
      chance: this.#chance,
      specOf: (service) => this.specOf(service.id),
      trigger: (service) => trigger(this.specOf(service.id).service),
      setWeather: (weather) => this.#weather = weather,
      setClock: (offsetMs) => this.#wallOffsetMs = offsetMs,
      tell: (line) => this.#tell(line),
    });
  }

  /** @param agents puts something around the agents */
  parts(store: Store, agents: (simulated: RunAgent) => RunAgent): Parts {
    const { checker } = this;
    const { name } = this.#process;
    return simulatedParts({
      seed: this.#seed,
      platform: this.#platform,
      process: this.#process,
      store,
      weather: () => this.#weather,
      watcher: {
        effect: (service, effect) => {
          this.effects++;
          checker.effect(name, service, effect);
        },
        sawService: (service, { suspended, inMaintenance }) =>
          checker.saw(name, service, { suspended, inMaintenance }),
        sawDatabase: (service, isDatabaseDown) => checker.saw(name, service, { isDatabaseDown }),
        sawDeploys: (service, liveId) => checker.saw(name, service, { liveId }),
      },
      sampled: (service: SimService, verdict) => checker.sampled(name, service, verdict),
      agents,
    });
  }

  event: Parts["onEvent"] = (event, about) => {
    if (event.type === "IncidentOpened") this.incidents++;
    this.checker.event("soak", event, about.incident?.attempts.at(-1) ?? null);
  };

  /** A controller whose passes are counted and checked. @param onPass told of each that came to its end */
  watched(controller: Controller, onPass: (pass: Pass) => void): Controller {
    return new Proxy(controller, {
      get: (target, key) => {
        if (key !== "pass") return Reflect.get(target, key);
        return async (spec: ServiceSpec, signal: AbortSignal) => {
          this.passes++;
          this.checker.passBegins("soak", spec.service);
          try {
            const pass = await target.pass(spec, signal);
            onPass(pass);
            return pass;
          } catch (error) {
            const isExpected = error instanceof EvenkeelError || error instanceof RenderRefused ||
              error instanceof RenderUnreachable;
            if (!isExpected) this.checker.fail("defect", `${messageOf(error)} in a pass`);
            throw error;
          }
        };
      },
    });
  }

  gates(): Gate[] {
    const { checker: { violations }, incidents, effects } = this;
    const [broken] = violations;
    return [
      {
        name: "invariants",
        verdict: broken === undefined ? "held" : "broken",
        figure: broken === undefined ? "all held" : `${violations.length} broken, first ${broken.message}`,
        allowed: "none broken",
      },
      {
        name: "the world was alive",
        verdict: incidents > 0 && effects > 0 ? "held" : "untold",
        figure: `${incidents} incidents, ${effects} effects`,
        allowed: "at least one of each",
      },
    ];
  }

  #tell(line: string): void {
    this.#trace.add(line, this.scheduler.now, this.checker.incidents);
  }

  #addService(): void {
    const chance = this.#chance;
    const tree = { "src/main": "v0", "src/routes": "v0", "src/model": "v0" };
    const service = this.#platform.addService(tree, chance.roll(0.5) ? "wait" : "override");
    this.specs.set(service.id, {
      ...DEFAULT_SPEC,
      service: service.id,
      repo: null,
      branch: null,
      expect: null,
      database: drawDatabase(chance, service),
      intervalMs: 10 * MINUTE,
      watchIntervalMs: 30_000,
      generation: 1,
      policy: { ...DEFAULT_POLICY, deployTimeoutMs: 20 * MINUTE },
    });
  }
}
