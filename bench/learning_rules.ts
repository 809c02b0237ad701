/** Rules that were compared with the one in use, `discountedMean`. They balance use and search by themselves. */
import type { Evidence, Score } from "../agents/optimizer/score.ts";
import type { Random } from "../base/clock.ts";
import { normal } from "./learning_world.ts";

/** Beta(healed + 1, failed + 1): the uniform prior, for every remedy alike. */
function beta({ agedHealed, agedFailed, agedPrior }: Evidence): [number, number] {
  return [agedHealed + agedPrior + 1, agedFailed + 1];
}

/** Discounted Thompson sampling: a draw from each Beta posterior (Raj and Kalyani, 2017). */
export function thompson(random: Random): Score {
  return (evidence) => {
    const [healed, failed] = beta(evidence);
    const a = gamma(healed, random);
    return a / (a + gamma(failed, random));
  };
}

/** Discounted UCB: mean and a width that shrinks with the tries (Garivier and Moulines, 2011). */
export function upperBound(width: number): Score {
  return (evidence) => {
    const [healed, failed] = beta(evidence);
    return healed / (healed + failed) + width / Math.sqrt(healed + failed);
  };
}

/** A gamma variate with a shape of at least 1 (Marsaglia and Tsang, 2000). */
function gamma(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  for (;;) {
    const x = normal(random);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random()) < x * x / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
