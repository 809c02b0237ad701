/** Compares two orders over the same worlds, world by world. */
import { EvenkeelError } from "../base/errors.ts";
import type { Sum } from "./learning_world.ts";

const SEEDS_MAX = 1000;

export interface Comparison {
  /** Attempts per healed incident, over all worlds. */
  without: number;
  with: number;
  /** The 95 % interval of the mean difference between worlds. */
  low: number;
  high: number;
  healedWithout: number;
  healedWith: number;
  worseWithout: number;
  worseWith: number;
}

/** @param cause all causes together when `null` */
export function sumUp(
  without: readonly ReadonlyMap<string, Sum>[],
  withIt: readonly ReadonlyMap<string, Sum>[],
  cause: string | null,
): Comparison {
  const before = without.map((world) => pick(world, cause));
  const after = withIt.map((world) => pick(world, cause));
  const differences = before.flatMap((sum, at) => {
    const other = after[at];
    return other === undefined || sum.healed === 0 || other.healed === 0 ? [] : [rate(other) - rate(sum)];
  });
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  const variance = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) /
    Math.max(1, differences.length - 1);
  const reach = 1.96 * Math.sqrt(variance / differences.length);
  const [all, allAfter] = [total(before), total(after)];
  return {
    without: rate(all),
    with: rate(allAfter),
    low: mean - reach,
    high: mean + reach,
    healedWithout: all.healed / all.incidents,
    healedWith: allAfter.healed / allAfter.incidents,
    worseWithout: all.worse,
    worseWith: allAfter.worse,
  };
}

/** @returns the seeds 1 to N */
export function parseSeeds(text: string): number[] {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(count >= 1 && count <= SEEDS_MAX)) {
    throw new EvenkeelError(`Cannot run ${JSON.stringify(text)} seeds: allowed is 1 to ${SEEDS_MAX}`);
  }
  return Array.from({ length: count }, (_, at) => at + 1);
}

function rate({ attempts, healed }: Sum): number {
  return attempts / healed;
}

function pick(world: ReadonlyMap<string, Sum>, cause: string | null): Sum {
  if (cause === null) return total([...world.values()]);
  return world.get(cause) ?? { incidents: 0, healed: 0, attempts: 0, worse: 0 };
}

function total(sums: readonly Sum[]): Sum {
  return sums.reduce((all, sum) => ({
    incidents: all.incidents + sum.incidents,
    healed: all.healed + sum.healed,
    attempts: all.attempts + sum.attempts,
    worse: all.worse + sum.worse,
  }), { incidents: 0, healed: 0, attempts: 0, worse: 0 });
}
