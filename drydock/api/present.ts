/** Records as Render's API shows them (reference section 2). */
import type { Json } from "../../base/json.ts";
import type { EventRecord } from "../events.ts";
import type { ServiceHost } from "../host.ts";
import { withoutCredentials } from "../deploy/mirror.ts";
import type { DeployRecord, Owner, PostgresRecord } from "../records.ts";
import { rfc3339 } from "../time.ts";

type JsonObject = { [key: string]: Json };

export function presentService(host: ServiceHost, dashboardUrl: string): JsonObject {
  const { service } = host;
  const { settings } = service;
  const preDeploy = settings.preDeployCommand === "" ? {} : { preDeployCommand: settings.preDeployCommand };
  const port = host.release?.instances()[0]?.port;
  return {
    id: service.id,
    name: service.name,
    ownerId: service.ownerId,
    slug: service.slug,
    type: "web_service",
    autoDeploy: service.autoDeploy ? "yes" : "no",
    autoDeployTrigger: service.autoDeploy ? "commit" : "off",
    branch: service.branch,
    repo: withoutCredentials(service.repo),
    rootDir: settings.rootDir,
    notifyOnFail: service.notifyOnFail,
    suspended: service.suspended ? "suspended" : "not_suspended",
    suspenders: service.suspended ? ["user"] : [],
    dashboardUrl: `${dashboardUrl}/web/${service.id}`,
    createdAt: rfc3339(service.createdAt),
    updatedAt: rfc3339(service.updatedAt),
    serviceDetails: {
      env: settings.runtime,
      runtime: settings.runtime,
      envSpecificDetails: settings.runtime === "docker"
        ? {
          dockerCommand: settings.dockerCommand,
          dockerContext: settings.dockerContext,
          dockerfilePath: settings.dockerfilePath,
          ...preDeploy,
        }
        : { buildCommand: settings.buildCommand, startCommand: settings.startCommand, ...preDeploy },
      healthCheckPath: settings.healthCheckPath,
      maintenanceMode: service.maintenance,
      maxShutdownDelaySeconds: settings.maxShutdownDelaySeconds,
      numInstances: service.numInstances,
      openPorts: port === undefined ? [] : [{ port, protocol: "TCP" }],
      plan: service.plan,
      buildPlan: "starter",
      region: service.region,
      url: service.url,
    },
  };
}

export function presentDeploy(deploy: DeployRecord): JsonObject {
  return {
    id: deploy.id,
    status: deploy.status,
    trigger: deploy.trigger,
    ...(deploy.commit === undefined ? {} : { commit: { ...deploy.commit } }),
    ...(deploy.startedAt === undefined ? {} : { startedAt: rfc3339(deploy.startedAt) }),
    ...(deploy.finishedAt === undefined ? {} : { finishedAt: rfc3339(deploy.finishedAt) }),
    createdAt: rfc3339(deploy.createdAt),
    updatedAt: rfc3339(deploy.updatedAt),
  };
}

export function presentEvent(event: EventRecord): JsonObject {
  const { id, serviceId, type, details } = event;
  return { id, timestamp: rfc3339(event.at), serviceId, type, details };
}

export function presentOwner(owner: Owner): JsonObject {
  return { ...owner, type: "team" };
}

export function presentPostgres(postgres: PostgresRecord, owner: Owner, dashboardUrl: string): JsonObject {
  return {
    id: postgres.id,
    name: postgres.name,
    databaseName: postgres.databaseName,
    databaseUser: postgres.databaseUser,
    plan: postgres.plan,
    region: postgres.region,
    version: postgres.version,
    status: postgres.suspended ? "suspended" : postgres.status,
    role: "primary",
    suspended: postgres.suspended ? "suspended" : "not_suspended",
    suspenders: postgres.suspended ? ["user"] : [],
    ipAllowList: [],
    owner: presentOwner(owner),
    diskAutoscalingEnabled: false,
    highAvailabilityEnabled: false,
    readReplicas: [],
    connectionPool: "none",
    dashboardUrl: `${dashboardUrl}/d/${postgres.id}`,
    createdAt: rfc3339(postgres.createdAt),
    updatedAt: rfc3339(postgres.updatedAt),
  };
}
