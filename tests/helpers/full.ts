/** How much of an exhaustive test runs: all of it with `EVENKEEL_TEST_FULL=1` (`deno task test:full`), else a sample. */

/** Chooses between the whole and the sample that every run takes. */
export function inFull<T>(whole: T, sample: T): T {
  return Deno.env.get("EVENKEEL_TEST_FULL") === "1" ? whole : sample;
}
