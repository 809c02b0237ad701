import { assert, assertEquals, assertRejects } from "@std/assert";
import { RenderNotAsked, RenderRefused, RenderUnreachable } from "../../render/api.ts";
import type { RenderApi } from "../../render/api.ts";
import { createRenderClient } from "../../render/client.ts";
import { createRateBudget } from "../../render/budget.ts";
import { createTestClock, json, startRawServer, startStandIn } from "./stand_in.ts";

const SERVICE = "srv-d0cjkelq67qs70c2pugg";
const DEPLOY = "dep-d0cjkelq67qs70c2puh0";

const READS: [name: string, call: (render: RenderApi) => Promise<unknown>][] = [
  ["listServices", (render) => render.listServices()],
  ["getService", (render) => render.getService(SERVICE)],
  ["listDeploys", (render) => render.listDeploys(SERVICE)],
  ["getDeploy", (render) => render.getDeploy(SERVICE, DEPLOY)],
  ["listEvents", (render) => render.listEvents(SERVICE)],
  ["listLogs", (render) => render.listLogs({ ownerId: "tea-1", resource: [SERVICE] })],
  ["listEnvVars", (render) => render.listEnvVars(SERVICE)],
  ["getEnvVar", (render) => render.getEnvVar(SERVICE, "A")],
  ["getPostgres", (render) => render.getPostgres("dpg-1")],
];
const WRITES: [name: string, call: (render: RenderApi) => Promise<unknown>][] = [
  ["patchService", (render) => render.patchService(SERVICE, { autoDeploy: "no" })],
  ["suspendService", (render) => render.suspendService(SERVICE)],
  ["resumeService", (render) => render.resumeService(SERVICE)],
  ["restartService", (render) => render.restartService(SERVICE)],
  ["createDeploy", (render) => render.createDeploy(SERVICE, {})],
  ["cancelDeploy", (render) => render.cancelDeploy(SERVICE, DEPLOY)],
  ["rollback", (render) => render.rollback(SERVICE, DEPLOY)],
  ["setEnvVar", (render) => render.setEnvVar(SERVICE, "A", "b")],
  ["deleteEnvVar", (render) => render.deleteEnvVar(SERVICE, "A")],
];

/** What a read must never take for an answer. */
const FAULTS: [name: string, answer: () => Response][] = [
  ["429", () => json({ message: "slow down" }, { status: 429, headers: { "retry-after": "2" } })],
  ["500", () => json({ message: "oops" }, { status: 500 })],
  ["502 of a proxy", () => new Response("<html>bad gateway</html>", { status: 502 })],
  ["503 without a body", () => new Response(null, { status: 503 })],
  ["HTML for JSON", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  [
    "half of a JSON text",
    () => new Response('{"id": "srv-', { headers: { "content-type": "application/json" } }),
  ],
  ["JSON of another kind", () => json("hello")],
  ["an empty body", () => new Response("")],
  ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } })],
];

const isFailure = (error: unknown) => error instanceof RenderRefused || error instanceof RenderUnreachable;

for (const [fault, answer] of FAULTS) {
  Deno.test(`no read takes ${fault} for an answer, and each asks only so often (promise 3)`, async () => {
    for (const [name, call] of READS) {
      await using server = startStandIn(answer);
      const render = client(server.baseUrl);
      const error = await assertRejects(() => call(render));
      assert(isFailure(error), `${name}: ${error}`);
      assert(server.seen.length >= 1 && server.seen.length <= 4, `${name} asked ${server.seen.length} times`);
    }
  });
}

Deno.test("a write is sent once whatever comes back, and only a clear answer counts as done (promise 3)", async () => {
  for (const [fault, answer] of FAULTS) {
    for (const [name, call] of WRITES) {
      await using server = startStandIn(answer);
      const done = await call(client(server.baseUrl)).then(() => true, (error) => {
        assert(isFailure(error), `${name}, ${fault}: ${error}`);
        return false;
      });
      assertEquals(server.seen.length, 1, `${name}, ${fault}`);
      // Some writes are answered without a body.
      const mayBeEmpty = !["patchService", "rollback", "createDeploy"].includes(name);
      const isWord = fault === "an empty body" || fault === "JSON of another kind";
      assertEquals(done, mayBeEmpty && isWord, `${name}, ${fault}`);
    }
  }
});

Deno.test("a write that is cut off or not answered is sent once and called unknown (promise 3)", async () => {
  for (const bytes of ["", "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", "HTTP/1.1 20"]) {
    let connections = 0;
    await using server = startRawServer(async (connection) => {
      connections++;
      await connection.write(new TextEncoder().encode(bytes));
      connection.close();
    });
    await assertRejects(() => client(server.baseUrl).createDeploy(SERVICE, {}), RenderUnreachable);
    assertEquals(connections, 1, bytes);
  }
});

