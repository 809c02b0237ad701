/** /services: create, list, read, change, delete, suspend, resume, restart, instances. */
import { Hono } from "hono";
import type { Context } from "hono";
import type { z } from "zod";
import { localHead } from "../watch.ts";
import { ServiceHost } from "../host.ts";
import { newId, randomText } from "../ids.ts";
import { SERVICES_MAX } from "../limits.ts";
import type { ServiceRecord } from "../records.ts";
import { rfc3339 } from "../time.ts";
import type { Yard } from "../yard.ts";
import { ApiError, notFound } from "./errors.ts";
import { body, newServiceSchema, servicePatchSchema } from "./input.ts";
import { presentService } from "./present.ts";
import { isWithin, page, values } from "./query.ts";

const GENERATED_CHARS = 44;

/** @throws {ApiError} when there is no such service */
export function serviceOf(yard: Yard, context: Context): ServiceHost {
  const id = context.req.param("serviceId") ?? "";
  const host = yard.services.get(id);
  if (host === undefined) throw notFound(`service ${id}`);
  return host;
}

/** A value, or a random one for `generateValue`. */
export function valueOf(yard: Yard, input: { value: string } | { generateValue: true }): string {
  return "value" in input ? input.value : randomText(GENERATED_CHARS, yard.platform.random);
}

export function serviceRoutes(yard: Yard): Hono {
  const routes = new Hono();
  const present = (host: ServiceHost) => presentService(host, yard.dashboardUrl);

  routes.post("/services", async (context) => {
    const input = await body(context, newServiceSchema);
    const host = await createService(yard, input);
    const { deploy } = host.requestDeploy({ trigger: "api" });
    return context.json({ service: present(host), deployId: deploy.id }, 201);
  });

  routes.get("/services", (context) => {
    const filters = {
      name: values(context, "name"),
      type: values(context, "type"),
      env: values(context, "env"),
      region: values(context, "region"),
      suspended: values(context, "suspended"),
      ownerId: values(context, "ownerId"),
    };
    const admits = (filter: readonly string[], value: string) =>
      filter.length === 0 || filter.includes(value);
    const found = [...yard.services.values()].reverse().filter(({ service }) =>
      admits(filters.name, service.name) &&
      admits(filters.type, "web_service") &&
      admits(filters.env, service.settings.runtime) &&
      admits(filters.region, service.region) &&
      admits(filters.suspended, service.suspended ? "suspended" : "not_suspended") &&
      admits(filters.ownerId, service.ownerId) &&
      isWithin(context, "created", service.createdAt) &&
      isWithin(context, "updated", service.updatedAt)
    );
    const items = page(context, found, (host) => host.service.id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, service: present(item) })));
  });

  routes.get("/services/:serviceId", (context) => context.json(present(serviceOf(yard, context))));

  routes.patch("/services/:serviceId", async (context) => {
    const host = serviceOf(yard, context);
    change(yard, host.service, await body(context, servicePatchSchema));
    return context.json(present(host));
  });

  routes.delete("/services/:serviceId", async (context) => {
    const host = serviceOf(yard, context);
    yard.services.delete(host.service.id);
    await host.close();
    await host.removeFiles();
    yard.platform.logs.forget(host.service.id);
    yard.platform.events.forget(host.service.id);
    return context.body(null, 204);
  });

  routes.post("/services/:serviceId/suspend", async (context) => {
    await serviceOf(yard, context).suspend();
    return context.body(null, 202);
  });

  routes.post("/services/:serviceId/resume", (context) => {
    serviceOf(yard, context).resume();
    return context.body(null, 202);
  });

  routes.post("/services/:serviceId/restart", (context) => {
    const host = serviceOf(yard, context);
    if (!host.restart()) throw new ApiError(409, `service ${host.service.id} has no live deploy to restart`);
    return context.body(null, 200);
  });

  routes.get("/services/:serviceId/instances", (context) => {
    const instances = serviceOf(yard, context).release?.instances() ?? [];
    return context.json(instances.map(({ id, createdAt }) => ({ id, createdAt: rfc3339(createdAt) })));
  });

  return routes;
}

type NewService = z.output<typeof newServiceSchema>;

