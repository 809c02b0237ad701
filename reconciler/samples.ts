/**
 * Turns observations into what is remembered of them: conditions, the newest verdicts, the streak of good
 * samples and the deploys proven by it. Pure; durations come from the monotonic clock, and a gap between two
 * samples, another deploy or another process begins the count anew.
 */
import type { Probe } from "../agents/messages.ts";
import {
  PROVEN_KEPT,
  SAMPLES_KEPT,
  type ServiceRecord,
  type Streak,
  type Verdict,
} from "../state/records.ts";
import { liveDeploy } from "./observation.ts";
import type { Observation, Sighting } from "./observation.ts";
import type { ServiceSpec } from "./spec.ts";

/** A gap of more than this many planned intervals breaks a streak. */
export const GAP_INTERVALS_MAX = 3;

/** The three live criteria as one verdict: bad if any is bad, good only if all are good. */
export function verdictOf(seen: Sighting | null): Verdict {
  if (seen === null) return "unknown";
  const probes: Probe[] = [seen.health, seen.json, seen.database];
  if (probes.some((probe) => probe.status === "bad")) return "bad";
  return probes.every((probe) => probe.status === "good") ? "good" : "unknown";
}

/** The longest pause between two samples that still counts as unbroken, in milliseconds. */
export function gapMaxMs(spec: ServiceSpec): number {
  return GAP_INTERVALS_MAX * Math.max(spec.intervalMs, spec.watchIntervalMs) + spec.probeTimeoutMs;
}

function nextStreak(
  previous: Streak | null,
  observation: Observation,
  verdict: Verdict,
  spec: ServiceSpec,
): Streak | null {
  const live = observation.seen === null ? null : liveDeploy(observation.seen.deploys);
  if (verdict !== "good" || live === null) return null;
  const at = observation.monotonicMs;
  const continues = previous !== null &&
    previous.epoch === observation.epoch &&
    previous.deployId === live.id &&
    at >= previous.lastMonotonicMs &&
    // From the beginning of the look before to the end of this one: in either, time may have passed unseen.
    at - (previous.lastBeganMonotonicMs ?? previous.lastMonotonicMs) <= gapMaxMs(spec) &&
    // A machine that sleeps stops its monotonic clock too, and the time of day goes on.
    observation.at - (previous.lastAt ?? observation.at) <= gapMaxMs(spec);
  const began = {
    lastBeganMonotonicMs: observation.beganMonotonicMs ?? at,
    lastAt: observation.beganAt ?? observation.at,
  };
  if (!continues) {
    return {
      ...began,
      epoch: observation.epoch,
      deployId: live.id,
      firstMonotonicMs: at,
      lastMonotonicMs: at,
      samples: 1,
    };
  }
  // From the end of the first look to the beginning of the last: a process that stood still in one gains no good time.
  const lastMonotonicMs = Math.max(previous.lastMonotonicMs, observation.beganMonotonicMs ?? at);
  return { ...previous, ...began, lastMonotonicMs, samples: previous.samples + 1 };
}

/** How long everything has been good without a break, in milliseconds. */
export function goodForMs(record: ServiceRecord): number {
  return record.streak === null ? 0 : record.streak.lastMonotonicMs - record.streak.firstMonotonicMs;
}

/** Whether the live deploy has been good for the whole quiet time. */
export function isProven(record: ServiceRecord, spec: ServiceSpec): boolean {
  return record.streak !== null && record.streak.samples >= 2 && goodForMs(record) >= spec.stableForMs;
}

/** The record of a service before it was ever seen. */
export function emptyRecord(serviceId: string, name: string, generation: number): ServiceRecord {
  return {
    serviceId,
    name,
    url: null,
    updatedAt: 0,
    generation,
    conditions: [],
    streak: null,
    recentVerdicts: [],
    liveDeployId: null,
    liveCommit: null,
    provenDeploys: [],
    badCommits: [],
    hold: null,
  };
}

/** Adds one observation to a record. Conditions are added by `conditionsOf`. */
export function addSample(record: ServiceRecord, observation: Observation, spec: ServiceSpec): ServiceRecord {
  const { seen } = observation;
  const verdict = verdictOf(seen);
  const live = seen === null ? null : liveDeploy(seen.deploys);
  // Verdicts on one deploy say nothing about the next.
  const sameDeploy = seen === null || (live?.id ?? null) === record.liveDeployId;
  const next: ServiceRecord = {
    ...record,
    name: seen?.service.name ?? record.name,
    url: seen?.service.url ?? record.url,
    updatedAt: observation.at,
    generation: spec.generation,
    streak: nextStreak(record.streak, observation, verdict, spec),
    recentVerdicts: [...(sameDeploy ? record.recentVerdicts : []), verdict].slice(-SAMPLES_KEPT),
    liveDeployId: seen === null ? record.liveDeployId : live?.id ?? null,
    liveCommit: seen === null ? record.liveCommit : live?.commit ?? null,
  };
  if (live === null || live.commit === null || !isProven(next, spec)) return next;
  const proven = { deployId: live.id, commit: live.commit, at: observation.at };
  return {
    ...next,
    provenDeploys: [proven, ...next.provenDeploys.filter((other) => other.deployId !== live.id)]
      .slice(0, PROVEN_KEPT),
  };
}

/** Bad by hysteresis: enough bad samples among the newest, so that one hiccup never triggers anything. */
export function isConfirmedBad(record: ServiceRecord, spec: ServiceSpec): boolean {
  const window = record.recentVerdicts.slice(-spec.policy.samplesWindow);
  return window.filter((verdict) => verdict === "bad").length >= spec.policy.badSamples;
}
