import { assertEquals } from "@std/assert";
import type { Clock } from "../../base/clock.ts";
import { classify, DEFAULT_RATE_LIMITS, RateCounter } from "../../drydock/api/rate.ts";
import { readLines } from "../../drydock/lines.ts";
import { LOG_LINE_CHARS_MAX, timingAt } from "../../drydock/limits.ts";
import { LogBook } from "../../drydock/logs.ts";
import { parseNanos, rfc3339Nanos } from "../../drydock/time.ts";

function stillClock(): Clock & { advance(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  return { now: () => now, monotonic: () => now, sleep: () => Promise.resolve(), advance: (ms) => now += ms };
}

const everything = {
  start: 0n,
  end: 1n << 62n,
  direction: "forward",
  limit: 1000,
  matches: () => true,
} as const;

Deno.test("LogBook keeps the newest lines, each with its own instant even when the clock stands still", () => {
  const book = new LogBook(stillClock(), () => 0.5, 10);
  for (let i = 0; i < 25; i++) book.write("srv-a", "app", `line ${i}`);
  book.write("srv-b", "app", "x".repeat(LOG_LINE_CHARS_MAX * 2));
  const { entries } = book.read({ ...everything, resources: ["srv-a"] });
  assertEquals(entries.at(-1)?.message, "line 24");
  assertEquals(entries.length <= 10, true);
  assertEquals(new Set(entries.map(({ nanos }) => nanos)).size, entries.length);
  assertEquals(
    book.read({ ...everything, resources: ["srv-b"] }).entries[0]?.message.length,
    LOG_LINE_CHARS_MAX,
  );
});

Deno.test("readLines() splits at line ends across chunks and cuts a line that never ends", async () => {
  const lines: string[] = [];
  const chunks = ["a\nb", "c\r\n", "x".repeat(LOG_LINE_CHARS_MAX), "x".repeat(LOG_LINE_CHARS_MAX), "\nlast"];
  await readLines(
    ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk))),
    (line) => lines.push(line),
  );
  assertEquals([lines[0], lines[1], lines[2]?.length, lines[3]], ["a", "bc", LOG_LINE_CHARS_MAX, "last"]);
});

Deno.test("parseNanos() reads RFC 3339 with any fraction and epoch values, and refuses the rest", () => {
  const nanos = 1_767_225_600_123_456_789n;
  assertEquals(rfc3339Nanos(nanos), "2026-01-01T00:00:00.123456789Z");
  assertEquals(parseNanos(rfc3339Nanos(nanos)), nanos);
  assertEquals(parseNanos("2026-01-01T02:00:00.5+02:00"), 1_767_225_600_500_000_000n);
  assertEquals(parseNanos("1767225600"), parseNanos("1767225600000"));
  for (const text of ["", "yesterday", "2026-13-01T00:00:00Z", "-1"]) {
    assertEquals(parseNanos(text), undefined);
  }
});

Deno.test("RateCounter counts a class in windows and a deploy class for each service", () => {
  const clock = stillClock();
  const rates = new RateCounter(
    { ...DEFAULT_RATE_LIMITS, deploy: { requests: 1, windowMs: 60_000 } },
    1,
    clock,
  );
  const ask = (id: string) => {
    const { rateClass, key } = classify("POST", `/services/${id}/deploys`);
    return rates.count(rateClass, key).allowed;
  };
  assertEquals([ask("srv-a"), ask("srv-a"), ask("srv-b")], [true, false, true]);
  clock.advance(60_000);
  assertEquals(ask("srv-a"), true);
  assertEquals(classify("POST", "/services").rateClass, "createService");
  assertEquals(classify("PUT", "/services/srv-a/env-vars/X").rateClass, "write");
});

Deno.test("timingAt() keeps Render's times at speed 1 and never falls below what a process needs", () => {
  const real = timingAt(1);
  assertEquals([real.startMs, real.healthIntervalMs, real.overlapMs], [900_000, 5000, 60_000]);
  const fast = timingAt(100_000);
  assertEquals([fast.healthTimeoutMs, fast.startMs, fast.watchMs], [1000, 6000, 200]);
});
