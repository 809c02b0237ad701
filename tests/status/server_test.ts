import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { systemClock } from "../../base/clock.ts";
import { EvenkeelError } from "../../base/errors.ts";
import type { Attempt, Incident, ServiceRecord } from "../../state/records.ts";
import { statusSchema } from "../../status/schema.ts";
import { adviceReportSchema } from "../../state/advice.ts";
import { startStatusServer } from "../../status/server.ts";
import type { StatusServerOptions } from "../../status/server.ts";
import { LAST_ATTEMPTS_MAX } from "../../status/snapshot.ts";
import type { StatusStore } from "../../status/snapshot.ts";

const T0 = Date.UTC(2026, 0, 1);
const TOKEN = "a-token-of-some-length";

const service: ServiceRecord = {
  serviceId: "srv-a",
  name: "my-api\x1b[2J",
  url: "https://my-api.example.com",
  updatedAt: T0,
  generation: 1,
  conditions: [{
    type: "Ready",
    status: "False",
    reason: "DeployFailed",
    message: "the build failed, DATABASE_URL=postgres://me:hunter2hunter2@db/x\u202e",
    lastTransitionTime: new Date(T0).toISOString(),
    observedGeneration: 1,
  }],
  streak: null,
  recentVerdicts: [],
  liveDeployId: "dep-1",
  liveCommit: "abc",
  provenDeploys: [],
  badCommits: [],
  hold: null,
};

function attempt(number: number): Attempt {
  return {
    number,
    startedAt: T0 + number,
    endedAt: null,
    status: "running",
    diagnosedDeployId: "dep-2",
    cause: "node/missing-dependency",
    confidence: 0.9,
    summary: "express is imported and not listed",
    evidence: { line: 12, text: "Error: Cannot find module 'express'" },
    fingerprint: "f",
    remedy: "node/add-dependency",
    why: null,
    risk: "low",
    repair: { kind: "restart" },
    repairHash: "h",
    baseCommit: null,
    branch: null,
    commit: null,
    pullRequestUrl: null,
    publishedAt: null,
    deployId: null,
    deployRequestedAt: null,
    build: null,
    error: null,
    stepsDone: [],
  };
}

const incident: Incident = {
  id: "inc_1",
  serviceId: "srv-a",
  serviceName: "my-api",
  sessionId: "s",
  openedAt: T0,
  closedAt: null,
  gap: "deploy-failed",
  message: "the deploy failed",
  deployId: "dep-2",
  commit: "def",
  status: "stalled",
  stalled: {
    reason: "UnknownCause",
    message: "nobody knows",
    evidence: [],
    resume: "deno task once --service my-api",
    at: T0,
    worldHash: "w",
  },
  attemptsBefore: 0,
  attempts: Array.from({ length: LAST_ATTEMPTS_MAX + 2 }, (_, at) => attempt(at + 1)),
};

const store: StatusStore = {
  listServices: () => Promise.resolve([service]),
  getActiveIncident: () => Promise.resolve(incident),
  listIncidents: () => Promise.resolve([incident]),
  listEvents: () =>
    Promise.resolve([
      { at: T0, serviceId: "srv-a", incidentId: "inc_1", type: "AgentRan", message: "analyzer", data: null },
      {
        at: T0,
        serviceId: "srv-a",
        incidentId: "inc_1",
        type: "AgentDenied",
        message: "read /\x1b[2J",
        data: null,
      },
    ]),
};

/** Runs a status server for the length of `use`. */
async function serving(
  options: Partial<StatusServerOptions>,
  use: (
    get: (path: string, init?: RequestInit) => Promise<{ response: Response; text: string }>,
    url: string,
  ) => Promise<void>,
) {
  const readiness = () => Promise.resolve({ ready: true, reason: "" });
  const server = await startStatusServer({
    store,
    version: "0",
    readiness,
    clock: systemClock,
    port: 0,
    ...options,
  });
  try {
    await use(async (path, init) => {
      const response = await fetch(server.url + path, init);
      return { response, text: await response.text() };
    }, server.url);
  } finally {
    await server.stop();
  }
}

