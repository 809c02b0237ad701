/**
 * The rate budget that all callers of Render share. A request takes a place in its class before it is sent;
 * when the class is spent, callers wait in the order they came, for a bounded time. What Render says in its
 * RateLimit headers replaces what we counted: other programs may use the same key. A Retry-After, of a 429 or
 * of an answer that failed, holds back the whole class until then.
 * Classes and their limits per minute: reference Render API, section 1.
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";

/** Every GET together; the writes that start or stop a service's deploys, per service; every other write. */
export type RateClass = { kind: "read" } | { kind: "deploy"; serviceId: string } | { kind: "write" };

/** Requests a minute until a response says otherwise. */
export const READS_PER_MINUTE = 400;
export const WRITES_PER_MINUTE = 30;
export const DEPLOY_WRITES_PER_MINUTE = 10;

/** The longest a caller waits for its turn, in milliseconds. */
export const BUDGET_WAIT_MS_MAX = 120_000;
/** Callers that may wait in one class; the next one is turned away at once. */
export const BUDGET_WAITERS_MAX = 1000;
/** Classes counted at once; idle ones are forgotten to make room, and without room the next one is turned away. */
export const BUDGET_CLASSES_MAX = 1000;

const WINDOW_MS = 60_000;
/** Bounds what a header can make us wait, in milliseconds; Render's windows for the calls made here last a minute. */
const RESET_MS_MAX = 300_000;
/** RateLimit-Reset below this is seconds to wait, else seconds since the epoch (both forms are documented). */
const RESET_EPOCH_MIN = 1e6;

/** One request's place in the budget; disposed when its response was read or will never come. */
export interface Permit extends Disposable {
  /** Takes over what the response says about the budget. */
  learn(response: { status: number; headers: Headers }): void;
}

export interface RateBudget {
  /**
   * Waits for a place.
   * @throws {BudgetSpent} when the wait would be longer than allowed, or too many wait or are counted already
   * @throws the signal's reason when it aborts
   */
  take(rateClass: RateClass, signal?: AbortSignal): Promise<Permit>;
}

/** Nothing was sent: there is no place for longer than a caller may wait. */
export class BudgetSpent extends Error {
  override readonly name = "BudgetSpent";
  constructor(readonly retryAfterMs: number, why = "the rate budget is spent") {
    super(`${why} for another ${Math.ceil(retryAfterMs / 1000)} s`);
  }
}

interface Bucket {
  limit: number;
  remaining: number;
  /** On the monotonic clock, in milliseconds. */
  resetAt: number;
  /** Nothing is sent before, on the monotonic clock, in milliseconds: Render asked for it. */
  heldUntil: number;
  inFlight: number;
  waiting: number;
  /** Aborts when something was learned, so that the caller at the head of the queue looks again. */
  learned: AbortController;
  /** Resolves when the last caller in the queue has had its turn. */
  tail: Promise<void>;
}

export interface RateBudgetOptions {
  clock?: Clock;
  /** @default BUDGET_WAIT_MS_MAX */
  waitMsMax?: number;
  /** @default BUDGET_WAITERS_MAX */
  waitersMax?: number;
  /** @default BUDGET_CLASSES_MAX */
  classesMax?: number;
}

