/**
 * Puts the remedies of a cause in the order in which they are to be tried, by the score of their verified
 * outcomes; equal scores keep the catalogue's order. Behind come risks that have never healed, then last resorts,
 * whatever they healed, and last what the policy does not allow. What is quarantined is withheld, unless nothing else
 * but last resorts is allowed: then the best of it is tried rather than nothing. The same input always gives the same
 * order, so a replay agrees.
 */
import type { OptimizerInput, OptimizerOutput } from "../messages.ts";
import { discountedMean } from "./score.ts";
import type { Score } from "./score.ts";

type Remedy = OptimizerInput["remedies"][number];
type Failure = Pick<OptimizerInput, "cause" | "about">;
type History = Omit<OptimizerInput["history"][number], "remedy">;

/** Remedies of a later tier are tried after every remedy of an earlier one. */
const TIERS = { usual: 0, riskyAndUnproven: 1, lastResort: 2, notAllowed: 3 } as const;

const NO_HISTORY: History = {
  healed: 0,
  noEffect: 0,
  worse: 0,
  agedHealed: 0,
  agedFailed: 0,
  agedPrior: 0,
  quarantinedUntil: null,
};

/** @param score @default discountedMean */
export function orderRemedies(
  input: OptimizerInput,
  score: Score = discountedMean,
): Pick<OptimizerOutput, "order" | "withheld"> {
  const histories = new Map(input.history.map(({ remedy, ...history }) => [remedy, history]));
  const ranked = input.remedies.map((remedy, place) => {
    const history = histories.get(remedy.id) ?? NO_HISTORY;
    return { remedy, place, history, score: score(history, place), tier: tierOf(remedy, history) };
  });
  ranked.sort((a, b) => a.tier - b.tier || b.score - a.score || a.place - b.place);
  const isFree = ({ history }: typeof ranked[number]) => history.quarantinedUntil === null;
  const isAllowed = ({ remedy }: typeof ranked[number]) => remedy.isAllowed;
  const isUsual = (one: typeof ranked[number]) => isFree(one) && isAllowed(one) && !one.remedy.isLastResort;
  const released = ranked.some(isUsual) ? undefined : ranked.find(isAllowed);
  const offered = ranked.filter((one) => isFree(one) || one === released);
  return {
    order: offered.map((one) => ({
      remedy: one.remedy.id,
      expectedSuccess: Math.round(discountedMean(one.history, one.place) * 1000) / 1000,
      why: explain(input, one.history, one.tier),
    })),
    withheld: ranked.filter((one) => !offered.includes(one)).map(({ remedy, history }) => ({
      remedy: remedy.id,
      why: `${told(input, history)}: in quarantine until ${dayOf(history.quarantinedUntil)}`,
    })),
  };
}

function tierOf(remedy: Remedy, { healed, others }: History): number {
  if (!remedy.isAllowed) return TIERS.notAllowed;
  if (remedy.isLastResort) return TIERS.lastResort;
  if (remedy.risk === "high" && healed + (others?.healed ?? 0) === 0) return TIERS.riskyAndUnproven;
  return TIERS.usual;
}

function told(
  { cause, about = "" }: Failure,
  { healed, noEffect, worse, agedPrior, others }: History,
): string {
  const tries = healed + noEffect + worse;
  const imported = agedPrior > 0 ? ", known from an import" : "";
  if (tries === 0) {
    // Its risk depends on what it comes to propose, and is told with that.
    const elsewhere = others === undefined
      ? ""
      : ` for this one, healed other failures of ${cause} ${share(others)} before`;
    return `never tried${elsewhere}${imported}`;
  }
  const harm = worse === 0 ? "" : `, made it worse ${times(worse)}`;
  const elsewhere = others === undefined ? "" : `, and other failures of it ${share(others)}`;
  const counted = about === "" ? cause : `${cause} for ${about}`;
  return `healed ${counted} ${share({ healed, tries })} before${harm}${elsewhere}${imported}`;
}

function share({ healed, tries }: { healed: number; tries: number }): string {
  return `${healed} of ${tries} ${tries === 1 ? "time" : "times"}`;
}

function explain(failure: Failure, history: History, tier: number): string {
  const text = told(failure, history);
  if (history.quarantinedUntil !== null) return `${text}: tried in quarantine, because nothing else is left`;
  switch (tier) {
    case TIERS.notAllowed:
      return `${text}: last, because the policy does not allow its risk`;
    case TIERS.riskyAndUnproven:
      return `${text}: after the others, because it is risky and has never healed`;
    case TIERS.lastResort:
      return `${text}: after all others, because it is a last resort`;
    default:
      return text;
  }
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function dayOf(at: number | null): string {
  return at === null ? "further notice" : new Date(at).toISOString().slice(0, 10);
}
