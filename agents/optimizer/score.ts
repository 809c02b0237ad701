/**
 * How promising a remedy is, from its aged outcomes. The rule in use is the mean of a Beta posterior. It needs no
 * randomness to keep looking: an incident that the first remedy does not heal tries the next, which shows what
 * that one can do, and outcomes that fade bring a remedy back to where it began. `deno task bench:learning`
 * compares it with Thompson sampling and an upper confidence bound.
 */
import type { OptimizerInput } from "../messages.ts";

export type Evidence = Pick<
  OptimizerInput["history"][number],
  "agedHealed" | "agedFailed" | "agedPrior" | "others"
>;
/** @param place in the catalogue's order, from 0 */
export type Score = (evidence: Evidence, place: number) => number;

/**
 * Pseudo-counts before any outcome. The catalogue's first remedy begins as if one try had healed and one had not;
 * the others a little behind: where the first is right all along, a failure of it then costs fewer detours.
 */
const FIRST_START = { healed: 1, failed: 1 } as const;
const LATER_START = { healed: 0.7, failed: 1.3 } as const;

/** The mean of a Beta posterior over aged outcomes; what other classes of the cause showed is part of the prior. */
export const discountedMean: Score = ({ agedHealed, agedFailed, agedPrior, others }, place) => {
  const start = place === 0 ? FIRST_START : LATER_START;
  const healed = agedHealed + agedPrior + (others?.agedHealed ?? 0) + start.healed;
  const failed = agedFailed + (others?.agedFailed ?? 0) + start.failed;
  return healed / (healed + failed);
};
