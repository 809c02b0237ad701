import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "../../text/duration.ts";

Deno.test("parseDuration() reads what people write", () => {
  const cases: [string, number][] = [
    ["2m", 120_000],
    ["30s", 30_000],
    ["500ms", 500],
    ["850 ms", 850],
    ["1h 30m", 5_400_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    [" 1d ", 86_400_000],
    ["0s", 0],
  ];
  for (const [text, ms] of cases) assertEquals(parseDuration(text), ms, text);
});

Deno.test("parseDuration() refuses everything else", () => {
  for (
    const text of ["", " ", "2", "m", "-2m", "2 minutes", "2m x", "1e3s", "9999d", "2M", "1".repeat(40) + "s"]
  ) {
    assertEquals(parseDuration(text), null, text);
  }
});

Deno.test("formatDuration() writes the two largest units", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [-5, "0 ms"],
    [850.4, "850 ms"],
    [1000, "1s"],
    [3240, "3.2s"],
    [9960, "10s"],
    [59_400, "59s"],
    [59_600, "1m"],
    [125_000, "2m 5s"],
    [3_599_600, "1h"],
    [5_400_000, "1h 30m"],
    [86_399_000, "1d"],
    [90_000_000, "1d 1h"],
    [Number.NaN, "unknown"],
  ];
  for (const [ms, text] of cases) assertEquals(formatDuration(ms), text);
  for (const ms of [850, 120_000, 125_000, 5_400_000]) assertEquals(parseDuration(formatDuration(ms)), ms);
});
