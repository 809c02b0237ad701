import { assert, assertEquals, assertMatch } from "@std/assert";
import { openSqliteStore } from "../../state/sqlite.ts";
import { join } from "@std/path";
import { until } from "../drydock/harbour.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient } from "./stage.ts";

/** Goes live and then answers 500. */
const failing = (statement: string) =>
  nodeApp({
    health: `try { ${statement} } catch (error) { console.error(error); answer(500, { status: "error" }); }`,
  });

/** Lets `once` prove the first version, pushes the second and waits until it serves. */
async function turnsBad(stage: Stage, patient: Patient, second: Readonly<Record<string, string>>) {
  await begin(patient, "live");
  await stage.configure([patient]);
  const daemon = stage.reconcile();
  await daemon.says(/ReadyTrue/);
  const bad = await patient.repository.commit(second, "Second version");
  await until(async () =>
    (await patient.berth.deploys()).find(({ status, commit }) => status === "live" && commit?.id === bad)
  );
  return { bad, daemon };
}

async function record(stage: Stage, { berth }: Patient) {
  await using store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
  return await store.getService(berth.id);
}

Deno.test("a version that goes live and answers 500 is rolled back, then repaired, and autodeploy is on again (promise 10)", async () => {
  await using registry = await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]);
  await using stage = await Stage.open({ env: { npm_config_registry: registry.url } });
  const patient = await stage.patient(nodeApp(), { envVars: registry.env });
  const second = failing(
    `const { default: ms } = await import("tiny-ms"); answer(200, { status: "ok", ms });`,
  );
  const { bad, daemon } = await turnsBad(stage, patient, second);
  await using _ = daemon;
  await daemon.says(/IncidentHealed/);
  assertEquals(await daemon.stop(), 0);

  const fix = await theFix(patient);
  assertEquals([fix.files, fix.before[0]?.sha], [["package.json"], bad]);
  const deploys = await patient.berth.deploys();
  assertEquals([deploys[0]?.status, deploys[0]?.commit?.id], ["live", fix.sha]);
  assertEquals(deploys.filter(({ trigger }) => trigger === "rollback").length, 1);
  const { service } = await stage.world(patient);
  assertMatch(JSON.stringify(service), /"autoDeploy":"yes"/);
  const remembered = await record(stage, patient);
  assertEquals([remembered?.badCommits.map(({ commit }) => commit), remembered?.hold], [[bad], null]);
  assertEquals((await health(patient)).body, '{"status":"ok","ms":"2.1.3"}');
});

Deno.test("a version that is bad for an unknown reason is rolled back once, kill or not, and stays so, stalled (promise 1) (promise 10)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp());
  const { bad, daemon } = await turnsBad(
    stage,
    patient,
    failing(`throw new Error("The flux is out of line");`),
  );
  await using _ = daemon;
  stage.gate.afterwards = ({ path }) => {
    if (path.endsWith("/rollback")) daemon.kill();
  };
  assertEquals((await daemon.ended()).signal, "SIGKILL");
  stage.gate.afterwards = () => {};
  await using next = stage.reconcile();
  await next.says(/IncidentStalled/);
  assertEquals(await next.stop(), 0);

  const { code, only } = await stage.once();
  assertEquals([code, only.verdict, only.incident?.status], [1, "not-ready", "stalled"]);
  assertMatch(JSON.stringify(only.incident?.stalled?.evidence), /The flux is out of line/);
  assert(only.resume !== null);
  const { service, commits, writes } = await stage.world(patient);
  assertMatch(JSON.stringify(service), /"autoDeploy":"no"/);
  assertEquals(commits.map(({ message }) => message), ["Second version", "First version"]);
  assertEquals(writes, [
    `PATCH /services/${patient.berth.id}`,
    `POST /services/${patient.berth.id}/rollback`,
  ]);
  const remembered = await record(stage, patient);
  assertEquals([remembered?.hold?.badCommit, remembered?.badCommits[0]?.commit], [bad, bad]);
  assertEquals(await health(patient), { status: 200, body: '{"status":"ok"}' });
});
