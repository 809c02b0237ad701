import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EvenkeelError } from "../../base/errors.ts";
import { fixPriors, IMPORT_BYTES_MAX, IMPORT_ENTRIES_MAX, parseImport } from "../../state/prior.ts";
import { sanitizeLine } from "../../text/sanitize.ts";
import { START } from "./builders.ts";

const parse = (content: unknown) => {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return parseImport("old.json", new TextEncoder().encode(text), { now: START, clean: sanitizeLine });
};

async function refusal(content: unknown): Promise<string> {
  const error = await assertRejects(() => parse(content), EvenkeelError);
  assertMatch(error.message, /^Cannot import old\.json: /);
  assert(error.hint !== undefined);
  return error.message;
}

Deno.test("an export with the three keys is read in", async () => {
  const { digest, ...read } = await parse({
    failed_dependencies: [
      "numpy==1.24.4",
      { summary: "torch is too large" },
      { package: "jax" },
      "numpy==1.24.4",
    ],
    known_fixes: { "node-module-missing": "node/add-dependency" },
    performance_map: { slim: 93.5, full: 1860 },
    session: "ignored",
  });
  assertMatch(digest, /^[0-9a-f]{64}$/);
  assertEquals(read, {
    at: START,
    fixes: [{ cause: "node-module-missing", remedy: "node/add-dependency" }],
    failedDependencies: ["numpy==1.24.4", "torch is too large", "jax"],
    performance: [{ variant: "slim", seconds: 93.5 }, { variant: "full", seconds: 1860 }],
  });
});

Deno.test("one of the keys is enough, and failed dependencies may be the keys of an object", async () => {
  assertEquals((await parse({ known_fixes: {} })).fixes, []);
  const read = await parse({ failed_dependencies: { numpy: "no wheel", pandas: 3 } });
  assertEquals(read.failedDependencies, ["numpy", "pandas"]);
});

Deno.test("what is no such export is refused with the value that is wrong", async () => {
  assertMatch(await refusal("{"), /it is no JSON$/);
  assertMatch(await refusal("\u0000"), /it is no JSON$/);
  assertMatch(await refusal([1]), /no JSON object/);
  assertMatch(await refusal("null"), /no JSON object/);
  assertMatch(await refusal({ hello: 1 }), /none of failed_dependencies, known_fixes, performance_map/);
  assertMatch(await refusal({ known_fixes: { a: 1 } }), /known_fixes\.a is not as expected/);
  assertMatch(await refusal({ known_fixes: ["a"] }), /known_fixes is not as expected/);
  assertMatch(
    await refusal({ performance_map: { slim: "fast" } }),
    /performance_map\.slim is not as expected/,
  );
  assertMatch(await refusal({ performance_map: { slim: -1 } }), /performance_map\.slim/);
  assertMatch(await refusal('{"performance_map":{"slim":1e999}}'), /performance_map\.slim/);
  assertMatch(await refusal({ failed_dependencies: [["a"]] }), /failed_dependencies/);
  assertMatch(await refusal(" ".repeat(IMPORT_BYTES_MAX + 1)), /allowed are/);
  const many = Object.fromEntries(Array.from({ length: IMPORT_ENTRIES_MAX + 1 }, (_, at) => [`c${at}`, "r"]));
  assertMatch(await refusal({ known_fixes: many }), /known_fixes has 1001 entries/);
});

Deno.test("bytes that are no UTF-8 are refused", async () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x7d]);
  await assertRejects(
    () => parseImport("old.json", bytes, { now: START, clean: sanitizeLine }),
    EvenkeelError,
    "it is no JSON",
  );
});

Deno.test("text of a file is cleaned and cut, and a key that names a prototype changes nothing", async () => {
  const read = await parse(
    `{"known_fixes":{"__proto__":"polluted","constructor":"x","a\\u001b[31m\\nb":"${"y".repeat(5000)}"}}`,
  );
  for (const { cause, remedy } of read.fixes) {
    // deno-lint-ignore no-control-regex -- none of them may be left
    assert(!/[\x00-\x1f]/.test(cause + remedy));
    assert(remedy.length <= 200);
  }
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
  const proto: object = {};
  assertEquals("polluted" in proto, false);
});

Deno.test("a fix that two files claim counts once, as new as the newer", () => {
  const of = (at: number) => ({
    digest: String(at),
    at,
    fixes: [{ cause: "c", remedy: "r" }],
    failedDependencies: [],
    performance: [],
  });
  assertEquals(fixPriors([of(2), of(1)]), [{ cause: "c", remedy: "r", at: 2 }]);
});
