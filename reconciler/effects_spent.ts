/** The budgets of effects on a service: an hour's against a burst, a day's against a loop that takes its time. Pure. */
import type { Policy } from "./policy.ts";

/** Effects that were intended for a service, each with the time before now in which it was. */
export interface EffectsSpent {
  lastHour: number;
  lastDay: number;
}

/**
 * Which budget has no room for more effects, as a sentence; `null` when both have.
 * @param needed how many more
 */
export function overBudget(
  { lastHour, lastDay }: EffectsSpent,
  { effectsPerHourMax, effectsPerDayMax }: Policy,
  needed: number,
): string | null {
  if (lastHour + needed > effectsPerHourMax) {
    return `${lastHour} effects within an hour reach the limit of ${effectsPerHourMax}`;
  }
  if (lastDay + needed > effectsPerDayMax) {
    return `${lastDay} effects within a day reach the limit of ${effectsPerDayMax}`;
  }
  return null;
}
