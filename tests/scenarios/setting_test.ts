import { assert, assertEquals, assertMatch } from "@std/assert";
import { nodeApp } from "./apps.ts";
import { begin, Stage } from "./stage.ts";
import type { Patient } from "./stage.ts";

Deno.test("a transient failure of the build is cured by one redeploy and no commit (promise 13)", async () => {
  await using stage = await Stage.open();
  const mark = `${stage.folder}/work/has-failed-once`;
  const buildCommand = `if [ ! -e ${mark} ]; then touch ${mark}; echo "npm error code ECONNRESET"; ` +
    `echo "npm error network aborted"; exit 1; fi; npm install`;
  const patient = await stage.patient(nodeApp(), { commands: { buildCommand } });
  await begin(patient, "build_failed");
  await stage.configure([patient]);

  const { code, only } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only.incident));
  assertEquals(stage.gate.writes, [`POST /services/${patient.berth.id}/deploys`]);
  assertEquals((await patient.repository.log()).length, 1);
  assertEquals((await patient.berth.deploys()).map(({ status }) => status), ["live", "build_failed"]);
  assert(only.incident?.attempts.length === 1);
});

Deno.test("a wrong start command is set right and deployed, without a commit", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp(), { commands: { startCommand: "node sever.js" } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  await healsBySetting(stage, patient, /"startCommand":"node index\.js"/);
});

Deno.test("a wrong root directory is set right and deployed, without a commit", async () => {
  await using stage = await Stage.open();
  const files = Object.fromEntries(Object.entries(nodeApp()).map(([path, text]) => [`server/${path}`, text]));
  const patient = await stage.patient(files, { top: { rootDir: "sever" } });
  await begin(patient, "build_failed");
  await stage.configure([patient]);
  await healsBySetting(stage, patient, /"rootDir":"server"/);
});

Deno.test("a health check on a path that does not exist is set right and deployed, without a commit", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp(), { details: { healthCheckPath: "/health" } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  await healsBySetting(stage, patient, /"healthCheckPath":"\/healthz"/);
});

async function healsBySetting(stage: Stage, patient: Patient, setting: RegExp) {
  const { code, only } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only.incident, null, 2));
  const { service, commits, deploys, writes } = await stage.world(patient);
  assertMatch(JSON.stringify(service), setting);
  assertEquals(commits.length, 1);
  assertEquals(deploys.map(({ status }) => status === "live"), [true, false]);
  assertEquals(writes, [`PATCH /services/${patient.berth.id}`, `POST /services/${patient.berth.id}/deploys`]);
}
