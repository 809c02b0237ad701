import { assertEquals } from "@std/assert";
import { judge, verdictOf } from "./gates.ts";
import type { Gate, Sample, Verdict } from "./gates.ts";
import { slopeOf } from "./growth.ts";

const MIB = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;

/** Days of samples, a tenth of a day apart. */
function samples(days: number, change: (day: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: days * 10 + 1 }, (_, at) => ({
    passes: at * 1000,
    wallMs: at * 60_000,
    simulatedMs: at * DAY_MS / 10,
    heapBytes: 40 * MIB,
    rssBytes: 120 * MIB,
    handles: 30,
    queueKeys: 5,
    diskBytes: MIB,
    walBytes: MIB,
    rows: { events: 500 },
    rowsOfOne: { events: 100 },
    ...change(at / 10),
  }));
}

const CAPS = { events: { rows: 100, perService: true } };
const judged = (taken: Sample[]) => judge(taken, CAPS, 5);
const names = (gates: Gate[], verdict: Verdict) =>
  gates.filter((gate) => gate.verdict === verdict).map(({ name }) => name);
const broken = (taken: Sample[]) => names(judged(taken), "broken");
/** The same odd numbers each time, from -1 to 1. */
const noise = (day: number) => Math.sin(day * 7919) * Math.cos(day * 104729);

Deno.test("slopeOf() gives the slope that most pairs agree on, whatever a few say, and no slope without points", () => {
  assertEquals(slopeOf([[0, 1], [1, 3], [2, 5], [3, 7], [4, 9], [5, 11], [6, 900]])?.middle, 2);
  assertEquals(slopeOf([[0, 1], [1, 3]]), null);
  assertEquals(slopeOf([]), null);
});

Deno.test("slopeOf() takes the last of the points that were measured at the same time, and no slope from one time alone", () => {
  const twice = [[0, 0], [1, 2], [2, 4], [3, 6], [4, 8], [4, 8]] as const;
  assertEquals(slopeOf(twice)?.middle, 2);
  assertEquals(slopeOf(Array.from({ length: 9 }, (_, at) => [1, at] as const)), null);
});

Deno.test("slopeOf() gives an interval that holds the slope and is wide where the figures scatter", () => {
  const scattered = (by: number) =>
    slopeOf(Array.from({ length: 60 }, (_, at) => [at, 2 * at + by * noise(at)] as const))!;
  for (const by of [1, 10, 50]) {
    const { low, high } = scattered(by);
    assertEquals(low < 2 && 2 < high, true, `${by}: ${low} to ${high}`);
  }
  const width = (by: number) => scattered(by).high - scattered(by).low;
  assertEquals(width(50) > 5 * width(1), true);
});

Deno.test("judge() holds what stays, warms up, jumps once, scatters or reaches its cap", () => {
  const held = (change?: (day: number) => Partial<Sample>) => verdictOf(judged(samples(10, change)));
  assertEquals(held(), "held");
  assertEquals(held((day) => ({ heapBytes: Math.min(80, 40 + day * 20) * MIB })), "held");
  assertEquals(held((day) => ({ rssBytes: day === 7.5 ? 900 * MIB : 120 * MIB })), "held");
  assertEquals(held((day) => ({ heapBytes: (40 + 2 * noise(day)) * MIB })), "held");
  assertEquals(held((day) => ({ rowsOfOne: { events: Math.min(100, day * 50) } })), "held");
});

Deno.test("judge() names what climbs, slow as it may be, and what exceeds its cap", () => {
  const climbs = (perWeek: number, day: number) => day / 7 * perWeek + 0.5 * noise(day);
  assertEquals(broken(samples(14, (day) => ({ heapBytes: (40 + climbs(12, day)) * MIB }))), [
    "heap after a collection",
  ]);
  assertEquals(broken(samples(14, (day) => ({ rssBytes: (120 + climbs(70, day)) * MIB }))), [
    "resident memory",
  ]);
  assertEquals(broken(samples(14, (day) => ({ handles: Math.round(30 + day) }))), ["file handles"]);
  assertEquals(broken(samples(4, (day) => ({ queueKeys: day === 3 ? 6 : 5 }))), ["keys in the queue"]);
  assertEquals(broken(samples(4, (day) => ({ walBytes: day * 40 * MIB }))), ["write-ahead log"]);
  assertEquals(broken(samples(4, () => ({ rowsOfOne: { events: 101 } }))), ["rows of events"]);
  assertEquals(broken(samples(4, () => ({ rows: { unheard: 1 } }))), ["rows of unheard"]);
});

Deno.test("judge() says of a run that is too short for a figure that it cannot tell, never that it held", () => {
  const grown = ["heap after a collection", "resident memory", "file handles"];
  assertEquals(names(judged(samples(3)), "untold"), grown);
  assertEquals(verdictOf(judged(samples(3))), "untold");
  // 49 MiB a week, seen for half a day: as likely a warm-up as a leak.
  const short = judged(samples(1, (day) => ({ heapBytes: (40 + day * 7) * MIB })));
  assertEquals(names(short, "untold"), grown);
  // What scatters by more than is allowed needs more days.
  const scattered = judged(samples(5, (day) => ({ heapBytes: (80 + 30 * noise(day)) * MIB })));
  assertEquals(names(scattered, "untold"), ["heap after a collection"]);
  assertEquals(names(judged([]), "held"), []);
  assertEquals(verdictOf(judged([])), "untold");
});

Deno.test("judge() names a leak also in a run that is too short to hold", () => {
  const short = samples(
    1,
    (day) => ({ heapBytes: (40 + day * 60) * MIB, handles: Math.round(30 + 40 * day) }),
  );
  assertEquals(broken(short), ["heap after a collection", "file handles"]);
});
