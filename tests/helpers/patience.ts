/**
 * For a limit of time that something else has to beat, such as a head that has to come before the body is late. How long
 * that takes depends on the machine, so a short limit is tried first, and a longer one where it was met too soon. What
 * is wrong is wrong at each.
 */
const TIMES_LONGER = 4;
/** No limit is longer than this, in milliseconds. */
const LIMIT_MS_MAX = 40_000;

/**
 * @param attempt does it all anew under a limit, in milliseconds
 * @param isInTime whether what had to come first did
 * @returns what the first attempt gave that was in time, or the last
 */
export async function withPatience<T>(
  limitMs: number,
  attempt: (limitMs: number) => Promise<T>,
  isInTime: (result: T) => boolean,
): Promise<T> {
  const result = await attempt(limitMs);
  const longerMs = limitMs * TIMES_LONGER;
  if (isInTime(result) || longerMs > LIMIT_MS_MAX) return result;
  return await withPatience(longerMs, attempt, isInTime);
}
