/** The answer to a question that anybody may ask as often as he likes, and that costs something: asked anew at times. */
import type { Clock } from "./clock.ts";

/**
 * Askers at the same time share one answer; so do those who ask within `keptMs` of the question.
 * @param keptMs how long an answer is kept, in milliseconds; 0 for as long as it is being made
 */
export function keptAnswer<Answer>(
  ask: () => Promise<Answer>,
  clock: Pick<Clock, "monotonic">,
  keptMs: number,
): () => Promise<Answer> {
  let kept: { at: number; answer: Promise<Answer> } | null = null;
  let isUnderWay = false;
  return () => {
    const at = clock.monotonic();
    if (kept !== null && (isUnderWay || at - kept.at < keptMs)) return kept.answer;
    isUnderWay = true;
    kept = { at, answer: ask().finally(() => isUnderWay = false) };
    return kept.answer;
  };
}
