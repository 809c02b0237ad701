/** The API as one Hono application: what holds for every request, then the routes. */
import { Hono } from "hono";
import type { Context } from "hono";
import { messageOf } from "../../base/errors.ts";
import { newId } from "../ids.ts";
import type { Yard } from "../yard.ts";
import { deployRoutes } from "./deploys.ts";
import { envVarRoutes } from "./env_vars.ts";
import { ApiError } from "./errors.ts";
import { eventRoutes } from "./events.ts";
import { logRoutes } from "./logs.ts";
import { ownerRoutes } from "./owners.ts";
import { postgresRoutes } from "./postgres.ts";
import { classify } from "./rate.ts";
import type { RateCounter } from "./rate.ts";
import { serviceRoutes } from "./services.ts";
import { webhookRoutes } from "./webhooks.ts";

export const BASE_PATH = "/v1";

/** @param apiKey the one key that is let in */
export function makeApp(yard: Yard, apiKey: string, rates: RateCounter): Hono {
  const app = new Hono();
  const requestId = () => newId("req", yard.platform.clock.now(), yard.platform.random);

  app.use(async (context, next) => {
    context.header("x-request-id", requestId());
    if (!isKey(context.req.header("authorization"), apiKey)) throw new ApiError(401, "Unauthorized");
    if (!acceptsJson(context.req.header("accept"))) {
      throw new ApiError(406, "unable to generate response with given Accept header");
    }
    const { rateClass, key } = classify(context.req.method, context.req.path.slice(BASE_PATH.length));
    const verdict = rates.count(rateClass, key);
    context.header("RateLimit-Limit", String(verdict.limit));
    context.header("RateLimit-Remaining", String(verdict.remaining));
    context.header("RateLimit-Reset", String(verdict.resetSeconds));
    if (!verdict.allowed) {
      context.header("Retry-After", String(verdict.resetSeconds));
      throw new ApiError(429, "rate limit exceeded");
    }
    return await next();
  });

  const routes = [
    serviceRoutes,
    deployRoutes,
    eventRoutes,
    envVarRoutes,
    logRoutes,
    postgresRoutes,
    ownerRoutes,
    webhookRoutes,
  ];
  for (const make of routes) app.route(BASE_PATH, make(yard));

  app.notFound((context) => refuse(context, requestId(), new ApiError(404, "not found")));
  app.onError((error, context) => {
    const refusal = error instanceof ApiError
      ? error
      : new ApiError(500, `internal error: ${messageOf(error)}`);
    return refuse(context, requestId(), refusal);
  });
  return app;
}

function refuse(context: Context, id: string, error: ApiError): Response {
  const { message, code } = error;
  return context.json({ id, message, ...(code === undefined ? {} : { code }) }, error.status);
}

function isKey(header: string | undefined, apiKey: string): boolean {
  return header !== undefined && /^bearer /i.test(header) && header.slice("bearer ".length).trim() === apiKey;
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === "") return true;
  return accept.split(",").some((each) => {
    const type = each.split(";")[0]?.trim().toLowerCase();
    return type === "application/json" || type === "application/*" || type === "*/*";
  });
}
