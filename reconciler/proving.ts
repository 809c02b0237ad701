/**
 * Attempts of an open incident whose outcome is not verified yet: the failure that they were about is gone, and whether
 * the service is healed with them in place is still to be seen. They are told as being proven, not counted as failed.
 */
import { exposedBy } from "../state/iterations.ts";
import type { Attempt, Incident } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { isUnread } from "./aftermath.ts";

type Memory = Pick<Store, "countOutcomes" | "listOutcomes" | "listImports">;

/** What the newest deploy fails with, which tells whether an attempt that nobody has judged yet has cured its own. */
export interface Now {
  cause: string;
  failureClass: { id: string };
}

/** @param now @default any attempt that nobody has judged yet is being proven */
export function provingAttempts(incident: Pick<Incident, "attempts">, now?: Now): Attempt[] {
  return incident.attempts.filter((attempt) =>
    exposedBy(attempt) !== null || (isUnread(attempt) && (now === undefined || !isStill(attempt, now)))
  );
}

/** Whether the failure that an attempt was about is there again. */
function isStill({ cause, failureClass }: Attempt, now: Now): boolean {
  return cause === now.cause && (failureClass === undefined || failureClass.id === now.failureClass.id);
}

/** The attempts of an incident with one remedy that are being proven, for people; `null` where there is none. */
export function provingText(incident: Incident, remedy: string, now: Now): string | null {
  const numbers = provingAttempts(incident, now).filter((attempt) =>
    attempt.remedy === remedy && attempt.cause === now.cause
  ).map(({ number }) => number);
  if (numbers.length === 0) return null;
  return numbers.length === 1
    ? `attempt ${numbers[0]} with it is being proven`
    : `attempts ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)} with it are being proven`;
}

/** What is remembered, without what a failed deploy seems to say of attempts that are being proven. */
export function verifiedOnly(store: Memory, incidents: readonly Incident[], now?: Now): Memory {
  const unverified = new Set(
    incidents.flatMap((incident) =>
      provingAttempts(incident, now).map(({ number }) => `${incident.id}/${number}`)
    ),
  );
  return {
    countOutcomes: () => store.countOutcomes(),
    listImports: () => store.listImports(),
    listOutcomes: async (query) =>
      (await store.listOutcomes(query)).filter(({ incidentId, attempt, outcome }) =>
        outcome !== "no_effect" || !unverified.has(`${incidentId}/${attempt}`)
      ),
  };
}
