/**
 * Counts verified outcomes by class of failure and remedy, across services, and sums them up by cause. Pure:
 * outcomes, prior knowledge and the time in, counts out. Only outcomes count, never an attempt that was not verified;
 * old ones fade; what made things worse is quarantined. What an import claims weighs at most one healed outcome.
 */
import type { Outcome } from "./records.ts";
import type { FixPrior } from "./prior.ts";

const DAY_MS = 86_400_000;

/** Days after which an outcome weighs half; `deno task bench:learning` compares others. */
export const HALF_LIFE_DAYS = 30;
/** Days for which a remedy that made things worse is kept from its class, from the last time it did. */
export const QUARANTINE_DAYS = 14;
/** Healed outcomes that an imported fix is worth when it is read in; it fades like an outcome. */
export const PRIOR_WORTH = 1;
/** Normal quantile of the interval: 1.96 standard deviations hold 95 %. */
export const INTERVAL_Z = 1.96;

/** What became of the tries of one remedy. Raw counts are whole; aged ones are sums of weights between 0 and 1. */
export interface Count {
  healed: number;
  noEffect: number;
  worse: number;
  agedHealed: number;
  /** No effect and worse together. */
  agedFailed: number;
  /** The newest outcome, milliseconds since the epoch; `null` when there is none. */
  lastAt: number | null;
  /** Milliseconds since the epoch, always ahead; `null` when it may be used. */
  quarantinedUntil: number | null;
}

/** One remedy for one class of failures (`failureClass` in state/records.ts). */
export interface ClassCount extends Count {
  cause: string;
  remedy: string;
  classId: string;
  /** For people; empty where it is not known. */
  about: string;
  /** The newest heal, milliseconds since the epoch. */
  healedAt: number | null;
}

/** One remedy for one cause, all its classes together. */
export interface Tally extends Count {
  cause: string;
  remedy: string;
  /** What is left of an import, part of no count. */
  agedPrior: number;
  /** The longest of its classes' quarantines. */
  quarantinedUntil: number | null;
  /** The one with the newest outcome first. */
  classes: ClassCount[];
}

export interface TallyOptions {
  /** @default HALF_LIFE_DAYS */
  halfLifeDays?: number;
  /** @default QUARANTINE_DAYS */
  quarantineDays?: number;
}

/**
 * Counts outcomes by cause and remedy.
 * @param outcomes with all of an incident's, in any order
 * @param now milliseconds since the epoch
 * @returns by cause, then remedy
 */
export function tallyOutcomes(
  outcomes: readonly Outcome[],
  priors: readonly FixPrior[],
  now: number,
  options: TallyOptions = {},
): Tally[] {
  const tallies = new Map<string, Tally>();
  const tallyOf = (cause: string, remedy: string) => {
    const key = JSON.stringify([cause, remedy]);
    const known = tallies.get(key) ?? { cause, remedy, ...emptyCount(), agedPrior: 0, classes: [] };
    tallies.set(key, known);
    return known;
  };
  for (const count of countByClass(outcomes, now, options)) {
    const tally = tallyOf(count.cause, count.remedy);
    tally.healed += count.healed;
    tally.noEffect += count.noEffect;
    tally.worse += count.worse;
    tally.agedHealed += count.agedHealed;
    tally.agedFailed += count.agedFailed;
    tally.lastAt = latest(tally.lastAt, count.lastAt);
    tally.quarantinedUntil = latest(tally.quarantinedUntil, count.quarantinedUntil);
    tally.classes.push(count);
  }
  for (const prior of priors) {
    tallyOf(prior.cause, prior.remedy).agedPrior = worthOfPrior(prior, now, options);
  }
  for (const tally of tallies.values()) {
    tally.classes.sort((a, b) => (b.lastAt ?? 0) - (a.lastAt ?? 0) || compare(a.classId, b.classId));
  }
  return [...tallies.values()].sort((a, b) => compare(a.cause, b.cause) || compare(a.remedy, b.remedy));
}

/**
 * Counts outcomes by cause, remedy and class of failure.
 * @param outcomes with all of an incident's, in any order
 * @param now milliseconds since the epoch
 */
