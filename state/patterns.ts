/** What earlier incidents, of any service, say about a failure: how often it was there and what helped. Pure. */
import { exposedBy, UNKNOWN } from "./iterations.ts";
import type { Attempt, Incident } from "./records.ts";

export interface Pattern {
  /** `fingerprint`: the very same failure; `cause`: another failure of the same class. */
  match: "fingerprint" | "cause";
  cause: string;
  /** Whether it is about the failure that was there last; else about one that came before it. */
  isLast: boolean;
  incidents: number;
  /** Names, the most recent first. */
  services: string[];
  healed: number;
  /** Remedies that healed, and those that did not, with how often; the most frequent first. */
  worked: { remedy: string; times: number }[];
  failed: { remedy: string; times: number }[];
}

/** A failure as it is told apart from others. */
interface Failed {
  cause: string;
  fingerprint: string;
}

/**
 * The failures of an incident whose cause has a name, the one that was there last first. A log that names no cause
 * has no fingerprint of its own: it is another failure each time.
 */
function failuresOf({ attempts }: Pick<Incident, "attempts">): Failed[] {
  const found = attempts.toReversed().flatMap((attempt) => {
    const after = attempt.aftermath ?? null;
    return after !== null && after.cause !== UNKNOWN ? [after, attempt] : [attempt];
  }).filter(({ cause }) => cause !== UNKNOWN);
  return [...new Map(found.map((one) => [`${one.cause} ${one.fingerprint}`, one])).values()];
}

/** The cause of the failure that was there last; `unknown` where its log named none, `null` where none was read. */
export function lastCauseOf({ attempts, stalled }: Pick<Incident, "attempts" | "stalled">): string | null {
  const last = attempts.at(-1);
  const isUnknown = stalled?.reason === "UnknownCause" || (last !== undefined && exposedBy(last) === UNKNOWN);
  return isUnknown ? UNKNOWN : failuresOf({ attempts })[0]?.cause ?? null;
}

/**
 * The patterns that an incident repeats, of the failure that was there last first; none when no cause is known.
 * @param earlier other incidents, newest first
 */
export function seenBefore(incident: Incident, earlier: readonly Incident[]): Pattern[] {
  const others = earlier.filter((one) => one.id !== incident.id && one.openedAt <= incident.openedAt);
  const failures = failuresOf(incident);
  const lastCause = lastCauseOf(incident);
  const isLast = (one: Failed) => one === failures[0] && one.cause === lastCause;
  const isSame = (one: Failed) => (other: Failed) =>
    other.cause === one.cause && other.fingerprint === one.fingerprint;
  const causes = new Set<string>();
  return failures.flatMap((one) => {
    const { cause } = one;
    const patterns = patternOf("fingerprint", cause, isLast(one), others, isSame(one));
    if (causes.has(cause)) return patterns;
    causes.add(cause);
    const isKnown = (other: Failed) => other.cause === cause && failures.some(isSame(other));
    const alike = others.filter((each) => !failuresOf(each).some(isKnown));
    return [
      ...patterns,
      ...patternOf("cause", cause, isLast(one), alike, (other) => other.cause === cause),
    ];
  });
}

function patternOf(
  match: Pattern["match"],
  cause: string,
  isLast: boolean,
  incidents: readonly Incident[],
  isAbout: (failed: Failed) => boolean,
): Pattern[] {
  const about = incidents.filter((incident) => failuresOf(incident).some(isAbout));
  if (about.length === 0) return [];
  const attempts = about.flatMap((incident) => incident.attempts).filter(isAbout);
  return [{
    match,
    cause,
    isLast,
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
