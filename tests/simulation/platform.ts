/**
 * A simulated Render: services, deploys under Wait and Override, autodeploy on push, rollback from kept artifacts,
 * restarts, events and logs. This is the world as it is; what a client gets to see of it is in render.ts.
 * Facts: reference Render API, sections 2 to 5.
 */
import type { DeployStatus } from "../../render/schemas.ts";
import type { Chance } from "./random.ts";
import { DEFECTS, defectsOf, GOOD_SETTINGS } from "./defects.ts";
import type { DefectPhase, Settings } from "./defects.ts";
import { Repository } from "./git.ts";
import type { Tree } from "./git.ts";
import type { Scheduler } from "./scheduler.ts";

/** The wall clock of the platform at the beginning of a simulation. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);
/** Deploys whose artifact is kept. */
const ARTIFACTS_KEPT = 6;

export interface SimDeploy {
  id: string;
  status: DeployStatus;
  commit: string;
  trigger: string;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  settings: Settings;
  isRollback: boolean;
  /** From when lists show it. */
  visibleAt: number;
}

export interface SimService {
  id: string;
  name: string;
  repository: Repository;
  overlap: "wait" | "override";
  autoDeploy: boolean;
  settings: Settings;
  suspended: boolean;
  inMaintenance: boolean;
  /** Newest first. */
  deploys: SimDeploy[];
  /** Works badly until it is restarted or deployed. */
  isWornOut: boolean;
  /** Whether it ever did. */
  hasWornOut: boolean;
  databaseUp: boolean;
  /** When its database last went down, in the world's time. */
  databaseWentDownAt: number;
  events: { id: string; at: number; type: string; details: Record<string, unknown> }[];
  logs: { at: number; type: "app" | "build"; text: string }[];
  /** What a stale read still shows, and until when. */
  before: { fields: ServiceFields; until: number } | null;
}

export type ServiceFields = Pick<SimService, "autoDeploy" | "settings" | "suspended" | "inMaintenance">;

/** How the platform misbehaves; every number is a probability or milliseconds. */
export interface PlatformWeather {
  flakyBuild: number;
  slowDeploy: number;
  /** A deploy that never ends until somebody cancels it. */
  stuckDeploy: number;
  lostAutodeploy: number;
  staleMs: number;
}

export class Platform {
  readonly services: SimService[] = [];
  /** Deploys that end only when they are cancelled. */
  readonly stuck = new Set<SimDeploy>();
  /** Told of every event: what a webhook is sent for. */
  onEvent: (service: SimService) => void = () => {};
  #ids = 0;

  constructor(
    readonly scheduler: Scheduler,
    readonly chance: Chance,
    /** Read at every use: it calms down. */
    readonly weather: () => PlatformWeather,
    readonly tell: (line: string) => void,
  ) {}

  wallNow(): number {
    return EPOCH_MS + this.scheduler.now;
  }

  addService(tree: Tree, overlap: SimService["overlap"]): SimService {
    const n = this.services.length + 1;
    const service: SimService = {
      id: `srv-sim${n}`,
      name: `api-${n}`,
      repository: new Repository(tree),
      overlap,
      autoDeploy: true,
      settings: GOOD_SETTINGS,
      suspended: false,
      inMaintenance: false,
      deploys: [],
      isWornOut: false,
      hasWornOut: false,
      databaseUp: true,
      databaseWentDownAt: Infinity,
      events: [],
      logs: [],
      before: null,
    };
    this.services.push(service);
    this.createDeploy(service, service.repository.head, "other");
    return service;
  }

  find(serviceId: string): SimService | undefined {
    return this.services.find((service) => service.id === serviceId);
  }

  live(service: SimService): SimDeploy | null {
    return service.deploys.find((deploy) => deploy.status === "live") ?? null;
  }

