/** Render queues, skips and cancels deploys; the one that carries the fix is found by its commit. */
import { assert, assertEquals } from "@std/assert";
import { until } from "../drydock/harbour.ts";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient, Report } from "./stage.ts";

const broken = nodeApp({ host: "127.0.0.1" });

/** Healed by one commit, whose newest deploy serves and is the one that the attempt proved. */
async function assertHealed(patient: Patient, only: Report["services"][number]) {
  assertEquals(
    [only.verdict, only.incident?.status],
    ["ready", "healed"],
    JSON.stringify(only.incident, null, 2),
  );
  const fix = await theFix(patient);
  const [attempt, ...more] = only.incident?.attempts ?? [];
  const live = (await patient.berth.deploys()).find(({ status }) => status === "live");
  assertEquals([attempt?.status, attempt?.commit, more.length], ["fixed", fix.sha, 0]);
  assertEquals([live?.id, live?.commit?.id], [attempt?.deployId, fix.sha]);
  assertEquals((await health(patient)).status, 200);
  return fix;
}

Deno.test("under Wait a deploy that was queued without an answer, then skipped, is found by its commit (promise 29)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(broken, { top: { autoDeploy: "no" } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const [first] = await patient.berth.deploys();
  assert(first?.commit !== undefined);
  const path = `/services/${patient.berth.id}/deploys`;
  const statuses: number[] = [];
  // Somebody deploys the old commit at the instant in which the fix is to be deployed.
  stage.gate.beforehand = async (call) => {
    if (call.method === "POST" && call.path === path) {
      await patient.berth.deploy({ commitId: first.commit?.id });
    }
  };
  // And the branch once more behind it: of the two that wait only this one runs.
  stage.gate.afterwards = async (call) => {
    if (call.method !== "POST" || call.path !== path) return;
    const behind = await stage.harbour.fetch("POST", path, {});
    statuses.push(behind.status);
    await behind.body?.cancel();
  };

  const { only } = await stage.once();
  const fix = await assertHealed(patient, only);
  assertEquals(statuses, [202]);
  const deploys = await patient.berth.deploys();
  assertEquals(deploys.map(({ status, commit }) => [status, commit?.id === fix.sha]), [
    ["live", true],
    ["canceled", true],
    ["update_failed", false],
    ["update_failed", false],
  ]);
  const journal = await stage.journal();
  assertEquals(journal.map(({ kind, state }) => [kind, state]), [["deploy", "done"], ["push", "done"]]);
  assertEquals(journal[0]?.result, { deployId: null });
});

Deno.test("under Override a deploy of the fix that somebody's deploy of the same commit cancels is followed to that one (promise 29)", async () => {
  await using stage = await Stage.open({ drydock: { overlapPolicy: "override" } });
  const patient = await stage.patient(broken, { commands: { buildCommand: "sleep 1.5 && npm install" } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const running = stage.once();
  // Once Evenkeel has seen the deploy that the push brought about.
  const carrier = await until(async () =>
    (await patient.berth.deploys()).find(({ trigger, status }) =>
      trigger === "new_commit" && status === "build_in_progress"
    )
  );
  const manual = await patient.berth.deploy({ commitId: carrier.commit?.id });
  assert(manual !== undefined);

  const { only } = await running;
  const fix = await assertHealed(patient, only);
  const deploys = await patient.berth.deploys();
  assertEquals(deploys.map(({ id, status, commit }) => [id, status, commit?.id === fix.sha]), [
    [manual.id, "live", true],
    [carrier.id, "canceled", true],
    [patient.berth.firstDeployId, "update_failed", false],
  ]);
  assertEquals(stage.gate.writes, []);
});
