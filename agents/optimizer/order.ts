/**
 * Puts the remedies of a cause in the order in which they are to be tried. The success rate comes from verified
 * outcomes alone, smoothed as the mean of a Beta(1, 1) prior: one lucky heal is no certainty and no
 * history is one half. Equal rates keep the catalogue's order. Behind all of them come high risks that have never
 * healed, and last what has only ever made things worse.
 */
import type { OptimizerInput, OptimizerOutput } from "../messages.ts";

/** Pseudo-counts of the prior: as if one try had healed and one had not. */
const PRIOR_HEALED = 1;
const PRIOR_FAILED = 1;

type Remedy = OptimizerInput["remedies"][number];
type Counts = Pick<OptimizerInput["counts"][number], "healed" | "noEffect" | "worse">;

/** Remedies of a later tier are tried after every remedy of an earlier one. */
const TIERS = { usual: 0, riskyAndUnproven: 1, onlyHarmful: 2 } as const;

export function orderRemedies(input: OptimizerInput): OptimizerOutput {
  const ranked = input.remedies.map((remedy, place) => {
    const counts = countsOf(input, remedy.id);
    return { remedy, place, counts, rate: successRate(counts), tier: tierOf(remedy, counts) };
  });
  ranked.sort((a, b) => a.tier - b.tier || b.rate - a.rate || a.place - b.place);
  return {
    order: ranked.map(({ remedy, counts, rate, tier }) => ({
      remedy: remedy.id,
      expectedSuccess: Math.round(rate * 1000) / 1000,
      why: explain(remedy, counts, tier),
    })),
  };
}

/** The mean of Beta(healed + 1, failed + 1). */
function successRate({ healed, noEffect, worse }: Counts): number {
  return (healed + PRIOR_HEALED) / (healed + noEffect + worse + PRIOR_HEALED + PRIOR_FAILED);
}

function tierOf(remedy: Remedy, { healed, worse }: Counts): number {
  if (worse > 0 && healed === 0) return TIERS.onlyHarmful;
  if (remedy.risk === "high" && healed === 0) return TIERS.riskyAndUnproven;
  return TIERS.usual;
}

function countsOf({ counts }: OptimizerInput, id: string): Counts {
  const sum = { healed: 0, noEffect: 0, worse: 0 };
  for (const each of counts) {
    if (each.remedy !== id) continue;
    sum.healed += each.healed;
    sum.noEffect += each.noEffect;
    sum.worse += each.worse;
  }
  return sum;
}

function explain(remedy: Remedy, { healed, noEffect, worse }: Counts, tier: number): string {
  const tries = healed + noEffect + worse;
  const history = tries === 0
    ? `never tried, ${remedy.risk} risk`
    : `healed ${healed} of ${tries}${worse === 0 ? "" : `, made it worse ${worse} times`}`;
  switch (tier) {
    case TIERS.onlyHarmful:
      return `${history}: last, because it has only done harm`;
    case TIERS.riskyAndUnproven:
      return `${history}: after the others, because it is risky and has never healed`;
    default:
      return history;
  }
}
