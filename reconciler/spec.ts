/** The desired state of a service, resolved: every default filled in, every duration in milliseconds. */
import type { Json } from "../base/json.ts";
import type { FixMode, Policy } from "./policy.ts";

/** How the database criterion is measured. */
export type DatabaseSpec =
  | { kind: "none" }
  /** A dotted path in the health body and the values there that mean up. */
  | { kind: "json-path"; path: string; good: Json[] }
  /** A Render Postgres, asked of Render's API. */
  | { kind: "render-postgres"; id: string }
  /** A connection string in an environment variable of this process, probed with `select 1`. */
  | { kind: "connection-env"; variable: string };

export interface ServiceSpec {
  /** Render id (`srv-...`) or name. */
  service: string;
  /** Overrides what Render says of the service. */
  repo: string | null;
  branch: string | null;
  /** `null` follows Render's own health check path, and is DEFAULT_HEALTH_PATH where Render has none. */
  healthPath: string | null;
  /** What the health body must contain; `null` when any JSON will do. */
  expect: Json | null;
  database: DatabaseSpec;
  /** How long everything must hold without a break before the service is Ready. */
  stableForMs: number;
  /** How often a quiet service is looked at; jitter is added. */
  intervalMs: number;
  /** How often a service is looked at while a deploy, a doubt or a proof is under way. */
  watchIntervalMs: number;
  probeTimeoutMs: number;
  mode: FixMode;
  policy: Policy;
  /**
   * Counts the versions of this spec, so that conditions say which one they were observed for. Where it comes from a
   * file it is 1; what the store knows of the service makes it grow (generation.ts).
   */
  generation: number;
}

/** Where health is asked for when neither the spec nor Render names a path. */
export const DEFAULT_HEALTH_PATH = "/healthz";

export const DEFAULT_SPEC = {
  healthPath: null,
  stableForMs: 120_000,
  intervalMs: 30_000,
  watchIntervalMs: 2_000,
  probeTimeoutMs: 10_000,
  mode: "push",
} as const satisfies Partial<ServiceSpec>;

/** The author of the commits that repair a service. */
export interface CommitAuthor {
  name: string;
  email: string;
}

export const DEFAULT_AUTHOR: CommitAuthor = { name: "Evenkeel", email: "evenkeel@localhost" };
