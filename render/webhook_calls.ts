/** The calls of Render's API that concern webhooks (reference section 2.7). */
import type { RenderWebhooks } from "./api.ts";
import type { Http } from "./http.ts";
import { checked, ID } from "./ids.ts";
import { LIST_ITEMS_MAX, listPages } from "./paging.ts";
import { webhookAttemptSchema, webhookSchema } from "./webhook_schemas.ts";

/** Attempts at deliveries when the caller names no limit. */
const ATTEMPTS_DEFAULT = 100;

export function webhookCalls(http: Http): RenderWebhooks {
  return {
    async list(query, signal) {
      return await listPages(http, {
        path: "/webhooks",
        query: query?.ownerId === undefined ? [] : [["ownerId", query.ownerId]],
        wrapper: "webhook",
        schema: webhookSchema,
        limit: LIST_ITEMS_MAX,
      }, signal);
    },
    async get(webhookId, signal) {
      return await http.get(pathOf(webhookId), [], webhookSchema, signal);
    },
    async create(webhook, signal) {
      const answer = await http.write(
        { method: "POST", path: "/webhooks", rateClass: { kind: "write" }, body: webhook },
        signal,
      );
      return http.parse(answer, webhookSchema);
    },
    async update(webhookId, patch, signal) {
      const answer = await http.write(
        { method: "PATCH", path: pathOf(webhookId), rateClass: { kind: "write" }, body: patch },
        signal,
      );
      return http.parse(answer, webhookSchema);
    },
    async listAttempts(webhookId, query, signal) {
      return await listPages(http, {
        path: `${pathOf(webhookId)}/events`,
        query: query?.sentAfter === undefined ? [] : [["sentAfter", query.sentAfter]],
        wrapper: "webhookEvent",
        schema: webhookAttemptSchema,
        limit: query?.limit ?? ATTEMPTS_DEFAULT,
      }, signal);
    },
  };
}

function pathOf(webhookId: string): string {
  return `/webhooks/${checked("webhook id", webhookId, ID)}`;
}
