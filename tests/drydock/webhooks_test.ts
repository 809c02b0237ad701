import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import type { DrydockOptions } from "../../drydock/mod.ts";
import { createFaults } from "../../drydock/webhooks/faults.ts";
import { WebhookReceiver } from "../helpers/webhook_receiver.ts";
import { Harbour, nodeRepository, until } from "./harbour.ts";

const webhookSchema = z.object({ id: z.string(), secret: z.string(), enabled: z.boolean() });
const attemptsSchema = z.array(z.object({
  webhookEvent: z.object({
    eventId: z.string(),
    eventType: z.string(),
    statusCode: z.number().optional(),
    responseBody: z.string().optional(),
    error: z.string().optional(),
  }),
}));

/** A drydock with one live service, and a webhook of it that leads to a receiver. */
async function open(options: DrydockOptions = {}, eventFilter: string[] = []) {
  const stack = new AsyncDisposableStack();
  const receiver = stack.use(new WebhookReceiver());
  const repository = stack.use(await nodeRepository());
  const harbour = stack.use(await Harbour.open(options));
  const webhook = webhookSchema.parse(
    await harbour.call("POST", "/webhooks", {
      ownerId: harbour.drydock.ownerId,
      url: receiver.url,
      name: "tests",
      enabled: true,
      eventFilter,
    }),
  );
  const berth = await harbour.create(repository);
  await berth.isLive();
  const read = async () => webhookSchema.parse(await harbour.call("GET", `/webhooks/${webhook.id}`));
  const attempts = async () =>
    attemptsSchema.parse(await harbour.call("GET", `/webhooks/${webhook.id}/events?limit=100`))
      .map(({ webhookEvent }) => webhookEvent);
  return {
    receiver,
    harbour,
    berth,
    webhook,
    read,
    attempts,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("a webhook gets each event of a deploy once, signed by the standard", async () => {
  await using yard = await open();
  const { receiver, berth, harbour, webhook, attempts } = yard;
  await until(() => Promise.resolve(receiver.came.find(({ type }) => type === "deploy_ended")));
  const events = await berth.events();
  await until(() => Promise.resolve(receiver.came.length >= events.length ? true : undefined));
  assertEquals(new Set(receiver.came.map(({ id }) => id)), new Set(events.map(({ id }) => id)));
  assertEquals(receiver.came.length, events.length);
  for (const { headers, body } of receiver.came) {
    new Webhook(webhook.secret).verify(body, Object.fromEntries(headers));
  }
  const ended = receiver.came.find(({ type }) => type === "deploy_ended");
  const { data } = JSON.parse(ended?.body ?? "");
  assertEquals(data, { id: ended?.id, serviceId: berth.id, serviceName: "api", status: "succeeded" });
  assertEquals((await harbour.fetch("GET", `/events/${data.id}`)).status, 200);
  assertEquals((await attempts()).map(({ statusCode }) => statusCode), events.map(() => 204));
});

Deno.test("a delivery that is refused comes again with the same id and a new signature, until it is taken", async () => {
  await using yard = await open({ limits: { webhookPausesMs: [0, 5, 5, 5] } }, ["service_suspended"]);
  const { receiver, berth, harbour, webhook, read, attempts } = yard;
  receiver.answer = () => new Response("x".repeat(5_000), { status: receiver.came.length < 3 ? 500 : 200 });
  await harbour.call("POST", `/services/${berth.id}/suspend`);
  const sent = await until(async () => (await attempts()).length === 3 ? await attempts() : undefined);
  assertEquals(sent.map(({ statusCode }) => statusCode), [200, 500, 500]);
  assertEquals(sent[0]?.responseBody?.length, 1_000);
  assertEquals(new Set(receiver.came.map(({ id }) => id)).size, 1);
  for (const { headers, body } of receiver.came) {
    new Webhook(webhook.secret).verify(body, Object.fromEntries(headers));
  }
  assert((await read()).enabled);
});

Deno.test("eight refused attempts at one event disable the webhook; switched on again it gets what comes then", async () => {
  const limits = { webhookPausesMs: [0, 1, 1, 1, 1, 1, 1, 1] };
  await using yard = await open({ limits }, ["service_suspended", "service_resumed"]);
  const { receiver, berth, harbour, webhook, read, attempts } = yard;
  receiver.answer = () => new Response(null, { status: 302, headers: { location: "/elsewhere" } });
  await harbour.call("POST", `/services/${berth.id}/suspend`);
  await until(async () => (await read()).enabled ? undefined : true);
  assertEquals((await attempts()).map(({ statusCode }) => statusCode), Array(8).fill(302));
  receiver.answer = () => new Response("taken");
  await harbour.call("PATCH", `/webhooks/${webhook.id}`, { enabled: true });
  await harbour.call("POST", `/services/${berth.id}/resume`);
  await until(() => Promise.resolve(receiver.came.find(({ type }) => type === "service_resumed")));
  assertEquals(receiver.came.length, 9);
  assert((await read()).enabled);
});

Deno.test("a receiver that does not answer in time counts as a refusal", async () => {
  const limits = { webhookAnswerMs: 50, webhookPausesMs: [0, 1] };
  await using yard = await open({ limits }, ["service_suspended"]);
  const held = Promise.withResolvers<void>();
  yard.receiver.answer = async () => {
    await held.promise;
    return new Response();
  };
  await yard.harbour.call("POST", `/services/${yard.berth.id}/suspend`);
  await until(async () => (await yard.read()).enabled ? undefined : true);
  held.resolve();
  assertEquals((await yard.attempts()).map(({ error }) => error), Array(2).fill("no answer within 50 ms"));
});

Deno.test("a webhook leads only where it was registered, and off this machine only when drydock is told so", async () => {
  await using harbour = await Harbour.open();
  const input = { ownerId: harbour.drydock.ownerId, name: "tests", enabled: true, eventFilter: [] };
  const post = async (change: Record<string, unknown>) => {
    const response = await harbour.fetch("POST", "/webhooks", { ...input, ...change });
    return { status: response.status, text: await response.text() };
  };
  const away = await post({ url: "https://receiver.example/hook" });
  assertEquals(away.status, 400);
  assertStringIncludes(away.text, "to this machine only");
  assertEquals((await post({ url: "file:///etc/passwd" })).status, 400);
  assertEquals((await post({ url: "http://user:word@127.0.0.1/" })).status, 400);
  assertEquals((await post({ url: "http://127.0.0.1:1/", ownerId: "tea-other" })).status, 400);
  assertEquals((await post({ url: "http://127.0.0.1:1/", eventFilter: ["no_such_event"] })).status, 400);
  assertEquals((await post({ url: "http://127.0.0.1:1/" })).status, 201);
  await using open = await Harbour.open({ deliversAnywhere: true });
  const url = "https://receiver.example/hook";
  const made = await open.fetch("POST", "/webhooks", { ...input, ownerId: open.drydock.ownerId, url });
  assertEquals([made.status, webhookSchema.parse(await made.json()).enabled], [201, true]);
});

Deno.test("a workspace without webhooks answers 402", async () => {
  await using harbour = await Harbour.open({ webhooks: "off" });
  const response = await harbour.fetch("GET", "/webhooks");
  assertEquals(response.status, 402);
  assertStringIncludes(await response.text(), "Professional");
});

Deno.test("what befalls deliveries is the same for the same seed, and as often as asked", () => {
  const journeys = (seed: number) => {
    const next = createFaults({ seed, lost: 0.3, repeated: 0.3, heldBackMs: 100 });
    return Array.from({ length: 1000 }, next);
  };
  assertEquals(journeys(7), journeys(7));
  const lost = journeys(7).filter((copies) => copies.length === 0).length;
  const twice = journeys(7).filter((copies) => copies.length === 2).length;
  assert(lost > 250 && lost < 350, `${lost} of 1000 are lost`);
  assert(twice > 160 && twice < 260, `${twice} of 1000 come twice`);
  assertEquals(createFaults({ seed: 1 })(), [0]);
});
