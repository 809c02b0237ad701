/** The corpus's measures of a diagnosis, with Wilson's 95 % intervals. */

import { createHash } from "node:crypto";

/** At or above this an answer counts as confident (the corpus's README). */
export const CONFIDENT = 0.8;
/** Labels whose right answer is that no cause is known. */
const NONE = new Set(["other", "not-a-failure"]);

export interface Result {
  id: string;
  label: string;
  cause: string;
  confidence: number;
  isRight: boolean;
}

export function judge(
  { id, label }: { id: string; label: string },
  { cause, confidence }: { cause: string; confidence: number },
  accepted: ReadonlyMap<string, readonly string[]>,
): Result {
  const isRight = cause === label || (accepted.get(label)?.includes(cause) ?? false) ||
    cause === "unknown" && NONE.has(label);
  return { id, label, cause, confidence, isRight };
}

const Z = 1.96;

/** Share in percent with Wilson's 95 % interval. */
export function share(count: number, total: number): string {
  if (total === 0) return "none";
  const p = count / total;
  const scale = 1 + Z * Z / total;
  const middle = (p + Z * Z / (2 * total)) / scale;
  const half = Z * Math.sqrt(p * (1 - p) / total + Z * Z / (4 * total * total)) / scale;
  const percent = (value: number) => (100 * value).toFixed(1);
  return `${percent(p)} % [${percent(Math.max(0, middle - half))}, ${percent(Math.min(1, middle + half))}]`;
}

export function measure(results: readonly Result[]) {
  const confident = results.filter(({ confidence, cause }) => confidence >= CONFIDENT && cause !== "unknown");
  const right = (part: readonly Result[]) => part.filter(({ isRight }) => isRight).length;
  const total = results.length;
  return {
    accuracy: share(right(results), total),
    coverage: share(results.filter(({ cause }) => cause !== "unknown").length, total),
    confident: share(confident.length, total),
    precision: share(right(confident), confident.length),
    confidentWrong: share(confident.length - right(confident), total),
  };
}

/** The pairs of label and answer that are wrong most often. */
export function confusions(results: readonly Result[], max: number): [pair: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { label, cause, isRight } of results) {
    if (!isRight) counts.set(`${label} -> ${cause}`, (counts.get(`${label} -> ${cause}`) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, max);
}

/** One of five parts, the same on every run. */
export function partOf(text: string): number {
  return createHash("sha1").update(text).digest()[0]! % 5;
}
