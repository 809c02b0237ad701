import { assertEquals } from "@std/assert";
import { judge, theilSen } from "./gates.ts";
import type { Sample } from "./gates.ts";

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Hours of samples, a tenth of an hour apart. */
function samples(hours: number, change: (at: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: hours * 10 + 1 }, (_, at) => ({
    passes: at * 1000,
    wallMs: at * HOUR_MS / 10,
    simulatedMs: at * HOUR_MS,
    heapBytes: 40 * MIB,
    rssBytes: 120 * MIB,
    handles: 30,
    queueKeys: 5,
    diskBytes: MIB,
    walBytes: MIB,
    rows: { events: 500 },
    rowsOfOne: { events: 100 },
    ...change(at),
  }));
}

const CAPS = { events: { rows: 100, perService: true } };
const broken = (taken: Sample[]) =>
  judge(taken, CAPS, 5).filter(({ isHeld }) => !isHeld).map(({ name }) => name);

Deno.test("theilSen() gives the slope that most pairs agree on, whatever a few say", () => {
  assertEquals(theilSen([[0, 1], [1, 3], [2, 5], [3, 7], [4, 900]]), 2);
  assertEquals(theilSen([[0, 1]]), 0);
});

Deno.test("judge() passes what stays, warms up, jumps once or reaches its cap", () => {
  assertEquals(broken(samples(2)), []);
  assertEquals(broken(samples(2, (at) => ({ heapBytes: at < 8 ? at * 10 * MIB : 80 * MIB }))), []);
  assertEquals(broken(samples(2, (at) => ({ rssBytes: at === 15 ? 900 * MIB : 120 * MIB }))), []);
  assertEquals(broken(samples(2, (at) => ({ rowsOfOne: { events: Math.min(100, at * 20) } }))), []);
});

Deno.test("judge() names what climbs, slow as it may be, and what exceeds its cap", () => {
  assertEquals(broken(samples(4, (at) => ({ heapBytes: (40 + at * 1.7) * MIB }))), [
    "heap after a collection",
  ]);
  assertEquals(broken(samples(4, (at) => ({ rssBytes: (120 + at * 7) * MIB }))), ["resident memory"]);
  assertEquals(broken(samples(2, (at) => ({ handles: 30 + at }))), ["file handles"]);
  assertEquals(broken(samples(2, (at) => ({ queueKeys: at === 3 ? 6 : 5 }))), ["keys in the queue"]);
  assertEquals(broken(samples(2, (at) => ({ walBytes: at * 4 * MIB }))), ["write-ahead log"]);
  assertEquals(broken(samples(2, () => ({ rowsOfOne: { events: 101 } }))), ["rows of events"]);
  assertEquals(broken(samples(2, (at) => ({ rows: { unheard: at } }))), ["rows of unheard"]);
  assertEquals(broken([]).slice(0, 2), ["heap after a collection", "resident memory"]);
});