Deno.test("the status server says that it lives, whether it is ready and how the services are", async () => {
  let ready = true;
  const readiness = () => Promise.resolve({ ready, reason: ready ? "" : "the store is read-only" });
  await serving({ readiness, nextPassAt: () => T0 + 1000 }, async (get) => {
    assertEquals(JSON.parse((await get("/healthz")).text), { status: "ok" });
    assertEquals((await get("/readyz")).response.status, 200);
    ready = false;
    const unready = await get("/readyz");
    assertEquals([unready.response.status, JSON.parse(unready.text)], [503, {
      ready: false,
      reason: "the store is read-only",
    }]);

    const { response, text } = await get("/status");
    const status = statusSchema.parse(JSON.parse(text));
    const [shown] = status.services;
    assertEquals([response.status, shown?.id, shown?.ready, shown?.liveDeploy], [200, "srv-a", "False", {
      id: "dep-1",
      commit: "abc",
    }]);
    assertEquals(shown?.nextPass, new Date(T0 + 1000).toISOString());
    assertEquals([shown?.incident?.status, shown?.incident?.stalled?.resume], [
      "stalled",
      "deno task once --service my-api",
    ]);
    assertEquals(shown?.lastAttempts.map(({ number }) => number), [7, 6, 5, 4, 3]);
    const denied = { at: new Date(T0).toISOString(), type: "AgentDenied", message: "read /" };
    assertEquals(shown?.agentTrouble, [denied]);
  });
});

Deno.test("/status shows no secret and nothing that steers a terminal", async () => {
  await serving({}, async (get) => {
    const { text } = await get("/status");
    assertNotMatch(text, /hunter2|\\u001b|\\u202e|\u202e/);
  });
});

Deno.test("what is not there, not allowed or too long is refused as JSON", async () => {
  await serving({}, async (get) => {
    const refused = async (path: string, init?: RequestInit) => {
      const { response, text } = await get(path, init);
      assert(typeof JSON.parse(text).error === "string");
      assertEquals(response.headers.get("access-control-allow-origin"), null);
      assertEquals(response.headers.get("x-content-type-options"), "nosniff");
      assertStringIncludes(response.headers.get("content-security-policy") ?? "", "default-src 'none'");
      return response.status;
    };
    assertEquals(await refused("/nothing"), 404);
    assertEquals(await refused("/status", { method: "POST", body: "x" }), 405);
    assertEquals(await refused(`/status?${"x".repeat(3000)}`), 414);
    assertEquals(await refused("/status", { headers: { "X-Long": "x".repeat(20_000) } }), 431);
    const head = await get("/status", { method: "HEAD" });
    assertEquals([head.response.status, head.text], [200, ""]);
  });
});

