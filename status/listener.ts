/**
 * An HTTP listener with a limit on everything that a client may take its time over or send too much of. It is node's
 * server, because Deno's own waits for ever for the head of a request; what it hears is handed to a `fetch` handler. A
 * request that cannot be understood is answered without a word about why, and nothing that a client does ends the process.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Patience } from "./patience.ts";

export interface ListenerLimits {
  /** Connections at once; further ones are closed unheard. @default 128 */
  connectionsMax: number;
  /** Bytes of a request's line and headers. @default 16 KiB */
  headBytesMax: number;
  /** Until the head is complete, in milliseconds. @default 5 s */
  headTimeoutMs: number;
  /** Until the body is complete as well, in milliseconds. @default 10 s */
  requestTimeoutMs: number;
  /** Without a byte in either direction, such as while an answer is not read, in milliseconds. @default 10 s */
  idleTimeoutMs: number;
  /** Of a connection from its first byte to its last, in milliseconds: whatever trick is left ends here. @default 60 s */
  connectionTimeoutMs: number;
  /** Requests of one connection. @default 100 */
  requestsMax: number;
  /** How long open requests may go on when the listener stops, in milliseconds. @default 1 s */
  stopGraceMs: number;
}

export const LISTENER_LIMITS: Readonly<ListenerLimits> = {
  connectionsMax: 128,
  headBytesMax: 16 * 1024,
  headTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  connectionTimeoutMs: 60_000,
  requestsMax: 100,
  stopGraceMs: 1_000,
};

export interface Listener {
  readonly hostname: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface Client {
  /** With what it is about to send. */
  patience: Patience;
  /** When its first request began; `null` for later ones, of which that is not known. */
  beganAt: number | null;
}

/** How long what comes after an answer is read and dropped, in milliseconds. */
const LINGER_MS = 500;

/**
 * @param handle must not reject
 * @throws when the address cannot be listened on
 */
export async function listen(
  address: { hostname: string; port: number },
  handle: (request: Request) => Promise<Response> | Response,
  change: Partial<ListenerLimits> = {},
): Promise<Listener> {
  const limits = { ...LISTENER_LIMITS, ...change };
  const clients = new Map<Socket, Client>();
  const server = createServer({
    maxHeaderSize: limits.headBytesMax,
    // Node's own look for slow clients calls those slow whose request it has not read yet.
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    // Such a request is refused here, in the form of all other answers.
    requireHostHeader: false,
  });
  server.maxConnections = limits.connectionsMax;
  server.setTimeout(limits.idleTimeoutMs, (socket) => {
    clients.get(socket)?.patience.wait(0, () => socket.destroy());
  });
  server.on("connection", (socket) => {
    const end = setTimeout(() => socket.destroy(), limits.connectionTimeoutMs);
    const patience = new Patience();
    clients.set(socket, { patience, beganAt: performance.now() });
    patience.wait(limits.headTimeoutMs, () => sendOff(socket, "408 Request Timeout"));
    socket.on("error", () => {});
    socket.on("close", () => {
      patience.stop();
      clearTimeout(end);
      clients.delete(socket);
    });
  });
  const answering = new Set<Socket>();
  const heard = new WeakMap<Socket, number>();
  server.on("request", (incoming, outgoing) => {
    const { socket } = incoming;
    const requests = (heard.get(socket) ?? 0) + 1;
    heard.set(socket, requests);
    // With the answer to the last one the connection is closed.
    if (requests > limits.requestsMax) return refuse(outgoing, 503);
    if (requests === limits.requestsMax) outgoing.shouldKeepAlive = false;
    answering.add(socket);
    const client = clients.get(socket);
    const tookMs = performance.now() - (client?.beganAt ?? performance.now());
    if (client !== undefined) client.beganAt = null;
    client?.patience.wait(Math.max(0, limits.requestTimeoutMs - tookMs), () => refuse(outgoing, 408));
    incoming.on("end", () => client?.patience.stop());
    outgoing.on("close", () => {
      answering.delete(socket);
      // When the next head begins is not told: it has to be whole soon after somebody silent would have been ended.
      const nextMs = limits.idleTimeoutMs + limits.headTimeoutMs;
      if (incoming.complete) clients.get(socket)?.patience.wait(nextMs, () => socket.destroy());
    });
    void answer(incoming, outgoing, handle);
  });
  server.on("clientError", (error, socket) => sendOff(socket, statusOf(error)));
  for (const event of ["connect", "upgrade"] as const) {
    server.on(event, (_incoming, socket) => sendOff(socket, "400 Bad Request"));
  }
  for (const event of ["checkContinue", "checkExpectation"] as const) {
    server.on(event, (_incoming, outgoing) => refuse(outgoing, 417));
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.hostname, () => {
      server.off("error", reject);
      // What goes wrong with one connection is no reason to stop listening.
      server.on("error", () => {});
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("The listener has no port");
  return {
    hostname: bound.address,
    port: bound.port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const end = (mayStay: (socket: Socket) => boolean) => {
        for (const socket of clients.keys()) if (!mayStay(socket)) socket.destroy();
      };
      end((socket) => answering.has(socket));
      const late = setTimeout(end, limits.stopGraceMs, () => false);
      await closed;
      clearTimeout(late);
    },
  };
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: Request) => Promise<Response> | Response,
): Promise<void> {
  incoming.on("error", () => {});
  outgoing.on("error", () => {});
  outgoing.on("finish", () => linger(incoming));
  try {
    const request = toRequest(incoming);
    if (request === undefined) return refuse(outgoing, 400);
    const response = await handle(request);
    const body = new Uint8Array(await response.arrayBuffer());
    const close = incoming.complete ? {} : { Connection: "close" };
    outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), ...close });
    outgoing.end(body);
  } catch {
    refuse(outgoing, 500);
  }
}

