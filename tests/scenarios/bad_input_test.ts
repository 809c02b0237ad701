import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

Deno.test("a configuration with three errors is answered with three lines and exit 2 (promise 28)", async () => {
  await using stage = await Stage.open();
  const lines = [
    "services:",
    "  - service: my-api",
    "    mode: yolo",
    "    stableFor: soon",
    "    helth: {}",
  ];
  await Deno.writeTextFile(join(stage.folder, "work", "evenkeel.yaml"), lines.join("\n"));

  const { code, stdout, stderr } = await stage.evenkeel(["once"]);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "3 errors");
  assertEquals(stderr.match(/^ +evenkeel\.yaml:\d/gm)?.length, 3, stderr);
});

Deno.test("a wrong API key ends with exit 3 and the variable to check, and the key is not shown", async () => {
  await using stage = await Stage.open();
  const key = "rnd_wrongwrongwrongwrong";
  const { code, stderr, stdout } = await stage.evenkeel(["once", "--service", "my-api"], {
    RENDER_API_KEY: key,
  });
  assertEquals(code, 3);
  assertMatch(stderr, /^Cannot /m);
  assertStringIncludes(stderr, "RENDER_API_KEY");
  assertNotMatch(stderr + stdout, new RegExp(key));
  assertEquals(await stage.journal(), []);
});

Deno.test("an API that cannot be reached ends with exit 3 and its address", async () => {
  await using stage = await Stage.open();
  const url = closedPort();
  const ran = await stage.evenkeel(["once", "--service", "srv-abc"], { RENDER_API_URL: url });
  assertEquals(ran.code, 3, ran.stderr);
  assertStringIncludes(ran.stdout, new URL(url).host);
  assertEquals(await stage.journal(), []);
});

Deno.test("an HTML page where JSON belongs ends with exit 3 and says what came", async () => {
  await using stage = await Stage.open();
  const page = "<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>";
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(page, { headers: { "content-type": "text/html" } }),
  );
  const ran = await stage.evenkeel(["once", "--service", "my-api"], {
    RENDER_API_URL: `http://127.0.0.1:${server.addr.port}/v1`,
  });
  assertEquals(ran.code, 3, ran.stderr);
  assertMatch(ran.stdout + ran.stderr, /Cannot .*(JSON|HTML)/);
  assertEquals(await stage.journal(), []);
});

Deno.test("a service that Render does not list is named, with the nearest help", async () => {
  await using stage = await Stage.open();
  const { code, stderr } = await stage.evenkeel(["once", "--service", "nobody"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "Cannot find service nobody");
});

Deno.test("a repository that cannot be cloned stalls with its address, and the state stays readable", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }));
  await begin(patient, "update_failed");
  await stage.configure([patient], { repo: join(stage.folder, "no-such-repository.git") });
  const before = await stage.world(patient);

  const { code, only } = await stage.once();
  assertEquals([code, only.verdict, only.incident?.status], [1, "not-ready", "stalled"]);
  assertStringIncludes(only.message, "no-such-repository.git");
  assert(only.resume !== null);
  assertEquals(await stage.world(patient), before);
  assertEquals((await stage.once()).only.incident?.id, only.incident?.id);
});

Deno.test("a build log of 50 MB is read within bounds and its cause found", async () => {
  await using stage = await Stage.open();
  const noise = "x".repeat(999);
  const buildCommand = `yes ${noise} | head -c 50000000; npm install`;
  const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }), { commands: { buildCommand } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  await stage.harbour.call("PATCH", `/services/${patient.berth.id}`, {
    serviceDetails: { envSpecificDetails: { buildCommand: "npm install" } },
  });

  // More than that much heap and the process would end with 133.
  const { code, only } = await stage.once([], { DENO_V8_FLAGS: "--max-old-space-size=128" });
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only.incident));
  assertEquals((await theFix(patient)).files, ["index.js"]);
  assertEquals((await health(patient)).status, 200);
});

function closedPort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}/v1`;
}
