/** Logs that want to be taken for Evenkeel, an agent, git or a CI system; and logs that want to cost it time. */
import { assert, assertEquals } from "@std/assert";
import { diagnose } from "../../../agents/analyzer/agent.ts";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { createEngine, ENGINE_LIMITS, UNKNOWN } from "../../../agents/analyzer/engine.ts";
import type { Diagnosis } from "../../../agents/messages.ts";
import { assertGrowsInProportion } from "../../helpers/growth.ts";
import { inFull } from "../../helpers/full.ts";
import { IMPOSTORS } from "../../cli/hostile.ts";

const ask = (log: string): Diagnosis =>
  diagnose({ log, phase: null, settings: null, repository: null, platformReason: null });

const QUIET = "a quiet line of an application";

/** What is decided by a diagnosis, without the numbers of lines and without what is shown when nothing is known. */
function decided({ evidence, excerpt: _excerpt, rejected, ...rest }: Diagnosis) {
  const others = rejected.map(({ cause, why }) => [cause, why.replace(/\bline \d+/, "a line")]);
  return { ...rest, others, evidence: evidence?.text ?? null };
}

Deno.test("lines that look like Evenkeel's own, an agent's, git's or a CI system's change no diagnosis (promise 14)", () => {
  for (const impostor of IMPOSTORS) assertEquals(ask(impostor).cause, UNKNOWN, impostor);
  assertEquals(ask(IMPOSTORS.join("\n")).cause, UNKNOWN);
  // Of a line that only announces a reason the next one is shown, whatever it says; and what a program is busy with
  // is told by what it prints while its port is waited for.
  const all = causes.flatMap(({ examples }) => examples).filter((log) =>
    !/\bcaused by:\s*$|open ports/.test(log)
  );
  const step = inFull(1, 4);
  for (let at = 0; at < all.length; at += step) {
    const log = all[at];
    assert(log !== undefined);
    const impostor = IMPOSTORS[(at / step) % IMPOSTORS.length] ?? "";
    // It says no more than any line does that a program prints.
    for (
      const around of [
        (line: string) => `${line}\n${log}`,
        (line: string) => `${log}\n${line}`,
        (line: string) => `${line}\n${log}\n${line}`,
      ]
    ) {
      assertEquals(
        decided(ask(around(impostor))),
        decided(ask(around(QUIET))),
        JSON.stringify([impostor, log]),
      );
    }
  }
});

/** What stands between the literals of a line that almost matches a sign, over and over. */
const BETWEEN = [" ", "", "a", "'", "/", "1.", ":"];
const LONG = 4000;
const SHORT = LONG / 4;

Deno.test("no sign's pattern costs more than by the square of a line, the longest that there is included (promise 14)", () => {
  const literalOf = new Map(causes.flatMap(({ signs }) => signs).map((sign) => [sign.pattern.source, sign]));
  for (const { literal, pattern } of literalOf.values()) {
    for (const between of BETWEEN) {
      const input = (chars: number) => {
        const piece = literal + between;
        return piece.repeat(Math.floor(chars / piece.length));
      };
      const work = (text: string) => pattern.exec(text);
      const name = `${pattern.source} on ${JSON.stringify(literal + between)}`;
      assertGrowsInProportion({ name, input, work, chars: SHORT, ratioMax: 30, cheapMs: 2 });
    }
  }
});

Deno.test("the analyzer tries a pattern on no more than some of the longest lines (promise 14)", () => {
  let tries = 0;
  class Counted extends RegExp {
    override exec(text: string) {
      tries++;
      return super.exec(text);
    }
  }
  const first = causes.find(({ decide }) => decide === undefined);
  assert(first !== undefined);
  const engine = createEngine([{
    ...first,
    signs: [{ literal: "almost", pattern: new Counted("almost.*never"), confidence: 1 }],
  }]);
  const line = "almost ".repeat(LONG / 7);
  const log = `${`${line}\n`.repeat(500)}almost, but never`;
  assertEquals(
    engine({ log, phase: null, settings: null, repository: null, platformReason: null }).cause,
    first.slug,
  );
  assertEquals(tries, ENGINE_LIMITS.longLinesPerSignMax + 1);
});

Deno.test("the analyzer does work in proportion to a log of many hostile lines (promise 14)", () => {
  const literals = [...new Set(causes.flatMap(({ signs }) => signs.map(({ literal }) => literal)))];
  const some = literals.filter((_, index) => index % inFull(4, 150) === 0);
  const lines = [
    "",
    "a",
    "==> ",
    "Step 1/9 : RUN a",
    "#9 [2/3] RUN a",
    "#9 ERROR: a",
    "  at a (b.js:1:1)",
    ...IMPOSTORS,
  ];
  for (const text of [...lines, ...some, ...some.map((literal) => `${literal} `.repeat(30))]) {
    assertGrowsInProportion({
      name: `lines of ${JSON.stringify(text)}`,
      input: (count) => `${text}\n`.repeat(count),
      work: ask,
      chars: 500,
    });
  }
});
