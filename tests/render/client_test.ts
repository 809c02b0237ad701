import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { EvenkeelError } from "../../base/errors.ts";
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import { createRenderClient } from "../../render/client.ts";
import type { RenderClientOptions } from "../../render/client.ts";
import { createTestClock, json, startRawServer, startStandIn } from "./stand_in.ts";
import { withPatience } from "../helpers/patience.ts";

const KEY = "rnd_canary4711secret";
const SERVICE = "srv-d0cjkelq67qs70c2pugg";
const DEPLOY = "dep-d0cjkelq67qs70c2puh0";

function client(baseUrl: string, options: Partial<RenderClientOptions> = {}) {
  return createRenderClient({ apiKey: KEY, baseUrl, clock: createTestClock(), random: () => 0, ...options });
}

const isRead = async (call: () => Promise<unknown>) => await assertRejects(call, RenderUnreachable);

Deno.test("a GET that met 5xx, a broken body and a dropped connection is answered in the end (promise 3)", async () => {
  await using server = startStandIn((_request, count) => {
    if (count === 1) return new Response("oops", { status: 503 });
    if (count === 2) return new Response('{"id": "srv-', { headers: { "content-type": "application/json" } });
    return json({ id: SERVICE, name: "web", somethingNew: { nested: true }, rootDir: null });
  });
  const clock = createTestClock();
  const service = await client(server.baseUrl, { clock }).getService(SERVICE);
  assertEquals([service.id, service.name, service.rootDir], [SERVICE, "web", undefined]);
  assertEquals([server.seen.length, clock.sleeps], [3, [125, 250]]);
  assertEquals(server.seen[0]?.headers.get("authorization"), `Bearer ${KEY}`);
  assertEquals(server.seen[0]?.headers.get("accept"), "application/json");
});

Deno.test("a GET gives up after the retries allowed and says what the last answer was", async () => {
  await using server = startStandIn(() => json({ message: "we are down" }, { status: 500 }));
  const error = await isRead(() => client(server.baseUrl).getService(SERVICE));
  assertStringIncludes(error.message, `Cannot call GET /services/${SERVICE}: it answered 500 (we are down)`);
  assertEquals(server.seen.length, 4);
});

Deno.test("a 429 of a GET is waited for as long as Retry-After says (promise 3)", async () => {
  await using server = startStandIn((_request, count) =>
    count === 1
      ? json({ message: "rate limit exceeded" }, { status: 429, headers: { "retry-after": "17" } })
      : json({ id: SERVICE })
  );
  const clock = createTestClock();
  await client(server.baseUrl, { clock }).getService(SERVICE);
  assertEquals(clock.sleeps.reduce((sum, ms) => sum + ms), 17_000);
});

Deno.test("a 429 of a write is a refusal that says when to come back, and is not repeated (promise 3)", async () => {
  await using server = startStandIn(() =>
    json({ message: "rate limit exceeded" }, { status: 429, headers: { "retry-after": "9" } })
  );
  const error = await assertRejects(() => client(server.baseUrl).createDeploy(SERVICE, {}), RenderRefused);
  assertEquals([error.status, error.retryAfterMs, error.call], [
    429,
    9000,
    `POST /services/${SERVICE}/deploys`,
  ]);
  assertEquals(server.seen.length, 1);
});

Deno.test("a spent budget refuses a write without sending it (promise 3)", async () => {
  await using server = startStandIn(() =>
    json({ id: DEPLOY }, { status: 201, headers: { "RateLimit-Remaining": "0", "RateLimit-Reset": "250" } })
  );
  const render = client(server.baseUrl);
  await render.createDeploy(SERVICE, {});
  const error = await assertRejects(() => render.createDeploy(SERVICE, {}), RenderRefused);
  assertEquals([error.status, error.retryAfterMs, server.seen.length], [429, 250_000, 1]);
});

Deno.test("a write is sent once, whether it met 5xx, silence or half an answer (promise 3)", async () => {
  await using server = startStandIn(() => new Response("", { status: 502 }));
  await isRead(() => client(server.baseUrl).createDeploy(SERVICE, {}));
  assertEquals(server.seen.length, 1);

  assertEquals(await withPatience(250, restartedInSilence, (connections) => connections > 0), 1);
});

/** @returns how often a server that never answers was asked before its time was over */
async function restartedInSilence(requestTimeoutMs: number): Promise<number> {
  let connections = 0;
  await using silent = startRawServer(async () => {
    connections++;
    await Promise.resolve();
  });
  const error = await isRead(() => client(silent.baseUrl, { requestTimeoutMs }).restartService(SERVICE));
  assertStringIncludes(error.message, `no complete answer within ${requestTimeoutMs} ms`);
  return connections;
}

