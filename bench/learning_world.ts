/**
 * A year of 500 incidents, from a seed. Each remedy has a hidden rate of success that drifts; what each remedy
 * would do in each incident is drawn beforehand, so that two orders are compared on the very same incidents.
 * The order comes from the code that the optimizer runs, on outcomes counted by the code that the store feeds.
 */
import { orderRemedies } from "../agents/optimizer/order.ts";
import type { Score } from "../agents/optimizer/score.ts";
import type { Random } from "../base/clock.ts";
import { DEFAULT_POLICY } from "../reconciler/policy.ts";
import { tallyOutcomes } from "../state/learning.ts";
import { tallyClass } from "../state/learning_class.ts";
import type { ClassOptions } from "../state/learning_class.ts";
import type { Outcome } from "../state/records.ts";

export const INCIDENTS = 500;
const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;
const START = Date.UTC(2026, 0, 1);
/** Attempts at one failure before a person is asked, as in the product. */
const ATTEMPTS_MAX = DEFAULT_POLICY.attemptsPerFingerprintMax;
/** Standard deviation of a rate's daily step on the log-odds scale: about 0.6 within a year. */
const DRIFT_PER_DAY = 0.03;

export interface Story {
  name: string;
  /** How often it comes, beside the others. */
  weight: number;
  /** Rates in the catalogue's order at a part of the year, 0 to 1; drift is added. */
  rates(part: number, draw: readonly number[]): readonly number[];
  /** How often a failure of the remedy at this place makes things worse. @default 0 */
  harm?: readonly number[];
}

const mix = (from: number, to: number, part: number) => from + (to - from) * part;

/** Where the catalogue is right and where it is wrong, what changes and what does not. */
export const STORIES: readonly Story[] = [
  { name: "catalogue-right", weight: 1, rates: () => [0.9, 0.2, 0.1] },
  { name: "all-alike", weight: 1, rates: () => [0.5, 0.5, 0.5] },
  { name: "second-is-best", weight: 1, rates: () => [0.1, 0.9, 0.2] },
  { name: "last-of-five", weight: 1, rates: () => [0.1, 0.1, 0.2, 0.1, 0.9] },
  { name: "slow-change", weight: 1, rates: (part) => [mix(0.9, 0.1, part), mix(0.1, 0.9, part)] },
  {
    name: "sudden-changes",
    weight: 1,
    rates: (part) => [0, 1, 2].map((place) => place === (2 + Math.floor(part * 4)) % 3 ? 0.9 : 0.1),
  },
  { name: "rare", weight: 0.2, rates: () => [0.1, 0.9, 0.2] },
  { name: "first-does-harm", weight: 1, rates: () => [0.3, 0.9, 0.2], harm: [0.4, 0, 0] },
  { name: "best-harms-at-times", weight: 1, rates: () => [0.2, 0.9, 0.1], harm: [0, 0.2, 0] },
  { name: "any-two", weight: 1, rates: (_, draw) => draw.slice(0, 2) },
  { name: "any-three", weight: 1, rates: (_, draw) => draw.slice(0, 3) },
  { name: "any-four", weight: 1, rates: (_, draw) => draw.slice(0, 4) },
  { name: "any-five", weight: 1, rates: (_, draw) => draw },
];

/** A rate as remedies have them: most often near always or near never (the arcsine law). */
function anyRate(random: Random): number {
  return 0.02 + 0.96 * Math.sin(random() * Math.PI / 2) ** 2;
}

