import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

Deno.test("a push that the repository refuses stalls with the repository's reason, and heals after resume once it is let through", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }));
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const hook = join(patient.repository.url, "hooks", "pre-receive");
  await Deno.mkdir(join(patient.repository.url, "hooks"), { recursive: true });
  await Deno.writeTextFile(hook, "#!/bin/sh\necho 'error: main is a protected branch' >&2\nexit 1\n", {
    mode: 0o755,
  });
  const before = await patient.repository.head();

  const first = await stage.once();
  assertEquals([first.code, first.only.reason], [1, "PushRefused"], first.stderr);
  assertMatch(first.only.message, /refused the push: .*main is a protected branch.*mode: pull-request/);
  const [attempt] = first.only.incident?.attempts ?? [];
  assert(attempt?.error !== null && attempt?.error !== undefined);
  assertEquals(attempt.status, "abandoned");
  assertStringIncludes(attempt.error, "main is a protected branch");
  assertMatch(first.stderr, /EffectRefused/);
  assertEquals(/EffectPerformed/.test(first.stderr), false, first.stderr);
  assertEquals(await patient.repository.head(), before);

  const again = await stage.once();
  assertEquals([again.only.reason, again.only.incident?.attempts.length], ["PushRefused", 1]);
  await Deno.remove(hook);
  assertEquals((await stage.evenkeel(["resume", "--service", "my-api"])).code, 0);
  const healed = await stage.once();
  assertEquals([healed.code, healed.only.verdict], [0, "ready"], JSON.stringify(healed.only, null, 2));
  assertEquals(healed.only.incident?.attempts.map(({ status }) => status), ["abandoned", "fixed"]);
  assertEquals((await theFix(patient)).files, ["index.js"]);
  assertEquals((await health(patient)).status, 200);
});
