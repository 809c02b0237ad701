import { assertEquals, assertNotMatch } from "@std/assert";
import { createPainter, printJson, safe, table, toJson, whole, wrap } from "../../cli/output.ts";
import { createRedactor } from "../../text/redact.ts";

Deno.test("colour appears on a terminal without NO_COLOR and nowhere else", () => {
  const paint = (isTerminal: boolean, noColor: boolean) =>
    createPainter({ isTerminal, noColor }).paint("red", "x");
  assertEquals([paint(true, true), paint(false, false), paint(true, false)], ["x", "x", "\x1b[31mx\x1b[39m"]);
});

Deno.test("table() aligns columns, coloured ones too, and wraps the last one", () => {
  const red = createPainter({ isTerminal: true, noColor: false }).paint("red", "ab");
  assertEquals(
    table([["a", "b", "one two three four"], ["longer", red, "x"]], { columns: 29, indent: 2 }).replaceAll(
      red,
      "ab",
    ),
    [
      "  a       b   one two three",
      "              four",
      "  longer  ab  x",
    ].join("\n"),
  );
  assertEquals(table([]), "");
});

Deno.test("wrap() keeps a word that is longer than the line", () => {
  assertEquals(wrap("aa bb cccccccc d", 5, 1), " aa\n bb\n cccccccc\n d");
});

Deno.test("text from outside is printed without escapes, text and JSON", () => {
  const hostile = "\x1b[2Jgone\u202e\x9b31m\r\nnext";
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  const steering = /[\x00-\x1f\x7f-\x9f\u202e]/;
  assertNotMatch(safe(hostile), steering);
  assertNotMatch(toJson([hostile], 0), steering);
  assertEquals(JSON.parse(toJson(hostile)), hostile);
});

Deno.test("a secret that its source let through is taken out of a JSON document at the edge", () => {
  const said: string[] = [];
  const { log } = console;
  console.log = (text: string) => said.push(text);
  try {
    const report = { attempts: [{ error: 'no flux for "s3cr3t-otter"', at: undefined }], exitCode: 1 };
    printJson(report, createRedactor(["s3cr3t-otter"]));
  } finally {
    console.log = log;
  }
  assertEquals(JSON.parse(said.join("")), {
    attempts: [{ error: 'no flux for "[redacted]"' }],
    exitCode: 1,
  });
});

Deno.test("a long reason is wrapped and read whole, where other text is cut in its middle", () => {
  const reason = "word ".repeat(400).trim();
  const shown = table([["why", whole(reason)]], { columns: 80 });
  assertEquals(shown.split(/\s+/).slice(1).join(" "), reason);
  assertEquals(shown.split("\n").every((line) => line.length <= 80), true);
  assertEquals(safe(reason).includes("characters]"), true);
});