Deno.test("all services share one budget: two hundred of them stay inside Render's limits together (promise 3)", async () => {
  const clock = createTestClock();
  const sentAt: number[] = [];
  await using server = startStandIn((request) =>
    json(request.path.includes("/deploys") ? [] : { id: SERVICE })
  );
  const budget = createRateBudget({ clock });
  const watched: typeof fetch = (...given) => {
    sentAt.push(clock.monotonic());
    return fetch(...given);
  };
  const render = client(server.baseUrl, { clock, budget, fetch: watched });
  const ids = Array.from({ length: 200 }, (_, at) => `srv-${at}`);
  await Promise.all(
    ids.flatMap((id) => [render.getService(id), render.listDeploys(id), render.getService(id)]),
  );
  assertEquals(sentAt.length, 600);
  // Of a window of a minute no more than Render allows; the clock moves only by waiting.
  for (const start of new Set(sentAt)) {
    assert(sentAt.filter((at) => at >= start && at < start + 60_000).length <= 400);
  }
  assert(clock.sleeps.some((ms) => ms > 1000), "nobody waited");
});

Deno.test("a 429 for one service holds back all others for as long as it says (promise 3)", async () => {
  const clock = createTestClock();
  const seen: [path: string, at: number][] = [];
  await using server = startStandIn((request, count) => {
    seen.push([request.path, clock.monotonic()]);
    return count === 1
      ? json({ message: "slow down" }, { status: 429, headers: { "retry-after": "30" } })
      : json({ id: SERVICE });
  });
  const render = client(server.baseUrl, { clock, budget: createRateBudget({ clock }) });
  await Promise.all([
    render.getService("srv-a"),
    // It comes after the 429 is known.
    (async () => {
      while (seen.length === 0 || clock.sleeps.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await render.getService("srv-b");
    })(),
  ]);
  assertEquals(seen.slice(1).every(([, at]) => at >= 30_000), true, JSON.stringify(seen));
});

Deno.test("a 503 is followed by nothing before its Retry-After is over, however often somebody asks (promise 3)", async () => {
  const clock = createTestClock();
  await using server = startStandIn(() =>
    json({ message: "busy" }, { status: 503, headers: { "retry-after": "300" } })
  );
  const render = client(server.baseUrl, { clock });
  await assertRejects(() => render.getService(SERVICE), RenderUnreachable);
  for (const waitMs of [0, 2_000, 60_000]) {
    clock.advance(waitMs);
    await assertRejects(() => render.getService("srv-b"), RenderNotAsked, "Render asks to be left alone");
  }
  assertEquals(server.seen.length, 1);
  await assertRejects(() => render.restartService(SERVICE), RenderUnreachable);
  await assertRejects(() => render.restartService(SERVICE), RenderNotAsked);
  assertEquals(server.seen.length, 2);
  clock.advance(240_000);
  await assertRejects(() => render.getService(SERVICE), RenderUnreachable);
  assertEquals(server.seen.length, 3);
});

Deno.test("secret files and the groups of a service are read, and none where Render says no (promise 15)", async () => {
  await using server = startStandIn((request) => {
    switch (request.path) {
      case `/services/${SERVICE}/secret-files`:
        return json([{ cursor: "c", secretFile: { name: "key.pem", content: "of a file" } }]);
      case "/env-groups":
        return json([
          { id: "evg-1", name: "ours", serviceLinks: [{ id: SERVICE, name: "web", type: "web" }] },
          { id: "evg-2", name: "theirs", serviceLinks: [{ id: "srv-other" }] },
          { id: "evg-3", name: "denied", serviceLinks: [{ id: SERVICE }] },
        ]);
      case "/env-groups/evg-1":
        return json({
          id: "evg-1",
          envVars: [{ key: "SHARED", value: "of a group" }],
          secretFiles: [{ name: ".env", content: "A=of its file" }],
        });
      default:
        return json({ message: "no" }, { status: 403 });
    }
  });
  const render = client(server.baseUrl);
  let leftOut = 0;
  const onLeftOut = () => leftOut++;
  assertEquals(await render.listGivenSecrets?.({ id: SERVICE, ownerId: "tea-1" }, undefined, onLeftOut), [
    { name: "key.pem", value: "of a file" },
    { name: "SHARED", value: "of a group" },
    { name: ".env", value: "A=of its file" },
  ]);
  assert(!server.seen.some(({ path }) => path.includes("evg-2")));
  // What the key may not read is told of, and what there is none of is not.
  assertEquals(leftOut, 1);

  await using silent = startStandIn(() => json({ message: "not found" }, { status: 404 }));
  const none = client(silent.baseUrl).listGivenSecrets?.(
    { id: SERVICE, ownerId: "tea-1" },
    undefined,
    onLeftOut,
  );
  assertEquals([await none, leftOut], [[], 1]);
});

function client(baseUrl: string, options: Partial<Parameters<typeof createRenderClient>[0]> = {}): RenderApi {
  return createRenderClient({
    apiKey: "rnd_k",
    baseUrl,
    clock: createTestClock(),
    random: () => 0,
    ...options,
  });
}
