/** The answer to a question that anybody may ask as often as he likes, and that costs something: asked anew at times. */
import type { Clock } from "../base/clock.ts";

/** How long an answer is kept, in milliseconds: short beside the time in which a platform checks health. */
export const ANSWER_KEPT_MS = 1_000;

/** Askers at the same time share one answer; so they do within ANSWER_KEPT_MS of the question. */
export function keptAnswer<Answer>(
  ask: () => Promise<Answer>,
  clock: Pick<Clock, "monotonic">,
): () => Promise<Answer> {
  let kept: { at: number; answer: Promise<Answer> } | null = null;
  let isUnderWay = false;
  return () => {
    const at = clock.monotonic();
    if (kept !== null && (isUnderWay || at - kept.at < ANSWER_KEPT_MS)) return kept.answer;
    isUnderWay = true;
    kept = { at, answer: ask().finally(() => isUnderWay = false) };
    return kept.answer;
  };
}
