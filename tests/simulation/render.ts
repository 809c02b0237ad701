/**
 * What one process gets to see and to do of the simulated Render: the API with its delays, refusals, lost answers
 * and stale reads. A request goes on in the world when its process dies, and an effect may come after the caller
 * has given up waiting for it.
 */
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import type { RenderApi } from "../../render/api.ts";
import { REQUEST_TIMEOUT_MS } from "../../render/client.ts";
import { deploySchema, postgresSchema, serviceSchema } from "../../render/schemas.ts";
import type { Deploy, Service, ServicePatch } from "../../render/schemas.ts";
import { EPOCH_MS } from "./platform.ts";
import type { Platform, SimDeploy, SimService } from "./platform.ts";
import type { Chance } from "./random.ts";
import type { Weather } from "./weather.ts";

/** An effect that is about to happen in the world. */
export type WorldEffect =
  | {
    kind: "push" | "pull-request";
    commit: string;
    parent: string | null;
    incident: string | null;
    attempt: number | null;
  }
  | { kind: "deploy"; commit: string | null }
  | { kind: "patch"; patch: ServicePatch; changes: boolean }
  | { kind: "rollback"; toDeployId: string }
  | { kind: "restart" };

/** Told of what a process does and gets to see, before it happens or is handed over. */
export interface Watcher {
  effect(service: SimService, effect: WorldEffect): void;
  /** A request that changes something leaves the process. */
  sends?(service: SimService, what: string): void;
  sawService(service: SimService, fields: { suspended: boolean; inMaintenance: boolean }): void;
  sawDatabase(service: SimService, isDown: boolean): void;
  /** @param liveId the deploy that serves, as shown */
  sawDeploys(service: SimService, liveId: string | null): void;
}