Deno.test("a host name that is not loopback is not served without a token", async () => {
  await serving({}, async (_get, url) => {
    const { hostname, port } = new URL(url);
    await using connection = await connect(hostname, Number(port));
    const answer = await connection.ask(
      "GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    );
    assertMatch(answer, /^HTTP\/1\.1 400 /);
  });
});

Deno.test("a page of another origin is refused, and a foreign name is served only to who has the token", async () => {
  const webhook = { answer: () => Promise.resolve(new Response(null, { status: 204 })) };
  await serving({ token: TOKEN, webhook }, async (_get, url) => {
    const { hostname, port } = new URL(url);
    const status = async (path: string, headers: string[], method = "GET") => {
      await using connection = await connect(hostname, Number(port));
      const lines = [`${method} ${path} HTTP/1.1`, ...headers, "Connection: close", "", ""];
      return /^HTTP\/1\.1 (\d+)/.exec(await connection.ask(lines.join("\r\n")))?.[1];
    };
    const [own, foreign] = [`Host: ${hostname}:${port}`, "Host: evil.example"];
    const bearer = `Authorization: Bearer ${TOKEN}`;
    assertEquals(await status("/status", [own, bearer]), "200");
    assertEquals(await status("/status", [foreign, bearer]), "200");
    assertEquals(await status("/status", [foreign]), "400");
    assertEquals(await status("/readyz", [foreign]), "400");
    for (
      const from of [
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
      ]
    ) {
      assertEquals(await status("/status", [own, bearer, from]), "403", from);
      assertEquals(await status("/webhooks/render", [own, from, "Content-Length: 0"], "POST"), "403", from);
    }
    assertEquals(await status("/status", [own, bearer, `Origin: http://${hostname}:${port}`]), "200");
    assertEquals(await status("/status", [own, bearer, "Sec-Fetch-Site: none"]), "200");
    // A delivery comes from outside, under the name that Render knows.
    assertEquals(await status("/webhooks/render", [foreign, "Content-Length: 0"], "POST"), "204");
  });
});

async function connect(hostname: string, port: number) {
  const connection = await Deno.connect({ hostname, port });
  return {
    async ask(request: string) {
      await connection.write(new TextEncoder().encode(request));
      return await new Response(connection.readable).text();
    },
    [Symbol.asyncDispose]: () => {
      try {
        connection.close();
      } catch {
        // Reading to the end has closed it.
      }
      return Promise.resolve();
    },
  };
}

Deno.test("off loopback the server starts only with a token, and /status asks for it", async () => {
  const readiness = () => Promise.resolve({ ready: true, reason: "" });
  const start = (token?: string) =>
    startStatusServer({
      store,
      version: "0",
      readiness,
      clock: systemClock,
      port: 0,
      hostname: "0.0.0.0",
      token,
    });
  await assertRejects(() => start(), EvenkeelError, "not loopback and no token");
  await assertRejects(() => start("short"), EvenkeelError, "5 characters");
  await serving({ hostname: "0.0.0.0", token: TOKEN }, async (get) => {
    const status = async (authorization?: string) =>
      (await get("/status", authorization === undefined ? {} : { headers: { authorization } })).response
        .status;
    assertEquals(await status(), 401);
    assertEquals(await status(`Bearer ${TOKEN}x`), 401);
    assertEquals(await status("Bearer "), 401);
    assertEquals(await status(`Bearer ${TOKEN}`), 200);
    assertEquals((await get("/healthz")).response.status, 200);
  });
});

Deno.test("a store that fails or hangs is answered with 500 or 503 and no detail", async () => {
  const failing = { ...store, listServices: () => Promise.reject(new Error("secret path /root/x")) };
  await serving({ store: failing }, async (get) => {
    const { response, text } = await get("/status");
    assertEquals([response.status, JSON.parse(text)], [500, { error: "the status could not be read" }]);
  });
  const hung = Promise.withResolvers<ServiceRecord[]>();
  await serving(
    { store: { ...store, listServices: () => hung.promise }, answerTimeoutMs: 30 },
    async (get) => {
      assertEquals((await get("/status")).response.status, 503);
      assertEquals((await get("/healthz")).response.status, 200);
      hung.resolve([]);
    },
  );
});

Deno.test("an address that is taken is a clear error", async () => {
  await serving({}, async (_get, url) => {
    const readiness = () => Promise.resolve({ ready: true, reason: "" });
    const port = Number(new URL(url).port);
    await assertRejects(
      () => startStatusServer({ store, version: "0", readiness, clock: systemClock, port }),
      EvenkeelError,
      "the address is in use",
    );
  });
});

Deno.test("the examples in docs/status.md are what /status and /advice answer", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/status.md", import.meta.url));
  const [, example = ""] = /```json status\n([^]*?)```/.exec(text) ?? [];
  statusSchema.parse(JSON.parse(example));
  const [, advice = ""] = /```json advice\n([^]*?)```/.exec(text) ?? [];
  adviceReportSchema.parse(JSON.parse(advice));
});
