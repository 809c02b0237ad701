/**
 * How old what was seen may be when something is decided by it or done because of it. A machine may sleep, and a
 * process stand still, between any two lines: what has become of the service meanwhile, nobody has looked. Pure.
 */
import type { Clock } from "../base/clock.ts";
import { formatDuration } from "../text/duration.ts";
import type { Observation } from "./observation.ts";
import { gapMaxMs } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

/**
 * What a look may take by itself, in milliseconds: the wait for room in the budget of requests, the request, and
 * the monitor's deadline, with room. One that takes longer was interrupted.
 */
export const LOOK_MS_MAX = 5 * 60_000;
/** A look that is over is good for this long at least, in milliseconds, however short the intervals are. */
export const LOOK_AGE_MS_MIN = 60_000;

/** What was seen is too old to go by; nothing was done. */
export class LookedLongAgo extends Error {
  override readonly name = "LookedLongAgo";
}

/**
 * Why a look is too old; `null` while it is good. Counted on both clocks: the monotonic one stands still while a
 * machine sleeps. A look at which Render corrected a clock that was far off counts as one that took long.
 */
export function tooOld(
  { at, beganAt = at, monotonicMs, beganMonotonicMs = monotonicMs }: Observation,
  spec: ServiceSpec,
  clock: Pick<Clock, "now" | "monotonic">,
): string | null {
  const tookMs = Math.max(at - beganAt, monotonicMs - beganMonotonicMs);
  const ageMs = Math.max(clock.now() - at, clock.monotonic() - monotonicMs);
  if (tookMs <= LOOK_MS_MAX && ageMs <= lookAgeMaxMs(spec)) return null;
  return `Looking again: what was seen may be ${formatDuration(tookMs + ageMs)} old`;
}

/** How long what was seen is good for once the look is over, in milliseconds. */
export function lookAgeMaxMs(spec: ServiceSpec): number {
  return Math.max(LOOK_AGE_MS_MIN, gapMaxMs(spec));
}
