/**
 * Signs deliveries by the Standard Webhooks rules. Written out here and not taken from the library that Evenkeel
 * verifies with, so that the two check one another.
 */
import { createHmac } from "node:crypto";

const PREFIX = "whsec_";

/**
 * The headers of one attempt.
 * @param secret `whsec_` and the key in base64
 * @param id the event's id, the same for every attempt
 * @param atMs when this attempt is made, milliseconds since the epoch
 */
export function signedHeaders(
  secret: string,
  id: string,
  atMs: number,
  body: string,
): Record<string, string> {
  const key = atob(secret.slice(PREFIX.length));
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac("sha256", Uint8Array.from(key, (character) => character.charCodeAt(0)))
    .update(`${id}.${timestamp}.${body}`)
    .digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

/** @param bytes the key's */
export function newSecret(bytes: Uint8Array): string {
  return PREFIX + btoa(String.fromCharCode(...bytes));
}
