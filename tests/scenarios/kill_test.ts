import { assert, assertEquals, assertRejects } from "@std/assert";
import { serveRepository } from "../repo/http_remote.ts";
import { nodeApp } from "./apps.ts";
import type { Daemon } from "./daemon.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient } from "./stage.ts";

const wrongHost = nodeApp({ host: "127.0.0.1" });

/** Starts again after a kill, waits for the heal, stops in good order. */
async function healsAfterwards(stage: Stage): Promise<void> {
  await using daemon = stage.reconcile();
  await daemon.says(/IncidentHealed/);
  const [url] = /http:\S+/.exec(await daemon.says(/status at/)) ?? [];
  assertEquals((await (await fetch(`${url}`)).json()).services.length, 1);
  assertEquals(await daemon.stop(), 0);
  await stage.assertEvenkeelIsGone();
  await assertRejects(() => fetch(`${url}`), TypeError);
}

/** One commit of ours, one deploy of it, and the service answers. */
async function isHealedOnce(patient: Patient): Promise<void> {
  const fix = await theFix(patient);
  const carriers = (await patient.berth.deploys()).filter(({ commit }) => commit?.id === fix.sha);
  assertEquals(carriers.map(({ status }) => status), ["live"]);
  assertEquals((await health(patient)).status, 200);
}

Deno.test("reconcile killed at each stage of an incident goes on and makes one commit and one deploy (promise 1)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(wrongHost);
  await begin(patient, "update_failed");
  await stage.configure([patient]);

  // What was said at the last stage may have been lost with the process, so a later word will do as well.
  for (
    const stagesWord of [/AttemptBegun/, /EffectPerformed|DeployFound/, /DeployFound|Proving/, /Proving/]
  ) {
    await using daemon = stage.reconcile();
    await daemon.says(stagesWord);
    daemon.kill();
    await daemon.ended();
  }
  await healsAfterwards(stage);
  await isHealedOnce(patient);
  const journal = await stage.journal();
  assertEquals(journal.map(({ kind, state }) => [kind, state]), [["push", "done"]]);
});

Deno.test("reconcile killed when its push has arrived and it does not know finds the push and does not repeat it (promise 1)", async () => {
  const token = "canary-of-a-password";
  const running: Daemon[] = [];
  await using stage = await Stage.open({ env: { GITHUB_TOKEN: token } });
  await using cleanup = new AsyncDisposableStack();
  const patient = await stage.patient(wrongHost, {
    address(repository) {
      const remote = cleanup.use(
        serveRepository(repository.url, token, { afterPush: () => running[0]?.kill() }),
      );
      return remote.url.replace("//", `//x-access-token:${token}@`);
    },
  });
  await begin(patient, "update_failed");
  await stage.configure([patient]);

  const daemon = cleanup.use(stage.reconcile());
  running.push(daemon);
  assertEquals((await daemon.ended()).signal, "SIGKILL");
  const [pushed] = await patient.repository.log();
  assert(pushed?.message.includes("Evenkeel-Attempt"), "the push did not arrive");
  assertEquals((await stage.journal()).map(({ state }) => state), ["intended"]);
  await healsAfterwards(stage);
  await isHealedOnce(patient);
});

for (const step of ["PATCH", "POST"]) {
  Deno.test(`reconcile killed when drydock has taken its ${step} and it does not know does not repeat it (promise 1)`, async () => {
    await using stage = await Stage.open();
    const patient = await stage.patient(nodeApp(), { commands: { startCommand: "node sever.js" } });
    await begin(patient, "update_failed");
    await stage.configure([patient]);

    await using daemon = stage.reconcile();
    stage.gate.afterwards = ({ method }) => {
      if (method === step) daemon.kill();
    };
    assertEquals((await daemon.ended()).signal, "SIGKILL");
    stage.gate.afterwards = () => {};
    await healsAfterwards(stage);

    const { id } = patient.berth;
    assertEquals(stage.gate.writes, [`PATCH /services/${id}`, `POST /services/${id}/deploys`]);
    assertEquals((await patient.berth.deploys()).map(({ status }) => status), ["live", "update_failed"]);
    assertEquals((await patient.repository.log()).length, 1);
  });
}
