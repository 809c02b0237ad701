/**
 * Finds values that are known in a text, in the spellings in which programs print them: as they are, escaped for
 * JSON, HTML or an address, as base64 (also in the middle of a longer one) and as hex, broken over lines, and with
 * their end or beginning missing where a line was cut. Time is linear in the text whatever the number of values, and
 * lines stay lines.
 */
import { Lines } from "./joined_lines.ts";
import type { Range } from "./joined_lines.ts";
import { isPlainValue } from "./plain_value.ts";
import { sanitizeLog } from "./sanitize.ts";

/** A spelling of a value. */
interface Spelling {
  text: string;
  /**
   * `word`: not inside a longer word. `base64`: whatever of the same encoding surrounds it goes with it. `beginning`
   * and `end`: the most of a value, and only where the rest was cut off.
   */
  kind: "anywhere" | "word" | "base64" | "beginning" | "end";
}

/** A spelling, or a piece of a long one, and where a longer match may go on. */
interface Needle extends Spelling {
  wholes: { text: string; from: number }[];
}

/** Shorter values occur in ordinary words: only what is no word is taken, and only where it stands alone. */
export const KNOWN_VALUE_CHARS_MIN = 6;
/** Shorter ones are not looked for at all. */
export const KNOWN_WORD_CHARS_MIN = 4;
/** A line of a known value of several lines (a key file) is a secret of its own from this length on. */
const LINE_CHARS_MIN = 16;
/** Values longer than two pieces are also found by each of their pieces: a log may hold only part of them. */
const PIECE_CHARS = 32;
/** Characters of one value that are looked for. */
const VALUE_CHARS_MAX = 16 * 1024;
/** Spellings with a piece in common whose matches are compared. */
const ALIKE_MAX = 16;
/** Of a value that was cut at least so much must be left to be known again. */
const CUT_SHARE_MIN = 0.75;
const CUT_CHARS_MIN = 12;
/** How programs, and we, say that something was left out. */
const CUT_AFTER = /^["'`]?(?:\.{2,3}|\u2026|\[\.\.\. \d)/;
const CUT_BEFORE = /(?:\.{2,3}|\u2026|characters\])["'`]?$/;
const CUT_MARK_CHARS_MAX = 12;
/** Over a line's end only what cannot be there by accident. */
const BROKEN_CHARS_MIN = 12;
/** Base64 digits in the middle of a longer text that prove a value. */
const BASE64_CHARS_MIN = 8;

/** @returns a function that gives the ranges of a text that hold a value, in order and apart */
export function createFinder(values: Iterable<string>): (text: string) => Range[] {
  const needles = needlesOf(values);
  if (needles.length === 0) return () => [];
  // By their first characters; of those that begin alike the longest is tried first.
  const byHead = new Map<number, Needle[]>();
  const heads = new Uint8Array(1 << 16);
  for (const needle of needles) {
    const head = headAt(needle.text, 0);
    heads[head] = 1;
    byHead.getOrInsertComputed(head, () => []).push(needle);
  }
  return (text) => {
    const lines = new Lines(text);
    const found: Range[] = [];
    const { joined } = lines;
    let free = 0;
    for (let at = 0; at + KNOWN_WORD_CHARS_MIN <= joined.length; at++) {
      const head = headAt(joined, at);
      if (heads[head] === 0) continue;
      const needle = byHead.get(head)?.find((one) => isAt(one, lines, at, free));
      if (needle === undefined) continue;
      const [from, to] = rangeAt(needle, lines, at, free);
      found.push(...lines.original(from, to));
      at = to - 1;
      free = to;
    }
    return found;
  };
}

/** Long spellings as pieces, so that none takes more than its own length to be recognised or refused. */
function needlesOf(values: Iterable<string>): Needle[] {
  const needles = new Map<string, Needle>();
  const add = ({ text, kind }: Spelling, whole: string, from: number) => {
    const known = needles.getOrInsertComputed(text, () => ({ text, kind, wholes: [] }));
    if (kind === "anywhere" || (kind === "base64" && isCut(known))) known.kind = kind;
    if (known.wholes.length < ALIKE_MAX) known.wholes.push({ text: whole, from });
  };
  for (const value of values) {
    for (const { text, kind } of spellings(value.slice(0, VALUE_CHARS_MAX))) {
      if (text.length <= 2 * PIECE_CHARS) {
        add({ text, kind }, text, 0);
        const kept = Math.max(CUT_CHARS_MIN, Math.ceil(text.length * CUT_SHARE_MIN));
        if (kept >= text.length || kind === "word") continue;
        add({ text: text.slice(0, kept), kind: "beginning" }, text, 0);
        add({ text: text.slice(-kept), kind: "end" }, text, text.length - kept);
      } else {
        for (let from = 0; from + PIECE_CHARS <= text.length; from += PIECE_CHARS) {
          add({ text: text.slice(from, from + PIECE_CHARS), kind }, text, from);
        }
        const from = text.length - PIECE_CHARS;
        add({ text: text.slice(from), kind }, text, from);
      }
    }
  }
  return [...needles.values()].sort((a, b) => b.text.length - a.text.length);
}

function isCut({ kind }: Spelling): boolean {
  return kind === "beginning" || kind === "end";
}

/** What goes, of a text that holds a needle at a place. */
function rangeAt(needle: Needle, lines: Lines, at: number, free: number): [from: number, to: number] {
  const { joined } = lines;
  const end = at + lengthAt(needle, joined, at);
  switch (needle.kind) {
    case "base64":
      return around(lines, at, end, free);
    case "beginning":
      return [at, lines.isEnd(end) ? end : Math.min(end, lines.endOf(at + needle.text.length - 1))];
    case "end": {
      const from = startAt(needle, joined, at, free);
      return [lines.startOf(from) === from ? from : Math.max(from, lines.startOf(at)), end];
    }
    default:
      return [startAt(needle, joined, at, free), end];
  }
}

/** How far a match goes on. */
function lengthAt({ text, wholes }: Needle, joined: string, at: number): number {
  let longest = text.length;
  for (const { text: whole, from } of wholes) {
    let length = text.length;
    while (from + length < whole.length && joined[at + length] === whole[from + length]) length++;
    longest = Math.max(longest, length);
  }
  return longest;
}

/** Where a match began, not before `free`: what is shown of a long value may begin in the middle of a piece. */
function startAt({ wholes }: Needle, joined: string, at: number, free: number): number {
  let longest = 0;
  for (const { text: whole, from } of wholes) {
    let length = 0;
    while (length < from && at - length > free && joined[at - length - 1] === whole[from - length - 1]) {
      length++;
    }
    longest = Math.max(longest, length);
  }
  return at - longest;
}

/** A number for the first characters of what begins at a place. */
function headAt(text: string, at: number): number {
  return (text.charCodeAt(at) * 31 * 31 * 31 + text.charCodeAt(at + 1) * 31 * 31 +
    text.charCodeAt(at + 2) * 31 + text.charCodeAt(at + 3)) & 0xffff;
}

function isAt(needle: Needle, lines: Lines, at: number, free: number): boolean {
  const { text, kind } = needle;
  const { joined } = lines;
  if (!joined.startsWith(text, at)) return false;
  if (isCut(needle)) return wasCut(needle, lines, at, free);
  const end = at + text.length;
  if (kind === "word" && (isWord(joined[at - 1]) || isWord(joined[end]))) return false;
  return text.length >= BROKEN_CHARS_MIN || !lines.isBroken(at, end);
}

/** Whether a line ends or begins, or something is said to be left out, where a value was cut. */
function wasCut(needle: Needle, lines: Lines, at: number, free: number): boolean {
  const { joined } = lines;
  const [from, to] = rangeAt(needle, lines, at, free);
  if (isPlainValue(joined.slice(from, to))) return false;
  return needle.kind === "beginning"
    ? lines.isEnd(to) || CUT_AFTER.test(joined.slice(to, Math.min(to + CUT_MARK_CHARS_MAX, lines.endOf(to))))
    : lines.startOf(from) === from ||
      CUT_BEFORE.test(joined.slice(Math.max(from - CUT_MARK_CHARS_MAX, lines.startOf(from)), from));
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_-]/u.test(character);
}

