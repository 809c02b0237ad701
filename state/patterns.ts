/** What earlier incidents, of any service, say about a failure: how often it was there and what helped. Pure. */
import type { Attempt, Incident } from "./records.ts";

export interface Pattern {
  /** `fingerprint`: the very same failure; `cause`: another failure of the same class. */
  match: "fingerprint" | "cause";
  cause: string;
  incidents: number;
  /** Names, the most recent first. */
  services: string[];
  healed: number;
  /** Remedies that healed, and those that did not, with how often; the most frequent first. */
  worked: { remedy: string; times: number }[];
  failed: { remedy: string; times: number }[];
}

/**
 * The patterns that an incident repeats; none when its cause is not known.
 * @param earlier other incidents, newest first
 */
export function seenBefore(incident: Incident, earlier: readonly Incident[]): Pattern[] {
  const others = earlier.filter((one) => one.id !== incident.id && one.openedAt <= incident.openedAt);
  const prints = new Set(incident.attempts.map((attempt) => attempt.fingerprint));
  const causes = new Set(incident.attempts.map((attempt) => attempt.cause));
  const isSame = (attempt: Attempt) => prints.has(attempt.fingerprint);
  const same = others.filter((one) => one.attempts.some(isSame));
  const alike = others.filter((one) =>
    !same.includes(one) && one.attempts.some((attempt) => causes.has(attempt.cause))
  );
  return [...causes].flatMap((cause) => [
    ...patternOf("fingerprint", cause, same, (attempt) => isSame(attempt) && attempt.cause === cause),
    ...patternOf("cause", cause, alike, (attempt) => attempt.cause === cause),
  ]);
}

function patternOf(
  match: Pattern["match"],
  cause: string,
  incidents: readonly Incident[],
  isAbout: (attempt: Attempt) => boolean,
): Pattern[] {
  const about = incidents.filter((incident) => incident.attempts.some(isAbout));
  if (about.length === 0) return [];
  const attempts = about.flatMap((incident) => incident.attempts).filter(isAbout);
  return [{
    match,
    cause,
    incidents: about.length,
    services: [...new Set(about.map((incident) => incident.serviceName))],
    healed: about.filter((incident) => incident.status === "healed").length,
    worked: counted(attempts.filter((attempt) => attempt.status === "fixed")),
    failed: counted(attempts.filter(({ status }) => status === "failed" || status === "no_effect")),
  }];
}

function counted(attempts: readonly Attempt[]): { remedy: string; times: number }[] {
  return [...Map.groupBy(attempts, (attempt) => attempt.remedy)]
    .map(([remedy, group]) => ({ remedy, times: group.length }))
    .sort((a, b) => b.times - a.times);
}
