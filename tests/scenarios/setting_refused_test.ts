import { assertEquals, assertMatch } from "@std/assert";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage } from "./stage.ts";

Deno.test("a setting that Render refuses stalls with Render's reason, is not asked for again meanwhile, and heals after resume once it is let through", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp(), { commands: { startCommand: "node sever.js" } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const refusal = "this key may not change services";
  stage.gate.answer = ({ method }) =>
    method === "PATCH" ? Response.json({ message: refusal }, { status: 403 }) : undefined;
  const asked = () => stage.gate.writes.filter((write) => write.startsWith("PATCH ")).length;

  const first = await stage.once();
  assertEquals([first.code, first.only.reason], [1, "SettingRefused"], first.stderr);
  assertMatch(
    first.only.message,
    /: Cannot call PATCH .* Render answered 403 .*this key may not change services.*What helps: .*resume/,
  );
  // That would heal nothing where no other remedy is left.
  assertEquals(first.only.message.includes("mayChangeSettings"), false);
  // Not of those that never applied, such as Python's to a Node service.
  assertEquals(first.only.message.match(/(?<=^|[.;] )[a-z-]+\/[a-z-]+(?=: )/g), ["node/start-command"]);
  assertEquals(first.only.incident?.attempts.map(({ status, kind }) => [status, kind]), [[
    "failed",
    "setting",
  ]]);
  const [refused] = first.only.incident?.attempts ?? [];
  assertMatch(refused?.error ?? "", /^Cannot call PATCH .*this key may not change services/);
  const told = async () => {
    const { sessions } = JSON.parse((await stage.evenkeel(["sessions", "-o", "json"])).stdout);
    const { session, result, error } = sessions.at(-1);
    const story = (await stage.evenkeel(["session", session])).stdout;
    return { result, error, story, considered: story.match(/^ +(considered|chosen) /gm)?.length };
  };
  const atEnd = await told();
  assertEquals([atEnd.result, atEnd.error], ["stalled", refused?.error]);
  // Those of the attempt, and no others behind it that nothing was made of.
  assertEquals(atEnd.considered, 2, atEnd.story);
  assertMatch(first.stderr, /EffectRefused/);
  assertEquals(asked(), 1);

  const again = await stage.once();
  assertEquals([again.only.reason, again.only.incident?.attempts.length, asked()], ["SettingRefused", 1, 1]);
  stage.gate.answer = () => undefined;
  assertEquals((await stage.evenkeel(["resume", "--service", "my-api"])).code, 0);
  const healed = await stage.once();
  assertEquals([healed.code, healed.only.verdict], [0, "ready"], JSON.stringify(healed.only, null, 2));
  assertEquals(healed.only.incident?.attempts.map(({ status }) => status), ["failed", "fixed"]);
  assertEquals((await health(patient)).status, 200);
  const later = await told();
  assertEquals([later.result, later.error], ["stalled", refused?.error], "as it ended");
  assertMatch(later.story, /^ +went on +in session /m);
});
