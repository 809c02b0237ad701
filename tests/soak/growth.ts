/**
 * Whether something grows: the slope of the second half of the samples by Theil and Sen, the median of the slopes
 * between all pairs, which a few odd samples cannot move, with the interval that Sen gives it. The slope is taken over
 * simulated time, so that a busy machine measures the same. A run that is too short for the figure says so.
 */
import type { Gate, Sample } from "./gates.ts";

/** How fast something may grow. */
export interface GrowthLimit {
  /** By the simulated week. */
  perWeek: number;
  /** What a process still gains in the second half of a short run while it warms up: no sign of a leak. */
  warmUp: number;
}

/** A slope with the interval that holds the true one in 95 of 100 runs. */
export interface Slope {
  middle: number;
  low: number;
  high: number;
}

const DAY_MS = 24 * 3_600_000;
const WEEK_MS = 7 * DAY_MS;
/**
 * The second half of a run that may be called flat, in simulated milliseconds: the first one then outlasts the day that
 * budgets, and the checker with them, look back.
 */
export const HALF_MS_MIN = 2 * DAY_MS;
/** Fewer points give no interval. */
const POINTS_MIN = 5;
/** Neighbouring samples say much the same: so many medians of neighbours stand for them all. */
const POINTS_MAX = 15;
/** The quantile of the normal distribution that leaves 2.5 % above it. */
const Z = 1.96;

export function growthGate(
  name: string,
  samples: readonly Sample[],
  of: (sample: Sample) => number,
  { perWeek, warmUp }: GrowthLimit,
  say: (value: number) => string,
): Gate {
  const half = samples.slice(samples.length >> 1);
  const spanMs = (half.at(-1)?.simulatedMs ?? 0) - (half[0]?.simulatedMs ?? 0);
  const slope = slopeOf(half.map((sample) => [sample.simulatedMs / WEEK_MS, of(sample)]));
  const allowed = `${signed(perWeek, say)} a week`;
  if (slope === null) return { name, verdict: "untold", figure: `${half.length} measurements`, allowed };
  const { middle, low, high } = slope;
  const figure = `${signed(middle, say)} a week (${signed(low, say)} to ${signed(high, say)}) over ${
    (spanMs / DAY_MS).toFixed(1)
  } days, at ${say(half.reduce((_, sample) => of(sample), 0))}`;
  const verdict = low > perWeek && low * spanMs / WEEK_MS > warmUp
    ? "broken"
    : high <= perWeek && spanMs >= HALF_MS_MIN
    ? "held"
    : "untold";
  return { name, verdict, figure, allowed };
}

/**
 * @param points by their x; of those at the same x the last one counts
 * @returns `null` where there are too few points for an interval
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope | null {
  const few = thin(points.filter(([x], at) => x !== points[at + 1]?.[0]));
  const slopes = few.flatMap(([x1, y1], at) =>
    few.slice(at + 1).flatMap(([x2, y2]) => x1 === x2 ? [] : [(y2 - y1) / (x2 - x1)])
  ).toSorted((a, b) => a - b);
  const count = few.length;
  const pairs = count * (count - 1) / 2;
  if (count < POINTS_MIN || slopes.length < pairs) return null;
  const spread = Z * Math.sqrt(count * (count - 1) * (2 * count + 5) / 18);
  const rank = Math.max(0, Math.floor((pairs - spread) / 2));
  return { middle: median(slopes), low: slopes[rank]!, high: slopes[pairs - 1 - rank]! };
}

/** At most POINTS_MAX points, each the median of its neighbours. */
function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const count = Math.min(POINTS_MAX, points.length);
  return Array.from({ length: count }, (_, at) => {
    const part = points.slice(
      Math.floor(at * points.length / count),
      Math.floor((at + 1) * points.length / count),
    );
    return [median(part.map(([x]) => x)), median(part.map(([, y]) => y))] as const;
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? 0 : (low + high) / 2;
}

function signed(value: number, say: (value: number) => string): string {
  return `${value >= 0 ? "+" : ""}${say(value)}`;
}
