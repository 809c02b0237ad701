/** /webhooks: register, list, read, change, delete, and the attempts at their deliveries. */
import { Hono } from "hono";
import type { Context } from "hono";
import { isLoopback } from "../../base/loopback.ts";
import { WEBHOOKS_MAX } from "../limits.ts";
import { rfc3339 } from "../time.ts";
import type { AttemptRecord, WebhookBook, WebhookRecord } from "../webhooks/book.ts";
import type { Yard } from "../yard.ts";
import { ApiError, notFound } from "./errors.ts";
import { body, newWebhookSchema, webhookPatchSchema } from "./input.ts";
import { isWithin, page, values } from "./query.ts";

export function webhookRoutes(yard: Yard): Hono {
  const routes = new Hono();
  const bookOf = (): WebhookBook => {
    if (yard.webhooks === null) throw new ApiError(402, "webhooks need a Professional workspace");
    return yard.webhooks;
  };
  const webhookOf = (context: Context): WebhookRecord => {
    const id = context.req.param("webhookId") ?? "";
    const webhook = bookOf().get(id);
    if (webhook === undefined) throw notFound(`webhook ${id}`);
    return webhook;
  };

  routes.get("/webhooks", (context) => {
    const owners = values(context, "ownerId");
    const found = bookOf().list().filter(({ ownerId }) => owners.length === 0 || owners.includes(ownerId));
    const items = page(context, found, ({ id }) => id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, webhook: present(item) })));
  });

  routes.post("/webhooks", async (context) => {
    const book = bookOf();
    const input = await body(context, newWebhookSchema);
    if (input.ownerId !== yard.platform.owner.id) {
      throw new ApiError(400, `invalid request: ownerId: unknown owner ${input.ownerId}`);
    }
    if (book.list().length >= WEBHOOKS_MAX) {
      throw new ApiError(400, `a drydock holds ${WEBHOOKS_MAX} webhooks at most`);
    }
    checkAddress(yard, input.url);
    return context.json(present(book.add(input)), 201);
  });

  routes.get("/webhooks/:webhookId", (context) => context.json(present(webhookOf(context))));

  routes.patch("/webhooks/:webhookId", async (context) => {
    const webhook = webhookOf(context);
    const { name, url, enabled, eventFilter } = await body(context, webhookPatchSchema);
    if (url !== undefined) checkAddress(yard, url);
    bookOf().change(webhook, {
      ...(name === undefined ? {} : { name }),
      ...(url === undefined ? {} : { url }),
      ...(enabled === undefined ? {} : { enabled }),
      ...(eventFilter === undefined ? {} : { eventFilter }),
    });
    return context.json(present(webhook));
  });

  routes.delete("/webhooks/:webhookId", (context) => {
    bookOf().remove(webhookOf(context).id);
    return context.body(null, 204);
  });

  routes.get("/webhooks/:webhookId/events", (context) => {
    const { id } = webhookOf(context);
    const found = bookOf().attempts(id).filter(({ sentAt }) => isWithin(context, "sent", sentAt));
    const items = page(context, found, (attempt) => attempt.id);
    return context.json(items.map(({ cursor, item }) => ({ cursor, webhookEvent: presentAttempt(item) })));
  });

  return routes;
}

/** Deliveries leave this machine only where drydock was started so. */
function checkAddress(yard: Yard, text: string): void {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new ApiError(400, "invalid request: url: is not an http or https address");
  }
  if (!yard.platform.deliversAnywhere && !isLoopback(url.hostname)) {
    throw new ApiError(400, "invalid request: url: this drydock delivers to this machine only");
  }
}

function present({ id, url, name, secret, enabled, eventFilter }: WebhookRecord) {
  return { id, url, name, secret, enabled, eventFilter };
}

function presentAttempt({ sentAt, ...attempt }: AttemptRecord) {
  return { ...attempt, sentAt: rfc3339(sentAt) };
}
