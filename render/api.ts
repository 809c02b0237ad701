/**
 * What Evenkeel asks of Render, as an interface: the client speaks it over HTTP, the simulator in memory.
 * Every method throws `RenderRefused` when Render answered and said no, and `RenderUnreachable` when it did
 * not answer or answered something unreadable. Nothing here retries a write.
 */
import type { Deploy, EnvVar, LogLine, Postgres, RenderEvent, Service, ServicePatch } from "./schemas.ts";
import type { NamedValue } from "../text/secret_values.ts";
import type { NewWebhook, Webhook, WebhookAttempt, WebhookPatch } from "./webhook_schemas.ts";

export interface TimeWindow {
  /** RFC 3339. */
  startTime?: string;
  /** RFC 3339. */
  endTime?: string;
}

export interface LogQuery extends TimeWindow {
  ownerId: string;
  /** Service ids; all of one region and owner. */
  resource: readonly string[];
  /** `app`, `build`, `request`; all when absent. */
  type?: readonly string[];
  /** `backward` is newest first, Render's default. */
  direction?: "backward" | "forward";
  /** Stop after this many lines. @default LOG_LINES_MAX */
  linesMax?: number;
  /** Stop after this many bytes of message text. @default LOG_BYTES_MAX */
  bytesMax?: number;
}

export interface LogResult {
  /** In the order asked for. */
  lines: LogLine[];
  /** True when a limit cut the log: lines are missing, or the end of a very long one. */
  truncated: boolean;
}

export interface DeployQuery {
  limit?: number;
  status?: readonly string[];
  createdAfter?: string;
}

export interface NewDeploy {
  clearCache?: "clear" | "do_not_clear";
  commitId?: string;
  deployMode?: "build_and_deploy" | "deploy_only";
}

/** Webhooks belong to a workspace. Plans without them are refused with 402 or 403. */
export interface RenderWebhooks {
  list(query?: { ownerId?: string }, signal?: AbortSignal): Promise<Webhook[]>;
  get(webhookId: string, signal?: AbortSignal): Promise<Webhook>;
  create(webhook: NewWebhook, signal?: AbortSignal): Promise<Webhook>;
  update(webhookId: string, patch: WebhookPatch, signal?: AbortSignal): Promise<Webhook>;
  /** Attempts at deliveries, newest first. @param query.limit 1 to 1000 @default 100 */
  listAttempts(
    webhookId: string,
    query?: { sentAfter?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<WebhookAttempt[]>;
}

export interface RenderApi {
  listServices(query?: { name?: string; limit?: number }, signal?: AbortSignal): Promise<Service[]>;
  getService(serviceId: string, signal?: AbortSignal): Promise<Service>;
  patchService(serviceId: string, patch: ServicePatch, signal?: AbortSignal): Promise<Service>;
  suspendService(serviceId: string, signal?: AbortSignal): Promise<void>;
  resumeService(serviceId: string, signal?: AbortSignal): Promise<void>;
  restartService(serviceId: string, signal?: AbortSignal): Promise<void>;
  /** Newest first. @param query.limit how many at most, over as many pages as needed, 1 to 1000 @default 20 */
  listDeploys(serviceId: string, query?: DeployQuery, signal?: AbortSignal): Promise<Deploy[]>;
  getDeploy(serviceId: string, deployId: string, signal?: AbortSignal): Promise<Deploy>;
  /** Starts a deploy; `null` when Render queued it (202 without a body) and the deploy is to be found by commit. */
  createDeploy(serviceId: string, body: NewDeploy, signal?: AbortSignal): Promise<Deploy | null>;
  cancelDeploy(serviceId: string, deployId: string, signal?: AbortSignal): Promise<void>;
  /** Starts a deploy of a kept artifact. Render leaves autodeploy on: turn it off yourself. */
  rollback(serviceId: string, deployId: string, signal?: AbortSignal): Promise<Deploy>;
  /** Newest first. */
  listEvents(
    serviceId: string,
    query?: TimeWindow & { type?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<RenderEvent[]>;
  listLogs(query: LogQuery, signal?: AbortSignal): Promise<LogResult>;
  listEnvVars(serviceId: string, signal?: AbortSignal): Promise<EnvVar[]>;
  /** `null` when the service has no variable of that name. */
  getEnvVar(serviceId: string, key: string, signal?: AbortSignal): Promise<string | null>;
  setEnvVar(serviceId: string, key: string, value: string, signal?: AbortSignal): Promise<void>;
  deleteEnvVar(serviceId: string, key: string, signal?: AbortSignal): Promise<void>;
  /**
   * Secret files and linked groups, as far as the key may read them. Absent in the simulator.
   * @param onLeftOut told when there may be some that were not read
   */
  listGivenSecrets?(
    service: { id: string; ownerId: string },
    signal?: AbortSignal,
    onLeftOut?: () => void,
  ): Promise<NamedValue[]>;
  getPostgres(postgresId: string, signal?: AbortSignal): Promise<Postgres>;
  /** Absent where no webhooks are looked after, as in the simulator. */
  readonly webhooks?: RenderWebhooks;
}

/** Render answered, and the answer is no. */
export class RenderRefused extends Error {
  override readonly name = "RenderRefused";
  constructor(
    message: string,
    /** HTTP status. */
    readonly status: number,
    /** Method and path, such as `GET /services/srv-x`; never a query or a header. */
    readonly call: string,
    /** How long Render asked us to wait, in milliseconds. */
    readonly retryAfterMs: number | undefined,
  ) {
    super(message);
  }
}

/** Nothing was sent: Render asked to wait, or the budget is spent, for longer than a call waits. */
export class RenderNotAsked extends RenderRefused {}

/** Render did not answer, or what answered was not Render's API (half a body, HTML for JSON). */
export class RenderUnreachable extends Error {
  override readonly name = "RenderUnreachable";
  constructor(
    message: string,
    readonly call: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
