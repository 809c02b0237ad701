import { assert, assertEquals, assertThrows } from "@std/assert";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ManualClock } from "./world.ts";

function queueOf(options: { random?: () => number; keysMax?: number } = {}) {
  const clock = new ManualClock();
  return { clock, queue: new WorkQueue({ clock, random: () => 0.5, ...options }) };
}

/** What `take` gives right now, or "nothing" when it would wait. */
async function takeNow(queue: WorkQueue): Promise<string> {
  const stop = new AbortController();
  const taken = queue.take(stop.signal);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  stop.abort();
  return await taken ?? "nothing";
}

Deno.test("a key that is added twice is handed out once, at the earlier time", async () => {
  const { clock, queue } = queueOf();
  queue.add("a", 1_000);
  queue.add("a", 200);
  queue.add("a", 5_000);
  assertEquals(await takeNow(queue), "nothing");
  await clock.advance(200);
  assertEquals(await takeNow(queue), "a");
  assertEquals(await takeNow(queue), "nothing");
});

Deno.test("a key is never handed to two workers, and comes back when it was added meanwhile", async () => {
  const { queue } = queueOf();
  queue.add("a");
  assertEquals(await takeNow(queue), "a");
  queue.add("a");
  assertEquals(await takeNow(queue), "nothing");
  queue.done("a", 60_000);
  assertEquals(await takeNow(queue), "a");
});

Deno.test("failures back off from 2 s, doubling to 5 min, with jitter; a success forgets them", async () => {
  const { clock, queue } = queueOf({ random: () => 1 });
  queue.add("a");
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) {
    assertEquals(await takeNow(queue), "a");
    const { afterMs } = queue.failed("a");
    waits.push(afterMs);
    await clock.advance(afterMs);
  }
  assertEquals(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000));
  assertEquals(await takeNow(queue), "a");
  queue.done("a", 0);
  assertEquals(await takeNow(queue), "a");
  assertEquals(queue.failed("a").afterMs, 2_000);
  const half = queueOf({ random: () => 0 });
  half.queue.add("b");
  await takeNow(half.queue);
  assertEquals(half.queue.failed("b").afterMs, 1_000);
});

Deno.test("a waiting taker wakes when a key becomes due, and when the queue is closed", async () => {
  const { clock, queue } = queueOf();
  const first = queue.take();
  queue.add("a", 500);
  await clock.advance(500);
  assertEquals(await first, "a");
  const second = queue.take();
  queue.close();
  assertEquals(await second, null);
});

Deno.test("a queue that is full says so instead of growing (promise 23)", () => {
  const { queue } = queueOf({ keysMax: 2 });
  queue.add("a");
  queue.add("b");
  assertThrows(() => queue.add("c"), Error, "the queue is full at 2 keys");
  queue.add("a");
});

Deno.test("under many producers and workers no key is worked on twice at once and none is lost", async () => {
  let seed = 42;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const { clock, queue } = queueOf({ random });
  const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
  const busy = new Set<string>();
  const lastAdd = new Map<string, number>();
  const lastTake = new Map<string, number>();
  let step = 0;
  let taken = 0;
  const worker = async () => {
    for (;;) {
      const key = await queue.take();
      if (key === null) return;
      assert(!busy.has(key), `${key} was handed out twice`);
      busy.add(key);
      taken++;
      lastTake.set(key, step);
      await clock.sleep(random() * 50);
      busy.delete(key);
      if (random() < 0.3) queue.failed(key);
      else queue.done(key, random() * 400_000);
    }
  };
  const workers = [worker(), worker(), worker(), worker()];
  for (; step < 3_000; step++) {
    if (step < 2_000 && random() < 0.6) {
      const key = keys[Math.floor(random() * keys.length)]!;
      queue.add(key, random() * 100);
      lastAdd.set(key, step);
    }
    await clock.advance(random() * 30);
  }
  for (const [key, added] of lastAdd) assert((lastTake.get(key) ?? -1) >= added, `${key} was lost`);
  assert(taken > 500);
  assertEquals(queue.size, keys.length);
  queue.close();
  await clock.advance(10 ** 6);
  await Promise.all(workers);
});

Deno.test("nudges of a key, however many, bring one look no sooner than its distance from the last (promise 2)", async () => {
  const { clock, queue } = queueOf();
  queue.add("a");
  assertEquals(await takeNow(queue), "a");
  for (let at = 0; at < 100; at++) queue.nudge("a", 2_000);
  assertEquals(await takeNow(queue), "nothing");
  queue.done("a", 60_000);
  assertEquals(await takeNow(queue), "nothing");
  await clock.advance(1_999);
  for (let at = 0; at < 100; at++) queue.nudge("a", 2_000);
  assertEquals(await takeNow(queue), "nothing");
  await clock.advance(1);
  assertEquals(await takeNow(queue), "a");
  queue.done("a", 60_000);
  await clock.advance(10_000);
  assertEquals(await takeNow(queue), "nothing");
  queue.nudge("a", 2_000);
  assertEquals(await takeNow(queue), "a");
  assertEquals(queue.size, 1);
});

Deno.test("a nudge does not shorten the wait after a failure, also one that came during the failing look", async () => {
  const { clock, queue } = queueOf();
  queue.add("a");
  await takeNow(queue);
  queue.nudge("a", 0);
  const { afterMs } = queue.failed("a");
  queue.nudge("a", 0);
  await clock.advance(afterMs - 1);
  assertEquals(await takeNow(queue), "nothing");
  await clock.advance(1);
  assertEquals(await takeNow(queue), "a");
});

Deno.test("a key that was never looked at is nudged at once, and keys that are nudged all the time do not starve others", async () => {
  const { clock, queue } = queueOf();
  queue.add("a", 60_000);
  queue.add("b", 60_000);
  queue.nudge("a", 1_000);
  const looks: string[] = [];
  for (let second = 0; second < 100; second++) {
    for (let again = 0; again < 50; again++) queue.nudge("a", 1_000);
    for (let taken = await takeNow(queue); taken !== "nothing"; taken = await takeNow(queue)) {
      looks.push(taken);
      queue.done(taken, 60_000);
    }
    await clock.advance(1_000);
  }
  assertEquals(looks.filter((key) => key === "a").length, 100);
  assertEquals(looks.filter((key) => key === "b").length, 1);
});