export function createSimulatedRender(
  platform: Platform,
  weather: () => Weather,
  chance: Chance,
  watcher: Watcher,
  /** Settled when the process is dead: it no longer waits for answers. */
  dead: Promise<void> = new Promise(() => {}),
): RenderApi {
  const { scheduler } = platform;
  const lost = (call: string, why: string) => new RenderUnreachable(`Cannot call ${call}: ${why}`, call);
  const refused = (call: string, status: number, why: string) =>
    new RenderRefused(`Cannot call ${call}: Render answered ${status} (${why})`, status, call, undefined);
  const travel = () => scheduler.sleep(chance.whole(10, weather().latencyMs));

  const read = async <T>(call: string, make: () => T): Promise<T> => {
    await travel();
    const { busy, serverError, lostBefore } = weather();
    if (chance.roll(busy)) throw refused(call, 429, "rate limit exceeded");
    if (chance.roll(serverError)) throw lost(call, "it answered 502 with text/html");
    if (chance.roll(lostBefore / 2)) throw lost(call, "half a body");
    const value = make();
    await travel();
    return value;
  };

  const write = async <T>(call: string, make: () => T): Promise<T> => {
    watcher.sends?.(serviceOf(call, call.split("/")[2] ?? ""), call);
    await travel();
    const { busy, serverError, lostBefore, lostAfter, lateMs } = weather();
    if (chance.roll(busy)) throw refused(call, 429, "rate limit exceeded");
    if (chance.roll(lostBefore)) {
      await scheduler.sleep(chance.whole(0, REQUEST_TIMEOUT_MS));
      throw lost(call, "no complete answer");
    }
    if (lateMs > 0 && chance.roll(lostAfter / 2)) {
      await Promise.race([scheduler.sleep(REQUEST_TIMEOUT_MS), dead]);
      scheduler.after(chance.whole(0, lateMs), () => {
        try {
          make();
        } catch (error) {
          if (!(error instanceof RenderRefused)) throw error;
        }
      });
      throw lost(call, "no complete answer");
    }
    const value = make();
    if (chance.roll(serverError)) throw lost(call, "it answered 500");
    if (chance.roll(lostAfter)) {
      await scheduler.sleep(chance.whole(0, REQUEST_TIMEOUT_MS));
      throw lost(call, "the connection was reset");
    }
    await travel();
    return value;
  };

  const serviceOf = (call: string, id: string): SimService => {
    const service = platform.find(id);
    if (service === undefined) throw refused(call, 404, "no such service");
    return service;
  };

  const fieldsOf = (service: SimService) =>
    service.before !== null && service.before.until > scheduler.now ? service.before.fields : service;

  const unused = (call: string) => () => Promise.reject(new Error(`${call} is not simulated`));

  return {
    listServices: ({ name } = {}) =>
      read(
        "GET /services",
        () =>
          platform.services.filter((service) => name === undefined || service.name === name).map((service) =>
            shownService(service, fieldsOf(service))
          ),
      ),
    getService: (id) =>
      read(`GET /services/${id}`, () => {
        const service = serviceOf(`GET /services/${id}`, id);
        const fields = fieldsOf(service);
        watcher.sawService(service, fields);
        return shownService(service, fields);
      }),
    patchService: (id, patch) =>
      write(`PATCH /services/${id}`, () => {
        const service = serviceOf(`PATCH /services/${id}`, id);
        const settings = {
          rootDir: patch.rootDir ?? service.settings.rootDir,
          startCommand: patch.serviceDetails?.envSpecificDetails?.startCommand ??
            service.settings.startCommand,
        };
        const autoDeploy = patch.autoDeploy === undefined ? service.autoDeploy : patch.autoDeploy === "yes";
        const changes = autoDeploy !== service.autoDeploy || settings.rootDir !== service.settings.rootDir ||
          settings.startCommand !== service.settings.startCommand;
        watcher.effect(service, { kind: "patch", patch, changes });
        platform.change(service, { settings, autoDeploy });
        return shownService(service, service);
      }),
    suspendService: unused("suspend"),
    resumeService: unused("resume"),
    restartService: (id) =>
      write(`POST /services/${id}/restart`, () => {
        const service = serviceOf(`POST /services/${id}/restart`, id);
        if (service.suspended) throw refused("restart", 409, "suspended");
        watcher.effect(service, { kind: "restart" });
        platform.restart(service);
      }),
    listDeploys: (id, { limit = 20 } = {}) =>
      read(`GET /services/${id}/deploys`, () => {
        const service = serviceOf(`GET /services/${id}/deploys`, id);
        const shown = service.deploys.filter((deploy) => deploy.visibleAt <= scheduler.now).slice(0, limit);
        watcher.sawDeploys(service, shown.find((deploy) => deploy.status === "live")?.id ?? null);
        return shown.map(shownDeploy);
      }),
    getDeploy: unused("getDeploy"),
    createDeploy: (id, { commitId }) =>
      write(`POST /services/${id}/deploys`, () => {
        const service = serviceOf(`POST /services/${id}/deploys`, id);
        if (service.suspended) throw refused("POST deploys", 409, "suspended");
        if (commitId !== undefined && !service.repository.has(commitId)) {
          throw refused("POST deploys", 400, "no such commit on the branch");
        }
        watcher.effect(service, { kind: "deploy", commit: commitId ?? null });
        const deploy = platform.createDeploy(service, commitId ?? service.repository.head, "api");
        return deploy.status === "queued" ? null : shownDeploy(deploy);
      }),
    cancelDeploy: unused("cancelDeploy"),
    rollback: (id, deployId) =>
      write(`POST /services/${id}/rollback`, () => {
        const service = serviceOf(`POST /services/${id}/rollback`, id);
        const target = service.deploys.find((deploy) => deploy.id === deployId);
        if (service.suspended) throw refused("POST rollback", 409, "suspended");
        if (target === undefined) throw refused("POST rollback", 404, "no such deploy");
        if (!platform.isKept(service, target)) {
          throw refused("POST rollback", 400, "its artifact is not kept");
        }
        watcher.effect(service, { kind: "rollback", toDeployId: deployId });
        return shownDeploy(platform.rollback(service, target));
      }),
    listEvents: (id, { type, startTime, limit = 50 } = {}) =>
      read(`GET /services/${id}/events`, () =>
        serviceOf(`GET /services/${id}/events`, id).events
          .filter((event) => type === undefined || event.type === type)
          .filter((event) => startTime === undefined || event.at >= Date.parse(startTime))
          .slice(0, limit)
          .map(({ id, at, type, details }) => ({
            id,
            timestamp: new Date(at).toISOString(),
            serviceId: undefined,
            type,
            details,
          }))),
    listLogs: ({ resource, startTime, endTime, type, direction }) =>
      read("GET /logs", () => {
        const from = startTime === undefined ? platform.wallNow() - 3_600_000 : Date.parse(startTime);
        const to = endTime === undefined ? platform.wallNow() : Date.parse(endTime);
        const lines = serviceOf("GET /logs", resource[0] ?? "").logs
          .filter((line) => line.at >= from && line.at <= to && (type?.includes(line.type) ?? true))
          .map((line) => ({
            id: undefined,
            timestamp: new Date(line.at).toISOString(),
            message: line.text,
            labels: undefined,
          }));
        return { lines: direction === "forward" ? lines : lines.reverse(), truncated: false };
      }),
    listEnvVars: (id) => read(`GET /services/${id}/env-vars`, () => []),
    getEnvVar: unused("getEnvVar"),
    setEnvVar: unused("setEnvVar"),
    deleteEnvVar: unused("deleteEnvVar"),
    getPostgres: (id) =>
      read(`GET /postgres/${id}`, () => {
        const service = serviceOf(`GET /postgres/${id}`, id.replace(/^dpg-/, "srv-"));
        watcher.sawDatabase(service, !service.databaseUp);
        const status = service.databaseUp ? "available" : "unavailable";
        return postgresSchema.parse({ id, status });
      }),
  };
}

