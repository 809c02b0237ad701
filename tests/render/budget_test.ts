import { assert, assertEquals, assertRejects } from "@std/assert";
import { BudgetSpent, createRateBudget, retryAfterMsOf } from "../../render/budget.ts";
import type { RateClass } from "../../render/budget.ts";
import { systemClock } from "../../base/clock.ts";
import { createTestClock } from "./stand_in.ts";

const read: RateClass = { kind: "read" };
const deploy = (serviceId: string): RateClass => ({ kind: "deploy", serviceId });
const answer = (headers: Record<string, string>, status = 200) => ({ status, headers: new Headers(headers) });

Deno.test("take() lets the documented number through in a minute, then waits for the next minute", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  for (let count = 0; count < 10; count++) await budget.take(deploy("srv-a"));
  assertEquals(clock.sleeps, []);
  clock.advance(45_000);
  await budget.take(deploy("srv-a"));
  assertEquals(clock.sleeps, [15_000]);
});

Deno.test("take() counts services, reads and other writes apart", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  for (let count = 0; count < 10; count++) await budget.take(deploy("srv-a"));
  for (let count = 0; count < 10; count++) await budget.take(deploy("srv-b"));
  for (let count = 0; count < 30; count++) await budget.take({ kind: "write" });
  for (let count = 0; count < 400; count++) await budget.take(read);
  assertEquals(clock.sleeps, []);
});

Deno.test("a budget that others have spent is learned from the headers of one answer (promise 3)", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  const permit = await budget.take(read);
  permit.learn(answer({ "RateLimit-Limit": "100", "RateLimit-Remaining": "1", "RateLimit-Reset": "20" }));
  await budget.take(read);
  assertEquals(clock.sleeps, []);
  await budget.take(read);
  assertEquals(clock.sleeps, [20_000]);
  for (let count = 0; count < 99; count++) await budget.take(read);
  assertEquals(clock.sleeps, [20_000]);
  await budget.take(read);
  assertEquals(clock.sleeps, [20_000, 60_000]);
});

Deno.test("a reset above a million is a time of day, measured on the sender's clock", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  const theirNow = clock.now() + 3_600_000;
  const permit = await budget.take(read);
  permit.learn(answer({
    "date": new Date(theirNow).toUTCString(),
    "RateLimit-Remaining": "0",
    "RateLimit-Reset": String(theirNow / 1000 + 7),
  }));
  await budget.take(read);
  assertEquals(clock.sleeps, [7000]);
});

Deno.test("requests under way are not given out a second time", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  const permits = [await budget.take(read), await budget.take(read), await budget.take(read)];
  permits[0]?.learn(answer({ "RateLimit-Remaining": "2", "RateLimit-Reset": "9" }));
  await budget.take(read);
  assertEquals(clock.sleeps, [9000]);
});

Deno.test("after a 429 everybody of the class waits for Retry-After (promise 3)", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  const permit = await budget.take(read);
  permit.learn(answer({ "retry-after": "3" }, 429));
  await Promise.all([budget.take(read), budget.take(read)]);
  assertEquals(clock.sleeps, [3000]);
});

Deno.test("an answer that failed holds back its class for as long as it says, whatever others say (promise 3)", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock });
  const [failing, other] = [await budget.take(read), await budget.take(read)];
  failing.learn(answer({ "retry-after": "90" }, 503));
  other.learn(answer({ "RateLimit-Remaining": "300", "RateLimit-Reset": "5" }));
  await budget.take(deploy("srv-a"));
  assertEquals(clock.sleeps, []);
  const next = await budget.take(read);
  assertEquals(clock.sleeps, [90_000]);
  next.learn(answer({ "retry-after": "86400" }, 500));
  const error = await assertRejects(() => budget.take(read), BudgetSpent, "Render asks to be left alone");
  assertEquals(error.retryAfterMs, 300_000);
});

