/** /services/{id}/events and /events/{id}. */
import { Hono } from "hono";
import type { Yard } from "../yard.ts";
import { notFound } from "./errors.ts";
import { presentEvent } from "./present.ts";
import { page, timeMs, values } from "./query.ts";
import { serviceOf } from "./services.ts";

export function eventRoutes(yard: Yard): Hono {
  const routes = new Hono();

  routes.get("/services/:serviceId/events", (context) => {
    const types = values(context, "type");
    const start = timeMs(context, "startTime") ?? 0;
    const end = timeMs(context, "endTime") ?? Infinity;
    const found = yard.platform.events.list(serviceOf(yard, context).service.id).filter((event) =>
      (types.length === 0 || types.includes(event.type)) && event.at >= start && event.at <= end
    );
    const items = page(context, found, ({ id }) => id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, event: presentEvent(item) })));
  });

  routes.get("/events/:eventId", (context) => {
    const id = context.req.param("eventId");
    const event = yard.platform.events.find(id);
    if (event === undefined) throw notFound(`event ${id}`);
    return context.json(presentEvent(event));
  });

  return routes;
}
