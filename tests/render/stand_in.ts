/** A loopback server that answers as a test says, and a clock whose sleeps pass at once. */
import type { Clock } from "../../base/clock.ts";

export interface SeenRequest {
  method: string;
  path: string;
  query: [string, string][];
  headers: Headers;
  body: string;
}

export interface StandIn extends AsyncDisposable {
  /** A full base, with a path as Render's has. */
  readonly baseUrl: string;
  readonly seen: SeenRequest[];
}

/** @param answer called for every request; a thrown error ends the connection */
export function startStandIn(
  answer: (request: SeenRequest, count: number) => Response | Promise<Response>,
): StandIn {
  const seen: SeenRequest[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    const one = {
      method: request.method,
      path: url.pathname.replace(/^\/v1/, ""),
      query: [...url.searchParams],
      headers: request.headers,
      body: await request.text(),
    };
    seen.push(one);
    return await answer(one, seen.length);
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/v1`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

export function json(value: unknown, init: ResponseInit = {}): Response {
  return Response.json(value, init);
}

/** A server that speaks raw bytes, for what no web server would send: half a body, silence. */
export function startRawServer(
  answer: (connection: Deno.Conn) => Promise<void>,
): AsyncDisposable & { baseUrl: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const done = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      await connection.read(new Uint8Array(65_536)).catch(() => null);
      await answer(connection).catch(() => {});
    }
  })();
  return {
    baseUrl: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/v1`, // a TCP listener has a NetAddr
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // The test has closed it.
        }
      }
      await done;
    },
  };
}

export interface TestClock extends Clock {
  /** Every sleep asked for, in milliseconds. */
  readonly sleeps: number[];
  advance(ms: number): void;
}

/** Time moves only by sleeping, and sleeping takes no time. */
export function createTestClock(): TestClock {
  let elapsed = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    advance: (ms) => elapsed += ms,
    now: () => Date.UTC(2026, 0, 1) + elapsed,
    monotonic: () => elapsed,
    async sleep(ms, signal) {
      if (signal?.aborted) return;
      sleeps.push(ms);
      elapsed += ms;
      await Promise.resolve();
    },
  };
}
