/** Reads what was learned out of a store: the bridge between its rows and the pure functions of learning.ts. */
import { tallyOutcomes } from "./learning.ts";
import type { Tally } from "./learning.ts";
import { tallyClass } from "./learning_class.ts";
import type { ClassTally } from "./learning_class.ts";
import { fixPriors } from "./prior.ts";
import { LIMIT_MAX } from "./rows.ts";
import type { Store } from "./store.ts";

type Memory = Pick<Store, "countOutcomes" | "listOutcomes" | "listImports">;

/**
 * What is known of the remedies of one cause, or of all causes; of each cause, the newest LIMIT_MAX outcomes
 * count.
 * @param now milliseconds since the epoch
 */
export async function recallTallies(store: Memory, now: number, cause?: string): Promise<Tally[]> {
  const priors = fixPriors(await store.listImports());
  const causes = cause === undefined
    ? [...priors, ...await store.countOutcomes()].map((one) => one.cause)
    : [cause];
  const tallies: Tally[] = [];
  for (const about of [...new Set(causes)].sort()) {
    const outcomes = await store.listOutcomes({ cause: about, limit: LIMIT_MAX });
    const known = priors.filter((prior) => prior.cause === about);
    // Other causes of the same incidents come along to tell a step on the way from a failure.
    tallies.push(...tallyOutcomes(outcomes, known, now).filter((tally) => tally.cause === about));
  }
  return tallies;
}

/** Outcomes of one class of failures that count: a flood in one pushes none of another out. */
export const CLASS_OUTCOMES_READ = 200;

/**
 * What is known of the remedies for one class of failures of a cause; of each class the newest CLASS_OUTCOMES_READ
 * outcomes count.
 * @param classId `failureClass.id` of a diagnosis
 * @param now milliseconds since the epoch
 */
export async function recallClass(
  store: Memory,
  now: number,
  cause: string,
  classId: string,
): Promise<ClassTally[]> {
  const priors = fixPriors(await store.listImports());
  const outcomes = await store.listOutcomes({ cause, limitPerClass: CLASS_OUTCOMES_READ });
  return tallyClass(outcomes, priors, now, { cause, classId });
}
