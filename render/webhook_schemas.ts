/**
 * Render's webhooks as schemas: the registered webhook, one attempt at a delivery, and the body that is delivered
 * (reference sections 2.3, 2.7 and 9). Parsed once at the edge; unknown fields are ignored, `null` is absent.
 */
import { z } from "zod";
import { webhookEventTypes } from "./schemas.ts";
import type { WebhookEventType } from "./schemas.ts";

/** An optional field for which the API may also send `null`. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

export const webhookSchema = z.object({
  id: z.string(),
  url: maybe(z.string()),
  name: maybe(z.string()),
  /** Signs the deliveries; never shown, logged or stored. */
  secret: maybe(z.string()),
  enabled: maybe(z.boolean()),
  /** Empty means all. */
  eventFilter: maybe(z.array(z.string())),
});
export type Webhook = z.infer<typeof webhookSchema>;

/** Absent means: leave as it is. */
export const webhookPatchSchema = z.strictObject({
  name: z.string().optional(),
  url: z.string().optional(),
  enabled: z.boolean().optional(),
  eventFilter: z.array(z.enum(webhookEventTypes)).optional(),
});
export type WebhookPatch = z.infer<typeof webhookPatchSchema>;

export interface NewWebhook {
  ownerId: string;
  url: string;
  name: string;
  enabled: boolean;
  /** Empty means all. */
  eventFilter: WebhookEventType[];
}

/** One attempt at a delivery, as Render keeps it. */
export const webhookAttemptSchema = z.object({
  id: z.string(),
  eventId: maybe(z.string()),
  eventType: maybe(z.string()),
  sentAt: maybe(z.string()),
  /** Absent when nothing answered. */
  statusCode: maybe(z.number()),
  error: maybe(z.string()),
});
export type WebhookAttempt = z.infer<typeof webhookAttemptSchema>;

/** Longest id and name that are taken from a delivery, in characters. */
const ID_CHARS_MAX = 200;

/** The body of a delivery. It is thin: what happened is asked of the API. */
export const deliverySchema = z.object({
  type: z.string().max(ID_CHARS_MAX),
  timestamp: z.string().max(ID_CHARS_MAX),
  data: z.object({
    id: z.string().max(ID_CHARS_MAX),
    /** The id of a service, a Postgres or a Key Value. */
    serviceId: z.string().max(ID_CHARS_MAX),
    serviceName: maybe(z.string().max(ID_CHARS_MAX)),
    status: maybe(z.string().max(ID_CHARS_MAX)),
  }),
});
export type Delivery = z.infer<typeof deliverySchema>;
