/** /services/{id}/deploys and /rollback. */
import { Hono } from "hono";
import type { Context } from "hono";
import { GitFailed } from "../deploy/mirror.ts";
import type { ServiceHost } from "../host.ts";
import type { Commit, DeployRecord } from "../records.ts";
import type { Yard } from "../yard.ts";
import { ApiError, notFound } from "./errors.ts";
import { body, newDeploySchema, rollbackSchema } from "./input.ts";
import { presentDeploy } from "./present.ts";
import { isWithin, page, values } from "./query.ts";
import { serviceOf } from "./services.ts";

function deployOf(host: ServiceHost, deployId: string): DeployRecord {
  const deploy = host.deploys.find(({ id }) => id === deployId);
  if (deploy === undefined) throw notFound(`deploy ${deployId}`);
  return deploy;
}

export function deployRoutes(yard: Yard): Hono {
  const routes = new Hono();

  routes.get("/services/:serviceId/deploys", (context) => {
    const statuses = values(context, "status");
    const found = serviceOf(yard, context).deploys.filter((deploy) =>
      (statuses.length === 0 || statuses.includes(deploy.status)) &&
      isWithin(context, "created", deploy.createdAt) &&
      isWithin(context, "updated", deploy.updatedAt) &&
      isWithin(context, "finished", deploy.finishedAt)
    );
    const items = page(context, found, ({ id }) => id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, deploy: presentDeploy(item) })));
  });

  routes.post("/services/:serviceId/deploys", async (context) => {
    const host = serviceOf(yard, context);
    const input = await body(context, newDeploySchema);
    if (host.service.suspended) throw new ApiError(409, `service ${host.service.id} is suspended`);
    if (input.deployMode === "deploy_only") {
      if (input.commitId !== undefined || input.clearCache === "clear") {
        throw new ApiError(
          400,
          "invalid request: deployMode: deploy_only goes with neither commitId nor clearCache",
        );
      }
      const reuse = host.lastArtifact();
      if (reuse === undefined) {
        throw new ApiError(400, "invalid request: deployMode: there is no successful build to deploy");
      }
      return answer(context, host.requestDeploy({ trigger: "api", reuse }));
    }
    const commit = await commitFor(yard, host, input.commitId);
    return answer(
      context,
      host.requestDeploy({
        trigger: "api",
        clearCache: input.clearCache === "clear",
        ...(commit === undefined ? {} : { commit }),
      }),
    );
  });

  routes.get("/services/:serviceId/deploys/:deployId", (context) => {
    const host = serviceOf(yard, context);
    return context.json(presentDeploy(deployOf(host, context.req.param("deployId"))));
  });

  routes.post("/services/:serviceId/deploys/:deployId/cancel", async (context) => {
    const host = serviceOf(yard, context);
    const deploy = deployOf(host, context.req.param("deployId"));
    if (!await host.cancel(deploy)) {
      throw new ApiError(400, `deploy ${deploy.id} is ${deploy.status} and cannot be canceled`);
    }
    return context.json(presentDeploy(deploy));
  });

  routes.post("/services/:serviceId/rollback", async (context) => {
    const host = serviceOf(yard, context);
    const { deployId } = await body(context, rollbackSchema);
    if (host.service.suspended) throw new ApiError(409, `service ${host.service.id} is suspended`);
    const target = deployOf(host, deployId);
    const kept = host.kept(target);
    if (kept === undefined) throw new ApiError(400, `cannot roll back to ${deployId}: its build is not kept`);
    const { deploy } = host.requestDeploy({
      trigger: "rollback",
      reuse: kept.artifact,
      snapshot: kept.snapshot,
      rollbackTarget: deployId,
    });
    return context.json(presentDeploy(deploy), 201);
  });

  return routes;
}

function answer(context: Context, requested: { deploy: DeployRecord; outcome: "started" | "queued" }) {
  if (requested.outcome === "queued") return context.body(null, 202);
  return context.json(presentDeploy(requested.deploy), 201);
}

/** The commit to deploy; `undefined` when the repository cannot be read, which the deploy's log will tell. */
async function commitFor(
  yard: Yard,
  host: ServiceHost,
  commitId: string | undefined,
): Promise<Commit | undefined> {
  const { repo, branch } = host.service;
  try {
    return await yard.platform.mirrors.resolve(repo, branch, commitId);
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    if (commitId !== undefined) throw notFound(`commit ${commitId}`);
    return undefined;
  }
}
