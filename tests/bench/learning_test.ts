import { assert, assertEquals } from "@std/assert";
import { sumUp } from "../../bench/learning_sums.ts";
import { happenings, INCIDENTS, live, STORIES } from "../../bench/learning_world.ts";
import type { Order } from "../../bench/learning_world.ts";

const SEEDS = [1, 2, 3, 4, 5];
/** Attempts a heal: what looking for a better remedy may cost where the catalogue is right all along. */
const SEARCH_COST_MAX = 0.1;

Deno.test("learning takes more than a fifth off the attempts of 500 incidents, and costs no cause more than the search", () => {
  const worlds = SEEDS.map((seed) => happenings(seed));
  assertEquals(worlds.map((world) => world.length), SEEDS.map(() => INCIDENTS));
  const without = worlds.map((world) => live(world, { kind: "catalogue" }));
  const withIt = worlds.map((world) => live(world, { kind: "learning" }));
  const overall = sumUp(without, withIt, null);
  assert(overall.with <= 0.8 * overall.without, `${overall.with} of ${overall.without}`);
  assert(overall.healedWith > overall.healedWithout);
  assert(overall.worseWith < overall.worseWithout / 2);
  for (const { name } of STORIES) {
    const { with: after, without: before } = sumUp(without, withIt, name);
    assert(after <= before + SEARCH_COST_MAX, `${name}: ${after} instead of ${before}`);
  }
});

Deno.test("learning by class costs little where packages are alike, and saves where each has its own remedy", () => {
  const attempts = (each: number, own: number, order: Partial<Extract<Order, { kind: "learning" }>>) => {
    const worlds = SEEDS.slice(0, 3).map((seed) => happenings(seed, 1, { each, own }));
    const without = worlds.map((world) => live(world, { kind: "catalogue" }));
    return sumUp(without, worlds.map((world) => live(world, { kind: "learning", ...order })), null).with;
  };
  const alone = { options: { othersWorth: 0, classesMin: Infinity } };
  const alike = attempts(10, 0, {});
  assert(alike <= 1.05 * attempts(10, 0, { by: "cause" }), `${alike} where packages are alike`);
  assert(alike <= 0.9 * attempts(10, 0, alone), "other classes help one that is new");
  assert(attempts(3, 0.34, {}) < attempts(3, 0.34, { by: "cause" }));
});

Deno.test("the same seed is the same year", () => {
  assertEquals(happenings(7).slice(0, 20), happenings(7).slice(0, 20));
  assertEquals(live(happenings(7), { kind: "learning" }), live(happenings(7), { kind: "learning" }));
});