export function countByClass(
  outcomes: readonly Outcome[],
  now: number,
  options: TallyOptions = {},
): ClassCount[] {
  const quarantineMs = (options.quarantineDays ?? QUARANTINE_DAYS) * DAY_MS;
  const counts = new Map<string, ClassCount & { worseAt: number }>();
  for (const outcome of withSteps(outcomes)) {
    const { cause, remedy, at } = outcome;
    // An older record has its fingerprint only, which is the class where nothing in it is one service's own.
    const { id: classId, about } = outcome.failureClass ?? { id: outcome.fingerprint, about: "" };
    const key = JSON.stringify([cause, remedy, classId]);
    const count = counts.get(key) ??
      { cause, remedy, classId, about, ...emptyCount(), healedAt: null, worseAt: -Infinity };
    counts.set(key, count);
    if (count.about === "") count.about = about;
    count.lastAt = latest(count.lastAt, at);
    const weight = weightAt(at, now, options);
    switch (outcome.outcome) {
      case "healed":
        count.healed++;
        count.agedHealed += weight;
        count.healedAt = latest(count.healedAt, at);
        break;
      case "no_effect":
        count.noEffect++;
        count.agedFailed += weight;
        break;
      case "worse":
        count.worse++;
        count.agedFailed += weight;
        count.worseAt = Math.max(count.worseAt, at);
        break;
    }
  }
  return [...counts.values()].map(({ worseAt, ...count }) => {
    const until = Math.min(worseAt, now) + quarantineMs;
    // A heal since is better evidence than the harm before it.
    const isQuarantined = until > now && (count.healedAt ?? -Infinity) <= worseAt;
    return { ...count, quarantinedUntil: isQuarantined ? until : null };
  });
}

/** What is left of an import's claim, in healed outcomes. */
export function worthOfPrior({ at }: FixPrior, now: number, options: TallyOptions = {}): number {
  return PRIOR_WORTH * weightAt(at, now, options);
}

/** What is left of an outcome. A clock that was set back makes none weigh more than one. */
function weightAt(at: number, now: number, { halfLifeDays = HALF_LIFE_DAYS }: TallyOptions): number {
  return 0.5 ** (Math.max(0, now - at) / (halfLifeDays * DAY_MS));
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b > a) ? b : a;
}

/**
 * Settles what was a step on the way. Of two packages that are missing, adding the first does not heal and is not
 * wrong: a remedy whose failure is gone (`isStep`) counts as healed once its incident is healed with the change in
 * place, and not at all before. One without effect whose incident then met another failure and was healed is left out.
 */
function withSteps(outcomes: readonly Outcome[]): Outcome[] {
  const incidents = Map.groupBy(outcomes, ({ incidentId }) => incidentId);
  return outcomes.flatMap((outcome) => {
    if (outcome.outcome !== "no_effect") return [outcome];
    const later = (incidents.get(outcome.incidentId) ?? []).filter(({ attempt }) =>
      attempt > outcome.attempt
    );
    const isHealed = later.some((one) => one.outcome === "healed");
    if (outcome.isStep === true) return isHealed ? [{ ...outcome, outcome: "healed" }] : [];
    const next = later.reduce<Outcome | null>(
      (least, one) => least === null || one.attempt < least.attempt ? one : least,
      null,
    );
    return isHealed && next !== null && next.fingerprint !== outcome.fingerprint ? [] : [outcome];
  });
}

/** The count of what was never tried. */
export function emptyCount(): Count {
  return {
    healed: 0,
    noEffect: 0,
    worse: 0,
    agedHealed: 0,
    agedFailed: 0,
    lastAt: null,
    quarantinedUntil: null,
  };
}

/**
 * The Wilson score interval of a success rate (E. B. Wilson, 1927; advised for small counts by Brown, Cai and
 * DasGupta, 2001). Aged counts are taken for what they are worth, so an interval widens as its outcomes fade.
 * @param healed @param failed counts, not necessarily whole
 * @returns bounds in 0 to 1; the whole of it when nothing was counted
 */
export function interval(
  healed: number,
  failed: number,
  z: number = INTERVAL_Z,
): { low: number; high: number } {
  const tries = healed + failed;
  if (tries <= 0) return { low: 0, high: 1 };
  const rate = healed / tries;
  const squared = z * z / tries;
  const centre = (rate + squared / 2) / (1 + squared);
  const reach = z / (1 + squared) * Math.sqrt(rate * (1 - rate) / tries + squared / (4 * tries));
  return { low: Math.max(0, centre - reach), high: Math.min(1, centre + reach) };
}

/** The remedy of each cause that healed before, may be used and does best by the lower bound of its interval. */
export function knownFixes(tallies: readonly Tally[]): Record<string, string> {
  const best = new Map<string, { remedy: string; low: number }>();
  for (const { cause, remedy, healed, agedHealed, agedFailed, quarantinedUntil } of tallies) {
    if (healed === 0 || quarantinedUntil !== null) continue;
    const { low } = interval(agedHealed, agedFailed);
    if (low > (best.get(cause)?.low ?? -1)) best.set(cause, { remedy, low });
  }
  return Object.fromEntries([...best].map(([cause, { remedy }]) => [cause, remedy]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
