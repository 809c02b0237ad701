/**
 * The status server: says how Evenkeel and its services are, changes nothing. It listens on loopback unless a
 * token protects it, answers only GET and HEAD, and nothing it answers is for a browser of another origin.
 * `/healthz` and `/readyz` need no token: a platform's health check has none. How slow and how large a client may be
 * is bounded by the listener.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { keptAnswer } from "../base/kept_answer.ts";
import type { AdviceReport } from "../state/advice.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { listen } from "./listener.ts";
import type { Listener, ListenerLimits } from "./listener.ts";
import { isCrossSite, isLoopback, isUnmistakable } from "./origin.ts";
import { readStatus } from "./snapshot.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import type { StatusStore } from "./snapshot.ts";
import type { Status } from "./schema.ts";
import { WEBHOOK_PATH } from "./webhook.ts";
import type { WebhookReceiver } from "./webhook.ts";

export const STATUS_HOSTNAME = "127.0.0.1";
export const STATUS_PORT = 8765;
/** How long an answer may take, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 5000;
const URL_CHARS_MAX = 2000;
const TOKEN_CHARS_MIN = 16;

export interface StatusServerOptions {
  store: StatusStore;
  version: string;
  /** Whether Evenkeel can do its work, and why not. */
  readiness: () => Promise<{ ready: boolean; reason: string }>;
  clock: Clock;
  /** 0 takes a free one. @default STATUS_PORT */
  port?: number;
  /** @default STATUS_HOSTNAME */
  hostname?: string;
  /** Bearer token that `/status` and `/advice` ask for; needed off loopback (`EVENKEEL_STATUS_TOKEN`). @default none */
  token?: string | undefined;
  /** Services that are looked after now. @default every service in the store */
  isWatched?: NonNullable<SnapshotOptions["isWatched"]>;
  /** When a service is looked at again, in milliseconds since the epoch. @default not known */
  nextPassAt?: (serviceId: string) => number | null;
  /** What is seen while nothing can be written. @default everything is recorded */
  observing?: NonNullable<SnapshotOptions["observing"]>;
  /** What `/advice` answers. @default there is no such page */
  advice?: () => Promise<AdviceReport>;
  /** Takes Render's webhooks at WEBHOOK_PATH. @default there is no such page */
  webhook?: WebhookReceiver;
  /** @default ANSWER_TIMEOUT_MS */
  answerTimeoutMs?: number;
  /** @default LISTENER_LIMITS */
  limits?: Partial<ListenerLimits>;
}

export interface StatusServer {
  /** Such as `http://127.0.0.1:8765`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws {EvenkeelError} when the address is taken, or is not loopback and no token protects it */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const hostname = options.hostname ?? STATUS_HOSTNAME;
  const port = options.port ?? STATUS_PORT;
  const token = options.token === "" ? undefined : options.token;
  const address = `${hostname}:${port}`;
  if (token !== undefined && token.length < TOKEN_CHARS_MIN) {
    throw new EvenkeelError(
      `Cannot start the status server on ${address}: its token has ${token.length} characters, needed are ${TOKEN_CHARS_MIN}`,
      { hint: "Set EVENKEEL_STATUS_TOKEN to a long random text" },
    );
  }
  if (token === undefined && !isLoopback(hostname)) {
    throw new EvenkeelError(
      `Cannot start the status server on ${address}: it is not loopback and no token protects it`,
      {
        hint: `Set EVENKEEL_STATUS_TOKEN, or listen on ${STATUS_HOSTNAME}`,
      },
    );
  }
  const { fetch } = createApp(options, token, isLoopback(hostname));
  let listener: Listener;
  try {
    listener = await listen({ hostname, port }, (request) => fetch(request), options.limits);
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    const why = isTaken ? "the address is in use" : messageOf(error);
    throw new EvenkeelError(`Cannot start the status server on ${address}: ${why}`, {
      hint: "Choose another port with --status-port",
      cause: error,
    });
  }
  const shown = listener.hostname.includes(":") ? `[${listener.hostname}]` : listener.hostname;
  return { url: `http://${shown}:${listener.port}`, stop: () => listener.stop() };
}

function createApp(options: StatusServerOptions, token: string | undefined, isLocal: boolean): Hono {
  const app = new Hono();
  const refuse = (
    context: Context,
    status: 400 | 401 | 403 | 404 | 405 | 414 | 500 | 503,
    error: string,
  ) => context.json({ error }, status);

  app.use(secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    crossOriginResourcePolicy: "same-origin",
    referrerPolicy: "no-referrer",
    xFrameOptions: "DENY",
  }));
  app.use(async (context, next) => {
    context.header("Cache-Control", "no-store");
    const { url } = context.req.raw;
    if (url.length > URL_CHARS_MAX) {
      return refuse(context, 414, `the address is longer than ${URL_CHARS_MAX} characters`);
    }
    if (isCrossSite(context.req.raw)) return refuse(context, 403, "pages of other origins are not served");
    return await next();
  });
  const { webhook } = options;
  // Before the rules for readers: a delivery comes by POST, from outside, and its signature is its token.
  if (webhook !== undefined) app.post(WEBHOOK_PATH, (context) => webhook.answer(context.req.raw));
  app.use(async (context, next) => {
    const { method, url } = context.req.raw;
    if (method !== "GET" && method !== "HEAD") {
      context.header("Allow", "GET, HEAD");
      return refuse(context, 405, "only GET and HEAD are answered");
    }
    // A page whose name was pointed at loopback must not read what is meant for this machine. It has no token.
    const isKnown = token !== undefined && isAuthorized(context.req.header("Authorization"), token);
    if (isLocal && !isKnown && !isUnmistakable(new URL(url).hostname)) {
      return refuse(context, 400, "this host is not served");
    }
    return await next();
  });
  app.use(async (context, next) => {
    const patience = new AbortController();
    const limitMs = options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
    const late = options.clock.sleep(limitMs, patience.signal).then(() =>
      patience.signal.aborted ? "done" : "late"
    );
    const first = await Promise.race([next().then(() => "done"), late]);
    patience.abort();
    return first === "late" ? refuse(context, 503, `no answer within ${limitMs} ms`) : undefined;
  });

  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", async (context) => {
    const { ready, reason } = await options.readiness();
    return context.json({ ready, reason: sanitizeLine(reason) }, ready ? 200 : 503);
  });
  const snapshot = keptAnswer(() => readStatus(options), options.clock, 0);
  const protect = (path: string, read: () => Promise<Status | AdviceReport>) =>
    app.get(path, async (context) => {
      if (token !== undefined && !isAuthorized(context.req.header("Authorization"), token)) {
        context.header("WWW-Authenticate", 'Bearer realm="evenkeel"');
        return refuse(context, 401, "a bearer token is needed");
      }
      return context.json(await read());
    });
  protect("/status", snapshot);
  if (options.advice !== undefined) protect("/advice", keptAnswer(options.advice, options.clock, 0));
  app.notFound((context) =>
    refuse(context, 404, "there is no such page; known are /healthz, /readyz, /status, /advice")
  );
  app.onError((_error, context) => refuse(context, 500, "the status could not be read"));
  return app;
}

/** Compares digests, so that neither time nor length tells how much of a token was right. */
function isAuthorized(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const [, given = ""] = /^Bearer (\S+)$/i.exec(header ?? "") ?? [];
  return timingSafeEqual(digest(given), digest(token));
}
