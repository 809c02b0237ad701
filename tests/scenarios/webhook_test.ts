/** The daemon and drydock with webhooks between them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { z } from "zod";
import { createFaults } from "../../drydock/webhooks/faults.ts";
import { webhookEventTypes } from "../../render/schemas.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { WEBHOOK_PATH } from "../../status/webhook.ts";
import { until } from "../drydock/harbour.ts";
import { Relay } from "../helpers/relay.ts";
import { nodeApp } from "./apps.ts";
import type { Daemon } from "./daemon.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient, StageOptions } from "./stage.ts";

/** With it something is lost, something comes twice and something overtakes in the first few deliveries. */
const SEED = 11;

const webhookSchema = z.object({ id: z.string(), secret: z.string(), enabled: z.boolean() });

/** A stage whose drydock delivers to whatever the relay is pointed at, and whose Evenkeel knows the secret. */
async function open(options: StageOptions["drydock"] = {}) {
  const stack = new AsyncDisposableStack();
  const relay = stack.use(new Relay());
  const stage = stack.use(await Stage.open({ drydock: options }));
  const webhook = webhookSchema.parse(
    await stage.harbour.call("POST", "/webhooks", {
      ownerId: stage.harbour.drydock.ownerId,
      url: relay.url,
      name: "evenkeel",
      enabled: true,
      eventFilter: [],
    }),
  );
  stage.env["RENDER_WEBHOOK_SECRET"] = webhook.secret;
  const isEnabled = async () =>
    webhookSchema.parse(await stage.harbour.call("GET", `/webhooks/${webhook.id}`)).enabled;
  return { relay, stage, webhook, isEnabled, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Points the relay at the daemon's status server. */
async function connect(relay: Relay, daemon: Daemon): Promise<void> {
  const line = await daemon.says(/status at http\S+\/status/);
  relay.target = `${/http\S+(?=\/status)/.exec(line)?.[0]}${WEBHOOK_PATH}`;
}

/** Types of recorded events, oldest first. */
async function eventsOf(stage: Stage): Promise<string[]> {
  await using store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
  return (await store.listEvents({ limit: 1000 })).map(({ type }) => type).reverse();
}

Deno.test("a daemon that looks once an hour switches its disabled webhook on, then heals at once because of it (promise 2)", async () => {
  await using yard = await open({ limits: { webhookPausesMs: [0, 5, 5, 5, 5, 5, 5, 5] } });
  const { stage, relay, isEnabled } = yard;
  const patient = await stage.patient(nodeApp());
  await begin(patient, "live");
  await until(async () => await isEnabled() ? undefined : true);
  await stage.configure([patient], { interval: "1h" });
  await using daemon = stage.reconcile();
  await connect(relay, daemon);
  await daemon.says(/WebhookEnabled .* switched on again/);
  assert(await isEnabled());
  await daemon.says(/ReadyTrue|ReadyUnknown|Looking after/);
  assertEquals(relay.answers, []);

  await patient.repository.commit(nodeApp({ host: "127.0.0.1" }), "Second version");
  await daemon.says(/IncidentHealed/);
  assertEquals(await daemon.stop(), 0);
  const fix = await theFix(patient);
  assertEquals(fix.files, ["index.js"]);
  const [live] = await patient.berth.deploys();
  assertEquals([live?.status, live?.commit?.id, (await health(patient)).status], ["live", fix.sha, 200]);
  assertEquals(relay.answers.filter((status) => status !== 204), []);

  const events = await eventsOf(stage);
  const order = ["EventsMissed", "WebhookEnabled", "IncidentOpened", "EffectPerformed", "IncidentHealed"];
  assertEquals(
    order.map((type) => events.indexOf(type)).toSorted((a, b) => a - b),
    order.map((type) => events.indexOf(type)),
  );
  assert(order.every((type) => events.includes(type)), events.join(" "));
  assertEquals((await stage.journal()).map(({ kind, state }) => `${kind} ${state}`), [
    "push done",
    "webhook-on done",
  ]);
});

const attemptsSchema = z.array(z.object({
  webhookEvent: z.object({ eventId: z.string(), statusCode: z.number().optional() }),
}));

/** What drydock has on record of its deliveries: some were lost, some came twice, and some overtook others. */
async function assertFaulty(
  { stage, webhook }: Awaited<ReturnType<typeof open>>,
  { berth }: Patient,
  journey: ReturnType<typeof createFaults>,
): Promise<void> {
  const events = (await berth.events()).reverse().filter(({ type }) =>
    webhookEventTypes.some((one) => one === type)
  );
  const wanted = events.map(({ id }) => [id, journey().length] as const);
  // What is held back is still to come; the daemon is gone, so that it may be refused, as often as it is sent.
  const { order, copies } = await until(async () => {
    const path = `/webhooks/${webhook.id}/events?limit=100`;
    const attempts = attemptsSchema.parse(await stage.harbour.call("GET", path)).reverse();
    const order = attempts.map(({ webhookEvent }) => webhookEvent.eventId);
    const copies = (id: string) => order.filter((one) => one === id).length;
    return wanted.every(([id, count]) => copies(id) >= count) ? { order, copies } : undefined;
  });
  const lost = wanted.filter(([, count]) => count === 0);
  assertEquals(lost.map(([id]) => copies(id)), lost.map(() => 0));
  assert(lost.length > 0, "nothing was lost");
  assert(wanted.some(([, count]) => count === 2), "nothing was repeated");
  const places = order.map((id) => events.findIndex((event) => event.id === id));
  assert(places.some((place, at) => place < (places[at - 1] ?? 0)), `nothing was overtaken: ${places}`);
}

Deno.test("deliveries that are lost, repeated and overtake one another heal as none do: one commit, one deploy of it (promise 2)", async () => {
  const deliveryFaults = { seed: SEED, lost: 0.3, repeated: 0.5, heldBackMs: 3_000 };
  await using yard = await open({ deliveryFaults });
  const { stage, relay } = yard;
  const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }));
  await stage.configure([patient]);
  await using daemon = stage.reconcile();
  await connect(relay, daemon);
  await daemon.says(/IncidentHealed/);
  assertEquals(await daemon.stop(), 0);
  const fix = await theFix(patient);
  assertEquals([fix.files, fix.before.length], [["index.js"], 1]);
  const deploys = await patient.berth.deploys();
  assertEquals(deploys.map(({ status }) => status), ["live", "update_failed"]);
  assertEquals(deploys[0]?.commit?.id, fix.sha);
  assertEquals((await stage.journal()).map(({ kind, state }) => `${kind} ${state}`), ["push done"]);
  assertEquals(stage.gate.writes, []);
  const events = await eventsOf(stage);
  assertEquals(events.filter((type) => type === "IncidentOpened").length, 1);
  assert(relay.answers.length > 0);
  await assertFaulty(yard, patient, createFaults(deliveryFaults));
  assertStringIncludes((await patient.repository.log())[0]?.message ?? "", "Evenkeel-Attempt");
});
