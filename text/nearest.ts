/** What a person probably meant by a word that is not known. */
import { closestString, levenshteinDistance } from "@std/text";

/** Longer words are compared by their beginning. */
const WORD_CHARS_MAX = 100;
/** A word may differ by this share of the letters of the known one. */
const DIFFERENCE_MAX = 1 / 3;

/** The known word nearest to a mistyped one, or `undefined` when none is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const typed = word.slice(0, WORD_CHARS_MAX).toLowerCase();
  const closest = closestString(typed, known, { caseSensitive: false });
  const steps = levenshteinDistance(typed, closest.toLowerCase());
  return steps <= Math.max(1, Math.ceil(closest.length * DIFFERENCE_MAX)) ? closest : undefined;
}
