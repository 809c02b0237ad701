import { assert, assertEquals } from "@std/assert";
import { memoize } from "../../text/memo.ts";

Deno.test("a memo asks once for each text, until it forgets or holds too much", () => {
  let asked = 0;
  const memo = memoize((text) => {
    asked++;
    return text.toUpperCase();
  });
  assertEquals([memo("a"), memo("a"), memo("b"), asked], ["A", "A", "B", 2]);
  memo.forget();
  assertEquals([memo("a"), asked], ["A", 3]);
  for (let round = 0; round < 20; round++) {
    for (let at = 0; at < 20; at++) memo(`${at}${"x".repeat(100_000)}`);
  }
  assert(asked > 200, "it kept four million characters");
  memo("y".repeat(3_000_000));
  const before = asked;
  memo("y".repeat(3_000_000));
  assertEquals(asked, before + 1);
});
