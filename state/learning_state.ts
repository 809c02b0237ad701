/**
 * `artifacts/deploy_learning_state.json`: its schema, and how it is made of the store's records. Pure. The three
 * keys that every such system has (`failed_dependencies`, `known_fixes`, `performance_map`) are in the form that
 * `learned --import` reads, so that one installation's export can be another's prior knowledge.
 */
import { z } from "zod";
import { interval, knownFixes } from "./learning.ts";
import type { Count, Tally } from "./learning.ts";
import { performanceMap } from "./performance.ts";
import type { Performance } from "./performance.ts";
import type { Import } from "./prior.ts";
import { attemptStatuses } from "./records.ts";
import type { Attempt, Incident } from "./records.ts";

/** 2: `known_fixes` maps a cause to its remedy, `performance_map` a variant to its seconds. */
export const LEARNING_STATE_VERSION = 2;
/** Newest attempts listed. */
export const ATTEMPTS_LISTED = 500;
/** Classes of failures listed of a remedy. */
export const CLASSES_LISTED = 50;
/** The words in a cause's slug that make it a matter of dependencies. */
const DEPENDENCY = /depend|module|package|distribution|conflict|\bpin\b|lockfile|peer|requirement/;

const at = z.string();

/** What became of the tries of a remedy. */
const countShape = {
  /** Verified outcomes, whole. */
  healed: z.number(),
  noEffect: z.number(),
  worse: z.number(),
  /** The same, each weighed by its age. */
  aged: z.object({ healed: z.number(), failed: z.number() }),
  /** Share of aged outcomes that healed with its 95 % Wilson interval; `null` without outcomes. */
  success: z.object({ rate: z.number(), low: z.number(), high: z.number() }).nullable(),
  lastAt: at.nullable(),
  quarantinedUntil: at.nullable(),
};

export const remedyStateSchema = z.object({
  cause: z.string(),
  remedy: z.string(),
  ...countShape,
  /** What is left of an import's claim, in healed outcomes; counted in no field above. */
  imported: z.number(),
  /** The same by class of failure, such as the package, which is what orders remedies; newest CLASSES_LISTED. */
  classes: z.array(z.object({ id: z.string(), about: z.string(), ...countShape })),
});
export type RemedyState = z.infer<typeof remedyStateSchema>;

export const learningStateSchema = z.object({
  schemaVersion: z.literal(LEARNING_STATE_VERSION),
  writtenAt: at,
  /** Failures whose cause is a dependency, by the service's name and fingerprint, most recent first. */
  failed_dependencies: z.array(z.object({
    fingerprint: z.string(),
    cause: z.string(),
    service: z.string(),
    summary: z.string(),
    times: z.number(),
    lastSeenAt: at,
  })),
  /** Cause -> the remedy that did best of those that healed. */
  known_fixes: z.record(z.string(), z.string()),
  /** Variant -> seconds from the start of a deploy to live: the median of the newest. */
  performance_map: z.record(z.string(), z.number()),
  remedies: z.array(remedyStateSchema),
  /** What imports name beside fixes and durations. */
  imported_failed_dependencies: z.array(z.string()),
  /** By service name. */
  services: z.record(
    z.string(),
    z.object({
      incidents: z.number(),
      healed: z.number(),
      stalled: z.number(),
      attempts: z.number(),
      /** From opening to closing of a healed incident; `null` before the first. */
      medianHealMs: z.number().nullable(),
      lastHealedAt: at.nullable(),
    }),
  ),
  /** Newest first. */
  attempts: z.array(z.object({
    service: z.string(),
    incident: z.string(),
    attempt: z.number(),
    cause: z.string(),
    fingerprint: z.string(),
    /** What of the failure is shared between services, such as the package; empty where it is the cause alone. */
    about: z.string(),
    remedy: z.string(),
    status: z.enum(attemptStatuses),
    startedAt: at,
    durationMs: z.number().nullable(),
    commit: z.string().nullable(),
    deployId: z.string().nullable(),
    error: z.string().nullable(),
  })),
});
export type LearningState = z.infer<typeof learningStateSchema>;

export interface Learned {
  /** Newest first. */
  incidents: readonly Incident[];
  tallies: readonly Tally[];
  /** Newest first. */
  performance: readonly Performance[];
  /** Newest first. */
  imports: readonly Import[];
}

