import { assert, assertEquals } from "@std/assert";
import { signedHeaders } from "../../drydock/webhooks/sign.ts";
import { createWebhookVerifier } from "../../render/webhook.ts";
import type { Delivery } from "../../render/webhook_schemas.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { startStatusServer } from "../../status/server.ts";
import {
  createWebhookReceiver,
  WEBHOOK_AT_ONCE_MAX,
  WEBHOOK_BODY_BYTES_MAX,
  WEBHOOK_BODY_TIMEOUT_MS,
  WEBHOOK_BURST,
  WEBHOOK_IDS_KEPT,
  WEBHOOK_PATH,
  WEBHOOK_REFUSED_BURST,
  WEBHOOK_REFUSED_PER_SECOND,
  WEBHOOK_REQUESTS_PER_SECOND,
} from "../../status/webhook.ts";
import { ManualClock } from "../reconciler/world.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = `whsec_${btoa("another key of twenty-four")}`;

function bodyOf(id: string, serviceId = "srv-1"): string {
  const data = { id, serviceId, serviceName: "my-api", status: "failed" };
  return JSON.stringify({ type: "deploy_ended", timestamp: "2026-01-02T03:04:05.000Z", data });
}

function open(clock = new ManualClock()) {
  const deliveries: Delivery[] = [];
  const receiver = createWebhookReceiver({
    verifier: createWebhookVerifier({ secrets: [SECRET], clock }),
    clock,
    onDelivery: (delivery) => deliveries.push(delivery),
  });
  const request = (
    id: string,
    change: { secret?: string; body?: BodyInit; headers?: Record<string, string> } = {},
  ) =>
    new Request(`http://evenkeel.example${WEBHOOK_PATH}`, {
      method: "POST",
      headers: { ...signedHeaders(change.secret ?? SECRET, id, clock.now(), bodyOf(id)), ...change.headers },
      body: change.body ?? bodyOf(id),
    });
  const send = async (...args: Parameters<typeof request>) => {
    const response = await receiver.answer(request(...args));
    return { status: response.status, text: await response.text() };
  };
  return { clock, receiver, deliveries, request, send };
}

Deno.test("a genuine delivery is answered 204 and asks for a look once, however often it comes (promise 2)", async () => {
  const { deliveries, send } = open();
  assertEquals(await send("evt-1"), { status: 204, text: "" });
  assertEquals(await send("evt-1"), { status: 204, text: "" });
  assertEquals(await send("evt-2"), { status: 204, text: "" });
  assertEquals(deliveries.map(({ data }) => data.id), ["evt-1", "evt-2"]);
});

Deno.test("what is not genuine is answered 401 without a word why, and asks for nothing", async () => {
  const { deliveries, send, clock } = open();
  const answers = [
    await send("evt-1", { secret: OTHER }),
    await send("evt-1", { body: bodyOf("evt-9") }),
    await send("evt-1", { headers: { "webhook-timestamp": String(clock.now() / 1000 - 301) } }),
    await send("evt-1", { headers: { "webhook-signature": "" } }),
  ];
  assertEquals(
    new Set(answers.map(({ status, text }) => `${status} ${text}`)),
    new Set(['401 {"error":"not accepted"}']),
  );
  assertEquals(deliveries, []);
  // A forged one must not make the genuine one look like a repeat.
  assertEquals((await send("evt-1")).status, 204);
  assertEquals(deliveries.length, 1);
});

Deno.test("a body that is too large is turned away, said or sent", async () => {
  const { send, deliveries, request, receiver } = open();
  assertEquals((await send("evt-1", { headers: { "content-length": "99999" } })).status, 413);
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1024;
      controller.enqueue(new Uint8Array(1024));
    },
  });
  assertEquals((await receiver.answer(request("evt-1", { body: endless }))).status, 413);
  assert(sent <= WEBHOOK_BODY_BYTES_MAX + 4 * 1024, `${sent} bytes were taken`);
  assertEquals(deliveries, []);
});

Deno.test("senders who hold their bodies back are let go in time, and keep no genuine delivery waiting meanwhile (promise 2)", async () => {
  const { clock, receiver, request, send, deliveries } = open();
  const canceled: string[] = [];
  const silent = (id: string) => new ReadableStream({ cancel: () => void canceled.push(id) });
  const slow = Array.from(
    { length: WEBHOOK_AT_ONCE_MAX },
    (_, at) => receiver.answer(request(`evt-${at}`, { body: silent(`evt-${at}`) })),
  );
  // Without a moment's time: the one that has waited longest makes room.
  assertEquals((await send("evt-new")).status, 204);
  assertEquals([(await slow[0])?.status, canceled], [408, ["evt-0"]]);
  for (let at = 0; at < 2 * WEBHOOK_AT_ONCE_MAX; at++) {
    slow.push(receiver.answer(request(`evt-more-${at}`, { body: silent(`evt-more-${at}`) })));
  }
  assertEquals((await send("evt-newer")).status, 204);
  assertEquals(deliveries.length, 2);
  await clock.advance(WEBHOOK_BODY_TIMEOUT_MS);
  assertEquals((await Promise.all(slow)).map(({ status }) => status), Array(slow.length).fill(408));
  assertEquals(canceled.length, slow.length);
});

