import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { nodeApp } from "./apps.ts";
import { begin, Stage, theFix } from "./stage.ts";

const wrongHost = nodeApp({ host: "127.0.0.1" });

Deno.test("once has no effect on a healthy service, however often it runs", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp());
  await begin(patient, "live");
  await stage.configure([patient]);
  const before = await stage.world(patient);

  for (const _ of [1, 2]) {
    const { code, only } = await stage.once();
    assertEquals([code, only.verdict, only.incident], [0, "ready", null]);
  }
  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);
});

Deno.test("once --check shows the repair of a broken service, exits 1 and has no effect", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(wrongHost);
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const before = await stage.world(patient);

  const { code, only } = await stage.once(["--check"]);
  assertEquals([code, only.verdict, only.wouldDo?.kind], [1, "not-ready", "patch"]);
  assertStringIncludes(only.wouldDo?.diff ?? "", '+server.listen(process.env.PORT, "0.0.0.0"');
  const text = await stage.evenkeel(["once", "--check"]);
  assertEquals(text.code, 1);
  assertStringIncludes(text.stdout, '+ server.listen(process.env.PORT, "0.0.0.0"');
  assertStringIncludes(text.stdout, "This only looked");

  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);
});

Deno.test("once in the mode suggest shows the change and has no effect, until the mode is push", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(wrongHost);
  await begin(patient, "update_failed");
  await stage.configure([patient], { mode: "suggest" });
  const before = await stage.world(patient);

  const { code, stdout } = await stage.evenkeel(["once"]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, '+ server.listen(process.env.PORT, "0.0.0.0"');
  assertMatch(stdout, /mode is suggest/);
  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);

  const pushed = await stage.once([], { EVENKEEL_MODE: "push" });
  assertEquals([pushed.code, pushed.only.verdict], [0, "ready"]);
  assertEquals((await theFix(patient)).files, ["index.js"]);
});

Deno.test("once in the mode pull-request without GITHUB_TOKEN says what is missing and changes nothing", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(wrongHost);
  await begin(patient, "update_failed");
  await stage.configure([patient], { mode: "pull-request" });
  const before = await stage.world(patient);

  const ran = await stage.evenkeel(["once"]);
  assertEquals(ran.code, 2);
  assertStringIncludes(ran.stderr, "GITHUB_TOKEN is missing");
  assertEquals(await stage.world(patient), before);
});
