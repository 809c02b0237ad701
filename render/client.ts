/**
 * Render's API over HTTP (reference: Render API, sections 1 to 3). One client serves all services of a key: the
 * rate budget is shared by its callers. Which failures are told apart, and what is tried again, is in http.ts.
 */
import { z } from "zod";
import { systemClock } from "../base/clock.ts";
import type { Clock, Random } from "../base/clock.ts";
import { RenderRefused, RenderUnreachable } from "./api.ts";
import type { RenderApi, RenderWebhooks } from "./api.ts";
import { createRateBudget } from "./budget.ts";
import type { RateBudget, RateClass } from "./budget.ts";
import { parseConnection } from "./connection.ts";
import { readGivenSecrets } from "./given_secrets.ts";
import { createHttp } from "./http.ts";
import type { Answer, Query } from "./http.ts";
import { readLogs } from "./logs.ts";
import { checked, ID } from "./ids.ts";
import { LIST_ITEMS_MAX, listPages } from "./paging.ts";
import { deploySchema, envVarSchema, eventSchema, postgresSchema, serviceSchema } from "./schemas.ts";
import { webhookCalls } from "./webhook_calls.ts";

/** Milliseconds for one request, its body included. */
export const REQUEST_TIMEOUT_MS = 20_000;
/** How often a GET is tried again. */
export const RETRIES_MAX = 3;
/** Bytes read of one answer. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Items of a list when the caller names no limit. */
export const DEPLOYS_DEFAULT = 20;
export const EVENTS_DEFAULT = 100;

export interface RenderClientOptions {
  /** A key of Render, `rnd_...`; sent to `baseUrl` and nowhere else. */
  apiKey: string;
  /** Full base. Plain http only to this machine. @default RENDER_API_URL */
  baseUrl?: string;
  /** Share one between clients of the same key. @default a budget of its own */
  budget?: RateBudget;
  /** @default globalThis.fetch */
  fetch?: typeof fetch;
  /** @default systemClock */
  clock?: Clock;
  /** @default Math.random */
  random?: Random;
  /** @default REQUEST_TIMEOUT_MS */
  requestTimeoutMs?: number;
  /** For GET only: a write is sent once. @default RETRIES_MAX */
  retriesMax?: number;
  /** @default BODY_BYTES_MAX */
  bodyBytesMax?: number;
}

