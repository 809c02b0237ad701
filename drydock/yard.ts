/** All that one drydock holds: its services and databases, found by id. */
import type { Platform } from "./platform.ts";
import type { ServiceHost } from "./host.ts";
import type { PostgresRecord } from "./records.ts";

export interface Yard {
  readonly platform: Platform;
  readonly services: Map<string, ServiceHost>;
  readonly postgres: Map<string, PostgresRecord>;
  /** The address shown as `dashboardUrl`'s beginning; nothing listens to it. */
  dashboardUrl: string;
}
