import { assert, assertEquals, assertLessOrEqual, assertMatch, assertNotMatch } from "@std/assert";
import {
  LINE_CHARS_MAX,
  LOG_CHARS_MAX,
  LOG_LINE_CHARS_MAX,
  LOG_LINES_MAX,
  sanitizeLine,
  sanitizeLog,
} from "../../text/sanitize.ts";

const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u;

Deno.test("sanitizeLog() leaves ordinary text alone, whatever its script", () => {
  const text = "==> Build failed\n\tat index.js:3\nErreur : café 日本語 🎉\n";
  assertEquals(sanitizeLog(text), text);
});

Deno.test("sanitizeLog() removes every form of terminal escape (promise 14)", () => {
  const cases: [string, string][] = [
    ["\x1b[31mred\x1b[0m", "red"],
    ["\x1b[38;5;196mred\x1b[m", "red"],
    ["\x9b31mred", "red"],
    ["\x1b]0;title\x07text", "text"],
    ["\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x9d0;title\x9ctext", "text"],
    ["\x1bP1$r0m\x1b\\text", "text"],
    ["\x1b_command\x1b\\text\x1b^private\x1b\\", "text"],
    ["\x1b(Btext\x1b7\x1b8\x1bc\x1b=", "text"],
    ["text\x1b", "text"],
    ["text\x1b[", "text"],
    ["text\x1b[12;", "text"],
    ["a\x1b\x1b[31mb", "ab"],
  ];
  for (const [raw, expected] of cases) assertEquals(sanitizeLog(raw), expected, JSON.stringify(raw));
});

Deno.test("sanitizeLog() does not let an unfinished escape hide what follows it", () => {
  assertEquals(sanitizeLog("\x1b]0;Error: out of memory\nnext"), "0;Error: out of memory\nnext");
  assertEquals(sanitizeLog("\x9dError: out of memory"), "Error: out of memory");
});

Deno.test("sanitizeLog() keeps of an overwritten line what a terminal would show (promise 14)", () => {
  const cases: [string, string][] = [
    ["one\r\ntwo\r\n", "one\ntwo\n"],
    ["one\r\r\ntwo", "one\ntwo"],
    ["10%\r50%\r100%\ndone", "100%\ndone"],
    ["abcdef\rXY", "XYcdef"],
    ["abcdef\r\x1b[KXY", "XY"],
    ["abcdef\x1b[2K\rXY", "XY"],
    ["abcdef\x1b[1G\x1b[0KXY", "XY"],
    ["|\b/\b-\bdone", "done"],
    ["\b\b\bok", "ok"],
    ["abc\r", "abc"],
  ];
  for (const [raw, expected] of cases) assertEquals(sanitizeLog(raw), expected, JSON.stringify(raw));
});

Deno.test("sanitizeLog() removes bidi controls, invisible characters, NUL and lone surrogates (promise 14)", () => {
  const hidden =
    "\u202e\u2066\u200b\u200d\u2060\ufeff\u00ad\u034f\u3164\ufe0f\u{e0041}\u{e01ef}\0\x07\x7f\u0085";
  assertEquals(sanitizeLog(`pass${hidden}word`), "password");
  assertEquals(sanitizeLog("a\ud800b\udc00c\u{1f600}"), "abc\u{1f600}");
  assertEquals(sanitizeLog("a\u2028b\u2029c\vd\fe"), "a b c d e");
});

Deno.test("sanitizeLog() says what it cut", () => {
  const line = sanitizeLog("x".repeat(10_000));
  assertMatch(line, /^x+\[\.\.\. \d+ characters\]x+$/);
  assertEquals(line.replace(/\[.*\]/, "").length, LOG_LINE_CHARS_MAX);

  const lines = sanitizeLog(Array.from({ length: 30_000 }, (_, at) => `line ${at + 1}`).join("\n")).split(
    "\n",
  );
  assertEquals(lines.length, LOG_LINES_MAX + 1);
  assertEquals([lines[0], lines[5000], lines.at(-1)], ["line 1", "[... 10000 lines]", "line 30000"]);

  const text = sanitizeLog("0123456789\n".repeat(300_000), { linesMax: 1_000_000 });
  assertLessOrEqual(text.length, LOG_CHARS_MAX + 100);
  assertMatch(text, /\n\[\.\.\. \d+ characters\]\n0123456789\n/);
});

Deno.test("sanitizeLog() cuts between words and never through a character", () => {
  const words = sanitizeLog("secret ".repeat(2000));
  assertNotMatch(words, /\bs(?!ecret)|(?<!secre)t\b/);
  for (const offset of ["", "x"]) assertNotMatch(sanitizeLog(offset + "😀".repeat(5000)), /\p{Cs}/u);
});

Deno.test("sanitizeLine() gives one line of limited length", () => {
  assertEquals(sanitizeLine(" \x1b[1mone\r\n\ttwo\n\nthree \n"), "one two three");
  assertLessOrEqual(sanitizeLine("y".repeat(10_000)).length, LINE_CHARS_MAX + 30);
  assertMatch(sanitizeLine("abc ".repeat(50), 40), /^abc .*\[\.\.\. \d+ characters\].*abc$/);
});

Deno.test("sanitizeLog() leaves nothing unsafe of random noise and a second pass changes nothing (promise 14)", () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  const alphabet = [
    ..."ab 1;m[]()\\PXK\n\r\b\t\0\x07\x1b\x1b\x90\x9b\x9c\x9d\u200b\u202e\u2028\u00ad\u{1f600}",
    "\ud83d",
  ];
  for (let round = 0; round < 300; round++) {
    const raw = Array.from({ length: 80 }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
    const once = sanitizeLog(raw);
    assert(!UNSAFE.test(once), JSON.stringify([raw, once]));
    assertEquals(sanitizeLog(once), once);
  }
});
