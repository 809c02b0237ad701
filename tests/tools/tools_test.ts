import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { findCircles, findWrongWays } from "../../tools/circular.ts";
import { configurationDocument } from "../../tools/docs.ts";
import lint from "../../tools/lint.ts";
import { countTests } from "../../tools/test.ts";

Deno.test("findCircles() gives each circle as its path", () => {
  const graph = new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", ["d"]], ["d", ["b"]], ["e", ["a"]]]);
  assertEquals(findCircles(graph), [["b", "c", "d", "b"]]);
  assertEquals(findCircles(new Map([["a", ["b", "c"]], ["b", ["c"]]])), []);
});

Deno.test("findWrongWays() names imports against the design", () => {
  const graph = new Map([
    ["drydock/a.ts", ["reconciler/b.ts", "render/schemas.ts", "render/client.ts"]],
    ["reconciler/b.ts", ["state/c.ts", "base/d.ts"]],
    ["state/c.ts", ["reconciler/b.ts"]],
    ["tests/x.ts", ["reconciler/b.ts"]],
  ]);
  assertEquals(findWrongWays(graph).map((text) => text.split(":")[0]), [
    "drydock/a.ts imports reconciler/b.ts",
    "drydock/a.ts imports render/client.ts",
    "state/c.ts imports reconciler/b.ts",
  ]);
});

Deno.test("countTests() counts tests, not steps, whatever they are called and print", () => {
  const report = `<testsuites name="deno test" tests="6"><testsuite name="x">
    <testcase name="a"><failure message="1 test step failed">99 passed</failure></testcase>
    <testcase name="b &gt; c"></testcase>
    <testcase name="d"><skipped/></testcase>
    <testcase name="a &gt; step"></testcase>
    <testcase name="a &gt; step &gt; inner"><failure message="x">y</failure></testcase>
  </testsuite></testsuites>`;
  assertEquals(countTests(report), { passed: 1, failed: 1, ignored: 1 });
});

Deno.test("lint refuses a clock and randomness of one's own in reconciler/ and only there", () => {
  const source = "Date.now(); Math.random(); new Date(); new Date(0); performance.now(); clock.now();";
  const hits = (file: string) => Deno.lint.runPlugin(lint, file, source).length;
  assertEquals([
    hits("/x/reconciler/plan.ts"),
    hits("/x/render/client.ts"),
    hits("/x/tests/reconciler/a_test.ts"),
  ], [4, 0, 0]);
});

Deno.test("docs/configuration.md is what tools/docs.ts writes", async () => {
  const written = await Deno.readTextFile(new URL("../../docs/configuration.md", import.meta.url));
  const root = fromFileUrl(new URL("../../", import.meta.url));
  const formatted = await run({
    command: [Deno.execPath(), "fmt", "--ext", "md", "-"],
    cwd: root,
    env: toolEnvironment(),
    input: configurationDocument(),
    timeoutMs: 30_000,
  });
  assertEquals(written, formatted.stdout);
});
