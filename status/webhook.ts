/**
 * The receiver of Render's webhooks. The signature is its token: what is not genuine is answered 401 without a word
 * why. A genuine delivery only asks for an early look at its service; nothing in it is believed beyond that. Answers
 * before anything is done and holds bounded memory. What is forged never costs a genuine delivery its place: Render
 * gives a webhook up whose deliveries are refused.
 */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { logOf } from "../base/log.ts";

/** Where Render is told to deliver. */
export const WEBHOOK_PATH = "/webhooks/render";
/** Bytes of a body; Render's have a few hundred. */
export const WEBHOOK_BODY_BYTES_MAX = 16 * 1024;
/** How long a sender may take to send a body, in milliseconds. */
export const WEBHOOK_BODY_TIMEOUT_MS = 5_000;
/** Genuine deliveries a second that are taken in the long run, and at once after a pause. */
export const WEBHOOK_REQUESTS_PER_SECOND = 50;
export const WEBHOOK_BURST = 500;
/** Forged requests a second that are answered 401 and logged in the long run, and at once; the others are told to go slower. */
export const WEBHOOK_REFUSED_PER_SECOND = 10;
export const WEBHOOK_REFUSED_BURST = 100;
/** Requests whose bodies are read at once; a further one takes the place of the one that has waited longest. */
export const WEBHOOK_AT_ONCE_MAX = 32;
/** Deliveries remembered, so that a repeat asks for nothing; the oldest are forgotten. */
export const WEBHOOK_IDS_KEPT = 2_000;

const log = logOf("webhook");

/** Says whether a request is Render's. */
export interface DeliveryVerifier<Delivery> {
  /** Whether the headers can be those of a delivery: asked before a body is read. */
  admits(headers: Headers): boolean;
  verify(headers: Headers, body: Uint8Array):
    | { kind: "genuine"; id: string; delivery: Delivery }
    /** Genuine, and of a form that is not known. */
    | { kind: "unreadable"; id: string }
    /** `why` is for our own log. */
    | { kind: "refused"; why: string };
}

export interface WebhookReceiverOptions<Delivery> {
  verifier: DeliveryVerifier<Delivery>;
  clock: Clock;
  /** Asks for an early look; must not wait. What it throws makes Render deliver again. */
  onDelivery: (delivery: Delivery) => void;
}

export interface WebhookReceiver {
  /** Never rejects. */
  answer(request: Request): Promise<Response>;
}

export function createWebhookReceiver<Delivery>(options: WebhookReceiverOptions<Delivery>): WebhookReceiver {
  const { verifier, clock, onDelivery } = options;
  const mayEnter = createGate(clock, WEBHOOK_REQUESTS_PER_SECOND, WEBHOOK_BURST);
  const mayBeTold = createGate(clock, WEBHOOK_REFUSED_PER_SECOND, WEBHOOK_REFUSED_BURST);
  const seen = new Set<string>();
  /** Gives each body up that is being read, the oldest first. */
  const reading = new Set<() => void>();

  const unauthorized = (why: string): Response => {
    if (!mayBeTold()) return tooMany();
    log.debug(`A delivery was refused: ${why}`);
    return refuse(401, "not accepted");
  };

  const receive = async (request: Request): Promise<Response> => {
    if (Number(request.headers.get("content-length") ?? 0) > WEBHOOK_BODY_BYTES_MAX) {
      return refuse(413, "the body is too large");
    }
    if (!verifier.admits(request.headers)) return unauthorized("headers or time");
    // Whoever can write a date can come this far. Render sends a body with its head, so that it is those who hold
    // theirs back that are let go.
    const [oldest] = reading;
    if (oldest !== undefined && reading.size >= WEBHOOK_AT_ONCE_MAX) {
      reading.delete(oldest);
      oldest();
    }
    const { promise: givenUp, resolve } = Promise.withResolvers<"late">();
    const giveUp = () => resolve("late");
    reading.add(giveUp);
    const body = await readBody(request, clock, givenUp).finally(() => reading.delete(giveUp));
    if (body === "large") return refuse(413, "the body is too large");
    if (body === "late") return refuse(408, "the body did not come");
    const verdict = verifier.verify(request.headers, body);
    switch (verdict.kind) {
      case "refused":
        return unauthorized(verdict.why);
      case "unreadable":
        // To refuse it would make Render deliver it again, and at last disable the webhook.
        log.warn(`Delivery ${verdict.id} is signed and has a form that this version does not know`);
        return taken();
      case "genuine": {
        if (seen.has(verdict.id)) return taken();
        if (!mayEnter()) return tooMany();
        onDelivery(verdict.delivery);
        seen.add(verdict.id);
        for (const id of seen) {
          if (seen.size <= WEBHOOK_IDS_KEPT) break;
          seen.delete(id);
        }
        return taken();
      }
    }
  };

  return {
    async answer(request) {
      let response: Response;
      try {
        response = await receive(request);
      } catch (error) {
        log.warn(`A delivery could not be taken: ${messageOf(error)}`);
        response = refuse(503, "not taken");
      }
      // Nobody reads the rest.
      if (!request.bodyUsed) await request.body?.cancel().catch(() => {});
      return response;
    },
  };
}

function taken(): Response {
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}

function tooMany(): Response {
  return refuse(429, "too many requests", { "Retry-After": "1" });
}

function refuse(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

/** A bucket of tokens: a burst, then so many a second. */
function createGate(clock: Clock, perSecond: number, burst: number): () => boolean {
  let tokens = burst;
  let at = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + (now - at) / 1000 * perSecond);
    at = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

/** Reads a body with a cap on its bytes and its time. @param givenUp resolves when another is read in its place */
async function readBody(
  request: Request,
  clock: Clock,
  givenUp: Promise<"late">,
): Promise<Uint8Array | "large" | "late"> {
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const patience = new AbortController();
  const late = clock.sleep(WEBHOOK_BODY_TIMEOUT_MS, patience.signal).then(() => "late" as const);
  const body = new Uint8Array(WEBHOOK_BODY_BYTES_MAX);
  let length = 0;
  try {
    for (;;) {
      const chunk = await Promise.race([reader.read(), late, givenUp]);
      if (chunk === "late") return "late";
      if (chunk.done) return body.subarray(0, length);
      if (length + chunk.value.length > WEBHOOK_BODY_BYTES_MAX) return "large";
      body.set(chunk.value, length);
      length += chunk.value.length;
    }
  } finally {
    patience.abort();
    await reader.cancel().catch(() => {});
  }
}