Deno.test("a body that stops half way is no answer (promise 3)", async () => {
  let connections = 0;
  await using server = startRawServer(async (connection) => {
    connections++;
    const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
    await connection.write(new TextEncoder().encode(`${head}{"id": "srv-`));
    connection.close();
  });
  const error = await isRead(() => client(server.baseUrl, { retriesMax: 1 }).getService(SERVICE));
  assertStringIncludes(
    error.message,
    `Cannot call GET /services/${SERVICE}: the connection to ${new URL(server.baseUrl).host} failed`,
  );
  assertEquals(connections, 2);
});

Deno.test("a body that trickles is ended by the time limit (promise 3)", async () => {
  await using server = startRawServer(async (connection) => {
    const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{";
    await connection.write(new TextEncoder().encode(head));
  });
  const options = { retriesMax: 0, requestTimeoutMs: 60 };
  const error = await isRead(() => client(server.baseUrl, options).getService(SERVICE));
  assertStringIncludes(error.message, "no complete answer within 60 ms");
});

Deno.test("an address where nobody listens is unreachable, in words without the address's query", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr; // a TCP listener has a NetAddr
  listener.close();
  const error = await isRead(() => client(`http://127.0.0.1:${port}`).listServices({ name: "web" }));
  assertStringIncludes(
    error.message,
    `Cannot call GET /services: the connection to 127.0.0.1:${port} failed (`,
  );
  assertStringIncludes(error.message, "refused");
  assertEquals(error.message.includes("name=web"), false);
});

Deno.test("a page of HTML for JSON is named with its call, status, type and beginning (promise 3)", async () => {
  const page = "<html><title>Wi-Fi \x1b[31mlogin</title>";
  await using server = startStandIn((_request, count) =>
    new Response(page, { status: count === 1 ? 200 : 403, headers: { "content-type": "text/html" } })
  );
  const render = client(server.baseUrl, { retriesMax: 0 });
  const error = await isRead(() => render.getService(SERVICE));
  assertEquals(
    error.message,
    `Cannot call GET /services/${SERVICE}: it answered 200 with text/html that begins ` +
      `"<html><title>Wi-Fi login</title>", which is not JSON`,
  );
  // A proxy's 403 says nothing about our rights at Render.
  assertStringIncludes((await isRead(() => render.getService(SERVICE))).message, "which is not Render's API");
});

Deno.test("HTML in answer to a write that would be empty is no success (promise 3)", async () => {
  await using server = startStandIn(() =>
    new Response("<html>", { status: 200, headers: { "content-type": "text/html" } })
  );
  await isRead(() => client(server.baseUrl).restartService(SERVICE));
});

Deno.test("an answer that is not as documented names the field and shows no value", async () => {
  await using server = startStandIn(() => json([{ envVar: { key: 5, value: "hush-hush" }, cursor: "c" }]));
  const error = await isRead(() => client(server.baseUrl, { retriesMax: 0 }).listEnvVars(SERVICE));
  assertStringIncludes(error.message, "field 0.envVar.key");
  assertEquals(error.message.includes("hush"), false);

  await using broken = startStandIn(() => new Response('{"key": "A", "value": "hush-hush'));
  const other = await isRead(() => client(broken.baseUrl, { retriesMax: 0 }).getEnvVar(SERVICE, "A"));
  assertEquals(other.message.includes("hush"), false);
});

Deno.test("a refusal carries Render's words, on one line, and its status", async () => {
  await using server = startStandIn(() =>
    json({ id: "x", message: `invalid\n\x1b[2Jstart command ${"very ".repeat(200)}long` }, { status: 400 })
  );
  const error = await assertRejects(() => client(server.baseUrl).patchService(SERVICE, {}), RenderRefused);
  assertStringIncludes(error.message, `Cannot call PATCH /services/${SERVICE}: Render answered 400 (invalid`);
  assert(error.message.length < 450 && !error.message.includes("\n") && !error.message.includes("\x1b"));
  assertEquals(error.status, 400);
});

Deno.test("the key and a value being set are in no message, even when the answer repeats them (promise 15)", async () => {
  const echo = `no such key: ${KEY} (Bearer ${KEY}), base64 ${btoa(KEY)}, value my-hidden-value`;
  await using server = startStandIn((request) => {
    if (request.path.endsWith("/a")) return new Response(echo, { status: 200 });
    return json({ message: echo }, { status: request.path.endsWith("/b") ? 500 : 401 });
  });
  const render = client(server.baseUrl, { retriesMax: 0 });
  for (
    const call of [
      () => render.getDeploy(SERVICE, "a"),
      () => render.getDeploy(SERVICE, "b"),
      () => render.getService(SERVICE),
      () => render.setEnvVar(SERVICE, "A", "my-hidden-value"),
      () => render.createDeploy(SERVICE, {}),
    ]
  ) {
    const error = await assertRejects(call);
    const shown = Deno.inspect(error, { depth: 9 }) + JSON.stringify(error);
    assertEquals([shown.includes(KEY), shown.includes(btoa(KEY))], [false, false], shown);
  }
  const error = await assertRejects(() => render.setEnvVar(SERVICE, "A", "my-hidden-value"));
  assertEquals(Deno.inspect(error).includes("my-hidden-value"), false);
  assertEquals(Deno.inspect(render, { depth: 9, showHidden: true }).includes(KEY), false);
});