export interface Happening {
  at: number;
  cause: string;
  /** The class of failure within the cause, such as the package. */
  classId: string;
  /** What each remedy would do, in the catalogue's order. */
  results: readonly Outcome["outcome"][];
  /** The hidden rates at that time, which no rule but the oracle sees. */
  rates: readonly number[];
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number (Box and Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** How the failures of a cause fall into classes. */
export interface Classes {
  /** Classes of each cause; the second comes half as often as the first, the third a third as often. */
  each: number;
  /** Share of the classes that go their own way: the rates of their remedies are moved on by one place. */
  own: number;
}
const ONE_CLASS: Classes = { each: 1, own: 0 };

/**
 * The incidents of a year, oldest first; the gaps between them are exponential.
 * @param steepness multiplies each rate's log-odds: under 1, remedies differ less @default 1
 * @param classes @default one class of each cause
 */
export function happenings(seed: number, steepness = 1, classes: Classes = ONE_CLASS): Happening[] {
  const random = seeded(seed);
  // Apart from the rest, so that the same seed is the same year however many classes there are.
  const classOf = seeded(seed + 1_000_000);
  const worlds = STORIES.map((story) => ({
    story,
    draw: Array.from({ length: 5 }, () => anyRate(random)),
    drift: walks(random),
  }));
  const total = STORIES.reduce((sum, { weight }) => sum + weight, 0);
  const list: Happening[] = [];
  let day = 0;
  for (let number = 0; number < INCIDENTS; number++) {
    day += -Math.log(1 - random()) * YEAR_DAYS / INCIDENTS;
    let left = random() * total;
    const world = worlds.find(({ story }) => (left -= story.weight) < 0) ?? worlds[0]!;
    const { story, draw, drift } = world;
    const drawn = drawClass(classes.each, classOf());
    const usual = story.rates(Math.min(1, day / YEAR_DAYS), draw).map((rate, place) => {
      const step = drift[place]?.[Math.min(YEAR_DAYS, Math.floor(day))] ?? 0;
      return 1 / (1 + Math.exp(-steepness * Math.log(rate / (1 - rate)) - step));
    });
    const rates = isOwn(drawn, classes.own) ? [...usual.slice(-1), ...usual.slice(0, -1)] : usual;
    list.push({
      at: START + day * DAY_MS,
      cause: story.name,
      classId: `${story.name}/${drawn}`,
      rates,
      results: rates.map((rate, place) => {
        const [luck, harm] = [random(), random()];
        if (luck < rate) return "healed";
        return harm < (story.harm?.[place] ?? 0) ? "worse" : "no_effect";
      }),
    });
  }
  return list;
}

/** @returns a class from 0, the nth with a weight of one nth */
function drawClass(classes: number, part: number): number {
  const weights = Array.from({ length: classes }, (_, at) => 1 / (at + 1));
  let left = part * weights.reduce((sum, weight) => sum + weight, 0);
  return Math.max(0, weights.findIndex((weight) => (left -= weight) < 0));
}

/** Spreads the classes of their own evenly among all. */
function isOwn(drawn: number, share: number): boolean {
  return Math.floor((drawn + 1) * share) > Math.floor(drawn * share);
}

function walks(random: Random): number[][] {
  return Array.from({ length: 5 }, () => {
    let value = 0;
    return Array.from({ length: YEAR_DAYS + 1 }, () => value += DRIFT_PER_DAY * normal(random));
  });
}

export interface Sum {
  incidents: number;
  healed: number;
  attempts: number;
  worse: number;
}

/** How remedies are ordered: by the catalogue alone, by learning with a rule, or by the hidden rates. */
export type Order =
  | { kind: "catalogue" }
  | { kind: "oracle" }
  | {
    kind: "learning";
    /** What outcomes are counted by. @default class */
    by?: "class" | "cause";
    score?: Score;
    options?: ClassOptions;
  };

/** Lives through the incidents. @returns sums by cause */
export function live(incidents: readonly Happening[], order: Order): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  const outcomes = new Map<string, Outcome[]>();
  for (const [number, { at, cause, classId, results, rates }] of incidents.entries()) {
    const sum = sums.get(cause) ?? { incidents: 0, healed: 0, attempts: 0, worse: 0 };
    sums.set(cause, sum);
    const past = outcomes.get(cause) ?? [];
    outcomes.set(cause, past);
    sum.incidents++;
    const tried = new Set<number>();
    while (tried.size < ATTEMPTS_MAX) {
      // Asked again for each attempt, as the reconciler does: what this incident taught counts at once.
      const place = places({ cause, classId }, rates, past, at, order).find((one) => !tried.has(one));
      if (place === undefined) break;
      tried.add(place);
      const result = results[place] ?? "no_effect";
      sum.attempts++;
      if (result === "worse") sum.worse++;
      past.push(outcomeOf(number, tried.size, { cause, classId }, place, result, at));
      if (result === "healed") {
        sum.healed++;
        break;
      }
    }
  }
  return sums;
}

function places(
  about: { cause: string; classId: string },
  rates: readonly number[],
  past: readonly Outcome[],
  now: number,
  order: Order,
): number[] {
  const all = rates.map((_, place) => place);
  if (order.kind === "catalogue") return all;
  if (order.kind === "oracle") return all.sort((a, b) => (rates[b] ?? 0) - (rates[a] ?? 0));
  const history = order.by === "cause"
    ? tallyOutcomes(past, [], now, order.options)
    : tallyClass(past, [], now, about, order.options);
  const remedies = all.map((place) => ({
    id: `r${place}`,
    kind: "patch" as const,
    risk: "low" as const,
    isAllowed: true,
  }));
  const answer = orderRemedies({ cause: about.cause, remedies, history }, order.score);
  return answer.order.map(({ remedy }) => Number(remedy.slice(1)));
}

function outcomeOf(
  incident: number,
  attempt: number,
  { cause, classId }: { cause: string; classId: string },
  place: number,
  outcome: Outcome["outcome"],
  at: number,
): Outcome {
  return {
    at,
    serviceId: `srv-${incident % 7}`,
    incidentId: `inc_${incident}`,
    attempt,
    cause,
    fingerprint: classId,
    failureClass: { id: classId, about: "" },
    remedy: `r${place}`,
    outcome,
    durationMs: 60_000,
  };
}
