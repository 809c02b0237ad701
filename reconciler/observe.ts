/**
 * Looks at the world: the service and its deploys by Render's API, its health by the monitor. Changes nothing.
 * What could not be seen is reported as unseen; only what nobody can ever see (a wrong key, no such service) is
 * an error.
 */
import { mayRunInline } from "../agents/inline.ts";
import { monitorAgent } from "../agents/monitor/agent.ts";
import type { MonitorInput, Probe } from "../agents/messages.ts";
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { RenderRefused, RenderUnreachable } from "../render/api.ts";
import type { Deploy, Service } from "../render/schemas.ts";
import type { DeployView, Observation, Probes, ServiceView, Sighting } from "./observation.ts";
import type { Parts } from "./parts.ts";
import { isServiceId } from "./service_keys.ts";
import { withoutSecrets } from "./service_secrets.ts";
import { DEFAULT_HEALTH_PATH } from "./spec.ts";
import type { DatabaseSpec, ServiceSpec } from "./spec.ts";

/** Deploys read at each look: enough to hold everything since the last proven one in an ordinary week. */
export const DEPLOYS_READ = 20;
/** A free service that sleeps takes about a minute to wake (reference 6), in milliseconds. */
const WAKE_TIMEOUT_MS = 90_000;
/** The reason of a probe that could not be made because the monitor could not run. */
export const MONITOR_FAILED = "MonitorFailed";
/** The same for one that must not be run in this process either. */
const MONITOR_ENDED = "MonitorEnded";
/** Reasons of probes that were not made. */
export const MONITOR_REASONS: ReadonlySet<string> = new Set([MONITOR_FAILED, MONITOR_ENDED]);
const BODY_BYTES_MAX = 256 * 1024;

/** What waiting does not mend: Render refuses the key, or there is no such service. */
export class CannotLookAfter extends EvenkeelError {
  override readonly name = "CannotLookAfter";
}

type Seer = Pick<Parts, "api" | "runAgent" | "clock" | "epoch" | "environment" | "secrets">;

/**
 * @param serviceId Render's id, as `findServiceId` gives it
 * @throws {CannotLookAfter} when Render refuses for a reason that time does not mend
 */
export async function observe(
  parts: Seer,
  spec: ServiceSpec,
  serviceId: string,
  signal: AbortSignal,
): Promise<Observation> {
  const { api, clock } = parts;
  const beganMonotonicMs = clock.monotonic();
  const beganAt = clock.now();
  let seen: Sighting | null = null;
  let problem: string | null = null;
  try {
    const [service, deploys] = await Promise.all([
      api.getService(serviceId, signal),
      api.listDeploys(serviceId, { limit: DEPLOYS_READ }, signal),
    ]);
    const view = serviceView(service, spec);
    const probed = await probe(parts, spec, view, signal);
    seen = {
      service: view,
      deploys: deploys.map(deployView),
      ...await withoutSecrets(parts, view, deploys[0]?.id ?? null, probed, signal),
    };
  } catch (error) {
    problem = problemOf(error);
  }
  return {
    at: clock.now(),
    beganAt,
    monotonicMs: clock.monotonic(),
    beganMonotonicMs,
    epoch: parts.epoch,
    seen,
    problem,
  };
}

/** The reason why something could not be seen, or throws when waiting will not help. */
function problemOf(error: unknown): string {
  if (error instanceof RenderUnreachable) return error.message;
  if (error instanceof RenderRefused) {
    if (error.status === 429 || error.status >= 500) return error.message;
    throw new CannotLookAfter(error.message, {
      exitCode: EXIT.unobservable,
      hint: error.status === 401 || error.status === 403
        ? "Check RENDER_API_KEY: it must be a key of a user who sees this service"
        : "Check the service's id or name in the configuration",
      cause: error,
    });
  }
  throw error;
}

/**
 * Finds a service by id or by exact name.
 * @throws {CannotLookAfter} when there is none or more than one
 * @throws {EvenkeelError} when Render does not say now
 */
export async function findServiceId(
  api: Pick<Parts["api"], "listServices">,
  idOrName: string,
  signal: AbortSignal,
): Promise<string> {
  if (isServiceId(idOrName)) return idOrName;
  const services = await api.listServices({ name: idOrName, limit: 100 }, signal).catch((error) => {
    throw new EvenkeelError(problemOf(error), { exitCode: EXIT.unobservable, cause: error });
  });
  const matches = services.filter((service) =>
    service.name === idOrName && service.serviceDetails?.parentServer === undefined
  );
  if (matches[0] !== undefined && matches.length === 1) return matches[0].id;
  throw new CannotLookAfter(
    matches.length === 0
      ? `Cannot find service ${idOrName}: Render lists no service of that name for this key`
      : `Cannot find service ${idOrName}: Render lists ${matches.length} services of that name`,
    { hint: "Use the service's id (srv-...) from its page on Render", exitCode: EXIT.usage },
  );
}

