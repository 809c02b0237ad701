/**
 * Asks a service's health path once and tells what came back. A status, a redirect or silence on a connection that
 * stands is an answer; a connection that could not be made or a body cut short is none. Body and time are bounded, redirects are
 * not followed, and what the service says is never believed or printed raw.
 */
import { messageOf } from "../../base/errors.ts";
import { sanitizeLine } from "../../text/sanitize.ts";
import type { MonitorInput, Probe } from "../messages.ts";

export interface HealthAnswer {
  health: Probe;
  httpStatus: number | null;
  /** Milliseconds until the status was there, or until it was given up. */
  latencyMs: number;
  body: Body;
}

export type Body =
  /** No body: nothing answered. */
  | { kind: "none" }
  /** It began and did not end. */
  | { kind: "cut"; reason: "BodyCut" | "BodyTooLarge"; message: string }
  | { kind: "text"; text: string };

const VALUE_CHARS_MAX = 200;
/** For a connection alone, after a probe that was not answered, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;

export async function askHealth(input: MonitorInput): Promise<HealthAnswer> {
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(input.timeoutMs);
  const silence = (health: Probe): HealthAnswer => ({
    health,
    httpStatus: null,
    latencyMs: Math.round(performance.now() - startedAt),
    body: { kind: "none" },
  });
  let response: Response;
  try {
    response = await fetch(new URL(input.healthPath, input.url), {
      redirect: "manual",
      headers: { accept: "application/json", "cache-control": "no-cache", "user-agent": "evenkeel" },
      signal,
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (!signal.aborted) return silence(probe("unknown", "ConnectionFailed", brief(causeOf(error))));
    const message = `${input.healthPath} gave no answer within ${input.timeoutMs} ms`;
    if (input.maySleep) {
      return silence(probe("unknown", "ProbeTimeout", `${message}; the service may be asleep`));
    }
    // Without a connection, silence is as likely our own network's (docs/decisions/silence-is-bad.md).
    return silence(
      await takesConnections(input)
        ? probe("bad", "ProbeTimeout", message)
        : probe("unknown", "NoConnection", `${message}, and no connection can be made`),
    );
  }
  const latencyMs = Math.round(performance.now() - startedAt);
  const body = await readBody(response, input.bodyBytesMax);
  return { health: judgeStatus(response, input.healthPath), httpStatus: response.status, latencyMs, body };
}

/** Whether a connection to the service's address can be made now. */
async function takesConnections({ url, timeoutMs }: MonitorInput): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const address = {
    // An address of IPv6 stands in brackets in a URL only.
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
  };
  try {
    using _connection = await Deno.connect({
      ...address,
      signal: AbortSignal.timeout(Math.min(timeoutMs, CONNECT_TIMEOUT_MS)),
    });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** What the status line and Render's own headers say (reference: Render platform, `x-render-routing`). */
function judgeStatus(response: Response, path: string): Probe {
  const routing = response.headers.get("x-render-routing");
  if (routing === "no-server") {
    return probe("bad", "NoServer", "Render has no running server for this address");
  }
  if (routing?.startsWith("hibernate") === true) {
    return probe("unknown", "Asleep", `the service is asleep (${brief(routing)})`);
  }
  if (response.status === 200) return probe("good", "Answered", `${path} answered 200`);
  if (response.status === 429) {
    return probe("unknown", "TooManyRequests", `${path} answered 429: it was asked too often`);
  }
  const location = response.headers.get("location");
  const to = location === null ? "" : ` to ${brief(location.replace(/[?#].*$/, ""))}`;
  return probe("bad", "HttpStatus", `${path} answered ${response.status}${to}`);
}

async function readBody(response: Response, bytesMax: number): Promise<Body> {
  if (response.body === null) return { kind: "text", text: "" };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        return { kind: "cut", reason: "BodyTooLarge", message: `the body is over ${bytesMax} bytes` };
      }
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    return { kind: "cut", reason: "BodyCut", message: `the body ended early: ${brief(causeOf(error))}` };
  }
  return { kind: "text", text: text + decoder.decode() };
}

/** The innermost reason: what `fetch` itself says is that it failed. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause instanceof Error ? cause : error);
}

export function probe(status: Probe["status"], reason: string, message: string): Probe {
  return { status, reason, message };
}

/** A few words of someone else's, safe to print. */
export function brief(text: string): string {
  return sanitizeLine(text, VALUE_CHARS_MAX);
}