  /** What is wrong with what serves now; empty when it is well. The database is not part of it. */
  troubles(service: SimService): string[] {
    if (service.suspended) return ["suspended"];
    if (service.inMaintenance) return ["maintenance"];
    const live = this.live(service);
    if (live === null) return ["nothing serves"];
    const found = this.#defects(service, live, "run").map(({ name }) => name as string);
    return service.isWornOut ? [...found, "worn out"] : found;
  }

  /** Changes fields of a service; the old values stay visible for a while to a stale read. */
  change(service: SimService, change: Partial<ServiceFields>): void {
    const { autoDeploy, settings, suspended, inMaintenance } = service;
    const staleMs = this.#lag();
    if (staleMs > 0) {
      const fields = { autoDeploy, settings, suspended, inMaintenance };
      service.before = { fields, until: this.scheduler.now + staleMs };
    }
    Object.assign(service, change);
  }

  /** Starts a deploy or, where the policy is to wait, queues it. */
  createDeploy(service: SimService, commit: string, trigger: string): SimDeploy {
    return this.#begin(service, { commit, trigger, isRollback: false, settings: service.settings });
  }

  /** Whether a deploy that served before can be gone back to. */
  isKept(service: SimService, target: SimDeploy): boolean {
    const kept = service.deploys.filter((deploy) =>
      deploy.status === "live" || deploy.status === "deactivated"
    );
    return target.status === "deactivated" && kept.slice(0, ARTIFACTS_KEPT).includes(target);
  }

  rollback(service: SimService, target: SimDeploy): SimDeploy {
    const { commit, settings } = target;
    return this.#begin(service, { commit, trigger: "rollback", isRollback: true, settings });
  }

  cancel(service: SimService, deploy: SimDeploy): void {
    if (!isUnderWay(deploy)) return;
    this.#finish(service, deploy, "canceled");
    this.#startNext(service);
  }

  restart(service: SimService): void {
    this.#event(service, "server_restarted", {});
    if (!this.#defects(service, this.live(service), "run").some(() => true)) service.isWornOut = false;
  }

  suspend(service: SimService, suspended: boolean): void {
    this.change(service, { suspended });
    this.#event(service, suspended ? "service_suspended" : "service_resumed", {});
    const live = this.live(service);
    if (!suspended) this.createDeploy(service, live?.commit ?? service.repository.head, "service_resumed");
  }

  /** A commit has arrived on the branch. */
  pushed(service: SimService): void {
    if (!service.autoDeploy || this.chance.roll(this.weather().lostAutodeploy)) return;
    const commit = service.repository.head;
    this.scheduler.after(this.chance.whole(1_000, 10_000), () => {
      if (!service.suspended) this.createDeploy(service, commit, "new_commit");
    });
  }

  #begin(
    service: SimService,
    of: Pick<SimDeploy, "commit" | "trigger" | "isRollback" | "settings">,
  ): SimDeploy {
    const { now } = this.scheduler;
    const deploy: SimDeploy = {
      ...of,
      id: `dep-${++this.#ids}`,
      status: "created",
      createdAt: now,
      startedAt: null,
      finishedAt: null,
      visibleAt: now + this.#lag(),
    };
    const running = service.deploys.filter(isUnderWay);
    service.deploys.unshift(deploy);
    this.tell(`world ${service.id}: ${deploy.id} ${of.trigger} of ${of.commit.slice(0, 7)}`);
    if (service.overlap === "override") {
      for (const other of running) this.#finish(service, other, "canceled");
      this.#start(service, deploy);
    } else if (running.length > 0) {
      deploy.status = "queued";
    } else {
      this.#start(service, deploy);
    }
    return deploy;
  }

