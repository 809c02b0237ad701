/**
 * The front of one service: a loopback port that always answers. It forwards to the live instance, or says in
 * the platform's own words why it cannot (reference section 5). WebSockets are not forwarded.
 */
import type { Clock, Random } from "../base/clock.ts";
import { newId } from "./ids.ts";
import type { Route } from "./release.ts";

export type Destination =
  | Route
  | { kind: "none" }
  | { kind: "suspended" }
  | { kind: "maintenance" }
  /** A free service sleeps; a request waits until it is awake. */
  | { kind: "asleep"; awake: Promise<void> }
  | { kind: "wake-failed" };

export interface Front {
  readonly url: string;
  stop(): Promise<void>;
}

/** Headers that belong to one connection and are not passed on (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const POOL_IDLE_MS = 1000;

/** @param destination asked for each request */
export function startFront(clock: Clock, random: Random, destination: () => Destination): Front {
  const client = Deno.createHttpClient({ poolIdleTimeout: POOL_IDLE_MS, allowHost: true });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request, info) => {
    const requestId = newId("req", clock.now(), random);
    const gone = new AbortController();
    info.completed.catch(() => gone.abort());
    const caller = { address: info.remoteAddr.hostname, gone: gone.signal };
    let to = destination();
    if (to.kind === "asleep") {
      await Promise.race([to.awake, aborted(gone.signal)]);
      to = destination();
    }
    const response = await answer(request, to, client, caller);
    response.headers.set("rndr-id", requestId);
    return response;
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    stop: async () => {
      // Closing the client first ends streams that would keep the server from shutting down.
      client.close();
      const forced = new AbortController();
      await Promise.race([server.shutdown(), clock.sleep(200, forced.signal)]);
      forced.abort();
    },
  };
}

interface Caller {
  address: string;
  /** Aborts when the caller has hung up. */
  gone: AbortSignal;
}

async function answer(
  request: Request,
  to: Destination,
  client: Deno.HttpClient,
  caller: Caller,
): Promise<Response> {
  switch (to.kind) {
    case "none":
      return platformAnswer(404, "Not Found", "no-server");
    case "suspended":
      return platformAnswer(503, "This service has been suspended.");
    case "maintenance":
      return platformAnswer(503, "This service is under maintenance.");
    case "asleep":
    case "wake-failed":
      return platformAnswer(503, "", "hibernate-wake-error");
    case "unhealthy":
      return platformAnswer(503, "Service Unavailable");
    case "down":
      return platformAnswer(502, "Bad Gateway");
    case "instance":
      return await forward(request, to.port, client, caller);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** @param routing the reason in `x-render-routing`, for the answers where Render is known to give one */
function platformAnswer(status: number, text: string, routing?: string): Response {
  const headers = new Headers({ "content-type": "text/plain" });
  if (routing !== undefined) headers.set("x-render-routing", routing);
  return new Response(`${text}\n`, { status, headers });
}

async function forward(request: Request, port: number, client: Deno.HttpClient, caller: Caller) {
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  for (const name of HOP_BY_HOP) headers.delete(name);
  // Compressed answers would be unpacked on the way; asking for plain ones keeps body and headers true.
  headers.set("accept-encoding", "identity");
  headers.set("x-forwarded-for", caller.address);
  headers.set("x-forwarded-proto", "https");
  try {
    const response = await fetch(`http://127.0.0.1:${port}${url.pathname}${url.search}`, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
      signal: caller.gone,
      client,
    });
    const answered = new Headers(response.headers);
    for (const name of HOP_BY_HOP) answered.delete(name);
    return new Response(response.body, {
      status: response.status,
      statusText: response.statusText,
      headers: answered,
    });
  } catch {
    return platformAnswer(502, "Bad Gateway");
  }
}
