import { assert, assertEquals, assertThrows } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { signedHeaders } from "../../drydock/webhooks/sign.ts";
import { createWebhookVerifier, isWebhookSecret, WEBHOOK_TOLERANCE_MS } from "../../render/webhook.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const clock = { now: () => NOW };
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = `whsec_${btoa("another key of twenty-four")}`;
const BODY = JSON.stringify({
  type: "deploy_ended",
  timestamp: "2026-01-02T03:04:05.000Z",
  data: { id: "evt-1", serviceId: "srv-1", serviceName: "my-api", status: "failed" },
});
const bytes = (text: string) => new TextEncoder().encode(text);

/** Signs as drydock does, which shares no code with the verifier. */
const signed = (change: { secret?: string; id?: string; atMs?: number; body?: string } = {}) =>
  new Headers(
    signedHeaders(change.secret ?? SECRET, change.id ?? "evt-1", change.atMs ?? NOW, change.body ?? BODY),
  );
const verify = (headers: Headers, body: string | Uint8Array = BODY, secrets = [SECRET]) =>
  createWebhookVerifier({ secrets, clock }).verify(headers, typeof body === "string" ? bytes(body) : body);

Deno.test("verify() takes the standard's own test vector", () => {
  const verifier = createWebhookVerifier({ secrets: [SECRET], clock: { now: () => 1614265330_000 } });
  const headers = new Headers({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
  // Genuine, but no delivery of Render's.
  assertEquals(verifier.verify(headers, bytes('{"test": 2432232314}')).kind, "unreadable");
  assertEquals(verifier.verify(headers, bytes('{"test": 2432232315}')).kind, "refused");
});

Deno.test("verify() reads a genuine delivery", () => {
  const verdict = verify(signed());
  assertEquals(verdict, { kind: "genuine", id: "evt-1", delivery: JSON.parse(BODY) });
  const library = new Webhook(SECRET).sign("evt-1", new Date(NOW), BODY);
  assertEquals(signed().get("webhook-signature"), library);
});

Deno.test("verify() refuses another secret, another id, another time and every altered byte", () => {
  const refused = { kind: "refused", why: "signature" } as const;
  assertEquals(verify(signed({ secret: OTHER })), refused);
  const altered = (name: string, value: string) => {
    const headers = signed();
    headers.set(name, value);
    return headers;
  };
  assertEquals(verify(altered("webhook-id", "evt-2")), refused);
  assertEquals(verify(altered("webhook-timestamp", String(NOW / 1000 + 1))), refused);
  const body = bytes(BODY);
  for (let at = 0; at < body.length; at++) {
    const changed = body.slice();
    changed[at]! ^= 1; // every index below the length is there
    assertEquals(verify(signed(), changed), refused, `byte ${at}`);
  }
  assertEquals(verify(signed(), body.slice(0, -1)), refused);
  assertEquals(verify(signed(), `${BODY} `), refused);
  assertEquals(verify(signed(), `\ufeff${BODY}`), refused);
});

Deno.test("verify() refuses bytes that are no UTF-8, though they would read as the same text", () => {
  const body = '{"\ufffd":1}';
  const broken = Uint8Array.from([...bytes('{"'), 0xff, ...bytes('":1}')]);
  assertEquals(verify(signed({ body }), body).kind, "unreadable");
  assertEquals(verify(signed({ body }), broken).kind, "refused");
});

Deno.test("verify() refuses what is more than five minutes old or ahead by our clock", () => {
  for (const direction of [-1, 1]) {
    const within = signed({ atMs: NOW + direction * WEBHOOK_TOLERANCE_MS });
    assertEquals(verify(within).kind, "genuine");
    const beyond = signed({ atMs: NOW + direction * (WEBHOOK_TOLERANCE_MS + 1000) });
    assertEquals(verify(beyond), { kind: "refused", why: "time" });
    assert(!createWebhookVerifier({ secrets: [SECRET], clock }).admits(beyond));
  }
});

Deno.test("verify() takes one good signature among several, of any key in use while keys are changed", () => {
  const both = signed();
  const old = signed({ secret: OTHER }).get("webhook-signature");
  both.set("webhook-signature", `v1a,AAAA ${old} ${both.get("webhook-signature")}`);
  assertEquals(verify(both).kind, "genuine");
  assertEquals(verify(signed({ secret: OTHER }), BODY, [SECRET, OTHER]).kind, "genuine");
  assertEquals(verify(signed(), BODY, [SECRET, OTHER]).kind, "genuine");
  assertEquals(verify(signed({ secret: OTHER }), BODY, [SECRET]).kind, "refused");
});

Deno.test("verify() refuses headers that are missing, of another version, or could be read in two ways", () => {
  const broken: Record<string, string[]> = {
    "webhook-id": ["", "evt-1.2", "evt 1", "x".repeat(201)],
    "webhook-timestamp": ["", "soon", "-1", "1e9", ` 0${NOW / 1000}`, "17".repeat(10)],
    "webhook-signature": ["", "v1", "v1a,AAAA", "v2,AAAA", "AAAA"],
  };
  for (const [name, values] of Object.entries(broken)) {
    for (const value of values) {
      const headers = signed();
      headers.set(name, value);
      assertEquals(verify(headers), { kind: "refused", why: "headers" }, `${name}: ${value}`);
    }
    const without = signed();
    without.delete(name);
    assertEquals(verify(without), { kind: "refused", why: "headers" });
  }
  const many = signed();
  many.set("webhook-signature", `${"v1,AAAA ".repeat(10)}${many.get("webhook-signature")}`);
  assertEquals(verify(many).kind, "refused", "no more signatures are compared than are in use anywhere");
});

Deno.test("verify() takes no body for a delivery that is signed and of another form", () => {
  for (
    const body of [
      "",
      "null",
      "[]",
      "{",
      '{"type":1}',
      JSON.stringify({ type: "x", timestamp: "", data: {} }),
    ]
  ) {
    assertEquals(verify(signed({ body }), body), { kind: "unreadable", id: "evt-1" }, body);
  }
  const long = JSON.stringify({
    type: "x",
    timestamp: "",
    data: { id: "i".repeat(201), serviceId: "srv-1" },
  });
  assertEquals(verify(signed({ body: long }), long).kind, "unreadable");
});

Deno.test("a webhook's secret is a key in base64, with whsec_ before it or not", () => {
  assert(isWebhookSecret(SECRET) && isWebhookSecret(SECRET.slice("whsec_".length)));
  for (
    const text of ["", "whsec_", "whsec_short", "rnd_abc", "whsec_AAAA", "not base64 at all!!!", "whsec_A==="]
  ) {
    assert(!isWebhookSecret(text), text);
  }
  assertThrows(() => createWebhookVerifier({ secrets: ["nothing"], clock }), Error, "not a key");
});
