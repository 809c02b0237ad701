/** What no handler ever sees is answered like everything else: in JSON, and with nothing for a browser to misuse. */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../base/clock.ts";
import { LISTENER_LIMITS } from "../../status/listener.ts";
import { startStatusServer } from "../../status/server.ts";
import type { StatusServer } from "../../status/server.ts";

const STORE = {
  listServices: () => Promise.resolve([]),
  getActiveIncident: () => Promise.resolve(null),
  listIncidents: () => Promise.resolve([]),
  listEvents: () => Promise.resolve([]),
};

async function serving(use: (server: StatusServer) => Promise<void>): Promise<void> {
  const server = await startStatusServer({
    store: STORE,
    version: "0",
    readiness: () => Promise.resolve({ ready: true, reason: "" }),
    clock: systemClock,
    port: 0,
  });
  await use(server).finally(() => server.stop());
}

/** Sends bytes and reads until the server closes the connection. */
async function send({ url }: StatusServer, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

Deno.test("a token and a signature are compared by what takes as long for a near miss as for any other", async () => {
  for (const file of ["status/server.ts", "render/webhook.ts"]) {
    const source = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    assert(/\btimingSafeEqual\(/.test(source), `${file} compares in another way`);
    assert(
      !/[!=]==? *(?:(?:token|given|expected)\b(?!\.)|digest\()/.test(source),
      `${file} compares by its first difference`,
    );
  }
});

const REFUSED: [what: string, request: string, status: number][] = [
  ["no host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
  ["no host, of HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 400],
  ["two hosts", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: localhost\r\n\r\n", 400],
  ["no request", "NONSENSE\r\n\r\n", 400],
  ["CONNECT", "CONNECT a.example:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400],
  ["an expectation", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: gold\r\n\r\n", 417],
  ["a wait for leave", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n\r\n", 417],
];

Deno.test("what is refused before it is a request is refused in JSON and with the headers of every answer", () =>
  serving(async (server) => {
    for (const [what, request, status] of REFUSED) {
      const [head = "", body = ""] = (await send(server, request)).split("\r\n\r\n");
      assertEquals(head.split(" ")[1], String(status), what);
      assertEquals(typeof JSON.parse(body).error, "string", what);
      for (
        const line of [
          "content-type: application/json",
          "content-security-policy: default-src 'none'; frame-ancestors 'none'",
          "cache-control: no-store",
          "cross-origin-resource-policy: same-origin",
          "referrer-policy: no-referrer",
          "x-content-type-options: nosniff",
          "x-frame-options: deny",
        ]
      ) assert(head.toLowerCase().includes(line), `${what}: ${line}\n${head}`);
    }
  }));

Deno.test("a connection is closed with its last answer, and none of its requests is answered without a word", () =>
  serving(async (server) => {
    const request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const answers = (await send(server, request.repeat(LISTENER_LIMITS.requestsMax + 3))).split("HTTP/1.1 ")
      .slice(1);
    assertEquals(answers.length, LISTENER_LIMITS.requestsMax);
    for (const answer of answers) assert(answer.startsWith("200 ") && answer.includes('{"status":"ok"}'));
  }));
