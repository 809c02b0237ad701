/**
 * Every limit of drydock in one place. Times are Render's (reference sections 4 and 5) divided by the speed,
 * but never below what a loaded two-core machine needs to start a process or answer a probe: a fast clock
 * must not turn a working service into a failing one. Sizes and counts do not scale.
 */

/** Lines of log kept a service; the oldest go first. */
export const LOG_LINES_MAX = 60_000;
/** Characters of log kept a service; the oldest lines go first. */
export const LOG_CHARS_MAX = 48 * 1024 * 1024;
/** Characters of one log line; the rest of the line is dropped. */
export const LOG_LINE_CHARS_MAX = 16 * 1024;
/** Events kept a service; the oldest go first. */
export const EVENTS_MAX = 2_000;
/** Deploys remembered a service; the oldest go first. */
export const DEPLOYS_MAX = 1_000;
/** Services of one drydock. */
export const SERVICES_MAX = 200;
/** Bytes of a request body of the API. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** Times a start command that exits is started again before its deploy fails. */
export const START_RETRIES_MAX = 2;
/** Build artifacts kept besides the live one. @default of DrydockOptions.artifactsKept */
export const ARTIFACTS_KEPT = 2;
/** Milliseconds one git command may take. */
export const GIT_TIMEOUT_MS = 120_000;
/** Webhooks of one drydock. */
export const WEBHOOKS_MAX = 100;
/** Deliveries of one webhook that wait to be sent or sent again; an event beyond is not delivered. */
export const DELIVERIES_MAX = 1_000;
/** Deliveries of one webhook that are under way at once. */
export const DELIVERIES_AT_ONCE_MAX = 4;
/** Attempts remembered a webhook; the oldest go first. */
export const ATTEMPTS_MAX = 2_000;
/** Characters kept of a receiver's answer. */
export const ANSWER_CHARS_MAX = 1_000;
/** Milliseconds the question for a branch's head may take. */
export const LS_REMOTE_TIMEOUT_MS = 15_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export interface Timing {
  /** What a platform time is divided by. */
  speed: number;
  buildMs: number;
  preDeployMs: number;
  /** From the start of an instance until it must be healthy. */
  startMs: number;
  /** The same when it has opened a port, so that it is up and only wrong: its floor is lower. */
  startOpenMs: number;
  /** The same when the only open ports are on localhost, which waiting does not change. */
  startLocalhostMs: number;
  scanMs: number;
  /** Between two "still scanning" or "still waiting" lines. */
  waitingLineMs: number;
  healthIntervalMs: number;
  healthTimeoutMs: number;
  unrouteAfterMs: number;
  restartAfterMs: number;
  /** How long the old instance runs on after traffic has moved. */
  overlapMs: number;
  startRetryMs: number;
  backoffFirstMs: number;
  backoffMaxMs: number;
  watchMs: number;
  /** How long a webhook's receiver may take to answer. */
  webhookAnswerMs: number;
  /** The pause before each attempt at a delivery; when all have failed the webhook is disabled. */
  webhookPausesMs: readonly number[];
}

/** Eight attempts, the last about 33 hours after the first (reference section 9). */
const WEBHOOK_PAUSES_MS = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  120 * MINUTE,
  300 * MINUTE,
  600 * MINUTE,
  930 * MINUTE,
];

/** @param speed how many times faster than Render the platform's clock runs, at least 1 */
export function timingAt(speed: number): Timing {
  const scaled = (ms: number, floorMs: number) => Math.max(ms / speed, Math.min(ms, floorMs));
  return {
    speed,
    buildMs: scaled(120 * MINUTE, 2 * MINUTE),
    preDeployMs: scaled(30 * MINUTE, 1 * MINUTE),
    startMs: scaled(15 * MINUTE, 6 * SECOND),
    startOpenMs: scaled(15 * MINUTE, 3 * SECOND),
    startLocalhostMs: scaled(15 * MINUTE, 2 * SECOND),
    scanMs: scaled(1 * SECOND, 100),
    waitingLineMs: scaled(15 * SECOND, 1 * SECOND),
    healthIntervalMs: scaled(5 * SECOND, 100),
    healthTimeoutMs: scaled(5 * SECOND, 1 * SECOND),
    unrouteAfterMs: scaled(15 * SECOND, 300),
    restartAfterMs: scaled(60 * SECOND, 1200),
    overlapMs: scaled(60 * SECOND, 200),
    startRetryMs: scaled(10 * SECOND, 100),
    backoffFirstMs: scaled(10 * SECOND, 100),
    backoffMaxMs: scaled(5 * MINUTE, 1 * SECOND),
    watchMs: scaled(2 * SECOND, 200),
    webhookAnswerMs: scaled(15 * SECOND, 1 * SECOND),
    webhookPausesMs: WEBHOOK_PAUSES_MS.map((ms) => ms / speed),
  };
}

/**
 * How long an instance may take to leave after SIGTERM.
 * @param seconds the service's `maxShutdownDelaySeconds`
 */
export function shutdownDelayMs(timing: Timing, seconds: number): number {
  return Math.max(seconds * SECOND / timing.speed, Math.min(seconds * SECOND, 1 * SECOND));
}

/** Failed probes in a row that must stand behind unrouting (15 s of 5 s probes) and restarting (60 s). */
export const UNROUTE_FAILURES_MIN = 3;
export const RESTART_FAILURES_MIN = 12;
