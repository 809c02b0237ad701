/**
 * Which hook fires for which event. Reads events and the incident as it then is; asks nothing and keeps only
 * which attempts it has seen the end of.
 */
import type { Attempt, Incident, StateEvent } from "../state/records.ts";
import type { HookFacts } from "./payload.ts";
import type { Hooks } from "./hooks.ts";

/** Ended attempts that are remembered; an attempt's end is told by one event or another, and only once. */
const ENDED_MAX = 1000;

export type HookListener = (
  event: StateEvent,
  about: { serviceName: string; incident: Incident | null },
) => void;

export function createHookListener(hooks: Pick<Hooks, "fire">): HookListener {
  const ended = new Set<string>();
  const endAttempt = (incident: Incident, attempt: Attempt, facts: HookFacts) => {
    const key = `${incident.id}/${attempt.number}`;
    if (attempt.endedAt === null || ended.has(key)) return;
    if (ended.size >= ENDED_MAX) ended.clear();
    ended.add(key);
    const success = attempt.status === "fixed" || attempt.status === "rolled_back";
    hooks.fire("post-task", { ...facts, success, level: success ? "info" : "warn" });
  };
  return ({ type, message }, { serviceName, incident }) => {
    if (incident === null) return;
    const attempt = incident.attempts.at(-1);
    const ofIncident: HookFacts = {
      message,
      service: serviceName,
      serviceId: incident.serviceId,
      incident: incident.id,
    };
    const ofAttempt: HookFacts = attempt === undefined
      ? ofIncident
      : { ...ofIncident, attempt: attempt.number, cause: attempt.cause, remedy: attempt.remedy };
    switch (type) {
      case "IncidentOpened":
        return hooks.fire("notify", { ...ofIncident, level: "warn" });
      case "IncidentHealed":
        return hooks.fire("notify", { ...ofAttempt, level: "info", success: true });
      case "IncidentStalled":
        return hooks.fire("notify", { ...ofAttempt, level: "error", success: false });
      case "AttemptBegun":
        return hooks.fire("pre-task", ofAttempt);
      case "AttemptSucceeded":
      case "AttemptFailed":
      case "AttemptAbandoned":
      case "EffectRefused":
        if (attempt !== undefined) endAttempt(incident, attempt, ofAttempt);
        return;
      case "EffectPerformed": {
        if (attempt === undefined) return;
        const step = attempt.stepsDone.at(-1);
        if (attempt.endedAt === null && (step === "push" || step === "pull-request")) {
          for (const file of filesOf(attempt)) {
            hooks.fire("post-edit", { ...ofAttempt, file, success: true });
          }
        }
        return;
      }
    }
  };
}

function filesOf({ repair }: Attempt): string[] {
  return repair.kind === "patch" ? repair.edits.map((edit) => edit.path) : [];
}
