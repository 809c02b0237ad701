/**
 * A leader that stands still between the intent of an effect and the effect, on real processes, for the effects that
 * Render is asked for. tests/reconciler/deeds_test.ts has every kind at every line in each run; replicas_test.ts a push.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { z } from "zod";
import type { Step } from "../../reconciler/action.ts";
import type { EffectKind } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { isBorn, KINDS } from "../crash/kinds.ts";
import { until } from "../drydock/harbour.ts";
import { inFull } from "../helpers/full.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { WebhookReceiver } from "../helpers/webhook_receiver.ts";
import { nodeApp } from "./apps.ts";
import type { Daemon } from "./daemon.ts";
import { begin, health, Stage } from "./stage.ts";

const LEASE = ["--lease", "2s"];
const ROLLBACK = "a rollback, and autodeploy on again after the repair";
/** Which kind of remedy has each effect. */
const CASES: readonly { effect: EffectKind; kind: string }[] = [
  { effect: "patch-service", kind: "a start command" },
  { effect: "deploy", kind: "a redeploy" },
  { effect: "restart", kind: "a restart" },
  { effect: "autodeploy-off", kind: ROLLBACK },
  { effect: "rollback", kind: ROLLBACK },
  { effect: "autodeploy-on", kind: ROLLBACK },
];
/** What Render is asked for; git is asked for a push. */
const WRITES: Readonly<Partial<Record<EffectKind, string>>> = {
  "patch-service": "PATCH",
  "autodeploy-off": "PATCH",
  "autodeploy-on": "PATCH",
  "deploy": "POST /deploys",
  "rollback": "POST /rollback",
  "restart": "POST /restart",
};
const effectOf = (step: Step): EffectKind => step === "setting" ? "patch-service" : step;

/** Freezes a leader when Render has answered it and one of its effects is intended. */
function freezing(stage: Stage, effect: EffectKind) {
  const frozen = Promise.withResolvers<void>();
  const leader: { now: Daemon | null } = { now: null };
  let hasFrozen = false;
  stage.gate.afterwards = async ({ method }) => {
    if (leader.now === null || hasFrozen || method !== "GET") return;
    const journal = await stage.journal();
    if (hasFrozen || !journal.some(({ kind, state }) => kind === effect && state === "intended")) return;
    hasFrozen = true;
    leader.now.freeze();
    frozen.resolve();
  };
  return { leader, frozen: frozen.promise };
}

for (const { effect, kind: name } of CASES) {
  Deno.test({
    name:
      `a leader that stands still before a ${effect} that it intends is replaced, and wakes to do nothing (promise 5)`,
    ignore: !inFull(true, false),
    async fn() {
      const kind = KINDS.find((one) => one.name === name);
      assert(kind !== undefined);
      await using registry = await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]);
      await using stage = await Stage.open({ env: { npm_config_registry: registry.url } });
      await using cleanup = new AsyncDisposableStack();
      const around = { folder: join(stage.folder, "work", "around"), registry: registry.env };
      await Deno.mkdir(around.folder);
      const patient = await stage.patient(kind.files, kind.options(around));
      await isBorn(kind, patient);
      await stage.configure([patient], { stableFor: kind.stableFor ?? "1s" });
      const { leader, frozen } = freezing(stage, effect);
      const first = leader.now = cleanup.use(stage.reconcile(LEASE));
      await first.says(/Looking after/);
      const second = cleanup.use(stage.reconcile(LEASE));
      await second.says(/Standing by/);
      if (kind.turnBad !== undefined) {
        await first.says(/ReadyTrue/);
        await kind.turnBad(patient, around);
      }
      await frozen;
      // What the first may have sent is waited for, for most of a minute.
      await second.says(/EffectPerformed/);
      await second.says(/IncidentHealed/);
      const before = await stage.world(patient);
      first.thaw();
      await first.says(/Another Evenkeel leads by now/);
      await first.says(/Standing by/);
      const after = await stage.world(patient);
      assertEquals([after.commits, after.writes, after.deploys], [
        before.commits,
        before.writes,
        before.deploys,
      ]);
      const effects = kind.steps.map(effectOf);
      assertEquals(
        (await stage.journal()).map(({ kind, state }) => `${kind} ${state}`).reverse(),
        effects.map((one) => `${one} done`),
      );
      const path = `/services/${patient.berth.id}`;
      assertEquals(
        after.writes.map((write) => write.replace(path, "").trim()),
        effects.flatMap((one) => WRITES[one] ?? []),
      );
      assertEquals((await health(patient)).status, 200);
      assertEquals(await second.stop(), 0);
      assertEquals(await first.stop(), 0);
    },
  });
}

const webhookSchema = z.object({ id: z.string(), secret: z.string(), enabled: z.boolean() });

Deno.test({
  name:
    "a leader that stands still before it switches its webhook on is replaced, and wakes to do nothing (promise 5)",
  ignore: !inFull(true, false),
  async fn() {
    await using receiver = new WebhookReceiver();
    receiver.answer = () => new Response(null, { status: 500 });
    await using stage = await Stage.open({ drydock: { limits: { webhookPausesMs: Array(8).fill(0) } } });
    await using cleanup = new AsyncDisposableStack();
    const { ownerId } = stage.harbour.drydock;
    const wanted = { ownerId, url: receiver.url, name: "evenkeel", enabled: true, eventFilter: [] };
    const { id, secret } = webhookSchema.parse(await stage.harbour.call("POST", "/webhooks", wanted));
    const isOn = async () => webhookSchema.parse(await stage.harbour.call("GET", `/webhooks/${id}`)).enabled;
    stage.env["RENDER_WEBHOOK_SECRET"] = secret;
    const patient = await stage.patient(nodeApp());
    await begin(patient, "live");
    await until(async () => await isOn() ? undefined : true);
    await stage.configure([patient]);
    const { leader, frozen } = freezing(stage, "webhook-on");
    const first = leader.now = cleanup.use(stage.reconcile(LEASE));
    await frozen;
    const second = cleanup.use(stage.reconcile(LEASE));
    await second.says(/WebhookEnabled/);
    first.thaw();
    await first.says(/Another Evenkeel leads by now/);
    await first.says(/Standing by/);
    assertEquals(stage.gate.writes, [`PATCH /webhooks/${id}`]);
    assert(await isOn());
    await using store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
    assertEquals((await store.listJournal()).map(({ kind, state }) => `${kind} ${state}`), [
      "webhook-on done",
    ]);
    assertEquals(await second.stop(), 0);
    assertEquals(await first.stop(), 0);
  },
});