Deno.test("a flood of forged deliveries is turned away, and costs no genuine one its place", async () => {
  const { clock, send, deliveries } = open();
  for (let at = 0; at < WEBHOOK_REFUSED_BURST; at++) {
    assertEquals((await send(`evt-${at}`, { secret: OTHER })).status, 401);
  }
  for (let at = 0; at < WEBHOOK_BURST; at++) {
    assertEquals((await send(`evt-${at}`, { secret: OTHER })).status, 429);
    assertEquals((await send(`evt-${at}`)).status, 204);
  }
  assertEquals(deliveries.length, WEBHOOK_BURST);
  await clock.advance(1000);
  for (let at = 0; at < WEBHOOK_REFUSED_PER_SECOND; at++) {
    assertEquals((await send("evt-x", { headers: { "webhook-signature": "" } })).status, 401);
  }
  assertEquals((await send("evt-x", { headers: { "webhook-signature": "" } })).status, 429);
});

Deno.test("genuine deliveries beyond a burst wait for their second, and repeats cost none of it", async () => {
  const { clock, send, deliveries } = open();
  for (let at = 0; at < WEBHOOK_BURST; at++) assertEquals((await send(`evt-${at}`)).status, 204);
  assertEquals((await send("evt-x")).status, 429);
  assertEquals((await send("evt-1")).status, 204);
  await clock.advance(1000);
  for (let at = 0; at < WEBHOOK_REQUESTS_PER_SECOND; at++) {
    assertEquals((await send(`evt-later-${at}`)).status, 204);
  }
  assertEquals((await send("evt-x")).status, 429);
  assertEquals(deliveries.length, WEBHOOK_BURST + WEBHOOK_REQUESTS_PER_SECOND);
});

Deno.test("remembered deliveries are bounded: the oldest is forgotten and would only ask once more", async () => {
  const { clock, send, deliveries } = open();
  for (let at = 0; at <= WEBHOOK_IDS_KEPT; at++) {
    assertEquals((await send(`evt-${at}`)).status, 204);
    await clock.advance(1000 / WEBHOOK_REQUESTS_PER_SECOND);
  }
  await send(`evt-${WEBHOOK_IDS_KEPT}`);
  assertEquals(deliveries.length, WEBHOOK_IDS_KEPT + 1);
  await send("evt-0");
  assertEquals(deliveries.length, WEBHOOK_IDS_KEPT + 2);
});

Deno.test("a look that cannot be asked for makes Render deliver again", async () => {
  const clock = new ManualClock();
  let isFull = true;
  const receiver = createWebhookReceiver({
    verifier: createWebhookVerifier({ secrets: [SECRET], clock }),
    clock,
    onDelivery: () => {
      if (isFull) throw new Error("the queue is full");
    },
  });
  const { request } = open(clock);
  assertEquals((await receiver.answer(request("evt-1"))).status, 503);
  isFull = false;
  assertEquals((await receiver.answer(request("evt-1"))).status, 204);
});

Deno.test("a signed body of an unknown form is taken and does nothing, so that Render does not disable the webhook", async () => {
  const { clock, receiver, deliveries } = open();
  const body = '{"hello":"world"}';
  const headers = signedHeaders(SECRET, "evt-1", clock.now(), body);
  const response = await receiver.answer(
    new Request("http://evenkeel.example/", { method: "POST", headers, body }),
  );
  assertEquals([response.status, deliveries.length], [204, 0]);
});

Deno.test("the status server takes deliveries without its token, and only where they are switched on", async () => {
  const { receiver, deliveries, request, clock } = open();
  await using store = await openSqliteStore(IN_MEMORY);
  const options = {
    store,
    version: "0",
    readiness: () => Promise.resolve({ ready: true, reason: "" }),
    clock,
    port: 0,
    token: "a-long-and-random-token",
  };
  const post = async (url: string, method = "POST") => {
    const { headers } = request("evt-1");
    headers.set("host", "evenkeel.example");
    const body = method === "POST" ? bodyOf("evt-1") : null;
    const response = await fetch(`${url}${WEBHOOK_PATH}`, { method, headers, body });
    await response.body?.cancel();
    return response.status;
  };
  const off = await startStatusServer(options);
  assertEquals(await post(off.url), 405);
  await off.stop();
  const on = await startStatusServer({ ...options, webhook: receiver });
  assertEquals([await post(on.url), await post(on.url, "GET")], [204, 404]);
  assertEquals(
    await fetch(`${on.url}/status`).then(async (one) => (await one.body?.cancel(), one.status)),
    401,
  );
  // More than is read of a body, said beforehand and not said.
  const large = new Uint8Array(4 * WEBHOOK_BODY_BYTES_MAX);
  for (const body of [large, new Blob([large]).stream()]) {
    const { headers } = request("evt-2");
    const response = await fetch(`${on.url}${WEBHOOK_PATH}`, { method: "POST", headers, body });
    await response.body?.cancel();
    assertEquals(response.status, 413);
  }
  assertEquals(await post(on.url), 204);
  await on.stop();
  assertEquals(deliveries.length, 1);
});
