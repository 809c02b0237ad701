/**
 * Performs an effect on the outside world exactly once, across kills at any line. The intent is written
 * first; whether the world has the effect already is asked before it is performed; the end is written last. An
 * error that leaves open whether the effect happened leaves the entry intended, so that the next pass asks.
 *
 * A try that was refused for certain is `failed` for good. The next call makes another try under a key of its
 * own (`<key>/2`, `<key>/3`), so that the journal shows each, budgets count each and a crash in it is found.
 */
import type { Clock } from "../base/clock.ts";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { RenderRefused } from "../render/api.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { Doubts } from "./doubts.ts";
import type { EffectKind, JournalEntry } from "./records.ts";
import type { Store } from "./store.ts";

/** Certain refusals of one effect before it is given up. */
export const TRIES_MAX = 3;

export interface EffectOrder {
  /** `<incident>/<attempt>/<step>` */
  key: string;
  serviceId: string;
  kind: EffectKind;
  /** What is to be done, enough to do it again after a crash. Redacted: it is stored. */
  payload: Json;
  clock: Clock;
  /** @default TRIES_MAX */
  triesMax?: number;
  /**
   * For an effect that would happen again if it were performed again: what was left pending is not repeated
   * while it may still arrive. @default repeated as soon as the world does not show it
   */
  doubts?: Doubts;
}

export interface EffectSteps {
  /**
   * Asks the world for the effect: its result, or `null` when it is not there. Asked before every try, the
   * first included: the store may be older than the world.
   * @param intended the payload that was first written for this effect, which after a crash may differ from today's
   */
  alreadyDone(intended: Json): Promise<Json | null>;
  perform(): Promise<Json>;
  /** True for an error that proves the effect did not happen and will not. @default isCertainRefusal */
  isCertain?(error: unknown): boolean;
  /** True for an error that proves that this try was not sent, and may be made again. @default never */
  isUnsent?(error: unknown): boolean;
  /** Takes secrets out of the text of an error before it is stored. */
  redact?(text: string): string;
}

export interface EffectEnd {
  result: Json;
  /** `recorded`: the journal had it; `found`: the world had it; `performed`: done now. */
  how: "recorded" | "found" | "performed";
  /** Which try this is, from 1. */
  tries: number;
}

/**
 * @throws {StillInDoubt} when an earlier try may still arrive
 * @throws what `alreadyDone` or `perform` throws; the entry is then failed or still intended, see above
 * @throws {EvenkeelError} when `triesMax` tries were refused before
 */
export async function performOnce(store: Store, order: EffectOrder, steps: EffectSteps): Promise<EffectEnd> {
  const triesMax = order.triesMax ?? TRIES_MAX;
  let refused: JournalEntry | null = null;
  for (let tries = 1; tries <= triesMax; tries++) {
    const { serviceId, kind, payload, clock } = order;
    const key = tries === 1 ? order.key : `${order.key}/${tries}`;
    const isLeft = order.doubts !== undefined && await store.getJournalEntry(key) !== null;
    const entry = await store.intend({ key, serviceId, kind, payload, intendedAt: clock.now() });
    switch (entry.state) {
      case "done":
        return { result: entry.result, how: "recorded", tries };
      case "failed":
        refused = entry;
        continue;
      case "intended":
        return { ...await attempt(store, entry, order, steps, isLeft), tries };
    }
  }
  throw new EvenkeelError(
    `Cannot perform ${order.kind} for ${order.serviceId}: refused ${triesMax} times: ${reasonOf(refused)}`,
    { hint: "Remove what it was refused for; a new attempt starts afresh" },
  );
}

async function attempt(
  store: Store,
  { key, payload }: JournalEntry,
  order: EffectOrder,
  steps: EffectSteps,
  isLeft: boolean,
): Promise<Omit<EffectEnd, "tries">> {
  const { clock, doubts } = order;
  const found = await steps.alreadyDone(payload);
  if (found !== null) {
    await store.finish(key, { state: "done", result: found, at: clock.now() });
    doubts?.settled(key);
    return { result: found, how: "found" };
  }
  if (isLeft) doubts?.check(key);
  let result: Json;
  try {
    result = await steps.perform();
  } catch (error) {
    if ((steps.isCertain ?? isCertainRefusal)(error)) {
      const text = messageOf(error);
      const message = sanitizeLine(steps.redact?.(text) ?? text);
      await store.finish(key, { state: "failed", result: { error: message }, at: clock.now() });
      doubts?.settled(key);
    } else if (steps.isUnsent?.(error) === true || (error instanceof RenderRefused && error.status === 429)) {
      doubts?.refused(key);
    } else {
      doubts?.lost(key);
    }
    throw error;
  }
  await store.finish(key, { state: "done", result, at: clock.now() });
  doubts?.settled(key);
  return { result, how: "performed" };
}

/**
 * True when Render answered that it did nothing. A 5xx may come after the effect, a 429 is lifted by waiting:
 * both leave the entry intended.
 */
export function isCertainRefusal(error: unknown): boolean {
  return error instanceof RenderRefused && error.status >= 400 && error.status < 500 &&
    error.status !== 408 &&
    error.status !== 429;
}

function reasonOf(entry: JournalEntry | null): string {
  const result = entry?.result;
  const isObject = typeof result === "object" && result !== null && !Array.isArray(result);
  return isObject && typeof result["error"] === "string" ? result["error"] : "no reason was recorded";
}
