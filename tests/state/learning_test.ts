import { assert, assertEquals } from "@std/assert";
import {
  HALF_LIFE_DAYS,
  interval,
  knownFixes,
  QUARANTINE_DAYS,
  tallyOutcomes,
} from "../../state/learning.ts";
import type { Outcome } from "../../state/records.ts";
import { outcome } from "./builders.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);

let incidents = 0;
/** An outcome of an incident of its own, some days ago. */
function past(daysAgo: number, fields: Partial<Outcome> = {}): Outcome {
  return outcome({ at: NOW - daysAgo * DAY_MS, incidentId: `inc_${++incidents}`, ...fields });
}
const tally = (...outcomes: Outcome[]) => tallyOutcomes(outcomes, [], NOW);

Deno.test("outcomes are pooled across services by cause and remedy", () => {
  const tallies = tally(
    past(0, { serviceId: "srv-1" }),
    past(0, { serviceId: "srv-2", outcome: "no_effect" }),
    past(0, { serviceId: "srv-3", remedy: "other" }),
    past(0, { serviceId: "srv-1", cause: "another" }),
  );
  assertEquals(tallies.map(({ cause, remedy, healed, noEffect }) => [cause, remedy, healed, noEffect]), [
    ["another", "unpin", 1, 0],
    ["python-dependency-conflict", "other", 1, 0],
    ["python-dependency-conflict", "unpin", 1, 1],
  ]);
});

Deno.test("an outcome weighs half after the half-life and a quarter after two", () => {
  const [one] = tally(past(0), past(HALF_LIFE_DAYS), past(2 * HALF_LIFE_DAYS, { outcome: "no_effect" }));
  assertEquals([one?.agedHealed, one?.agedFailed], [1.5, 0.25]);
  assertEquals([one?.healed, one?.noEffect, one?.lastAt], [2, 1, NOW]);
});

Deno.test("an outcome from the future of a clock that was set back weighs one", () => {
  const [one] = tally(past(-400), past(-400, { outcome: "worse" }));
  assertEquals([one?.agedHealed, one?.agedFailed], [1, 1]);
});

Deno.test("a remedy that made things worse is in quarantine for its cause alone, and not for ever", () => {
  const worse = past(1, { outcome: "worse" });
  const [one] = tally(worse, past(3));
  assertEquals(one?.quarantinedUntil, worse.at + QUARANTINE_DAYS * DAY_MS);
  const [other] = tally(past(1, { cause: "another" }), worse);
  assertEquals([other?.cause, other?.quarantinedUntil], ["another", null]);
  assertEquals(tally(past(QUARANTINE_DAYS, { outcome: "worse" }))[0]?.quarantinedUntil, null);
});

Deno.test("a heal after the harm ends the quarantine, a harm after it begins one", () => {
  assertEquals(tally(past(2, { outcome: "worse" }), past(1))[0]?.quarantinedUntil, null);
  assert(tally(past(2), past(1, { outcome: "worse" }))[0]?.quarantinedUntil !== null);
});

Deno.test("a clock that was set back does not make a quarantine longer", () => {
  const [one] = tally(past(-400, { outcome: "worse" }));
  assertEquals(one?.quarantinedUntil, NOW + QUARANTINE_DAYS * DAY_MS);
});

Deno.test("a step on the way to a heal is no failure of its remedy", () => {
  const incidentId = "inc_two_packages_missing";
  const first = past(0, { incidentId, attempt: 1, fingerprint: "a", outcome: "no_effect" });
  const second = past(0, { incidentId, attempt: 2, fingerprint: "b" });
  assertEquals(tally(second, first).map(({ healed, noEffect }) => [healed, noEffect]), [[1, 0]]);
  // The same failure again, or an incident that was not healed: it did nothing.
  assertEquals(tally({ ...first, fingerprint: "b" }, second)[0]?.noEffect, 1);
  assertEquals(tally(first, { ...second, outcome: "no_effect" })[0]?.noEffect, 2);
  assertEquals(tally({ ...first, outcome: "worse" }, second)[0]?.worse, 1);
});

Deno.test("a remedy whose failure was gone counts as healed with its incident, and not at all before", () => {
  const incidentId = "inc_another_cause";
  const first = past(0, { incidentId, attempt: 1, fingerprint: "a", outcome: "no_effect", isStep: true });
  const second = past(0, { incidentId, attempt: 2, fingerprint: "b", cause: "other" });
  const of = (...outcomes: Outcome[]) =>
    tally(...outcomes).map(({ cause, healed, noEffect }) => `${cause} ${healed} ${noEffect}`);
  assertEquals(of(second, first), ["other 1 0", "python-dependency-conflict 1 0"]);
  assertEquals(of(first, { ...second, outcome: "no_effect" }), ["other 0 1"]);
});

Deno.test("an import counts as at most one healed outcome, fades, and is no outcome", () => {
  const prior = { cause: "c", remedy: "r", at: NOW - HALF_LIFE_DAYS * DAY_MS };
  const [one] = tallyOutcomes([], [prior], NOW);
  assertEquals([one?.healed, one?.agedHealed, one?.agedPrior, one?.lastAt], [0, 0, 0.5, null]);
  assertEquals(knownFixes([one!]), {});
});

Deno.test("the interval is Wilson's", () => {
  // Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  for (
    const [healed, tries, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const
  ) {
    const found = interval(healed, tries - healed);
    assertEquals([found.low, found.high].map((bound) => Number(bound.toFixed(4))), [low, high]);
  }
  assertEquals(interval(0, 0), { low: 0, high: 1 });
});

Deno.test("the interval widens as its outcomes fade", () => {
  const fresh = interval(8, 2);
  const faded = interval(0.8, 0.2);
  assert(faded.high - faded.low > fresh.high - fresh.low);
});

Deno.test("the known fix of a cause healed before, is not in quarantine and is the surest", () => {
  const tallies = tally(
    ...Array.from({ length: 8 }, () => past(1, { remedy: "often" })),
    past(1, { remedy: "once" }),
    past(1, { remedy: "never", outcome: "no_effect" }),
    ...Array.from({ length: 20 }, () => past(2, { remedy: "harmful" })),
    past(1, { remedy: "harmful", outcome: "worse" }),
  );
  assertEquals(knownFixes(tallies), { "python-dependency-conflict": "often" });
});
