/** A small part of `deno task sim`: some seeds, and every planted bug. */
import { assertEquals } from "@std/assert";
import { inFull } from "../helpers/full.ts";
import { BUGS } from "./bugs.ts";
import type { PlantedBug } from "./planted.ts";
import { commandOf } from "./run_seeds.ts";
import { simulate } from "./simulate.ts";

/** Seeds within which a planted bug must show. */
const BUG_SEEDS = 1_000;
/** `deno task sim` runs more. */
const SEEDS = inFull(300, 60);

async function assertHolds(seed: number): Promise<void> {
  const { violations, trace } = await simulate(seed);
  assertEquals(violations, [], `${trace.join("\n")}\n\n${commandOf({ seed })}`);
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

Deno.test("every seed is a world of its own", async () => {
  const checksums = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) checksums.add((await simulate(seed)).checksum);
  assertEquals(checksums.size, 20);
});

/** The first seed at which a planted bug breaks what it has to break. */
async function seedOf(name: string, bug: PlantedBug): Promise<number> {
  for (let tries = 0; tries < BUG_SEEDS; tries++) {
    const seed = tries === 0 ? bug.seed ?? BUG_SEEDS : tries;
    const { violations: [first] } = await simulate(seed, { bug });
    if (first !== undefined && bug.breaks.includes(first.invariant)) return seed;
  }
  const command = `deno task sim --bug ${JSON.stringify(name)} --seeds ${10 * BUG_SEEDS}`;
  throw new Error(`${BUG_SEEDS} seeds did not show it; to look further: ${command}`);
}

for (const [name, bug] of Object.entries(BUGS)) {
  Deno.test(`the simulator finds a reconciler that ${name}`, async () => {
    // At that seed the product itself would err as well if it came to have this defect.
    await assertHolds(await seedOf(name, bug));
  });
}