export function serviceView(service: Service, spec: ServiceSpec): ServiceView {
  const details = service.serviceDetails;
  const commands = details?.envSpecificDetails;
  return {
    id: service.id,
    name: service.name ?? service.id,
    ownerId: service.ownerId ?? "",
    url: details?.url ?? null,
    repo: spec.repo ?? service.repo ?? null,
    branch: spec.branch ?? service.branch ?? null,
    autoDeploy: service.autoDeploy === "yes",
    suspended: service.suspended === "suspended",
    suspendedBy: service.suspenders ?? [],
    inMaintenance: details?.maintenanceMode?.enabled === true,
    dashboardUrl: service.dashboardUrl ?? null,
    settings: {
      runtime: details?.runtime ?? details?.env ?? null,
      plan: details?.plan ?? null,
      rootDir: service.rootDir ?? "",
      buildCommand: commands?.buildCommand ?? "",
      startCommand: commands?.startCommand ?? commands?.dockerCommand ?? "",
      preDeployCommand: commands?.preDeployCommand ?? "",
      dockerfilePath: commands?.dockerfilePath ?? "",
      healthCheckPath: details?.healthCheckPath ?? "",
      healthPath: spec.healthPath ?? (details?.healthCheckPath || DEFAULT_HEALTH_PATH),
    },
  };
}

export function deployView(deploy: Deploy): DeployView {
  const time = (text: string | undefined) => {
    const ms = text === undefined ? NaN : Date.parse(text);
    return Number.isFinite(ms) ? ms : null;
  };
  return {
    id: deploy.id,
    status: deploy.status ?? "unknown",
    commit: deploy.commit?.id ?? null,
    trigger: deploy.trigger ?? null,
    createdAt: time(deploy.createdAt),
    startedAt: time(deploy.startedAt),
    finishedAt: time(deploy.finishedAt),
  };
}

async function probe(
  parts: Seer,
  spec: ServiceSpec,
  service: ServiceView,
  signal: AbortSignal,
): Promise<Probes> {
  if (service.url === null) {
    const unknown: Probe = {
      status: "unknown",
      reason: "NoUrl",
      message: "Render gives no address for this service",
    };
    return { health: unknown, json: unknown, database: unknown };
  }
  const own = databaseInput(parts, spec.database);
  const [run, database] = await Promise.all([
    parts.runAgent(monitorAgent, monitorInput(parts, spec, service), {
      toolbox: {},
      signal,
      occasion: { serviceId: service.id, serviceName: service.name, incidentId: null },
    }),
    own.probe ?? askRender(parts, spec.database, signal),
  ]);
  if (run.kind === "failed") {
    const reason = mayRunInline(run.why) ? MONITOR_FAILED : MONITOR_ENDED;
    const unknown: Probe = { status: "unknown", reason, message: run.message };
    return { health: unknown, json: unknown, database: database ?? unknown };
  }
  const { health, json } = run.output;
  return { health, json, database: database ?? run.output.database };
}

/** What the monitor is to measure of a service. */
export function monitorInput(
  parts: Pick<Parts, "environment">,
  spec: ServiceSpec,
  service: ServiceView,
): MonitorInput {
  const maySleep = service.settings.plan === "free";
  return {
    url: service.url ?? "",
    healthPath: service.settings.healthPath,
    expect: spec.expect,
    database: databaseInput(parts, spec.database).input,
    timeoutMs: maySleep ? Math.max(spec.probeTimeoutMs, WAKE_TIMEOUT_MS) : spec.probeTimeoutMs,
    bodyBytesMax: BODY_BYTES_MAX,
    maySleep,
  };
}

/** What the monitor is to do for the database, or the answer when it needs no monitor. */
function databaseInput(
  parts: Pick<Parts, "environment">,
  database: DatabaseSpec,
): { input: MonitorInput["database"]; probe: Probe | null } {
  switch (database.kind) {
    case "none":
      return { input: { kind: "none" }, probe: null };
    case "json-path":
      return { input: database, probe: null };
    case "render-postgres":
      return { input: { kind: "none" }, probe: null };
    case "connection-env": {
      const connectionString = parts.environment(database.variable);
      if (connectionString !== undefined) {
        return { input: { kind: "connection", connectionString }, probe: null };
      }
      const message = `Environment variable ${database.variable} is not set`;
      return { input: { kind: "none" }, probe: { status: "unknown", reason: "NotConfigured", message } };
    }
  }
}

/** The status of a Render Postgres; `null` when the spec asks for something else. */
async function askRender(parts: Seer, database: DatabaseSpec, signal: AbortSignal): Promise<Probe | null> {
  if (database.kind !== "render-postgres") return null;
  try {
    const postgres = await parts.api.getPostgres(database.id, signal);
    const status = postgres.status ?? "unknown";
    const message = `Render Postgres ${database.id} is ${status}`;
    if (status === "available") return { status: "good", reason: "Available", message };
    return { status: status === "unknown" ? "unknown" : "bad", reason: "NotAvailable", message };
  } catch (error) {
    return { status: "unknown", reason: "CannotAskRender", message: problemOf(error) };
  }
}
