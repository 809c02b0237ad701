import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inFull } from "../helpers/full.ts";
import { serveRepository } from "../repo/http_remote.ts";
import { nodeApp } from "./apps.ts";
import type { Daemon } from "./daemon.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient } from "./stage.ts";

const TOKEN = "canary-of-a-password";
/** Short, so that a test does not wait long; the machine may be busy. */
const LEASE = ["--lease", "2s"];

/** What stands between the intent of an effect and the effect: a question to Git or to Render. */
const EFFECTS = {
  push: (stage: Stage, atIntent: () => Promise<void>, cleanup: AsyncDisposableStack) =>
    stage.patient(nodeApp({ host: "127.0.0.1" }), {
      address(bare) {
        const remote = cleanup.use(serveRepository(bare.url, TOKEN, { before: atIntent }));
        return remote.url.replace("//", `//x-access-token:${TOKEN}@`);
      },
    }),
  setting: (stage: Stage, atIntent: () => Promise<void>) => {
    stage.gate.afterwards = atIntent;
    return stage.patient(nodeApp(), { commands: { startCommand: "node sever.js" } });
  },
};
type Kind = keyof typeof EFFECTS;

async function isHealedOnce(kind: Kind, stage: Stage, patient: Patient): Promise<void> {
  const { id } = patient.berth;
  const deploys = await patient.berth.deploys();
  assertEquals(deploys.map(({ status }) => status), ["live", "update_failed"]);
  if (kind === "push") assertEquals(deploys[0]?.commit?.id, (await theFix(patient)).sha);
  else assertEquals(stage.gate.writes, [`PATCH /services/${id}`, `POST /services/${id}/deploys`]);
  const expected = kind === "push" ? ["push"] : ["patch-service", "deploy"];
  const journal = await stage.journal();
  assertEquals(
    journal.map((entry) => `${entry.kind} ${entry.state}`).sort(),
    expected.map((one) => `${one} done`).sort(),
  );
  assertEquals((await health(patient)).status, 200);
}

for (const kind of inFull<Kind[]>(["push", "setting"], ["push"])) {
  Deno.test(`a leader that stands still between the intent of a ${kind} and the ${kind} is replaced, and wakes to do nothing (promise 5)`, async () => {
    await using stage = await Stage.open({ env: { GITHUB_TOKEN: TOKEN } });
    await using cleanup = new AsyncDisposableStack();
    let leader: Daemon | null = null;
    const isSeenToLead = Promise.withResolvers<void>();
    const frozen = Promise.withResolvers<void>();
    let hasFrozen = false;
    const patient = await EFFECTS[kind](stage, async () => {
      if (leader === null || hasFrozen) return;
      if (!(await stage.journal()).some(({ state }) => state === "intended")) return;
      hasFrozen = true;
      await isSeenToLead.promise;
      leader.freeze();
      frozen.resolve();
    }, cleanup);
    await begin(patient, "update_failed");
    await stage.configure([patient]);

    const first = leader = cleanup.use(stage.reconcile(LEASE));
    await first.says(/Looking after/);
    const second = cleanup.use(stage.reconcile(LEASE));
    const waits = await second.says(new RegExp(`Standing by: pid ${first.pid} looks after the services`));
    const [status] = /http:\S+(?=\/status)/.exec(waits) ?? [];
    const standing = await (await fetch(`${status}/readyz`)).json();
    assertEquals(standing.ready, true);
    assertStringIncludes(standing.reason, `Standing by: pid ${first.pid} `);
    isSeenToLead.resolve();
    await frozen.promise;
    await second.says(/IncidentHealed/);
    await isHealedOnce(kind, stage, patient);
    const before = await stage.world(patient);

    first.thaw();
    await first.says(/Another Evenkeel leads by now/);
    await first.says(new RegExp(`Standing by: pid ${second.pid}`));
    assert(!first.lines.some((line) => /EffectPerformed/.test(line)), first.lines.join("\n"));
    assertEquals((await stage.world(patient)).commits, before.commits);
    const once = await stage.evenkeelBeside(["once"]);
    assertEquals(once.code, 2);
    assertStringIncludes(once.stderr, `another Evenkeel (pid ${second.pid}) is using it`);

    second.kill();
    await first.says(/Looking after/, 2);
    assertEquals(await first.stop(), 0);
    await isHealedOnce(kind, stage, patient);
  });
}