/** The whole run of base64 digits around a range, on the lines it lies on and not before `free`. */
function around(lines: Lines, from: number, to: number, free: number): [number, number] {
  const isDigit = (at: number) => /[A-Za-z0-9+/=_-]/.test(lines.joined.charAt(at));
  const first = Math.max(free, lines.startOf(from));
  const last = lines.endOf(to - 1);
  while (from > first && isDigit(from - 1)) from--;
  while (to < last && isDigit(to)) to++;
  return [from, to];
}

/** Every spelling of a value that is worth looking for. */
function* spellings(value: string): Iterable<Spelling> {
  // The text that is searched has lost what sanitising takes away.
  const clean = sanitizeLog(value, { lineCharsMax: VALUE_CHARS_MAX }).trim();
  for (const whole of new Set([value.trim(), clean])) {
    const isOdd = /[a-z]/i.test(whole) && /[^a-z\s]/i.test(whole);
    if (isOdd && whole.length >= KNOWN_WORD_CHARS_MIN && whole.length < KNOWN_VALUE_CHARS_MIN) {
      yield { text: whole, kind: "word" };
    }
    if (whole.length < KNOWN_VALUE_CHARS_MIN) continue;
    for (const text of escapes(whole)) {
      if (!text.includes("\n")) yield { text, kind: "anywhere" };
    }
    yield* encodings(new TextEncoder().encode(whole));
    const lines = whole.split("\n");
    if (lines.length === 1) continue;
    // What is searched has no line ends.
    yield { text: lines.join(""), kind: "anywhere" };
    for (const line of lines.map((one) => one.trim())) {
      if (line.length >= LINE_CHARS_MIN) yield { text: line, kind: "anywhere" };
    }
  }
}

function escapes(value: string): Set<string> {
  const json = JSON.stringify(value).slice(1, -1);
  const address = encodeURIComponent(value.toWellFormed());
  const lower = address.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return new Set([
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    json.replaceAll("/", "\\/"),
    // As Go and some web frameworks write JSON.
    json.replace(/[&<>]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`),
    address,
    lower,
    address.replaceAll("%20", "+"),
    address.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`),
    encodeURIComponent(address),
    value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;"),
    value.replaceAll("'", "'\\''"),
    value.replaceAll("'", "\\'"),
  ]);
}

/** Hex, and base64 as it looks wherever the value begins inside of what was encoded. */
function* encodings(bytes: Uint8Array): Iterable<Spelling> {
  const hex = bytes.toHex();
  yield { text: hex, kind: "anywhere" };
  yield { text: hex.toUpperCase(), kind: "anywhere" };
  for (const lead of [0, 1, 2]) {
    const padded = new Uint8Array(lead + bytes.length);
    padded.set(bytes, lead);
    const all = padded.toBase64({ omitPadding: true });
    // The digits that hold bits of a neighbour too are left out.
    const inner = all.slice(Math.ceil(lead * 8 / 6), Math.floor(padded.length * 8 / 6));
    if (inner.length < BASE64_CHARS_MIN) continue;
    yield { text: inner, kind: "base64" };
    yield { text: inner.replaceAll("+", "-").replaceAll("/", "_"), kind: "base64" };
  }
}
