/** /services/{id}/env-vars. A change shows in the service only after its next deploy. */
import { Hono } from "hono";
import type { Context } from "hono";
import type { Yard } from "../yard.ts";
import { notFound } from "./errors.ts";
import { body, check, envKeySchema, envValueSchema, envVarsSchema } from "./input.ts";
import { page } from "./query.ts";
import { serviceOf, valueOf } from "./services.ts";

export function envVarRoutes(yard: Yard): Hono {
  const routes = new Hono();
  const base = "/services/:serviceId/env-vars";
  const list = (context: Context) => {
    const entries = [...serviceOf(yard, context).service.env];
    const items = page(context, entries, ([key]) => key);
    return context.json(items.map(({ cursor, item: [key, value] }) => ({ cursor, envVar: { key, value } })));
  };

  routes.get(base, list);

  routes.put(base, async (context) => {
    const { service } = serviceOf(yard, context);
    const input = await body(context, envVarsSchema);
    service.env = new Map(input.map((each) => [each.key, valueOf(yard, each)]));
    return context.json(
      [...service.env].map(([key, value]) => ({ cursor: btoa(key), envVar: { key, value } })),
    );
  });

  routes.get(`${base}/:key`, (context) => {
    const key = context.req.param("key");
    const value = serviceOf(yard, context).service.env.get(key);
    if (value === undefined) throw notFound(`environment variable ${key}`);
    return context.json({ key, value });
  });

  routes.put(`${base}/:key`, async (context) => {
    const { service } = serviceOf(yard, context);
    const key = check(context.req.param("key"), envKeySchema, "envVarKey");
    const value = valueOf(yard, await body(context, envValueSchema));
    service.env.set(key, value);
    return context.json({ key, value });
  });

  routes.delete(`${base}/:key`, (context) => {
    const key = context.req.param("key");
    if (!serviceOf(yard, context).service.env.delete(key)) throw notFound(`environment variable ${key}`);
    return context.body(null, 204);
  });

  return routes;
}