export function createRateBudget(options: RateBudgetOptions = {}): RateBudget {
  const clock = options.clock ?? systemClock;
  const waitMsMax = options.waitMsMax ?? BUDGET_WAIT_MS_MAX;
  const waitersMax = options.waitersMax ?? BUDGET_WAITERS_MAX;
  const classesMax = options.classesMax ?? BUDGET_CLASSES_MAX;
  const buckets = new Map<string, Bucket>();

  const bucketOf = (rateClass: RateClass): Bucket => {
    const key = rateClass.kind === "deploy" ? `deploy ${rateClass.serviceId}` : rateClass.kind;
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      if (buckets.size >= classesMax) forgetIdle(buckets, clock.monotonic());
      if (buckets.size >= classesMax) throw new BudgetSpent(WINDOW_MS, "too many services were written to");
      const limit = limitOf(rateClass);
      const resetAt = clock.monotonic() + WINDOW_MS;
      bucket = {
        limit,
        remaining: limit,
        resetAt,
        heldUntil: -Infinity,
        inFlight: 0,
        waiting: 0,
        learned: new AbortController(),
        tail: Promise.resolve(),
      };
      buckets.set(key, bucket);
    }
    return bucket;
  };

  /** Milliseconds until the bucket has a place; 0 when it has one now. */
  const waitOf = (bucket: Bucket): number => {
    const now = clock.monotonic();
    if (now >= bucket.resetAt) {
      bucket.remaining = bucket.limit;
      bucket.resetAt = now + WINDOW_MS;
    }
    return Math.max(0, bucket.heldUntil - now, bucket.remaining > 0 ? 0 : bucket.resetAt - now);
  };

  const spent = (bucket: Bucket, waitMs: number) => {
    const isHeld = bucket.heldUntil > clock.monotonic();
    return new BudgetSpent(Math.max(1, waitMs), isHeld ? "Render asks to be left alone" : undefined);
  };

  return {
    async take(rateClass, signal) {
      signal?.throwIfAborted();
      const bucket = bucketOf(rateClass);
      if (bucket.waiting >= waitersMax) throw spent(bucket, waitOf(bucket));
      const deadline = clock.monotonic() + waitMsMax;
      const previous = bucket.tail;
      const turn = Promise.withResolvers<void>();
      bucket.tail = turn.promise;
      bucket.waiting++;
      try {
        await orAborted(previous, signal);
        for (let waitMs = waitOf(bucket); waitMs > 0; waitMs = waitOf(bucket)) {
          if (clock.monotonic() + waitMs > deadline) throw spent(bucket, waitMs);
          const learned = bucket.learned.signal;
          await clock.sleep(waitMs, signal === undefined ? learned : AbortSignal.any([signal, learned]));
          signal?.throwIfAborted();
        }
        bucket.remaining--;
        bucket.inFlight++;
      } finally {
        bucket.waiting--;
        // Whoever leaves the queue early must not let the next one overtake those before.
        void previous.then(turn.resolve);
      }
      let open = true;
      const close = () => {
        if (open) bucket.inFlight--;
        open = false;
      };
      return {
        learn(response) {
          close();
          learn(bucket, response, clock);
          bucket.learned.abort();
          bucket.learned = new AbortController();
        },
        [Symbol.dispose]: close,
      };
    },
  };
}

function limitOf(rateClass: RateClass): number {
  switch (rateClass.kind) {
    case "read":
      return READS_PER_MINUTE;
    case "deploy":
      return DEPLOY_WRITES_PER_MINUTE;
    case "write":
      return WRITES_PER_MINUTE;
  }
}

function learn(bucket: Bucket, response: { status: number; headers: Headers }, clock: Clock): void {
  const { headers } = response;
  const limit = leadingNumber(headers.get("ratelimit-limit"));
  const remaining = leadingNumber(headers.get("ratelimit-remaining"));
  const resetMs = resetMsOf(headers, clock);
  if (limit !== undefined && limit >= 1) bucket.limit = limit;
  if (resetMs !== undefined) bucket.resetAt = clock.monotonic() + resetMs;
  // Requests still under way may not be in Render's count yet.
  if (remaining !== undefined) bucket.remaining = Math.max(0, remaining - bucket.inFlight);
  if (response.status !== 429 && response.status < 500) return;
  const holdMs = retryAfterMsOf(headers, clock) ?? (response.status === 429 ? resetMs : undefined);
  if (holdMs === undefined) return;
  bucket.heldUntil = Math.max(bucket.heldUntil, clock.monotonic() + Math.min(holdMs, RESET_MS_MAX));
}

function resetMsOf(headers: Headers, clock: Clock): number | undefined {
  const reset = leadingNumber(headers.get("ratelimit-reset"));
  if (reset === undefined) return undefined;
  const ms = reset < RESET_EPOCH_MIN ? reset * 1000 : reset * 1000 - theirNow(headers, clock);
  return Math.min(Math.max(0, ms), RESET_MS_MAX);
}

/** Retry-After in milliseconds, from seconds or an HTTP date; `undefined` when absent or unreadable. */
export function retryAfterMsOf(headers: Headers, clock: Clock): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,9}(\.\d{1,9})?$/.test(value)) return Math.ceil(Number(value) * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - theirNow(headers, clock));
}

/** The sender's own clock where it tells it, so that skew between us does not matter. */
function theirNow(headers: Headers, clock: Clock): number {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? clock.now() : date;
}

function leadingNumber(value: string | null): number | undefined {
  const digits = /^\s*(\d{1,15})/.exec(value ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function forgetIdle(buckets: Map<string, Bucket>, now: number): void {
  for (const [key, bucket] of buckets) {
    const isIdle = bucket.waiting === 0 && bucket.inFlight === 0;
    if (isIdle && now >= bucket.resetAt && now >= bucket.heldUntil) buckets.delete(key);
  }
}

/** Waits for `promise`, or throws the signal's reason as soon as it aborts. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
