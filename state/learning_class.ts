/**
 * What verified outcomes say about the remedies of one class of failures, such as a missing numpy: its own outcomes,
 * of whatever service, and a little of what other classes of the cause showed, so that a failure of a package that was
 * never seen begins with what helped other packages. One other class says nothing however often it came up, and neither
 * do the classes of one service however many they are: a package that fails in its own way, or a repository made to
 * fail with packages that it invents, does not change what is tried for another class. Pure.
 */
import { countByClass, emptyCount, QUARANTINE_DAYS, worthOfPrior } from "./learning.ts";
import type { ClassCount, Count, TallyOptions } from "./learning.ts";
import type { FixPrior } from "./prior.ts";
import type { Outcome } from "./records.ts";

const DAY_MS = 86_400_000;

/** Other classes that must have tried a remedy before they have a say, or seen its harm before it is kept from all. */
export const CLASSES_MIN = 2;
/** Services that those classes must come from: of one, a person may choose what fails. */
export const SERVICES_MIN = 2;
/** Outcomes that another class, and a service in all other classes, is worth at most: each has one voice. */
export const VOICE_WORTH = 1;
/** Outcomes that all other classes are worth together; `deno task bench:learning` compares by class and by cause. */
export const OTHERS_WORTH = 1;

/** What one service showed of a class. */
interface Voice extends ClassCount {
  serviceId: string;
}

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
  /** Absent where fewer than CLASSES_MIN other classes, or SERVICES_MIN services, tried it. */
  others?: Others;
}

export interface ClassOptions extends TallyOptions {
  /** @default CLASSES_MIN */
  classesMin?: number;
  /** @default SERVICES_MIN */
  servicesMin?: number;
  /** @default VOICE_WORTH */
  voiceWorth?: number;
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
  const voices = voicesOf(outcomes, now, options)
    .filter((voice) => voice.cause === cause && voice.classId !== classId);
  const claims = priors.filter((prior) => prior.cause === cause);
  const remedies = new Set([...counts, ...claims].map(({ remedy }) => remedy));
  return [...remedies].sort().map((remedy) => {
    const own = counts.find((count) => count.remedy === remedy && count.classId === classId);
    const others = voices.filter((voice) => voice.remedy === remedy);
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

function voicesOf(outcomes: readonly Outcome[], now: number, options: TallyOptions): Voice[] {
  // An incident is of one service, so that none is torn apart.
  return [...Map.groupBy(outcomes, ({ serviceId }) => serviceId)].flatMap(([serviceId, own]) =>
    countByClass(own, now, options).map((count) => ({ ...count, serviceId }))
  );
}

function othersOf(voices: readonly Voice[], options: ClassOptions): Others | null {
  if (!areEnough(voices, options)) return null;
  const { voiceWorth = VOICE_WORTH, othersWorth = OTHERS_WORTH } = options;
  let weighed = voices;
  // In each class first, so that a service that fails often in one leaves the others their voice there.
  weighed = capped(weighed, voiceWorth, ({ classId, serviceId }) => JSON.stringify([classId, serviceId]));
  weighed = capped(weighed, voiceWorth, ({ classId }) => classId);
  weighed = capped(weighed, voiceWorth, ({ serviceId }) => serviceId);
  weighed = capped(weighed, othersWorth, () => "");
  const others = { healed: 0, tries: 0, agedHealed: 0, agedFailed: 0 };
  for (const { healed, noEffect, worse, agedHealed, agedFailed } of weighed) {
    others.healed += healed;
    others.tries += healed + noEffect + worse;
    others.agedHealed += agedHealed;
    others.agedFailed += agedFailed;
  }
  return others;
}

function areEnough(
  voices: readonly Voice[],
  { classesMin = CLASSES_MIN, servicesMin = SERVICES_MIN }: ClassOptions,
): boolean {
  return new Set(voices.map(({ classId }) => classId)).size >= classesMin &&
    new Set(voices.map(({ serviceId }) => serviceId)).size >= servicesMin;
}

/** Makes those that have a key in common weigh no more together than `worth`. */
function capped(voices: readonly Voice[], worth: number, keyOf: (voice: Voice) => string): Voice[] {
  return [...Map.groupBy(voices, keyOf).values()].flatMap((group) => {
    const weight = group.reduce((sum, { agedHealed, agedFailed }) => sum + agedHealed + agedFailed, 0);
    const scale = weight > worth ? worth / weight : 1;
    return group.map((voice) => ({
      ...voice,
      agedHealed: scale * voice.agedHealed,
      agedFailed: scale * voice.agedFailed,
    }));
  });
}

/** Harm in several classes at several services is harm of the remedy. A heal of its own since is better evidence. */
function quarantineOfOthers(
  voices: readonly Voice[],
  healedAt: number | null,
  options: ClassOptions,
): number | null {
  const quarantineMs = (options.quarantineDays ?? QUARANTINE_DAYS) * DAY_MS;
  const harms = voices.flatMap((voice) => {
    const { classId, quarantinedUntil: until } = voice;
    if (until === null) return [];
    // Of the class, at whatever service.
    const isHealed = voices.some((one) =>
      one.classId === classId && (one.healedAt ?? -Infinity) > until - quarantineMs
    );
    return isHealed ? [] : [{ voice, until }];
  }).sort((a, b) => b.until - a.until);
  const last = harms.findIndex((_, at) =>
    areEnough(harms.slice(0, at + 1).map(({ voice }) => voice), options)
  );
  const until = harms[last]?.until;
  if (until === undefined) return null;
  return (healedAt ?? -Infinity) > until - quarantineMs ? null : until;
}
