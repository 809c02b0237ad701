import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { findTests, PROMISES, reliabilityDocument, testsIn } from "../../tools/reliability_docs.ts";

/** Not written out, so that this file shows no promise itself. */
const tag = (number: number | string) => `(${"promise"} ${number})`;

Deno.test("testsIn() finds the tests of a file by the tags that end their names, however they are written", () => {
  const source = [
    `Deno.test("plain ${tag(5)}", () => {});`,
    `Deno.test({ name: 'of an object, it\\'s quoted ${tag(6)}', fn() {} });`,
    `Deno.test(\`\${command} in a loop ${tag(7)} ${tag(8)}\`, () => {});`,
    `const CASES = { "a key of a table ${tag(9)}": 1 };`,
    `Deno.test("in two " +`,
    `  "pieces ${tag(10)}", () => {});`,
    `await t.step("a step ${tag(11)}", () => {}); // it's a comment`,
    `Deno.test("another", () => {});`,
  ].join("\n");
  assertEquals(testsIn(source, "a_test.ts").map(({ promise, name }) => [promise, name]), [
    [5, "plain"],
    [6, "of an object, it's quoted"],
    [7, "… in a loop"],
    [8, "… in a loop"],
    [9, "a key of a table"],
    [10, "in two pieces"],
    [11, "a step"],
  ]);
});

Deno.test("testsIn() refuses a tag that it would leave out: in a comment, inside a name, of no promise", () => {
  for (
    const line of [
      `// ${tag(5)}`,
      `Deno.test("${tag(5)} at the beginning", () => {});`,
      `Deno.test("unknown ${tag(31)}", () => {});`,
      `Deno.test(\`computed ${tag("${n}")}\`, () => {});`,
    ]
  ) {
    assertThrows(() => testsIn(`\n${line}\n`, "a_test.ts"), Error, "a_test.ts:2");
  }
});

Deno.test("the document has the thirty promises with their tests, each linked to its file", () => {
  assertEquals(PROMISES.map(({ number }) => number), Array.from({ length: 30 }, (_, at) => at + 1));
  const text = reliabilityDocument([{ promise: 9, name: "ends a_loop", file: "tests/x/a_test.ts" }]);
  assertStringIncludes(text, "- [tests/x/a_test.ts](../tests/x/a_test.ts)\n  - ends a\\_loop");
  assertStringIncludes(text, "[Fixes that do not help](#9-fixes-that-do-not-help) | 1 |");
  assertEquals(text.match(/^### \d+\. /gm)?.length, 30);
});

Deno.test("every promise of docs/reliability.md has a test that shows it", async () => {
  const shown = new Set((await findTests()).map(({ promise }) => promise));
  assertEquals(PROMISES.filter(({ number }) => !shown.has(number)), []);
});

Deno.test("docs/reliability.md is what tools/reliability_docs.ts writes from the names of the tests", async () => {
  const formatted = await run({
    command: [Deno.execPath(), "fmt", "--ext", "md", "-"],
    cwd: fromFileUrl(new URL("../../", import.meta.url)),
    env: toolEnvironment(),
    input: reliabilityDocument(await findTests()),
    timeoutMs: 30_000,
  });
  const written = await Deno.readTextFile(new URL("../../docs/reliability.md", import.meta.url));
  const advice =
    "run: deno run -A tools/reliability_docs.ts > docs/reliability.md && deno fmt docs/reliability.md";
  assertEquals(written, formatted.stdout, advice);
});
