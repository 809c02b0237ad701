import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage } from "./stage.ts";

Deno.test("a service that somebody suspended is left alone (promise 30)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp());
  await begin(patient, "live");
  await stage.configure([patient]);
  await stage.harbour.call("POST", `/services/${patient.berth.id}/suspend`);
  const before = await stage.world(patient);

  const { code, only } = await stage.once();
  assertEquals([code, only.reason, only.incident], [1, "Suspended", null]);
  assertMatch(only.message, /is suspended .* left alone/);
  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);
});

Deno.test("a service in maintenance mode is left alone (promise 30)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp(), { details: { maintenanceMode: { enabled: true } } });
  await begin(patient, "live");
  await stage.configure([patient]);
  const before = await stage.world(patient);

  const { code, only } = await stage.once();
  assertEquals([code, only.reason, only.incident], [1, "Maintenance", null]);
  assertEquals(await stage.world(patient), before);
});

Deno.test("a free service that sleeps, and once fails to wake, is waited for and not repaired (promise 30)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp(), { details: { plan: "free" } });
  await begin(patient, "live");
  // Longer asleep than a probe may take of a service that cannot sleep.
  await stage.configure([patient], { probeTimeout: "500ms" });
  stage.harbour.drydock.control.putToSleep(patient.berth.id, 1_500, 1);
  const before = await stage.world(patient);

  const { code, only, stderr } = await stage.once();
  assertEquals([code, only.verdict, only.incident], [0, "ready", null]);
  assertMatch(stderr, /NotConfirmed/);
  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);
});

Deno.test("a build that is blocked for want of minutes is told from a broken one: named, and nothing is tried (promise 30)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp());
  await begin(patient, "live");
  await stage.configure([patient]);
  stage.harbour.drydock.control.setBuildMinutes(false);
  const blocked = await patient.berth.deploy();
  await patient.berth.reaches(blocked?.id ?? "", "build_failed");
  assertEquals((await patient.berth.events("pipeline_minutes_exhausted")).length, 1);
  const before = await stage.world(patient);

  const { code, only } = await stage.once();
  assertEquals([code, only.incident?.gap, only.incident?.attempts], [1, "deploy-failed", []]);
  assertStringIncludes(only.incident?.stalled?.message ?? "", "no build minutes left");
  assertMatch(only.incident?.stalled?.evidence[0]?.text ?? "", /run out of pipeline minutes/);
  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);
  assertEquals((await health(patient)).status, 200);
});

const brokenDatabase = {
  postgres: async (stage: Stage) => {
    const made = await stage.harbour.call("POST", "/postgres", {
      name: "orders",
      ownerId: stage.harbour.drydock.ownerId,
      plan: "basic_256mb",
      version: "17",
    });
    const { id } = z.object({ id: z.string() }).parse(made);
    await stage.harbour.call("PATCH", `/postgres/${id}`, { status: "unavailable" });
    return { postgres: id };
  },
  json: () => Promise.resolve({ json: "checks.database", good: ["up"] }),
};

for (const [kind, database] of Object.entries(brokenDatabase)) {
  Deno.test(`a database that is down by its ${kind} stalls after databaseWait, and no code is touched`, async () => {
    await using stage = await Stage.open();
    const health = `answer(200, { status: "ok", checks: { database: "down" } });`;
    const patient = await stage.patient(nodeApp({ health }));
    await begin(patient, "live");
    await stage.configure([patient], {
      database: await database(stage),
      policy: { databaseWait: "2s" },
    });
    const before = await stage.world(patient);

    const { code, only, stderr } = await stage.once();
    assertEquals([code, only.reason, only.incident?.gap], [1, "DatabaseDown", "database-down"]);
    assertEquals([only.incident?.status, only.incident?.attempts], ["stalled", []]);
    assertStringIncludes(stderr, "The code is left alone");
    assertEquals(await stage.world(patient), before);
    assertEquals(await stage.journal(), []);
  });
}