async function createService(yard: Yard, input: NewService): Promise<ServiceHost> {
  const { platform } = yard;
  if (yard.services.size >= SERVICES_MAX) {
    throw new ApiError(400, `a drydock holds ${SERVICES_MAX} services at most`);
  }
  if (input.ownerId !== platform.owner.id) {
    throw new ApiError(400, `invalid request: ownerId: unknown owner ${input.ownerId}`);
  }
  const { runtime, envSpecificDetails: commands = {}, ...details } = input.serviceDetails;
  if (runtime !== "docker") {
    for (const field of ["buildCommand", "startCommand"] as const) {
      if (commands[field] !== undefined) continue;
      throw new ApiError(
        400,
        `invalid request: serviceDetails.envSpecificDetails.${field}: required for ${runtime}`,
      );
    }
  }
  const now = platform.clock.now();
  const service: ServiceRecord = {
    id: newId("srv", now, platform.random),
    name: input.name,
    slug: slugFor(yard, input.name),
    ownerId: input.ownerId,
    repo: input.repo,
    // A repository that cannot be asked shows itself in the first deploy, where its owner looks.
    branch: input.branch ?? await platform.mirrors.defaultBranch(input.repo).catch(() => undefined) ?? "main",
    autoDeploy: wantsAutoDeploy(input) ?? true,
    plan: details.plan ?? "starter",
    region: "oregon",
    numInstances: 1,
    notifyOnFail: "default",
    suspended: false,
    maintenance: {
      enabled: details.maintenanceMode?.enabled ?? false,
      uri: details.maintenanceMode?.uri ?? "",
    },
    settings: {
      runtime,
      rootDir: cleanRoot(input.rootDir ?? ""),
      buildCommand: commands.buildCommand ?? "",
      startCommand: commands.startCommand ?? "",
      preDeployCommand: details.preDeployCommand ?? "",
      healthCheckPath: details.healthCheckPath ?? "",
      dockerCommand: commands.dockerCommand ?? "",
      dockerContext: commands.dockerContext ?? ".",
      dockerfilePath: commands.dockerfilePath ?? "./Dockerfile",
      maxShutdownDelaySeconds: details.maxShutdownDelaySeconds ?? 30,
    },
    env: new Map((input.envVars ?? []).map((each) => [each.key, valueOf(yard, each)])),
    url: "",
    createdAt: now,
    updatedAt: now,
  };
  const host = new ServiceHost(platform, service, await localHead(service.repo, service.branch));
  yard.services.set(service.id, host);
  return host;
}

function change(yard: Yard, service: ServiceRecord, patch: z.output<typeof servicePatchSchema>): void {
  const { settings } = service;
  const details = patch.serviceDetails ?? {};
  const commands = details.envSpecificDetails ?? {};
  if (patch.name !== undefined) service.name = patch.name;
  if (patch.repo !== undefined) service.repo = patch.repo;
  if (patch.branch !== undefined) service.branch = patch.branch;
  if (details.plan !== undefined) service.plan = details.plan;
  if (details.maintenanceMode !== undefined) {
    const { enabled, uri = "" } = details.maintenanceMode;
    if (enabled !== service.maintenance.enabled) {
      yard.platform.events.add(service.id, "maintenance_mode_enabled", { enabled });
    }
    service.maintenance = { enabled, uri };
  }
  service.settings = {
    runtime: details.runtime ?? settings.runtime,
    rootDir: patch.rootDir === undefined ? settings.rootDir : cleanRoot(patch.rootDir),
    buildCommand: commands.buildCommand ?? settings.buildCommand,
    startCommand: commands.startCommand ?? settings.startCommand,
    preDeployCommand: details.preDeployCommand ?? settings.preDeployCommand,
    healthCheckPath: details.healthCheckPath ?? settings.healthCheckPath,
    dockerCommand: commands.dockerCommand ?? settings.dockerCommand,
    dockerContext: commands.dockerContext ?? settings.dockerContext,
    dockerfilePath: commands.dockerfilePath ?? settings.dockerfilePath,
    maxShutdownDelaySeconds: details.maxShutdownDelaySeconds ?? settings.maxShutdownDelaySeconds,
  };
  const autoDeploy = wantsAutoDeploy(patch);
  if (autoDeploy !== undefined && autoDeploy !== service.autoDeploy) {
    service.autoDeploy = autoDeploy;
    yard.platform.events.add(
      service.id,
      autoDeploy ? "auto_deploy_enabled" : "auto_deploy_disabled",
      { reason: "setting_change", ...(autoDeploy ? { newTrigger: "commit" } : { fromTrigger: "commit" }) },
    );
  }
  service.updatedAt = yard.platform.clock.now();
}

function wantsAutoDeploy(input: {
  autoDeploy?: "yes" | "no" | undefined;
  autoDeployTrigger?: "commit" | "off" | "checksPass" | undefined;
}): boolean | undefined {
  if (input.autoDeployTrigger !== undefined) return input.autoDeployTrigger !== "off";
  return input.autoDeploy === undefined ? undefined : input.autoDeploy === "yes";
}

function cleanRoot(rootDir: string): string {
  return rootDir.replace(/^(\.?\/)+/, "").replace(/\/+$/, "").replace(/^\.$/, "");
}

function slugFor(yard: Yard, name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "service";
  const isTaken = [...yard.services.values()].some(({ service }) => service.slug === slug);
  return isTaken ? `${slug}-${randomText(4, yard.platform.random)}` : slug;
}
