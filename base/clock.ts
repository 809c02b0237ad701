/**
 * Time as a dependency. `now` is the one time of day by which everything is dated and every duration that has to
 * outlive a process is decided: it is read from the machine's clock once, then only runs, so that a step of that clock
 * changes no duration and no budget. Where Render says what time it is, its word sets a clock that is wrong: so dates
 * of an earlier process and of another machine mean the same, although each machine's clock may be off.
 */
export interface Clock {
  /** The time of day in milliseconds since the epoch. Steady, and goes on while the machine sleeps. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes backwards. Stands still while the machine sleeps. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A number in [0, 1), as `Math.random` gives; injected so that tests and the simulator can seed it. */
export type Random = () => number;

/** What a machine knows of time, in milliseconds. */
export interface TimeSources {
  /** Since the epoch, by a clock that anybody may set. */
  wall(): number;
  /** From an arbitrary start; stands still while the machine sleeps. */
  monotonic(): number;
  /** Since the machine was started, in whole seconds; goes on while it sleeps. A constant where it is not known. */
  uptime(): number;
}

export interface SteadyTime extends Pick<Clock, "now"> {
  /**
   * To be called right before somebody is asked whose clock is right.
   * @returns to be called with the time that the answer says, in milliseconds since the epoch, as soon as it comes
   */
  asking(): (saidMs: number) => void;
}

/** A clock in whole seconds tells no more, in milliseconds: how coarse `uptime` and a `Date` header are. */
const SECOND_MS = 1_000;
/** Not worth a correction: what two servers of one operator may differ by, in milliseconds. */
const SLACK_MS = 2_000;
/** An answer that took longer leaves open too much to be the last word on what time it is, in milliseconds. */
const QUICK_MS = 5_000;
/** Answers in a row that have to say so before a clock that was right once is set again: one server may be wrong. */
const DOUBTS_MIN = 3;

/** A time of day that only runs. It begins with what the machine's clock says when it is made. */
export function steadyTime({ wall, monotonic, uptime }: TimeSources): SteadyTime {
  const began = { monotonic: monotonic(), uptime: uptime() };
  const elapsed = () => Math.max(monotonic() - began.monotonic, uptime() - began.uptime - SECOND_MS);
  let start = wall();
  let isSet = false;
  let doubts = 0;
  return {
    now: () => Math.floor(start + elapsed()),
    asking() {
      const asked = elapsed();
      return (saidMs) => {
        if (!Number.isFinite(saidMs)) return;
        const answered = elapsed();
        // It was said between question and answer; only what lies outside shows that we are wrong, and by how much.
        const said = saidMs - start;
        const offMs = Math.min(0, said - (asked - SECOND_MS)) + Math.max(0, said - answered);
        const isRight = Math.abs(offMs) <= SLACK_MS;
        doubts = isRight ? 0 : doubts + 1;
        if (!isRight && (!isSet || doubts >= DOUBTS_MIN)) {
          start += offMs;
          doubts = 0;
        }
        isSet ||= answered - asked <= QUICK_MS;
      };
    },
  };
}

/** A fetch that hears from each answer what time it is. Answers without a `Date` say nothing. */
export function hearingTime(time: Pick<SteadyTime, "asking">, send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const hear = time.asking();
    const response = await send(input, init);
    hear(Date.parse(response.headers.get("date") ?? ""));
    return response;
  };
}

const systemSources: TimeSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  uptime() {
    try {
      return Deno.osUptime() * SECOND_MS;
    } catch {
      // Not allowed: an agent's process, which ends before a machine sleeps.
      return 0;
    }
  },
};

/** Begins with the first look at it: who only waits needs no time of day. */
let systemTime: SteadyTime | undefined;
const ofSystem = () => systemTime ??= steadyTime(systemSources);

export const systemClock: Clock & SteadyTime = {
  now: () => ofSystem().now(),
  asking: () => ofSystem().asking(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener("abort", finish, { once: true });
    });
  },
};
