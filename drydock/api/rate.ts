/**
 * Render's rate limits (reference section 1): fixed windows counted a class, the deploy class a service. The
 * windows shrink with the platform's speed, as everything else measured in time does.
 */
import type { Clock } from "../../base/clock.ts";

export type RateClass = "read" | "write" | "createService" | "deploy";

export interface RateLimit {
  requests: number;
  /** Milliseconds on Render; divided by the speed. */
  windowMs: number;
}

export type RateLimits = Readonly<Record<RateClass, RateLimit>>;

const MINUTE_MS = 60_000;
/** A scaled window never gets shorter. */
const WINDOW_MS_MIN = 1000;

export const DEFAULT_RATE_LIMITS: RateLimits = {
  read: { requests: 400, windowMs: MINUTE_MS },
  write: { requests: 30, windowMs: MINUTE_MS },
  createService: { requests: 20, windowMs: 60 * MINUTE_MS },
  deploy: { requests: 10, windowMs: MINUTE_MS },
};

/** The class of a request and the key it is counted under. @param path begins after `/v1` */
export function classify(method: string, path: string): { rateClass: RateClass; key: string } {
  if (method === "GET" || method === "HEAD") return { rateClass: "read", key: "read" };
  if (method === "POST" && path === "/services") return { rateClass: "createService", key: "createService" };
  const service = /^\/services\/([^/]+)(?:\/(deploys|suspend|resume))?$/.exec(path);
  if (service !== null && (method === "POST" || method === "PATCH")) {
    return { rateClass: "deploy", key: `deploy ${service[1]}` };
  }
  return { rateClass: "write", key: "write" };
}

export interface RateVerdict {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Whole seconds until the window ends, at least 1. */
  resetSeconds: number;
}

/** Windows remembered; finished ones are dropped when there are more. */
const WINDOWS_MAX = 1000;

export class RateCounter {
  readonly #limits: RateLimits;
  readonly #speed: number;
  readonly #clock: Clock;
  readonly #windows = new Map<string, { endsAt: number; used: number }>();

  constructor(limits: RateLimits, speed: number, clock: Clock) {
    this.#limits = limits;
    this.#speed = speed;
    this.#clock = clock;
  }

  count(rateClass: RateClass, key: string): RateVerdict {
    const { requests, windowMs } = this.#limits[rateClass];
    const now = this.#clock.monotonic();
    let window = this.#windows.get(key);
    if (window === undefined || window.endsAt <= now) {
      if (this.#windows.size >= WINDOWS_MAX) this.#forget(now);
      const scaledMs = Math.max(windowMs / this.#speed, Math.min(windowMs, WINDOW_MS_MIN));
      this.#windows.set(key, window = { endsAt: now + scaledMs, used: 0 });
    }
    const allowed = window.used < requests;
    if (allowed) window.used++;
    return {
      allowed,
      limit: requests,
      remaining: requests - window.used,
      resetSeconds: Math.max(1, Math.ceil((window.endsAt - now) / 1000)),
    };
  }

  #forget(now: number): void {
    for (const [key, window] of this.#windows) if (window.endsAt <= now) this.#windows.delete(key);
  }
}
