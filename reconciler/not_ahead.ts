/**
 * What was remembered with a date that has not come yet, by a process whose clock was wrong or in a store that came
 * from another machine, counts as of now, when it is first met: what waits from then on waits as long as it is to, not
 * until a wrong date has passed. Pure.
 */
import type { Attempt, Incident, ServiceRecord } from "../state/records.ts";

/** @param now milliseconds since the epoch */
export function incidentNotAhead(incident: Incident, now: number): Incident {
  const by = (at: number) => Math.min(at, now);
  return {
    ...incident,
    openedAt: by(incident.openedAt),
    // Not the beginning of an attempt: its commit is made with it, and would be another one.
    attempts: incident.attempts.map((attempt): Attempt => ({
      ...attempt,
      publishedAt: attempt.publishedAt === null ? null : by(attempt.publishedAt),
      deployRequestedAt: attempt.deployRequestedAt === null ? null : by(attempt.deployRequestedAt),
    })),
  };
}

/** @param now milliseconds since the epoch */
export function recordNotAhead(record: ServiceRecord, now: number): ServiceRecord {
  const conditions = record.conditions.map((condition) =>
    Date.parse(condition.lastTransitionTime) > now
      ? { ...condition, lastTransitionTime: new Date(now).toISOString() }
      : condition
  );
  return { ...record, conditions };
}
