import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Probe } from "../../agents/messages.ts";
import { systemClock } from "../../base/clock.ts";
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import type { RenderApi } from "../../render/api.ts";
import type { ServiceView } from "../../reconciler/observation.ts";
import { serviceRedactor, withoutSecrets } from "../../reconciler/service_secrets.ts";

const CANARY = "quiet-otter/9471+umbrella";
const signal = new AbortController().signal;
// Of a service only what names its secrets matters here.
const service = {
  id: "srv-1",
  ownerId: "tea-1",
  repo: "https://me:of-git-4711@git.example/a.git",
} as ServiceView;

const good: Probe = { status: "good", reason: "Answered", message: "/healthz answered 200" };
const bad: Probe = { status: "bad", reason: "Differs", message: `status is "${CANARY}", expected "ok"` };
const probes = { health: good, json: bad, database: good };

function parts(listEnvVars: RenderApi["listEnvVars"], given: RenderApi["listGivenSecrets"] | null = null) {
  let calls = 0;
  // Only these of Render's calls are made.
  const api = {
    listEnvVars: (...asked: Parameters<typeof listEnvVars>) => {
      calls++;
      return listEnvVars(...asked);
    },
    ...(given === null ? {} : { listGivenSecrets: given }),
  } as RenderApi;
  return { api, secrets: ["our-own-key-4711"], clock: systemClock, calls: () => calls };
}

Deno.test("what a service answers is told without its secrets, wherever they are kept (promise 15)", async () => {
  for (
    const one of [
      parts(() => Promise.resolve([{ key: "STATUS", value: CANARY }])),
      parts(() => Promise.resolve([]), () => Promise.resolve([{ name: "a.txt", value: CANARY }])),
      parts(
        () => Promise.resolve([]),
        () => Promise.resolve([{ name: ".env", value: `A=${CANARY}\nB=1\n` }]),
      ),
    ]
  ) {
    const { json, health } = await withoutSecrets(one, service, "dep-1", probes, signal);
    assertEquals(json.message, 'status is "[redacted]", expected "ok"');
    assertEquals(health, good);
  }
});

Deno.test("words of a service whose secrets cannot be read are left out, and the measurement stays (promise 15)", async () => {
  for (
    const error of [
      new RenderUnreachable("away", "GET /x"),
      new RenderRefused("busy", 429, "GET /x", undefined),
    ]
  ) {
    const { json, health } = await withoutSecrets(
      parts(() => Promise.reject(error)),
      service,
      "dep-1",
      probes,
      signal,
    );
    assertEquals([json.status, json.reason, health], ["bad", "Differs", good]);
    assert(!json.message.includes("otter"));
    assertStringIncludes(json.message, "could not be read");
  }
});

Deno.test("a key that may not read variables leaves our own secrets, the repository's and shapes (promise 15)", async () => {
  const refused = parts(
    () => Promise.reject(new RenderRefused("no", 403, "GET /x", undefined)),
    () => Promise.reject(new RenderRefused("no", 404, "GET /y", undefined)),
  );
  const redact = await serviceRedactor(refused, service, signal);
  assertEquals(
    redact(`our-own-key-4711 of-git-4711 AKIA${"Q7".repeat(8)} password=x1 words`),
    "[redacted] [redacted] [redacted] password=[redacted] words",
  );
});

Deno.test("a service that is well costs no call for its secrets", async () => {
  const one = parts(() => Promise.resolve([]));
  const status = { status: "bad", reason: "HttpStatus", message: "/healthz answered 500" } as const;
  await withoutSecrets(one, service, "dep-1", { health: good, json: good, database: good }, signal);
  await withoutSecrets(one, service, "dep-1", { health: status, json: good, database: good }, signal);
  assertEquals(one.calls(), 0);
});

Deno.test("a service that stays bad is asked for its secrets once for each deploy (promise 3)", async () => {
  const one = parts(() => Promise.resolve([{ key: "STATUS", value: CANARY }]));
  for (let look = 0; look < 10; look++) await withoutSecrets(one, service, "dep-1", probes, signal);
  assertEquals(one.calls(), 1);
  const { json } = await withoutSecrets(one, service, "dep-2", probes, signal);
  assertEquals([one.calls(), json.message.includes("otter")], [2, false]);
});
