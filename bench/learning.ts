/**
 * Measures what learning saves: attempts per healed incident in a simulated year of 500 incidents (learning_world.ts),
 * with the optimizer's order against the catalogue's, by cause and overall. Every figure is a mean over seeds; the
 * interval is 1.96 standard errors of the difference between the two on the same incidents.
 *
 *     deno task bench:learning [--seeds N]
 */
import { parseArgs } from "@std/cli";
import { parseSeeds, sumUp } from "./learning_sums.ts";
import type { Comparison } from "./learning_sums.ts";
import { thompson, upperBound } from "./learning_rules.ts";
import { happenings, INCIDENTS, live, seeded, STORIES } from "./learning_world.ts";
import type { Classes, Order } from "./learning_world.ts";
import { HALF_LIFE_DAYS, QUARANTINE_DAYS } from "../state/learning.ts";

const SEEDS_DEFAULT = 40;
const CATALOGUE: Order = { kind: "catalogue" };
const LEARNING: Order = { kind: "learning" };
/** Over the interval's column: it is not in percent as the difference before it is. */
const INTERVAL = "95 %, attempts";
const ORACLE: Order = { kind: "oracle" };
const CLASSES: readonly Classes[] = [
  { each: 3, own: 0 },
  { each: 10, own: 0 },
  { each: 3, own: 0.34 },
  { each: 10, own: 0.3 },
  { each: 10, own: 0.5 },
];

const { seeds: given } = parseArgs(Deno.args, {
  string: ["seeds"],
  default: { seeds: String(SEEDS_DEFAULT) },
});
const seeds = parseSeeds(String(given));

console.log(
  `Attempts per healed incident: ${seeds.length} seeds of ${INCIDENTS} incidents in a year, ` +
    `half-life ${HALF_LIFE_DAYS} days, quarantine ${QUARANTINE_DAYS} days\n`,
);
const worlds = seeds.map((seed) => happenings(seed));
const base = worlds.map((world) => live(world, CATALOGUE));
const learned = worlds.map((world) => live(world, LEARNING));
const best = worlds.map((world) => live(world, ORACLE));

print(["cause", "catalogue", "learning", "difference", INTERVAL, "known rates"]);
for (const cause of [...STORIES.map(({ name }) => name), null]) {
  const against = sumUp(base, learned, cause);
  const bound = sumUp(base, best, cause);
  print([cause ?? "overall", ...figures(against), bound.with.toFixed(2)]);
}
const overall = sumUp(base, learned, null);
console.log(
  `\nhealed ${percent(overall.healedWithout)} without, ${percent(overall.healedWith)} with learning; ` +
    `made worse ${overall.worseWithout} times without, ${overall.worseWith} with, in all\n`,
);

console.log("Other rules and half-lives, overall");
const rules: [string, Order][] = [
  ...[7, 15, 30, 60, 120, Infinity].map((halfLifeDays): [string, Order] => [
    `mean, ${halfLifeDays} days`,
    { kind: "learning", options: { halfLifeDays } },
  ]),
  ["Thompson, 30 days", { kind: "learning", score: thompson(seeded(1)) }],
  ["Thompson, 120 days", { kind: "learning", score: thompson(seeded(1)), options: { halfLifeDays: 120 } }],
  ["upper bound 0.3", { kind: "learning", score: upperBound(0.3) }],
  ["upper bound 1", { kind: "learning", score: upperBound(1) }],
  ["no quarantine", { kind: "learning", options: { quarantineDays: 0 } }],
  ["known rates", ORACLE],
];
print(["rule", "catalogue", "learning", "difference", INTERVAL, "made worse"]);
for (const [name, order] of rules) {
  const compared = sumUp(base, worlds.map((world) => live(world, order)), null);
  print([name, ...figures(compared), String(compared.worseWith)]);
}

console.log("\nWhere remedies differ less (log-odds of their rates times the steepness), overall");
print(["steepness", "catalogue", "learning", "difference", INTERVAL, "known rates"]);
for (const steepness of [1, 0.75, 0.5, 0.25]) {
  const flat = seeds.map((seed) => happenings(seed, steepness));
  const without = flat.map((world) => live(world, CATALOGUE));
  const bound = sumUp(without, flat.map((world) => live(world, ORACLE)), null);
  print([
    String(steepness),
    ...figures(sumUp(without, flat.map((world) => live(world, LEARNING)), null)),
    bound.with.toFixed(2),
  ]);
}

console.log(
  "\nWhere a cause has classes of failures (packages), and some are healed by another remedy, overall",
);
print(["classes, own", "catalogue", "by class", "by class", "by cause", "class alone", "known rates"]);
for (const classes of CLASSES) {
  const spread = seeds.map((seed) => happenings(seed, 1, classes));
  const without = spread.map((world) => live(world, CATALOGUE));
  const under = (order: Order) => sumUp(without, spread.map((world) => live(world, order)), null);
  const learned = under(LEARNING);
  print([
    `${classes.each}, ${percent(classes.own)}`,
    learned.without.toFixed(2),
    ...[learned.with.toFixed(2), percent((learned.with - learned.without) / learned.without)],
    under({ kind: "learning", by: "cause" }).with.toFixed(2),
    under({ kind: "learning", options: { othersWorth: 0, classesMin: Infinity } }).with.toFixed(2),
    under(ORACLE).with.toFixed(2),
  ]);
}

function figures({ without, with: withIt, low, high }: Comparison): string[] {
  const change = (withIt - without) / without;
  return [without.toFixed(2), withIt.toFixed(2), percent(change), `${low.toFixed(2)} to ${high.toFixed(2)}`];
}

function print(cells: string[]): void {
  console.log(cells.map((cell, at) => at === 0 ? cell.padEnd(20) : cell.padStart(15)).join(""));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
