/** Ids shaped like Render's: a prefix and twenty characters that sort by creation time (reference section 1). */
import type { Random } from "../base/clock.ts";

const ALPHABET = "0123456789abcdefghijklmnopqrstuv";
const TIME_CHARS = 9;
const RANDOM_CHARS = 11;

export type IdPrefix = "srv" | "dep" | "bld" | "evt" | "tea" | "dpg" | "cmd" | "log" | "req" | "whk" | "whe";

/** @param nowMs creation time, milliseconds since the epoch */
export function newId(prefix: IdPrefix, nowMs: number, random: Random): string {
  let time = "";
  for (let rest = Math.floor(nowMs), i = 0; i < TIME_CHARS; i++, rest = Math.floor(rest / 32)) {
    time = ALPHABET[rest % 32] + time;
  }
  return `${prefix}-${time}${randomText(RANDOM_CHARS, random)}`;
}

/** An instance's id: its service's id and five characters. */
export function newInstanceId(serviceId: string, random: Random): string {
  return `${serviceId}-${randomText(5, random)}`;
}

/** @param length characters, each one of 32 */
export function randomText(length: number, random: Random): string {
  let text = "";
  for (let i = 0; i < length; i++) text += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return text;
}
