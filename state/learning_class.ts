/**
 * What verified outcomes say about the remedies of one class of failures, such as a missing numpy: its own outcomes,
 * and a little of what other classes of the cause showed, so that a failure of a package that was never seen begins
 * with what helped other packages. One other class, however often it came up, says nothing: a package that fails in
 * its own way, or a repository made to fail, does not change what is tried for another. Pure.
 */
import { countByClass, emptyCount, QUARANTINE_DAYS, worthOfPrior } from "./learning.ts";
import type { ClassCount, Count, TallyOptions } from "./learning.ts";
import type { FixPrior } from "./prior.ts";
import type { Outcome } from "./records.ts";

const DAY_MS = 86_400_000;

/** Other classes that must have tried a remedy before they have a say, or seen its harm before it is kept from all. */
export const CLASSES_MIN = 2;
/** Outcomes that another class is worth at most, however many it has: each has one voice. */
export const CLASS_WORTH = 1;
/** Outcomes that all other classes are worth together; `deno task bench:learning` compares by class and by cause. */
export const OTHERS_WORTH = 1;

/** What other classes of the cause showed of a remedy. */
export interface Others {
  /** Whole. */
  healed: number;
  /** Whole. */
  tries: number;
  /** What they weigh, together OTHERS_WORTH at most. */
  agedHealed: number;
  agedFailed: number;
}

/** One remedy for one class. */
export interface ClassTally extends Count {
  remedy: string;
  /** What is left of an import, part of no count. */
  agedPrior: number;
  /** Absent where fewer than CLASSES_MIN other classes tried it. */
  others?: Others;
}

export interface ClassOptions extends TallyOptions {
  /** @default CLASSES_MIN */
  classesMin?: number;
  /** @default CLASS_WORTH */
  classWorth?: number;
  /** @default OTHERS_WORTH */
  othersWorth?: number;
}

/**
 * @param outcomes with all of an incident's, in any order; those of other causes are passed over
 * @param classId of the failure at hand
 * @param now milliseconds since the epoch
 * @returns a remedy each, of those that were tried or imported for the cause
 */
export function tallyClass(
  outcomes: readonly Outcome[],
  priors: readonly FixPrior[],
  now: number,
  { cause, classId }: { cause: string; classId: string },
  options: ClassOptions = {},
): ClassTally[] {
  const counts = countByClass(outcomes, now, options).filter((count) => count.cause === cause);
  const claims = priors.filter((prior) => prior.cause === cause);
  const remedies = new Set([...counts, ...claims].map(({ remedy }) => remedy));
  return [...remedies].sort().map((remedy) => {
    const tried = counts.filter((count) => count.remedy === remedy);
    const own = tried.find((count) => count.classId === classId);
    const others = tried.filter((count) => count !== own);
    const claim = claims.find((prior) => prior.remedy === remedy);
    const { healed, noEffect, worse, agedHealed, agedFailed, lastAt, quarantinedUntil } = own ?? emptyCount();
    const said = othersOf(others, options);
    return {
      remedy,
      healed,
      noEffect,
      worse,
      agedHealed,
      agedFailed,
      lastAt,
      agedPrior: claim === undefined ? 0 : worthOfPrior(claim, now, options),
      quarantinedUntil: quarantinedUntil ?? quarantineOfOthers(others, own?.healedAt ?? null, options),
      ...(said === null ? {} : { others: said }),
    };
  });
}

function othersOf(
  counts: readonly ClassCount[],
  { classesMin = CLASSES_MIN, classWorth = CLASS_WORTH, othersWorth = OTHERS_WORTH }: ClassOptions,
): Others | null {
  if (counts.length < classesMin) return null;
  const sum = { healed: 0, tries: 0, agedHealed: 0, agedFailed: 0 };
  for (const { healed, noEffect, worse, agedHealed, agedFailed } of counts) {
    const scale = scaleTo(classWorth, agedHealed + agedFailed);
    sum.healed += healed;
    sum.tries += healed + noEffect + worse;
    sum.agedHealed += scale * agedHealed;
    sum.agedFailed += scale * agedFailed;
  }
  const scale = scaleTo(othersWorth, sum.agedHealed + sum.agedFailed);
  return { ...sum, agedHealed: scale * sum.agedHealed, agedFailed: scale * sum.agedFailed };
}

function scaleTo(worth: number, weight: number): number {
  return weight > worth ? worth / weight : 1;
}

/** Harm in several classes is harm of the remedy. A heal of its own since is better evidence. */
function quarantineOfOthers(
  counts: readonly ClassCount[],
  healedAt: number | null,
  { classesMin = CLASSES_MIN, quarantineDays = QUARANTINE_DAYS }: ClassOptions,
): number | null {
  const ends = counts.flatMap(({ quarantinedUntil }) => quarantinedUntil ?? []).sort((a, b) => b - a);
  const until = ends[classesMin - 1];
  if (until === undefined) return null;
  return (healedAt ?? -Infinity) > until - quarantineDays * DAY_MS ? null : until;
}