/** @param now milliseconds since the epoch */
export function learningState(
  { incidents, tallies, performance, imports }: Learned,
  now: number,
): LearningState {
  const tries = incidents.flatMap((incident) => incident.attempts.map((attempt) => ({ incident, attempt })))
    .sort((a, b) => b.attempt.startedAt - a.attempt.startedAt);
  const services = Map.groupBy(incidents, (incident) => incident.serviceName);
  return {
    schemaVersion: LEARNING_STATE_VERSION,
    writtenAt: time(now),
    failed_dependencies: failedDependencies(tries),
    known_fixes: knownFixes(tallies),
    performance_map: performanceMap(performance, imports),
    remedies: tallies.map(remedyState),
    imported_failed_dependencies: [...new Set(imports.flatMap((one) => one.failedDependencies))],
    services: Object.fromEntries([...services].map(([name, group]) => [name, serviceState(group)])),
    attempts: tries.slice(0, ATTEMPTS_LISTED).map(({ incident, attempt }) => ({
      service: incident.serviceName,
      incident: incident.id,
      attempt: attempt.number,
      cause: attempt.cause,
      fingerprint: attempt.fingerprint,
      about: attempt.failureClass?.about ?? "",
      remedy: attempt.remedy,
      status: attempt.status,
      startedAt: time(attempt.startedAt),
      durationMs: attempt.endedAt === null ? null : attempt.endedAt - attempt.startedAt,
      commit: attempt.commit,
      deployId: attempt.deployId,
      error: attempt.error,
    })),
  };
}

/** A tally as it is shown, with its interval. */
export function remedyState(tally: Tally): RemedyState {
  const { cause, remedy, agedPrior, classes } = tally;
  return {
    cause,
    remedy,
    ...countState(tally),
    imported: round(agedPrior),
    classes: classes.slice(0, CLASSES_LISTED).map((count) => ({
      id: count.classId,
      about: count.about,
      ...countState(count),
    })),
  };
}

function countState(count: Count): Omit<RemedyState["classes"][number], "id" | "about"> {
  const { healed, noEffect, worse, agedHealed, agedFailed, lastAt, quarantinedUntil } = count;
  const tries = agedHealed + agedFailed;
  const { low, high } = interval(agedHealed, agedFailed);
  return {
    healed,
    noEffect,
    worse,
    aged: { healed: round(agedHealed), failed: round(agedFailed) },
    success: tries <= 0 ? null : { rate: round(agedHealed / tries), low: round(low), high: round(high) },
    lastAt: lastAt === null ? null : time(lastAt),
    quarantinedUntil: quarantinedUntil === null ? null : time(quarantinedUntil),
  };
}

function failedDependencies(
  tries: readonly { incident: Incident; attempt: Attempt }[],
): LearningState["failed_dependencies"] {
  const about = tries.filter(({ attempt }) => DEPENDENCY.test(attempt.cause));
  const groups = Map.groupBy(
    about,
    ({ incident, attempt }) => `${attempt.fingerprint} ${incident.serviceName}`,
  );
  return [...groups.values()].flatMap((group) => {
    const newest = group[0];
    if (newest === undefined) return [];
    const { incident, attempt } = newest;
    return [{
      fingerprint: attempt.fingerprint,
      cause: attempt.cause,
      service: incident.serviceName,
      summary: attempt.summary,
      times: group.length,
      lastSeenAt: time(attempt.startedAt),
    }];
  });
}

function serviceState(incidents: readonly Incident[]): LearningState["services"][string] {
  const closed = incidents.flatMap(({ status, openedAt, closedAt }) =>
    status === "healed" && closedAt !== null ? [{ tookMs: closedAt - openedAt, closedAt }] : []
  );
  const durations = closed.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return {
    incidents: incidents.length,
    healed: incidents.filter(({ status }) => status === "healed").length,
    stalled: incidents.filter(({ status }) => status === "stalled").length,
    attempts: incidents.reduce((sum, { attempts }) => sum + attempts.length, 0),
    medianHealMs: durations[Math.floor((durations.length - 1) / 2)] ?? null,
    lastHealedAt: closed.length === 0 ? null : time(Math.max(...closed.map(({ closedAt }) => closedAt))),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
