import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage } from "./stage.ts";

const failureSchema = z.looseObject({
  lastError: z.string(),
  tried: z.array(z.looseObject({ remedy: z.string(), status: z.string(), error: z.string().nullable() })),
});

Deno.test("a cause that hid another one is told as fixed, learned as such, and the other one is healed next", async () => {
  await using stage = await Stage.open({ env: { SESSION_ID: "two" } });
  const files = Object.fromEntries(
    Object.entries(nodeApp({ host: "127.0.0.1" })).map(([path, text]) => [`server/${path}`, text]),
  );
  const patient = await stage.patient(files, { top: { rootDir: "sever" } });
  await begin(patient, "build_failed");
  await stage.configure([patient]);

  const spent = await stage.once([], { MAX_ITERATIONS: "1" });
  assertEquals([spent.code, spent.only.reason], [1, "AttemptsSpent"]);
  assertEquals(spent.only.message, "1 of 1 attempts are spent");
  const failure = failureSchema.parse(JSON.parse(spent.stdout).services[0].failure);
  const [tried] = failure.tried;
  assertEquals([failure.tried.length, tried?.status], [1, "fixed"]);
  // The log of the deploy that carried the repair says it, not the name of a status.
  assertMatch(failure.lastError, /[Pp]ort/);
  assertStringIncludes(tried?.error ?? "", failure.lastError);

  const resumed = await stage.evenkeel(["resume", "--service", patient.name]);
  assertEquals(resumed.code, 0, resumed.stderr);
  const { code, only } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only.incident, null, 2));
  assertEquals(only.incident?.attempts.map(({ status }) => status), ["fixed", "fixed"]);
  assertEquals((await health(patient)).status, 200);

  const learned = await stage.evenkeel(["learned", "-o", "json"]);
  const rows = z.array(z.looseObject({ remedy: z.string(), healed: z.number(), noEffect: z.number() }))
    .parse(JSON.parse(learned.stdout).remedies);
  assertEquals(rows.map(({ healed, noEffect }) => [healed, noEffect]), [[1, 0], [1, 0]]);
  const story = await stage.evenkeel(["session", "two"]);
  assertEquals(story.stdout.match(/\bfixed\b/g)?.length, 2, story.stdout);
});
