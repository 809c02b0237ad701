import { assert, assertEquals, assertMatch } from "@std/assert";
import { listen, LISTENER_LIMITS } from "../../status/listener.ts";
import type { Listener, ListenerLimits } from "../../status/listener.ts";

const LIMITS: Partial<ListenerLimits> = {
  connectionsMax: 8,
  headTimeoutMs: 200,
  requestTimeoutMs: 300,
  idleTimeoutMs: 300,
  connectionTimeoutMs: 1500,
  stopGraceMs: 50,
};
const LARGE = "x".repeat(30_000_000);
/** How often a slow client sends its next byte, in milliseconds: often enough never to be idle. */
const DRIBBLE_MS = 20;

async function serving(use: (listener: Listener) => Promise<void>, limits: Partial<ListenerLimits> = {}) {
  const listener = await listen({ hostname: "127.0.0.1", port: 0 }, async (request) => {
    const { pathname } = new URL(request.url);
    return new Response(pathname === "/large" ? LARGE : pathname === "/read" ? await request.text() : "fine");
  }, { ...LIMITS, ...limits });
  try {
    await use(listener);
  } finally {
    await listener.stop();
  }
}

const connect = ({ hostname, port }: Listener) => Deno.connect({ hostname, port });
const write = (connection: Deno.Conn, text: string) => connection.write(new TextEncoder().encode(text));

/** Reads until the server ends the connection; hangs where it never does. */
async function untilEnded(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  try {
    for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
      if (text.length < 1000) text += new TextDecoder().decode(buffer.subarray(0, read));
    }
  } catch {
    // Reset.
  }
  return text;
}

/** Sends `begin`, then a byte at a time until the server has ended the connection. */
async function dribble(listener: Listener, begin: string, byte: string): Promise<string> {
  using connection = await connect(listener);
  await write(connection, begin);
  const timer = setInterval(() => write(connection, byte).catch(() => {}), DRIBBLE_MS);
  const text = await untilEnded(connection);
  clearInterval(timer);
  return text;
}

async function isServed(listener: Listener): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${listener.port}/`).then((one) => one.text()).then(
    (text) => text === "fine",
    () => false,
  );
}

Deno.test("a client that sends its head or its body byte by byte is ended, answered or not", async () => {
  await serving(async (listener) => {
    const ended = await Promise.all([
      dribble(listener, "GET / HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n"),
      dribble(listener, "GET /", "a"),
      dribble(listener, "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n", "a"),
      dribble(
        listener,
        "POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        "1\r\na\r\n",
      ),
      // Answered at once, its body never read.
      dribble(listener, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n", "a"),
    ]);
    for (const text of ended.slice(0, 4)) assert(!text.includes("200 OK"), text);
    assertMatch(ended[4] ?? "", /^HTTP\/1\.1 200 OK/);
    assert(await isServed(listener));
  });
});

Deno.test("a client that does not read its answer is ended, and so is one that asks for ever", async () => {
  await serving(async (listener) => {
    using deaf = await connect(listener);
    await write(deaf, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // More than the idle time passes while nothing is read.
    await dribble(listener, "GET /", "a");
    await new Promise((resolve) => setTimeout(resolve, 400));
    let bytes = 0;
    try {
      for await (const chunk of deaf.readable) bytes += chunk.length;
    } catch {
      // Reset.
    }
    assert(bytes < LARGE.length, `${bytes} bytes came`);

    using eager = await connect(listener);
    const timer = setInterval(
      () => write(eager, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").catch(() => {}),
      50,
    );
    assertMatch(await untilEnded(eager), /200 OK/);
    clearInterval(timer);
    assert(await isServed(listener));
  });
});

Deno.test("a client that is never idle and asks seldom enough is ended when its connection is too old", async () => {
  const patient = { headTimeoutMs: 60_000, requestTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  // So many take the client far longer than its connection may last.
  const requestsMax = 200;
  await serving(async (listener) => {
    using connection = await connect(listener);
    let answers = 0;
    const isAnswered = async () => {
      try {
        await write(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return await connection.read(new Uint8Array(1000)) !== null;
      } catch {
        // Reset.
        return false;
      }
    };
    while (await isAnswered()) {
      answers++;
      await new Promise((resolve) => setTimeout(resolve, DRIBBLE_MS));
    }
    assert(answers > 0 && answers < requestsMax, `${answers} answers`);
    assert(await isServed(listener));
  }, { ...patient, requestsMax, connectionTimeoutMs: 500 });
});

Deno.test("connections beyond the most are closed unheard", async () => {
  const patient = { headTimeoutMs: 60_000, requestTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  await serving(async (listener) => {
    const held = await Promise.all(Array.from({ length: 8 }, () => connect(listener)));
    // An answer on each shows that the server has taken all of them.
    for (const connection of held) {
      await write(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assert((await connection.read(new Uint8Array(1000)) ?? 0) > 0);
    }
    const beyond = await Promise.all(Array.from({ length: 32 }, () => connect(listener)));
    assertEquals(new Set(await Promise.all(beyond.map(untilEnded))), new Set([""]));
    for (const connection of [...held, ...beyond]) connection.close();
  }, { ...patient, connectionTimeoutMs: 60_000 });
});

Deno.test("connections that say nothing are ended and make room again", async () => {
  await serving(async (listener) => {
    const idle = await Promise.all(Array.from({ length: 8 }, () => connect(listener)));
    await Promise.all(idle.map(untilEnded));
    for (const connection of idle) connection.close();
    // The server counts a connection out a moment after the client has seen its end; without room this never ends.
    while (!await isServed(listener)) await new Promise((resolve) => setTimeout(resolve, DRIBBLE_MS));
  });
});

Deno.test("a listener that stops lets an answer go out and does not wait for who is slow", async () => {
  await serving(async (listener) => {
    const slow = await connect(listener);
    await write(slow, "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
    const answer = fetch(`http://127.0.0.1:${listener.port}/`).then((one) => one.text());
    assertEquals(await answer, "fine");
    await listener.stop();
    await untilEnded(slow);
    slow.close();
    assertEquals(await isServed(listener), false);
  });
});

Deno.test("docs/status.md names the limits of the listener as they are", async () => {
  const text = (await Deno.readTextFile(new URL("../../docs/status.md", import.meta.url))).replace(
    /\s+/g,
    " ",
  );
  const { connectionsMax, headBytesMax, headTimeoutMs, requestTimeoutMs, idleTimeoutMs, ...rest } =
    LISTENER_LIMITS;
  const seconds = (ms: number) => `${ms / 1000} s`;
  for (
    const words of [
      `${connectionsMax} connections`,
      `${headBytesMax / 1024} KiB and ${seconds(headTimeoutMs)} for a request's line and headers`,
      `${seconds(requestTimeoutMs)} for the whole of it`,
      `${seconds(idleTimeoutMs)} without a byte`,
      `${seconds(rest.connectionTimeoutMs)} and ${rest.requestsMax} requests for one connection`,
    ]
  ) assert(text.includes(words), words);
});
