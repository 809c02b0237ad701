import { assertEquals } from "@std/assert";
import { setNewest } from "../../base/newest.ts";
import { Doubts, DOUBTS_KEPT, StillInDoubt } from "../../state/doubts.ts";

Deno.test("setNewest() keeps the entries that were set last (promise 23)", () => {
  const map = new Map<string, number>();
  for (const key of ["a", "b", "c", "a", "d"]) setNewest(map, key, key.charCodeAt(0), 3);
  assertEquals([...map.keys()], ["c", "a", "d"]);
});

Deno.test("a doubt that was forgotten for want of room is waited for anew (promise 23)", () => {
  let now = 0;
  const doubts = new Doubts({ monotonic: () => now });
  const isInDoubt = (key: string) => {
    try {
      doubts.check(key);
      return false;
    } catch (error) {
      return error instanceof StillInDoubt;
    }
  };
  doubts.refused("old");
  assertEquals(isInDoubt("old"), false);
  for (let n = 0; n < DOUBTS_KEPT; n++) doubts.lost(`other ${n}`);
  now = 60_000;
  assertEquals(isInDoubt("old"), true);
  assertEquals(isInDoubt(`other ${DOUBTS_KEPT - 1}`), false);
});
