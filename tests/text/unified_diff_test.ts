import { assertEquals } from "@std/assert";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { unifiedDiffOf } from "../../text/unified_diff.ts";

const PAIRS: readonly [string | null, string | null][] = [
  ["a\nb\nc\n", "a\nB\nc\n"],
  ["a\nb", "a\nb\n"],
  ["a\nb\n", "a\nb"],
  ["", "a\n"],
  [null, "a\nb\n"],
  ["a\nb\n", null],
  ["a\r\nb\r\n", "a\r\nx\r\nb\r\n"],
  [
    Array.from({ length: 40 }, (_, at) => `${at}\n`).join(""),
    Array.from({ length: 40 }, (_, at) => `${at % 13 === 0 ? "x" : at}\n`).join(""),
  ],
  ["x\n".repeat(30), "x\n".repeat(10) + "y\n" + "x\n".repeat(25)],
];

Deno.test("a diff gives the new text when git applies it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-diff-test-" });
  try {
    for (const [before, after] of PAIRS) {
      const file = `${folder}/f`;
      await Deno.remove(file).catch(() => {});
      if (before !== null) await Deno.writeTextFile(file, before);
      const result = await run({
        command: ["git", "apply", "-"],
        cwd: folder,
        env: { ...toolEnvironment(), GIT_CEILING_DIRECTORIES: folder },
        timeoutMs: 20_000,
        input: unifiedDiffOf("f", before, after),
      });
      assertEquals(
        [result.kind === "exited" && result.code, result.stderr],
        [0, ""],
        `${before} to ${after}`,
      );
      assertEquals(await Deno.readTextFile(file).catch(() => null), after);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("equal texts have no diff, and texts too different to compare are one block", () => {
  assertEquals(unifiedDiffOf("f", "a\n", "a\n"), "");
  const numbers = (prefix: string) => Array.from({ length: 3000 }, (_, at) => `${prefix}${at}\n`).join("");
  assertEquals(
    unifiedDiffOf("f", numbers("a"), numbers("b")).split("\n").filter((line) => line.startsWith("@@")).length,
    1,
  );
});
