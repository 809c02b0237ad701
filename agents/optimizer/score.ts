/**
 * How promising a remedy is, from its aged outcomes. The rule in use is the mean of a Beta posterior. It needs no
 * randomness to keep looking: an incident that the first remedy does not heal tries the next, which shows what
 * that one can do, and outcomes that fade bring a remedy back to where it began. `deno task bench:learning`
 * compares it with Thompson sampling and an upper confidence bound.
 */
import type { OptimizerInput } from "../messages.ts";

export type Evidence = Pick<
  OptimizerInput["history"][number],
  "agedHealed" | "agedFailed" | "agedPrior"
>;
/** @param place in the catalogue's order, from 0 */
export type Score = (evidence: Evidence, place: number) => number;

/** Pseudo-counts before any outcome: as if one try had healed and one had not. */
export const START_HEALED = 1;
export const START_FAILED = 1;

/** The mean of Beta(healed + prior + 1, failed + 1). */
export const discountedMean: Score = ({ agedHealed, agedFailed, agedPrior }) => {
  const healed = agedHealed + agedPrior + START_HEALED;
  return healed / (healed + agedFailed + START_FAILED);
};
