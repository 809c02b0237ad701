/** The keeper against a real drydock, client and store. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { systemClock } from "../../base/clock.ts";
import type { DrydockOptions } from "../../drydock/mod.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { keepWebhook, WEBHOOK_ENABLES_PER_DAY } from "../../reconciler/webhook_keeper.ts";
import { createRenderClient } from "../../render/client.ts";
import type { Webhook } from "../../render/webhook_schemas.ts";
import type { StateEvent } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { Harbour, nodeRepository, until } from "../drydock/harbour.ts";
import { WebhookReceiver } from "../helpers/webhook_receiver.ts";
import { spec } from "./world.ts";

const LOOK_MS = 30;

async function open(options: DrydockOptions = {}) {
  const stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-keeper-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const receiver = stack.use(new WebhookReceiver());
  const harbour = stack.use(
    await Harbour.open({ limits: { webhookPausesMs: Array(8).fill(0) }, ...options }),
  );
  const store = stack.use(await openSqliteStore(join(folder, "evenkeel.db")));
  const { apiKey, url, ownerId } = harbour.drydock;
  const api = createRenderClient({ apiKey, baseUrl: url });
  const register = (name: string) =>
    api.webhooks.create({ ownerId, url: receiver.url, name, enabled: true, eventFilter: [] });
  const berth = async () => await harbour.create(stack.use(await nodeRepository()));
  const events: StateEvent[] = [];
  const onEvent = (event: StateEvent) => void events.push(event);
  const parts = { api, store, clock: systemClock, random: () => 0, onEvent };

  /** Runs a keeper until something is so. */
  const keep = async (
    until: (events: StateEvent[]) => boolean | Promise<boolean>,
    change: Partial<Parameters<typeof keepWebhook>[1]> = {},
  ) => {
    const specs = change.specs ?? [spec({ service: "api" })];
    const queue = new WorkQueue(parts);
    const over = new AbortController();
    const defaults = { id: null, secrets: [], specs, keys: new ServiceKeys(specs), queue, lookMs: LOOK_MS };
    const keeping = keepWebhook(parts, { ...defaults, ...change, signal: over.signal });
    const giveUpAt = performance.now() + 120_000;
    while (!await until(events)) {
      assert(performance.now() < giveUpAt, `it did not come to that: ${JSON.stringify(events)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    over.abort();
    await keeping;
    return queue;
  };
  return {
    receiver,
    berth,
    harbour,
    store,
    api,
    register,
    events,
    keep,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const keysOf = (...names: string[]): ServiceSpec[] => names.map((service) => spec({ service }));
const has = (type: string) => (events: StateEvent[]) => events.some((event) => event.type === type);
const secretOf = ({ secret }: Webhook) => secret ?? "";

/** Lets deliveries fail until Render's stand-in has had enough. */
async function disable(yard: Awaited<ReturnType<typeof open>>, webhook: Webhook): Promise<void> {
  yard.receiver.answer = () => new Response(null, { status: 500 });
  await until(async () => (await yard.api.webhooks.get(webhook.id)).enabled === false ? true : undefined);
}

Deno.test("a webhook that Render disabled is switched on again, the gap is read and every service looked at (promise 2)", async () => {
  await using yard = await open();
  const ours = await yard.register("ours");
  const theirs = await yard.register("theirs");
  await yard.api.webhooks.update(theirs.id, { enabled: false });
  const berth = await yard.berth();
  await disable(yard, ours);
  await berth.isLive();
  yard.receiver.answer = () => new Response(null, { status: 204 });
  const taken = new Set(
    (await yard.api.webhooks.listAttempts(ours.id)).filter(({ statusCode }) => statusCode === 204).map((
      one,
    ) => one.eventId),
  );
  const specs = keysOf(berth.id, "other");
  const queue = await yard.keep(has("WebhookEnabled"), { secrets: [secretOf(ours)], specs });

  assertEquals((await yard.api.webhooks.get(ours.id)).enabled, true);
  assertEquals((await yard.api.webhooks.get(theirs.id)).enabled, false);
  assertEquals([await queue.take(), await queue.take()].toSorted(), [berth.id, "other"].toSorted());
  const journal = await yard.store.listJournal({ serviceId: ours.id });
  assertEquals(journal.map(({ kind, state }) => [kind, state]), [["webhook-on", "done"]]);
  assertEquals(yard.events.map(({ type }) => type), ["EventsMissed", "WebhookEnabled"]);
  const missed = (await berth.events()).filter(({ id }) => !taken.has(id)).map(({ id, type }) => ({
    id,
    type,
  }));
  const [told] = await yard.store.listEvents({ serviceId: berth.id });
  const data = told?.data as { events: { id: string; type: string }[] }; // as backfill.ts writes it
  assertEquals(data.events.map(({ id, type }) => ({ id, type })), missed);
  assertStringIncludes(told?.message ?? "", "deploy_ended at ");
});

Deno.test("events that were delivered are not told as missed", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  const berth = await yard.berth();
  await berth.isLive();
  const before = await until(async () => {
    const attempts = await yard.api.webhooks.listAttempts(webhook.id);
    return attempts.some(({ eventType }) => eventType === "deploy_ended") ? attempts : undefined;
  });
  yard.receiver.answer = () => new Response(null, { status: 500 });
  await yard.harbour.call("POST", `/services/${berth.id}/suspend`);
  await disable(yard, webhook);
  await yard.keep(has("WebhookEnabled"), { id: webhook.id, specs: keysOf(berth.id) });
  const missed = yard.events.find(({ type }) => type === "EventsMissed");
  assertEquals(before.length, 4);
  assertStringIncludes(
    missed?.message ?? "",
    "1 event was not delivered while the webhook was off: service_suspended",
  );
});

Deno.test("a webhook whose last deliveries were taken was switched off by a person, and stays off", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  const berth = await yard.berth();
  await berth.isLive();
  await until(async () => (await yard.api.webhooks.listAttempts(webhook.id)).length >= 4 ? true : undefined);
  await yard.api.webhooks.update(webhook.id, { enabled: false });
  let looks = 0;
  await yard.keep(() => ++looks > 5, { secrets: [secretOf(webhook)] });
  assertEquals(yard.events.map(({ type }) => type), ["WebhookOff"]);
  assertStringIncludes(yard.events[0]?.message ?? "", "a person switched it off");
  assertEquals((await yard.api.webhooks.get(webhook.id)).enabled, false);
  assertEquals(await yard.store.listJournal({}), []);
  // And when they switch it on again, what it missed is caught up with.
  await yard.keep(async (events) => {
    if (!has("WebhookEnabled")(events)) await yard.api.webhooks.update(webhook.id, { enabled: looks++ > 12 });
    return has("WebhookEnabled")(events);
  }, { secrets: [secretOf(webhook)] });
});

Deno.test("a webhook that a person switches off while deliveries fail stays off", async () => {
  await using yard = await open({ limits: { webhookPausesMs: [0, 60_000] } });
  const webhook = await yard.register("ours");
  yard.receiver.answer = () => new Response(null, { status: 500 });
  await yard.berth();
  await until(async () => (await yard.api.webhooks.listAttempts(webhook.id)).length > 0 ? true : undefined);
  await yard.api.webhooks.update(webhook.id, { enabled: false });
  let looks = 0;
  await yard.keep(() => ++looks > 5, { id: webhook.id });
  assertEquals((await yard.api.webhooks.get(webhook.id)).enabled, false);
  assertEquals(yard.events.map(({ type }) => type), ["WebhookOff"]);
});

Deno.test("a webhook that a person switches off after we switched it on stays off", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  await yard.berth();
  await disable(yard, webhook);
  yard.receiver.answer = () => new Response(null, { status: 204 });
  await yard.keep(has("WebhookEnabled"), { id: webhook.id });
  await yard.api.webhooks.update(webhook.id, { enabled: false });
  let looks = 0;
  await yard.keep(() => ++looks > 5, { id: webhook.id });
  assertEquals((await yard.api.webhooks.get(webhook.id)).enabled, false);
});

Deno.test("a pause is kept also where a killed process had begun to switch the webhook on", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  await yard.berth();
  await disable(yard, webhook);
  await yard.store.intend({
    key: `webhook/${webhook.id}/1`,
    serviceId: webhook.id,
    kind: "webhook-on",
    payload: {},
    intendedAt: Date.now(),
  });
  let looks = 0;
  await yard.keep(() => ++looks > 5, {
    id: webhook.id,
    specs: [spec({ service: "api", policy: { paused: true } })],
  });
  assertEquals((await yard.api.webhooks.get(webhook.id)).enabled, false);
});

Deno.test("policies that only suggest, are paused or let no setting be changed leave the webhook off, and say so once", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  await yard.berth();
  await disable(yard, webhook);
  const policies = [
    spec({ service: "api", mode: "suggest" }),
    spec({ service: "api", policy: { paused: true } }),
    spec({ service: "api", policy: { mayChangeSettings: false } }),
  ];
  for (const [at, specs] of policies.map((one) => [one]).entries()) {
    let looks = 0;
    await yard.keep(() => ++looks > 4, { id: webhook.id, specs });
    assertEquals(yard.events.map(({ type }) => type), Array(at + 1).fill("WebhookOff"));
  }
  assertEquals((await yard.api.webhooks.get(webhook.id)).enabled, false);
  assertEquals(await yard.store.listJournal({}), []);
});

Deno.test("a webhook that is disabled again and again is switched on three times a day and no more", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  const berth = await yard.berth();
  await disable(yard, webhook);
  await berth.isLive();
  let restarts = 0;
  await yard.keep(async (events) => {
    if (has("WebhookOff")(events)) return true;
    if (restarts++ < 200) await yard.harbour.fetch("POST", `/services/${berth.id}/restart`);
    return false;
  }, { id: webhook.id });
  const journal = await yard.store.listJournal({ serviceId: webhook.id });
  assertEquals(journal.length, WEBHOOK_ENABLES_PER_DAY);
  assertStringIncludes(yard.events.at(-1)?.message ?? "", "can be reached");
  assertEquals((await yard.api.webhooks.get(webhook.id)).enabled, false);
});

Deno.test("a plan without webhooks is said once, and services are looked at by the clock alone", async () => {
  await using yard = await open({ webhooks: "off" });
  const specs = keysOf("api");
  const ended = keepWebhook(
    {
      api: yard.api,
      store: yard.store,
      clock: systemClock,
      random: () => 0,
      onEvent: (event) => void yard.events.push(event),
    },
    {
      id: null,
      secrets: ["whsec_x"],
      specs,
      keys: new ServiceKeys(specs),
      queue: new WorkQueue({ clock: systemClock, random: () => 0 }),
      signal: new AbortController().signal,
    },
  );
  await ended;
  assertEquals(yard.events.map(({ type }) => type), ["WebhooksNotInPlan"]);
  assertStringIncludes(yard.events[0]?.message ?? "", "by the clock alone");
});

Deno.test("a kill after switching on and before it was recorded has the gap filled by the next start, once", async () => {
  await using yard = await open();
  const webhook = await yard.register("ours");
  const key = `webhook/${webhook.id}/1`;
  await yard.store.intend({
    key,
    serviceId: webhook.id,
    kind: "webhook-on",
    payload: {},
    intendedAt: Date.now(),
  });
  let looks = 0;
  const queue = await yard.keep((events) => has("WebhookEnabled")(events) && ++looks > 4, { id: webhook.id });
  assertEquals(await queue.take(), "api");
  assertEquals(yard.events.map(({ type }) => type), ["WebhookEnabled"]);
  assertEquals((await yard.store.listJournal({})).map(({ state }) => state), ["done"]);
});

Deno.test("a webhook that cannot be found is said once, and none is made", async () => {
  await using yard = await open();
  await yard.register("theirs");
  let looks = 0;
  await yard.keep(() => ++looks > 4, { secrets: [`whsec_${btoa("a key that nobody else has")}`] });
  assertEquals(yard.events.map(({ type }) => type), ["WebhookNotFound"]);
  assertEquals((await yard.api.webhooks.list()).map(({ name, enabled }) => [name, enabled]), [[
    "theirs",
    true,
  ]]);
});
