/**
 * One call of Render's API: takes its place in the budget, sends, reads a bounded body, parses it by a schema.
 * A GET is tried again when the answer may differ next time; a write is sent once, whatever happens, because an
 * answer that was lost does not say that nothing was done. Redirects are not followed: the key stays here.
 * A caller that aborts gets its signal's reason.
 */
import type { z } from "zod";
import type { Clock, Random } from "../base/clock.ts";
import { messageOf, NotSent } from "../base/errors.ts";
import { KNOWN_VALUE_CHARS_MIN, REDACTED } from "../text/redact.ts";
import { RenderNotAsked, RenderRefused, RenderUnreachable } from "./api.ts";
import { AnswerTooLarge, readText } from "./body.ts";
import { BudgetSpent, retryAfterMsOf } from "./budget.ts";
import type { RateBudget, RateClass } from "./budget.ts";
import type { Connection } from "./connection.ts";
import { refusalSchema } from "./schemas.ts";

/** Names and values; a name may occur more than once. */
export type Query = readonly (readonly [string, string])[];

export interface Write {
  method: "POST" | "PATCH" | "PUT" | "DELETE";
  /** Built from checked ids only. */
  path: string;
  /** Sent as JSON; no body when absent. */
  body?: unknown;
  rateClass: RateClass;
  /** A value that an answer may repeat and no message may. */
  secret?: string;
}

/** A 2xx answer whose body is still text. */
export interface Answer {
  call: string;
  status: number;
  contentType: string;
  text: string;
}

