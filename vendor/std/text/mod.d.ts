/** The part of `@std/text` that Evenkeel uses; types follow the published module. */
export declare function closestString(
  givenWord: string,
  possibleWords: readonly string[],
  options?: { caseSensitive?: boolean },
): string;
export declare function levenshteinDistance(a: string, b: string): number;