Deno.test("callers get their turn in the order they came, and one that leaves lets nobody overtake", async () => {
  const clock = createTestClock();
  let wake: (() => void) | undefined;
  const slow = { ...clock, sleep: () => new Promise<void>((resolve) => wake = resolve) };
  const budget = createRateBudget({ clock: slow });
  for (let count = 0; count < 10; count++) await budget.take(deploy("srv-a"));
  const order: string[] = [];
  const leaving = new AbortController();
  const first = budget.take(deploy("srv-a")).then(() => order.push("first"));
  const second = budget.take(deploy("srv-a"), leaving.signal).catch(() => order.push("second left"));
  const third = budget.take(deploy("srv-a")).then(() => order.push("third"));
  leaving.abort();
  await second;
  while (wake === undefined) await systemClock.sleep(1);
  clock.advance(60_000);
  wake();
  await Promise.all([first, third]);
  assertEquals(order, ["second left", "first", "third"]);
});

Deno.test("a caller that waits goes on as soon as an answer says that the budget is there again", async () => {
  const clock = createTestClock();
  const real = { ...clock, sleep: systemClock.sleep };
  const budget = createRateBudget({ clock: real });
  const permits = [];
  for (let count = 0; count < 10; count++) permits.push(await budget.take(deploy("srv-a")));
  const waiting = budget.take(deploy("srv-a"));
  await systemClock.sleep(5);
  permits[0]?.learn(answer({ "RateLimit-Remaining": "12", "RateLimit-Reset": "60" }));
  await waiting;
});

Deno.test("take() refuses a wait that is longer than allowed, and says how long it would be", async () => {
  const budget = createRateBudget({ clock: createTestClock(), waitMsMax: 10_000 });
  const permit = await budget.take(read);
  permit.learn(answer({ "retry-after": "50" }, 429));
  const error = await assertRejects(() => budget.take(read), BudgetSpent);
  assertEquals(error.retryAfterMs, 50_000);
});

Deno.test("take() turns callers away when too many wait already (promise 23)", async () => {
  const clock = createTestClock();
  const stopped = {
    ...clock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(60_000, signal),
  };
  const budget = createRateBudget({ clock: stopped, waitersMax: 2 });
  for (let count = 0; count < 10; count++) await budget.take(deploy("srv-a"));
  const leaving = new AbortController();
  const waiting = [1, 2].map(() => budget.take(deploy("srv-a"), leaving.signal).catch(() => "left"));
  await assertRejects(() => budget.take(deploy("srv-a")), BudgetSpent);
  leaving.abort();
  assertEquals(await Promise.all(waiting), ["left", "left"]);
});

Deno.test("only so many services are counted at once, and one that is idle makes room (promise 23)", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock, classesMax: 3 });
  const held = [];
  for (const id of ["srv-a", "srv-b", "srv-c"]) held.push(await budget.take(deploy(id)));
  clock.advance(61_000);
  await assertRejects(() => budget.take(deploy("srv-d")), BudgetSpent, "too many services");
  held[0]?.[Symbol.dispose]();
  await budget.take(deploy("srv-d"));
  await assertRejects(() => budget.take(deploy("srv-a")), BudgetSpent, "too many services");
});

Deno.test("headers that are absurd change nothing for long", async () => {
  const clock = createTestClock();
  const budget = createRateBudget({ clock, waitMsMax: 3_600_000 });
  const permit = await budget.take(read);
  permit.learn(
    answer({ "RateLimit-Limit": "0", "RateLimit-Remaining": "-5x", "RateLimit-Reset": "99999999999999" }),
  );
  for (let count = 0; count < 400; count++) await budget.take(read);
  assert(clock.sleeps.length <= 1 && (clock.sleeps[0] ?? 0) <= 300_000);
});

Deno.test("Retry-After is read as seconds and as a date", () => {
  const clock = createTestClock();
  const of = (value: string) => retryAfterMsOf(new Headers({ "retry-after": value }), clock);
  assertEquals(of("2"), 2000);
  assertEquals(of(new Date(clock.now() + 5000).toUTCString()), 5000);
  assertEquals(of(new Date(clock.now() - 5000).toUTCString()), 0);
  assertEquals(of("soon"), undefined);
});
