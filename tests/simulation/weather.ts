/**
 * What goes wrong in a run, drawn from its seed: each kind of fault is on in some runs and off in others, so that
 * runs differ in kind and not only in detail. All of it ends when the calm begins.
 */
import type { Chance } from "./random.ts";
import type { PlatformWeather } from "./platform.ts";

export interface Weather extends PlatformWeather {
  /** A call of the API that is refused with 429, answered 5xx, cut off before or after the effect. */
  busy: number;
  serverError: number;
  lostBefore: number;
  lostAfter: number;
  /** How long after its answer was given up a write may still arrive, in milliseconds. */
  lateMs: number;
  latencyMs: number;
  gitLost: number;
  storeError: number;
  /** A process dies at a call; in milliseconds it stands still at one. */
  crash: number;
  pause: number;
  pauseMs: number;
  agentCrash: number;
  agentHang: number;
  agentLie: number;
  probeUnknown: number;
  probeBlip: number;
  /** Mean time between what comes from outside, in milliseconds; 0 for never. */
  peopleMs: number;
  triggersMs: number;
  clockStepsMs: number;
  /** The same for steps of minutes to a day, on one machine alone, and for machines that sleep. */
  clockLeapsMs: number;
  databaseMs: number;
  outageMs: number;
  /** Mean time between looks of a person at pull requests, in milliseconds; 0 for never. */
  reviewMs: number;
  /** Whether events are sent as webhooks, some of them lost, repeated or late. */
  webhooks: boolean;
}

export const CALM: Weather = {
  flakyBuild: 0,
  slowDeploy: 0,
  lostAutodeploy: 0,
  staleMs: 0,
  busy: 0,
  serverError: 0,
  lostBefore: 0,
  lostAfter: 0,
  lateMs: 0,
  latencyMs: 200,
  gitLost: 0,
  storeError: 0,
  crash: 0,
  pause: 0,
  pauseMs: 0,
  agentCrash: 0,
  agentHang: 0,
  agentLie: 0,
  probeUnknown: 0,
  probeBlip: 0,
  peopleMs: 0,
  triggersMs: 0,
  clockStepsMs: 0,
  clockLeapsMs: 0,
  databaseMs: 0,
  outageMs: 0,
  reviewMs: 0,
  webhooks: false,
  stuckDeploy: 0,
};

const MINUTE = 60_000;

/** What was added later, from a stream of its own: earlier seeds keep their weather. */
export function drawMore(
  chance: Chance,
): Pick<Weather, "reviewMs" | "webhooks" | "stuckDeploy" | "clockLeapsMs"> {
  return {
    reviewMs: chance.roll(0.8) ? chance.pick([1, 5, 15]) * MINUTE : 0,
    webhooks: chance.roll(0.5),
    stuckDeploy: chance.roll(0.15) ? 0.2 : 0,
    clockLeapsMs: chance.roll(0.35) ? chance.pick([2, 6]) * MINUTE : 0,
  };
}

export function drawWeather(chance: Chance): Weather {
  const some = (of: number, value: () => number) => chance.roll(of) ? value() : 0;
  return {
    flakyBuild: some(0.3, () => 0.1 + chance.next() * 0.4),
    slowDeploy: some(0.2, () => 0.2),
    lostAutodeploy: some(0.25, () => 0.5),
    staleMs: some(0.4, () => chance.whole(1_000, 8_000)),
    busy: some(0.25, () => chance.next() * 0.15),
    serverError: some(0.25, () => chance.next() * 0.1),
    lostBefore: some(0.3, () => chance.next() * 0.15),
    lostAfter: some(0.4, () => chance.next() * 0.4),
    lateMs: some(0.5, () => chance.whole(100, 5_000)),
    latencyMs: chance.pick([50, 300, 2_000]),
    gitLost: some(0.25, () => chance.next() * 0.3),
    storeError: some(0.2, () => chance.next() * 0.03),
    crash: some(0.5, () => chance.pick([0.001, 0.003, 0.02])),
    pause: some(0.2, () => 0.004),
    pauseMs: chance.whole(5_000, 300_000),
    agentCrash: some(0.25, () => chance.next() * 0.4),
    agentHang: some(0.15, () => chance.next() * 0.2),
    agentLie: some(0.25, () => chance.next() * 0.5),
    probeUnknown: some(0.35, () => chance.next() * 0.3),
    probeBlip: some(0.25, () => chance.next() * 0.15),
    peopleMs: some(0.6, () => chance.pick([3, 8, 20]) * MINUTE),
    triggersMs: some(0.4, () => chance.pick([5_000, 60_000])),
    clockStepsMs: some(0.25, () => 5 * MINUTE),
    clockLeapsMs: 0,
    databaseMs: some(0.2, () => 10 * MINUTE),
    outageMs: some(0.2, () => 10 * MINUTE),
    reviewMs: 0,
    webhooks: false,
    stuckDeploy: 0,
  };
}