Deno.test("a redirect is not followed, so the key goes nowhere else (promise 15)", async () => {
  await using other = startStandIn(() => json({ id: SERVICE }));
  await using server = startStandIn(() => Response.redirect(`${other.baseUrl}/services/${SERVICE}`, 307));
  const error = await isRead(() => client(server.baseUrl).getService(SERVICE));
  assertStringIncludes(error.message, "it redirects (307)");
  assertEquals([server.seen.length, other.seen.length], [1, 0]);
});

Deno.test("a body larger than the limit is left, and not asked for again (promise 19)", async () => {
  await using server = startStandIn(() => json({ id: SERVICE, name: "x".repeat(10_000) }));
  const error = await isRead(() => client(server.baseUrl, { bodyBytesMax: 5000 }).getService(SERVICE));
  assertStringIncludes(error.message, "larger than 5000 bytes");
  assertEquals(server.seen.length, 1);
});

Deno.test("a caller that aborts gets its own reason, also while it waits to try again", async () => {
  const leaving = new AbortController();
  await using server = startStandIn(() => {
    leaving.abort(new Error("shutting down"));
    return new Response("", { status: 503 });
  });
  await assertRejects(
    () => client(server.baseUrl).getService(SERVICE, leaving.signal),
    Error,
    "shutting down",
  );
  assertEquals(server.seen.length, 1);
});

Deno.test("createDeploy() sends at least an object and gives null when Render only queued it", async () => {
  await using server = startStandIn((_request, count) =>
    count === 1
      ? new Response(null, { status: 202 })
      : json({ id: DEPLOY, status: "queued" }, { status: 201 })
  );
  const render = client(server.baseUrl);
  assertEquals(await render.createDeploy(SERVICE, {}), null);
  assertEquals((await render.createDeploy(SERVICE, { commitId: "abc", clearCache: "clear" }))?.id, DEPLOY);
  assertEquals(server.seen.map((request) => JSON.parse(request.body)), [{}, {
    commitId: "abc",
    clearCache: "clear",
  }]);
  assertEquals(server.seen[0]?.headers.get("content-type"), "application/json");
});

Deno.test("a missing variable is null, a missing service is a refusal", async () => {
  await using server = startStandIn((request) =>
    request.path === `/services/${SERVICE}`
      ? json({ id: SERVICE })
      : json({ message: "not found" }, { status: 404 })
  );
  const render = client(server.baseUrl);
  assertEquals(await render.getEnvVar(SERVICE, "PORT"), null);
  const error = await assertRejects(() => render.getEnvVar("srv-other", "PORT"), RenderRefused);
  assertEquals([error.status, error.call], [404, "GET /services/srv-other"]);
});

Deno.test("an id or a name that could leave its place in the path is not sent", async () => {
  await using server = startStandIn(() => json({ id: SERVICE }));
  const render = client(server.baseUrl);
  for (const id of ["../owners", "srv-a/deploys", "srv-a?x", "", "a".repeat(200), "srv-\n"]) {
    await assertRejects(() => render.getService(id), EvenkeelError, "is no service id");
    await assertRejects(() => render.rollback(SERVICE, id), EvenkeelError, "is no deploy id");
  }
  await assertRejects(
    () => render.getEnvVar(SERVICE, "A/../B"),
    EvenkeelError,
    "is no environment variable name",
  );
  assertEquals(server.seen.length, 0);
});

Deno.test("createRenderClient() names the setting that cannot be used, and repeats no credential", () => {
  const refused = (options: { apiKey?: string; baseUrl?: string }) =>
    assertThrows(() => createRenderClient({ apiKey: KEY, ...options }), EvenkeelError);
  for (const apiKey of ["", "  ", "rnd_a\nb", "rnd_ä"]) {
    const error = refused({ apiKey });
    assertStringIncludes(error.message, "RENDER_API_KEY");
    assertEquals(error.exitCode, 2);
  }
  for (
    const baseUrl of [
      "api.render.com/v1",
      "ftp://render.com",
      "http://render.example.com/v1",
      "https://me:hidden@render.com/v1",
      "https://render.com/v1?key=1",
    ]
  ) {
    const error = refused({ baseUrl });
    assertStringIncludes(error.message, "RENDER_API_URL");
    assertEquals(error.message.includes("hidden"), false);
  }
  createRenderClient({ apiKey: KEY, baseUrl: "http://localhost:1234/v1/" });
  createRenderClient({ apiKey: KEY });
});