/** Built by the schemas once, so that an answer has every optional field without being parsed each time. */
const BARE_SERVICE = serviceSchema.parse({
  id: "srv-sim",
  serviceDetails: { runtime: "node", plan: "starter", envSpecificDetails: { startCommand: "" } },
});
const BARE_DETAILS = BARE_SERVICE.serviceDetails ?? unset();
const BARE_COMMANDS = BARE_DETAILS.envSpecificDetails ?? unset();
const BARE_DEPLOY = deploySchema.parse({ id: "dep-sim", commit: { id: "" } });
const BARE_COMMIT = BARE_DEPLOY.commit ?? unset();

function unset(): never {
  throw new Error("The schema has dropped what was set");
}

function shownService(
  service: SimService,
  fields: Pick<SimService, "autoDeploy" | "settings" | "suspended" | "inMaintenance">,
): Service {
  return {
    ...BARE_SERVICE,
    id: service.id,
    name: service.name,
    ownerId: "tea-sim",
    autoDeploy: fields.autoDeploy ? "yes" : "no",
    branch: "main",
    repo: `https://git.sim/${service.id}`,
    rootDir: fields.settings.rootDir,
    suspended: fields.suspended ? "suspended" : "not_suspended",
    suspenders: fields.suspended ? ["user"] : [],
    serviceDetails: {
      ...BARE_DETAILS,
      url: `https://${service.id}.sim`,
      maintenanceMode: { enabled: fields.inMaintenance },
      envSpecificDetails: { ...BARE_COMMANDS, startCommand: fields.settings.startCommand },
    },
  };
}

function shownDeploy(deploy: SimDeploy): Deploy {
  const time = (at: number | null) => at === null ? undefined : new Date(EPOCH_MS + at).toISOString();
  return {
    ...BARE_DEPLOY,
    id: deploy.id,
    status: deploy.status,
    trigger: deploy.trigger,
    commit: { ...BARE_COMMIT, id: deploy.commit },
    createdAt: time(deploy.createdAt),
    startedAt: time(deploy.startedAt),
    finishedAt: time(deploy.finishedAt),
  };
}
