/** A small part of `deno task sim`: some seeds, the seeds of old stories, and every planted bug. */
import { assert, assertEquals } from "@std/assert";
import { BUGS } from "./bugs.ts";
import { Violation } from "./checker.ts";
import { simulate } from "./simulate.ts";
import type { SimulationOptions } from "./simulate.ts";

/** Seeds in which a planted bug must show; `deno task sim` runs more. */
const BUG_SEEDS = 150;
const SEEDS = 60;

async function assertHolds(seed: number, options: SimulationOptions = {}): Promise<void> {
  const { violations, trace } = await simulate(seed, options);
  assertEquals(violations, [], `${trace.join("\n")}\n\ndeno task sim --seed ${seed} --trace`);
}

Deno.test("in a simulated world where everything goes wrong every invariant holds", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await assertHolds(seed);
});

Deno.test("the same seed gives the same trace, line by line", async () => {
  for (const seed of [3, 15, 49, 822]) {
    const traces: string[][] = [[], []];
    const results = [];
    for (const lines of traces) results.push(await simulate(seed, { echo: (line) => lines.push(line) }));
    assertEquals(traces[0], traces[1]);
    assertEquals(results[0], results[1]);
  }
});

/** Seeds that broke an invariant once, by the story of the defect that they showed. */
const STORIES = {
  "lost-create-arrives-after-it-was-sent-again": [372],
  "autodeploy-that-is-not-kept-is-asked-for-without-a-pause": [163],
  "later-effects-of-an-attempt-exceed-the-hour": [43, 323],
  "slow-clock-cuts-off-the-end-of-the-log": [62],
  "old-version-complains-while-the-new-one-builds": [37],
  "same-setting-tried-again-after-its-old-value-changed": [59, 77],
  "failed-redeploy-forbids-every-later-one": [15],
  "database-goes-down-during-a-rollback": [147],
  "attempt-overtaken-by-a-deploy-that-was-there-before": [129],
  "bad-sample-lost-with-the-store": [1138],
  "machine-sleeps-through-the-quiet-time": [822],
  "process-stands-still-between-probe-and-clock": [2131],
  "proof-waits-for-a-database-for-ever": [94],
  "refused-rollback-begun-again": [154],
  "killed-between-the-end-of-a-rollback-and-its-record": [49],
  "restart-not-recognised-because-clocks-differ": [6950],
  "rolled-back-to-the-newest-commit": [3674],
};
for (const [story, seeds] of Object.entries(STORIES)) {
  Deno.test(`seed: ${story}`, async () => {
    for (const seed of seeds) await assertHolds(seed, { isPlain: true });
  });
}

for (const [name, bug] of Object.entries(BUGS)) {
  Deno.test(`the simulator finds a reconciler that ${name}`, async () => {
    for (let seed = 1; seed <= BUG_SEEDS; seed++) {
      const { violations: [first] } = await simulate(seed, { bug });
      if (first === undefined) continue;
      assert(first instanceof Violation);
      if (bug.breaks.includes(first.invariant)) return;
    }
    throw new Error(`${BUG_SEEDS} seeds did not show it`);
  });
}