export interface Http {
  /** @param path built from checked ids only */
  get<T>(path: string, query: Query, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T>;
  /** Sends a write, once. */
  write(write: Write, signal?: AbortSignal): Promise<Answer>;
  /** @throws {RenderUnreachable} when the body is not JSON of that form */
  parse<T>(answer: Answer, schema: z.ZodType<T>): T;
}

export interface HttpOptions {
  connection: Connection;
  budget: RateBudget;
  fetch: typeof fetch;
  clock: Clock;
  random: Random;
  requestTimeoutMs: number;
  retriesMax: number;
  bodyBytesMax: number;
}

/** The pause before a GET is tried again, in milliseconds: the first doubles each time, up to the longest. */
export const RETRY_DELAY_MS = 250;
export const RETRY_DELAY_MS_MAX = 10_000;
/** The longest Retry-After that is waited for inside a call, in milliseconds. */
export const RETRY_AFTER_MS_MAX = 60_000;

const MESSAGE_CHARS_MAX = 400;
const EXCERPT_CHARS_MAX = 80;

/** What one sending came to, when not to an answer; `again` says whether a GET may be repeated. */
class Failed extends Error {
  constructor(
    readonly error: RenderRefused | RenderUnreachable,
    readonly again: boolean,
    readonly retryAfterMs?: number,
  ) {
    super(error.message);
  }
}

export function createHttp(options: HttpOptions): Http {
  const { connection, clock } = options;
  const clean = (text: string, charsMax = MESSAGE_CHARS_MAX) => connection.redact(text, charsMax);
  const unreachable = (call: string, why: string) =>
    new RenderUnreachable(clean(`Cannot call ${call}: ${why}`), call);

  /** @throws {Failed} */
  const send = async (
    request: Omit<Write, "method"> & { method: Write["method"] | "GET"; query: Query },
    signal: AbortSignal | undefined,
  ): Promise<Answer> => {
    const call = `${request.method} ${request.path}`;
    using permit = await options.budget.take(request.rateClass, signal).catch((error) => {
      if (!(error instanceof BudgetSpent)) throw error;
      const { message, retryAfterMs } = error;
      throw new Failed(new RenderNotAsked(`Cannot call ${call}: ${message}`, 429, call, retryAfterMs), false);
    });
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), options.requestTimeoutMs);
    try {
      const response = await options.fetch(urlOf(connection.baseUrl, request.path, request.query), {
        method: request.method,
        headers: {
          "authorization": connection.authorization,
          "accept": "application/json",
          ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        redirect: "manual",
        signal: signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]),
      });
      permit.learn(response);
      return await judge(call, response, request.secret);
    } catch (error) {
      if (error instanceof Failed || error instanceof NotSent) throw error;
      signal?.throwIfAborted();
      if (error instanceof AnswerTooLarge) throw new Failed(error, false);
      const why = timeout.signal.aborted
        ? `no complete answer within ${options.requestTimeoutMs} ms`
        : `the connection to ${new URL(connection.baseUrl).host} failed (${failureOf(error)})`;
      throw new Failed(unreachable(call, why), true);
    } finally {
      clearTimeout(timer);
    }
  };

  /** Reads the body and sorts the answer by its status. */
  const judge = async (call: string, response: Response, secret?: string): Promise<Answer> => {
    const { status } = response;
    const contentType = clean(response.headers.get("content-type") ?? "no content type", 60);
    if (status >= 300 && status < 400) {
      await response.body?.cancel();
      const why = `it redirects (${status}), and the key is not sent on; check RENDER_API_URL`;
      throw new Failed(unreachable(call, why), false);
    }
    const text = await readText(response, options.bodyBytesMax, call);
    const answer = { call, status, contentType, text: withoutSecret(text, secret) };
    if (status >= 200 && status < 300) return answer;
    const retryAfterMs = retryAfterMsOf(response.headers, clock);
    if (status >= 500) {
      throw new Failed(unreachable(call, `it answered ${status}${said(answer)}`), true, retryAfterMs);
    }
    // A page of HTML is the word of a proxy or another server; of those only a 429 is taken at face value.
    if (status !== 429 && /\bhtml\b/i.test(contentType)) {
      const why = `it answered ${status} with ${describe(answer)}, which is not Render's API`;
      throw new Failed(unreachable(call, why), true);
    }
    const message = clean(`Cannot call ${call}: Render answered ${status}${said(answer)}`);
    const refused = new RenderRefused(message, status, call, retryAfterMs);
    throw new Failed(refused, status === 429, retryAfterMs);
  };

  const said = (answer: Answer): string => {
    const refusal = refusalSchema.safeParse(jsonOf(answer.text));
    const message = refusal.success ? refusal.data.message ?? refusal.data.code : undefined;
    if (message !== undefined) return ` (${clean(message, 200)})`;
    return answer.text.trim() === "" ? "" : ` with ${describe(answer)}`;
  };

  /** Never shows the beginning of JSON: it may hold the value of an environment variable. */
  const describe = (answer: Answer): string => {
    const text = answer.text.trim();
    if (text === "") return "an empty body";
    if (/^[[{"]/.test(text)) return `${answer.contentType} of ${answer.text.length} characters`;
    return `${answer.contentType} that begins "${clean(text.slice(0, 2000), EXCERPT_CHARS_MAX)}"`;
  };

  const parse = <T>(answer: Answer, schema: z.ZodType<T>): T => {
    const { call, status, contentType } = answer;
    const json = jsonOf(answer.text);
    if (json === undefined) {
      throw unreachable(call, `it answered ${status} with ${describe(answer)}, which is not JSON`);
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const field = issue === undefined || issue.path.length === 0 ? "body" : `field ${issue.path.join(".")}`;
    throw unreachable(
      call,
      `it answered ${status} with ${contentType} whose ${field} is not as documented (${issue?.message})`,
    );
  };

  return {
    parse,
    async get(path, query, schema, signal) {
      for (let retries = 0;; retries++) {
        const failed = await send({ method: "GET", path, query, rateClass: { kind: "read" } }, signal).then(
          (answer) => {
            try {
              return { value: parse(answer, schema) };
            } catch (error) {
              return error instanceof RenderUnreachable ? new Failed(error, true) : Promise.reject(error);
            }
          },
          (error) => error instanceof Failed ? error : Promise.reject(error),
        );
        if (!(failed instanceof Failed)) return failed.value;
        const waitMs = failed.retryAfterMs ?? backoffMs(retries, options.random);
        if (!failed.again || retries >= options.retriesMax || waitMs > RETRY_AFTER_MS_MAX) throw failed.error;
        await clock.sleep(waitMs, signal);
        signal?.throwIfAborted();
      }
    },
    async write(write, signal) {
      try {
        return await send({ ...write, query: [] }, signal);
      } catch (error) {
        throw error instanceof Failed ? error.error : error;
      }
    },
  };
}

/** Half of the doubled delay is fixed and half is random, so that callers who failed together part. */
function backoffMs(retries: number, random: Random): number {
  return Math.min(RETRY_DELAY_MS * 2 ** retries, RETRY_DELAY_MS_MAX) * (0.5 + random() / 2);
}

function urlOf(baseUrl: string, path: string, query: Query): string {
  const search = new URLSearchParams(query.map(([name, value]) => [name, value])).toString();
  return search === "" ? `${baseUrl}${path}` : `${baseUrl}${path}?${search}`;
}

function withoutSecret(text: string, secret: string | undefined): string {
  if (secret === undefined || secret.length < KNOWN_VALUE_CHARS_MIN) return text;
  return text.replaceAll(secret, REDACTED).replaceAll(JSON.stringify(secret).slice(1, -1), REDACTED);
}

/** `undefined` when the text is not JSON; JSON itself has no such value. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The innermost reason of a failed fetch, without the address, whose path the message names already. */
function failureOf(error: unknown): string {
  let reason = error;
  for (let depth = 0; depth < 5 && reason instanceof Error && reason.cause !== undefined; depth++) {
    reason = reason.cause;
  }
  return messageOf(reason)
    .replace(/^error sending request for url \(.{0,4000}?\): /, "")
    .replace(/^client error \(\w{1,40}\): (?:tcp connect error: )?/, "")
    .replace(/ \(os error \d{1,6}\)$/, "");
}
