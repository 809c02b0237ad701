/**
 * Verifies what claims to be a webhook of Render (reference section 9, the Standard Webhooks rules). The raw bytes are
 * checked before anything in them is read; the comparison takes the same time wherever it differs. The library gives
 * the signature; the time is judged here, because the library knows only the system's clock.
 */
import { timingSafeEqual } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { Clock } from "../base/clock.ts";
import { deliverySchema } from "./webhook_schemas.ts";
import type { Delivery } from "./webhook_schemas.ts";

/** How far the sender's clock may be from ours, in milliseconds (reference section 9). */
export const WEBHOOK_TOLERANCE_MS = 5 * 60_000;
/** Signatures of one message that are compared: one a key that is in use. */
const SIGNATURES_MAX = 10;
/** Bytes of a key; the standard asks for 24, senders with fewer exist. */
const KEY_BYTES_MIN = 16;

export type Verdict =
  /** `id` is the same for every attempt at one delivery. */
  | { kind: "genuine"; id: string; delivery: Delivery }
  /** Signed by Render, and not of the form that we know. */
  | { kind: "unreadable"; id: string }
  /** Not Render's, or too old or too new; `why` is for our own log, never for the sender. */
  | { kind: "refused"; why: "headers" | "time" | "signature" };

export interface WebhookVerifierOptions {
  /** `whsec_...` or the key in base64; several while a key is changed. */
  secrets: readonly string[];
  clock: Pick<Clock, "now">;
  /** @default WEBHOOK_TOLERANCE_MS */
  toleranceMs?: number;
}

export interface WebhookVerifier {
  /** Whether the headers can be those of a webhook: what is asked before a body is read. */
  admits(headers: Headers): boolean;
  verify(headers: Headers, body: Uint8Array): Verdict;
}

/** Whether a text is the secret of a webhook. */
export function isWebhookSecret(text: string): boolean {
  const key = text.replace(/^whsec_/, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key) || key.length % 4 !== 0) return false;
  return atob(key).length >= KEY_BYTES_MIN;
}

/** @throws {Error} when a secret is none: `isWebhookSecret` */
export function createWebhookVerifier(options: WebhookVerifierOptions): WebhookVerifier {
  const { clock, toleranceMs = WEBHOOK_TOLERANCE_MS } = options;
  const keys = options.secrets.map((secret) => {
    if (!isWebhookSecret(secret)) throw new Error("A webhook's secret is not a key in base64");
    return new Webhook(secret);
  });
  const read = (headers: Headers): Envelope | "headers" | "time" => {
    const envelope = envelopeOf(headers);
    if (envelope === null) return "headers";
    return Math.abs(clock.now() - envelope.sentAtMs) > toleranceMs ? "time" : envelope;
  };
  return {
    admits: (headers) => typeof read(headers) !== "string",
    verify(headers, body) {
      const envelope = read(headers);
      if (typeof envelope === "string") return { kind: "refused", why: envelope };
      const text = textOf(body);
      if (text === null || !isSigned(keys, envelope, text)) return { kind: "refused", why: "signature" };
      const delivery = deliverySchema.safeParse(jsonOf(text));
      const { id } = envelope;
      return delivery.success ? { kind: "genuine", id, delivery: delivery.data } : { kind: "unreadable", id };
    },
  };
}

interface Envelope {
  id: string;
  sentAtMs: number;
  signatures: string[];
}

function envelopeOf(headers: Headers): Envelope | null {
  const id = headers.get("webhook-id") ?? "";
  const timestamp = headers.get("webhook-timestamp") ?? "";
  const signature = headers.get("webhook-signature") ?? "";
  // A dot in the id could move the borders between the signed parts; so could a time written in two ways.
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(id) || !/^[1-9]\d{0,11}$/.test(timestamp)) return null;
  const signatures = signature.split(" ", SIGNATURES_MAX)
    .flatMap((part) => part.startsWith("v1,") ? part.slice("v1,".length) : []);
  return signatures.length === 0 ? null : { id, sentAtMs: Number(timestamp) * 1000, signatures };
}

/** Compares every signature with every key, so that time does not tell which was nearest. */
function isSigned(keys: readonly Webhook[], { id, sentAtMs, signatures }: Envelope, text: string): boolean {
  const encoder = new TextEncoder();
  let matches = 0;
  for (const key of keys) {
    const expected = encoder.encode(key.sign(id, new Date(sentAtMs), text).slice("v1,".length));
    for (const signature of signatures) {
      const given = encoder.encode(signature);
      if (given.length === expected.length && timingSafeEqual(given, expected)) matches++;
    }
  }
  return matches > 0;
}

/** `null` for bytes that are no UTF-8: two different bodies must never become the same text. */
function textOf(body: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

/** `undefined` when the text is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
