/** A small part of `deno task sim`: some seeds, the seeds of old stories, and every planted bug. */
import { assert, assertEquals } from "@std/assert";
import { inFull } from "../helpers/full.ts";
import { BUGS } from "./bugs.ts";
import { Violation } from "./checker.ts";
import { simulate } from "./simulate.ts";
import type { SimulationOptions } from "./simulate.ts";

/** Seeds within which a planted bug must show. */
const BUG_SEEDS = 1_000;
/** `deno task sim` runs more. */
const SEEDS = inFull(300, 60);

async function assertHolds(seed: number, options: SimulationOptions = {}): Promise<void> {
  const { violations, trace } = await simulate(seed, options);
  assertEquals(violations, [], `${trace.join("\n")}\n\ndeno task sim --seed ${seed} --trace`);
}

Deno.test("in a simulated world of kills, pauses, lost answers, stale lists, clock steps, webhooks lost or repeated, people who push and two replicas, every invariant holds (promise 1) (promise 2) (promise 4) (promise 5) (promise 7) (promise 12) (promise 25) (promise 29)", async () => {
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
  "lost-create-arrives-after-it-was-sent-again (promise 7)": [372],
  "autodeploy-that-is-not-kept-is-asked-for-without-a-pause": [163],
  "later-effects-of-an-attempt-exceed-the-hour": [43, 323],
  "slow-clock-cuts-off-the-end-of-the-log (promise 4)": [62],
  "old-version-complains-while-the-new-one-builds": [37],
  "same-setting-tried-again-after-its-old-value-changed (promise 9)": [59, 77],
  "failed-redeploy-forbids-every-later-one (promise 13)": [15],
  "database-goes-down-during-a-rollback": [147],
  "attempt-overtaken-by-a-deploy-that-was-there-before (promise 29)": [129],
  "bad-sample-lost-with-the-store": [1138],
  "machine-sleeps-through-the-quiet-time (promise 4)": [822],
  "process-stands-still-between-probe-and-clock (promise 4)": [2131],
  "proof-waits-for-a-database-for-ever": [94],
  "refused-rollback-begun-again (promise 10)": [154],
  "killed-between-the-end-of-a-rollback-and-its-record (promise 1)": [49],
  "restart-not-recognised-because-clocks-differ (promise 4)": [6950],
  "rolled-back-to-the-newest-commit (promise 10)": [3674],
};
for (const [story, seeds] of Object.entries(STORIES)) {
  Deno.test(`seed: ${story}`, async () => {
    for (const seed of seeds) await assertHolds(seed, { isPlain: true });
  });
}

for (const [name, bug] of Object.entries(BUGS)) {
  Deno.test(`the simulator finds a reconciler that ${name}`, async () => {
    for (let tries = 0; tries < BUG_SEEDS; tries++) {
      const seed = tries === 0 ? bug.seed ?? BUG_SEEDS : tries;
      const { violations: [first] } = await simulate(seed, { bug });
      if (first === undefined) continue;
      assert(first instanceof Violation);
      if (bug.breaks.includes(first.invariant)) return;
    }
    throw new Error(`${BUG_SEEDS} seeds did not show it`);
  });
}
