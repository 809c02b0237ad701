/**
 * What verified outcomes say about the remedies of a cause, pooled across services. Pure: outcomes, prior
 * knowledge and the time in, tallies out. Only outcomes count, never an attempt that was not verified; old ones
 * fade; what made things worse is quarantined. What an import claims weighs at most one healed outcome.
 */
import type { Outcome } from "./records.ts";
import type { FixPrior } from "./prior.ts";

const DAY_MS = 86_400_000;

/** Days after which an outcome weighs half; `deno task bench:learning` compares others. */
export const HALF_LIFE_DAYS = 30;
/** Days for which a remedy that made things worse is kept from its cause, from the last time it did. */
export const QUARANTINE_DAYS = 14;
/** Healed outcomes that an imported fix is worth when it is read in; it fades like an outcome. */
export const PRIOR_WORTH = 1;
/** Normal quantile of the interval: 1.96 standard deviations hold 95 %. */
export const INTERVAL_Z = 1.96;

/** One remedy for one cause. Raw counts are whole; aged ones are sums of weights between 0 and 1. */
export interface Tally {
  cause: string;
  remedy: string;
  healed: number;
  noEffect: number;
  worse: number;
  agedHealed: number;
  /** No effect and worse together. */
  agedFailed: number;
  /** What is left of an import, part of neither sum above. */
  agedPrior: number;
  /** The newest outcome, milliseconds since the epoch; `null` when there is only an import. */
  lastAt: number | null;
  /** Milliseconds since the epoch, always ahead; `null` when it may be used. */
  quarantinedUntil: number | null;
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
  const halfLifeMs = (options.halfLifeDays ?? HALF_LIFE_DAYS) * DAY_MS;
  const quarantineMs = (options.quarantineDays ?? QUARANTINE_DAYS) * DAY_MS;
  // A clock that was set back makes no outcome weigh more than one.
  const weightAt = (at: number) => 0.5 ** (Math.max(0, now - at) / halfLifeMs);
  const tallies = new Map<string, Tally & { worseAt: number; healedAt: number }>();
  const tallyOf = (cause: string, remedy: string) => {
    const key = JSON.stringify([cause, remedy]);
    const known = tallies.get(key) ??
      { ...emptyTally(cause, remedy), worseAt: -Infinity, healedAt: -Infinity };
    tallies.set(key, known);
    return known;
  };
  for (const outcome of withSteps(outcomes)) {
    const tally = tallyOf(outcome.cause, outcome.remedy);
    tally.lastAt = Math.max(tally.lastAt ?? -Infinity, outcome.at);
    const weight = weightAt(outcome.at);
    switch (outcome.outcome) {
      case "healed":
        tally.healed++;
        tally.agedHealed += weight;
        tally.healedAt = Math.max(tally.healedAt, outcome.at);
        break;
      case "no_effect":
        tally.noEffect++;
        tally.agedFailed += weight;
        break;
      case "worse":
        tally.worse++;
        tally.agedFailed += weight;
        tally.worseAt = Math.max(tally.worseAt, outcome.at);
        break;
    }
  }
  for (const { cause, remedy, at } of priors) {
    tallyOf(cause, remedy).agedPrior = PRIOR_WORTH * weightAt(at);
  }
  return [...tallies.values()].map(({ worseAt, healedAt, ...tally }) => {
    const until = Math.min(worseAt, now) + quarantineMs;
    // A heal since is better evidence than the harm before it.
    const isQuarantined = until > now && healedAt <= worseAt;
    return { ...tally, quarantinedUntil: isQuarantined ? until : null };
  }).sort((a, b) => compare(a.cause, b.cause) || compare(a.remedy, b.remedy));
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

function emptyTally(cause: string, remedy: string): Tally {
  return {
    cause,
    remedy,
    healed: 0,
    noEffect: 0,
    worse: 0,
    agedHealed: 0,
    agedFailed: 0,
    agedPrior: 0,
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
