import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { createEngine } from "../../../agents/analyzer/engine.ts";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { randomOf } from "../../cli/hostile.ts";

const CORPUS = new URL("../../../../shared/corpus/render-dev.jsonl", import.meta.url);
const diagnoseInput = createEngine(causes);
const diagnose = (log: string) =>
  diagnoseInput({ log, phase: null, settings: null, repository: null, platformReason: null });

/** The same failure in other words around it: nothing of a captured value is touched. */
const REWORDINGS: [name: string, change: (log: string, random: () => number) => string][] = [
  ["coloured", (log) => log.split("\n").map((line) => `\x1b[31m${line}\x1b[0m`).join("\n")],
  ["with other line ends", (log) => log.replaceAll("\n", "\r\n")],
  [
    "with blanks at the ends",
    (log, random) => log.split("\n").map((line) => line + " ".repeat(Math.floor(random() * 5))).join("\n"),
  ],
  ["with invisible characters", (log) => log.replaceAll(" ", " \u200b")],
  ["after other lines", (log) => `~~~~ ${log.length} ~~~~\n\n${log}`],
  ["before other lines", (log) => `${log}\nbye for now, request 4711`],
];

Deno.test({
  name: "a failure keeps its fingerprint however its log is worded around it (promise 24)",
  ignore: !existsSync(CORPUS),
  async fn() {
    const rows = (await Deno.readTextFile(CORPUS)).split("\n").filter((row) => row !== "");
    let known = 0;
    for (const [at, row] of rows.entries()) {
      const { log } = JSON.parse(row);
      if (typeof log !== "string") continue;
      const before = diagnose(log);
      if (before.cause === "unknown") continue;
      known++;
      for (const [name, change] of REWORDINGS) {
        // That an application printed nothing is a sign of its own.
        if (/other lines/.test(name) && log.split("\n").length < 3) continue;
        const after = diagnose(change(log, randomOf(at)));
        assertEquals(
          [after.cause, after.fingerprint],
          [before.cause, before.fingerprint],
          `case ${at}, ${name}`,
        );
      }
    }
    assert(known > 100, `${known} causes were known`);
  },
});

Deno.test("a fingerprint is made of the cause and what identifies it, never of the line (promise 24)", () => {
  const missing = (name: string, words: string) =>
    diagnose(
      `${words}\nTraceback (most recent call last):\n  File "${words.length}.py", line ${words.length}\nModuleNotFoundError: No module named '${name}'`,
    );
  const one = missing("yaml", "at 12:00:01 on host-a");
  const again = missing("yaml", "ERROR: a completely different story, told at length on host-b");
  const other = missing("numpy", "at 12:00:01 on host-a");
  assertEquals(one.fingerprint, again.fingerprint);
  assertNotEquals(one.fingerprint, other.fingerprint);
  // Wording that an attacker chooses makes one unknown failure out of many, not many budgets.
  const unknowns = ["Zork failed", "Blorb failed: 17", "Everything is error"].map((line) =>
    diagnose(line).fingerprint
  );
  assertEquals(new Set(unknowns).size, 1);
});
