import { createHash } from "node:crypto";

const HEX_CHARS = 16;

/**
 * A short stable name for a list of structured parts: the same parts in the same order give the same name, and
 * `["a", "bc"]` and `["ab", "c"]` do not. Never give it free text: wording must not change a fingerprint.
 * @returns the first 16 hexadecimal digits of a SHA-256 hash
 */
export function fingerprint(parts: readonly string[]): string {
  // JSON of an array of strings has exactly one spelling, and escapes what could run parts together.
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, HEX_CHARS);
}
