import { assertEquals, assertThrows } from "@std/assert";
import { DOUBT_MS, Doubts, StillInDoubt } from "../../state/doubts.ts";

function clock() {
  let now = 0;
  return { monotonic: () => now, advance: (ms: number) => now += ms };
}

Deno.test("a write whose answer was lost is not repeated while it may still arrive (promise 7)", () => {
  const time = clock();
  const doubts = new Doubts(time);
  doubts.lost("k");
  time.advance(DOUBT_MS - 1);
  assertEquals(assertThrows(() => doubts.check("k"), StillInDoubt).waitMs, 1);
  time.advance(1);
  doubts.check("k");
});

Deno.test("what another process left pending is in doubt from when it was first met", () => {
  const time = clock();
  const doubts = new Doubts(time);
  time.advance(10 * DOUBT_MS);
  assertThrows(() => doubts.check("k"), StillInDoubt);
  time.advance(DOUBT_MS);
  doubts.check("k");
});

Deno.test("a request of a leader that only stood still is waited for longer than one of a dead leader (promise 5) (promise 7)", () => {
  const time = clock();
  const doubts = new Doubts(time, 20_000);
  assertEquals(assertThrows(() => doubts.check("k"), StillInDoubt).waitMs, 20_000 + DOUBT_MS);
  time.advance(20_000 + DOUBT_MS);
  doubts.check("k");
});

Deno.test("a write that was refused for now may be repeated at once, and one that is settled is forgotten", () => {
  const time = clock();
  const doubts = new Doubts(time);
  doubts.lost("k");
  doubts.refused("k");
  doubts.check("k");
  doubts.settled("k");
  assertThrows(() => doubts.check("k"), StillInDoubt);
});
