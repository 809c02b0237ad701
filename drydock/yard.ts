/** All that one drydock holds: its services and databases, found by id. */
import type { Platform } from "./platform.ts";
import type { ServiceHost } from "./host.ts";
import type { PostgresRecord } from "./records.ts";
import type { WebhookBook } from "./webhooks/book.ts";

export interface Yard {
  readonly platform: Platform;
  readonly services: Map<string, ServiceHost>;
  readonly postgres: Map<string, PostgresRecord>;
  /** `null` where the workspace's plan has no webhooks. */
  readonly webhooks: WebhookBook | null;
  /** The address shown as `dashboardUrl`'s beginning; nothing listens to it. */
  dashboardUrl: string;
}