/** Who still sends when the answer is out may read it first: to close at once would take it away. */
function linger(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  incoming.resume();
  const { socket } = incoming;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** @returns undefined for a request that means different things to different readers, or nothing */
function toRequest(incoming: IncomingMessage): Request | undefined {
  const { method = "", url = "", rawHeaders } = incoming;
  const headers = new Headers();
  let hosts = 0;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (name.toLowerCase() === "host") hosts++;
    try {
      headers.append(name, value);
    } catch {
      return undefined;
    }
  }
  const host = headers.get("host") ?? "";
  // One plain host, and an address that begins with a slash: no other server's, no `*`.
  if (hosts !== 1 || !/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)) return undefined;
  const address = url.startsWith("/") ? URL.parse(`http://${host}${url}`) : null;
  if (address === null) return undefined;
  const hasBody = method !== "GET" && method !== "HEAD";
  try {
    return new Request(address, { method, headers, ...(hasBody ? { body: bodyOf(incoming) } : {}) });
  } catch {
    // TRACE and other methods that the web knows no request for.
    return undefined;
  }
}

/** A body as a stream that may be left half read: node's own way would take the connection down with it. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isOver = false;
  return new ReadableStream({
    start(controller) {
      const finish = (how: () => void) => {
        if (!isOver) how();
        isOver = true;
      };
      incoming.on("data", (chunk: Uint8Array) => {
        if (isOver) return;
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
      });
      incoming.on("end", () => finish(() => controller.close()));
      incoming.on("close", () => finish(() => controller.error(new Error("The body broke off"))));
      incoming.pause();
    },
    pull: () => void incoming.resume(),
    cancel() {
      isOver = true;
      incoming.resume();
    },
  });
}

/** For answers that the handler has no part in. */
const REFUSAL = '{"error":"the request cannot be answered"}';
const REFUSAL_HEADERS = {
  "Content-Type": "application/json",
  "Content-Length": String(REFUSAL.length),
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cache-Control": "no-store",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Connection": "close",
};

function refuse(outgoing: ServerResponse, status: number): void {
  if (outgoing.headersSent) return void outgoing.destroy();
  outgoing.writeHead(status, REFUSAL_HEADERS);
  outgoing.end(REFUSAL);
}

function statusOf(error: Error & { code?: unknown }): string {
  return error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
}

/** Answers on a connection on which no request came about, and closes it. */
function sendOff(
  socket: { writable: boolean; end(text: string): void; destroy(): void },
  status: string,
): void {
  if (!socket.writable) return socket.destroy();
  const headers = Object.entries(REFUSAL_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join("")}\r\n${REFUSAL}`);
}