  #start(service: SimService, deploy: SimDeploy): void {
    const { scheduler, chance } = this;
    deploy.startedAt = scheduler.now;
    // A build reads the settings as they are when it begins.
    if (!deploy.isRollback) deploy.settings = service.settings;
    const slow = chance.roll(this.weather().slowDeploy) ? chance.whole(5, 40) : 1;
    const isFlaky = !deploy.isRollback && chance.roll(this.weather().flakyBuild);
    deploy.status = deploy.isRollback ? "update_in_progress" : "build_in_progress";
    this.#event(service, "deploy_started", { deployId: deploy.id });
    const { stuckDeploy } = this.weather();
    if (stuckDeploy > 0 && chance.roll(stuckDeploy)) {
      this.tell(`world ${service.id}: ${deploy.id} will never end`);
      this.stuck.add(deploy);
      return;
    }
    const start = () => {
      if (!isUnderWay(deploy)) return;
      deploy.status = "update_in_progress";
      scheduler.after(chance.whole(5_000, 30_000), () => {
        if (!isUnderWay(deploy)) return;
        this.#end(service, deploy, this.#complain(service, deploy, "start") ? "update_failed" : "live");
      });
    };
    if (deploy.isRollback) return start();
    scheduler.after(chance.whole(10_000, 60_000) * slow, () => {
      if (!isUnderWay(deploy)) return;
      if (isFlaky) this.#log(service, "build", "ERROR flake at network");
      if (isFlaky || this.#complain(service, deploy, "build")) this.#end(service, deploy, "build_failed");
      else start();
    });
  }

  #end(service: SimService, deploy: SimDeploy, status: DeployStatus): void {
    if (status === "live") {
      const old = this.live(service);
      if (old !== null) old.status = "deactivated";
      service.isWornOut = false;
    }
    this.#finish(service, deploy, status);
    if (status === "live") this.#complain(service, deploy, "run");
    // A second later, so that the logs of two deploys can be told apart by time.
    this.scheduler.after(1_000, () => this.#startNext(service));
  }

  #finish(service: SimService, deploy: SimDeploy, status: DeployStatus): void {
    deploy.status = status;
    deploy.finishedAt = this.scheduler.now;
    this.tell(`world ${service.id}: ${deploy.id} is ${status}`);
    this.#event(service, "deploy_ended", { deployId: deploy.id, deployStatus: status });
  }

  /** The newest that waits is started; what waited before it is skipped. */
  #startNext(service: SimService): void {
    if (service.deploys.some((deploy) => isUnderWay(deploy) && deploy.status !== "queued")) return;
    const [next, ...skipped] = service.deploys.filter((deploy) => deploy.status === "queued");
    for (const deploy of skipped) this.#finish(service, deploy, "canceled");
    if (next !== undefined) this.#start(service, next);
  }

  #defects(service: SimService, deploy: SimDeploy | null, phase: DefectPhase) {
    if (deploy === null) return [];
    return defectsOf(service.repository.get(deploy.commit).tree, deploy.settings).filter(({ name }) =>
      DEFECTS[name].phase === phase
    );
  }

  /** Logs what a phase stumbles over. @returns whether there was anything */
  #complain(service: SimService, deploy: SimDeploy, phase: DefectPhase): boolean {
    const [first] = this.#defects(service, deploy, phase);
    if (first === undefined) return false;
    this.#log(service, phase === "build" ? "build" : "app", `ERROR ${first.name} at ${first.path}`);
    return true;
  }

  #log(service: SimService, type: "app" | "build", text: string): void {
    service.logs.push({ at: this.wallNow(), type, text });
  }

  #event(service: SimService, type: string, details: Record<string, unknown>): void {
    service.events.unshift({ id: `evt-${++this.#ids}`, at: this.wallNow(), type, details });
    this.onEvent(service);
  }

  #lag(): number {
    const { staleMs } = this.weather();
    return staleMs === 0 ? 0 : this.chance.whole(0, staleMs);
  }
}

export function isUnderWay(deploy: SimDeploy): boolean {
  return ["created", "queued", "build_in_progress", "pre_deploy_in_progress", "update_in_progress"].includes(
    deploy.status,
  );
}