/** @throws {EvenkeelError} naming RENDER_API_KEY or RENDER_API_URL when one of them cannot be used */
export function createRenderClient(options: RenderClientOptions): RenderApi & { webhooks: RenderWebhooks } {
  const clock = options.clock ?? systemClock;
  const http = createHttp({
    connection: parseConnection(options.apiKey, options.baseUrl),
    budget: options.budget ?? createRateBudget({ clock }),
    fetch: options.fetch ?? fetch,
    clock,
    random: options.random ?? Math.random,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    retriesMax: options.retriesMax ?? RETRIES_MAX,
    bodyBytesMax: options.bodyBytesMax ?? BODY_BYTES_MAX,
  });
  const write = (
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    rateClass: RateClass,
    signal: AbortSignal | undefined,
    body?: unknown,
  ) => http.write({ method, path, rateClass, ...(body === undefined ? {} : { body }) }, signal);
  /** For writes whose answer has nothing we need: it may be empty, but not somebody else's page. */
  const done = (answer: Answer) => {
    if (answer.text.trim() !== "") http.parse(answer, z.unknown());
  };
  // Async throughout: a bad id rejects as every other failure does.
  const getService = async (serviceId: string, signal?: AbortSignal) =>
    await http.get(servicePath(serviceId), [], serviceSchema, signal);

  return {
    async listServices(query, signal) {
      return await listPages(http, {
        path: "/services",
        query: optional("name", query?.name),
        wrapper: "service",
        schema: serviceSchema,
        limit: query?.limit ?? LIST_ITEMS_MAX,
      }, signal);
    },
    getService,
    async patchService(serviceId, patch, signal) {
      const answer = await write(
        "PATCH",
        servicePath(serviceId),
        { kind: "deploy", serviceId },
        signal,
        patch,
      );
      return http.parse(answer, serviceSchema);
    },
    async suspendService(serviceId, signal) {
      done(await write("POST", `${servicePath(serviceId)}/suspend`, { kind: "deploy", serviceId }, signal));
    },
    async resumeService(serviceId, signal) {
      done(await write("POST", `${servicePath(serviceId)}/resume`, { kind: "deploy", serviceId }, signal));
    },
    async restartService(serviceId, signal) {
      done(await write("POST", `${servicePath(serviceId)}/restart`, { kind: "write" }, signal));
    },
    async listDeploys(serviceId, query, signal) {
      return await listPages(http, {
        path: `${servicePath(serviceId)}/deploys`,
        query: [
          ...(query?.status ?? []).map((status) => ["status", status] as const),
          ...optional("createdAfter", query?.createdAfter),
        ],
        wrapper: "deploy",
        schema: deploySchema,
        limit: query?.limit ?? DEPLOYS_DEFAULT,
      }, signal);
    },
    async getDeploy(serviceId, deployId, signal) {
      return await http.get(deployPath(serviceId, deployId), [], deploySchema, signal);
    },
    async createDeploy(serviceId, body, signal) {
      const path = `${servicePath(serviceId)}/deploys`;
      const answer = await write("POST", path, { kind: "deploy", serviceId }, signal, body);
      return answer.status === 202 ? null : http.parse(answer, deploySchema);
    },
    async cancelDeploy(serviceId, deployId, signal) {
      done(await write("POST", `${deployPath(serviceId, deployId)}/cancel`, { kind: "write" }, signal));
    },
    async rollback(serviceId, deployId, signal) {
      const body = { deployId: checked("deploy id", deployId, ID) };
      const answer = await write(
        "POST",
        `${servicePath(serviceId)}/rollback`,
        { kind: "write" },
        signal,
        body,
      );
      return http.parse(answer, deploySchema);
    },
    async listEvents(serviceId, query, signal) {
      return await listPages(http, {
        path: `${servicePath(serviceId)}/events`,
        query: [
          ...optional("type", query?.type),
          ...optional("startTime", query?.startTime),
          ...optional("endTime", query?.endTime),
        ],
        wrapper: "event",
        schema: eventSchema,
        limit: query?.limit ?? EVENTS_DEFAULT,
        // Render's own types give events no cursor; the list is newest first.
        after: (last) => last.timestamp === undefined ? undefined : [["endTime", last.timestamp]],
      }, signal);
    },
    async listLogs(query, signal) {
      for (const id of query.resource) checked("resource id", id, ID);
      return await readLogs(http, query, signal);
    },
    async listEnvVars(serviceId, signal) {
      return await listPages(http, {
        path: `${servicePath(serviceId)}/env-vars`,
        query: [],
        wrapper: "envVar",
        schema: envVarSchema,
        limit: LIST_ITEMS_MAX,
      }, signal);
    },
    async listGivenSecrets(service, signal, onLeftOut) {
      return await readGivenSecrets(http, service, servicePath(service.id), signal, onLeftOut);
    },
    async getEnvVar(serviceId, key, signal) {
      try {
        const path = envVarPath(serviceId, key);
        const { value } = await http.get(path, [], envVarSchema, signal);
        if (value !== undefined) return value;
        throw new RenderUnreachable(`Cannot call GET ${path}: the answer holds no value`, `GET ${path}`);
      } catch (error) {
        if (!(error instanceof RenderRefused) || error.status !== 404) throw error;
        // A missing service answers 404 as well, and must not look like a missing variable.
        await getService(serviceId, signal);
        return null;
      }
    },
    async setEnvVar(serviceId, key, value, signal) {
      const path = envVarPath(serviceId, key);
      const rateClass = { kind: "write" } as const;
      done(await http.write({ method: "PUT", path, rateClass, body: { value }, secret: value }, signal));
    },
    async deleteEnvVar(serviceId, key, signal) {
      done(await write("DELETE", envVarPath(serviceId, key), { kind: "write" }, signal));
    },
    async getPostgres(postgresId, signal) {
      return await http.get(
        `/postgres/${checked("Postgres id", postgresId, ID)}`,
        [],
        postgresSchema,
        signal,
      );
    },
    webhooks: webhookCalls(http),
  };
}

const ENV_VAR_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/;

function servicePath(serviceId: string): string {
  return `/services/${checked("service id", serviceId, ID)}`;
}

function deployPath(serviceId: string, deployId: string): string {
  return `${servicePath(serviceId)}/deploys/${checked("deploy id", deployId, ID)}`;
}

function envVarPath(serviceId: string, key: string): string {
  return `${servicePath(serviceId)}/env-vars/${checked("environment variable name", key, ENV_VAR_NAME)}`;
}

function optional(name: string, value: string | undefined): Query {
  return value === undefined ? [] : [[name, value]];
}
