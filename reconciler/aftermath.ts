/**
 * What became of a repair whose deploy failed, once the log of that deploy was read: the same failure again, or
 * another one because its own is gone. Pure. A log alone teaches nothing: that a cause is gone counts at once only
 * where Render says that the deploy came further than before, else when the incident is healed with the change in it.
 */
import type { Diagnosis } from "../agents/messages.ts";
import type { Attempt, Evidence, Incident } from "../state/records.ts";
import { exposedText, UNKNOWN } from "../state/iterations.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { tellingLine } from "../text/template.ts";
import type { Action } from "./action.ts";
import type { FailureLog } from "./evidence.ts";
import { changeAttempt } from "./incident.ts";
import type { DeployView, Sighting } from "./observation.ts";
import type { ServiceSpec } from "./spec.ts";

/** What the log of a deploy was found to say. */
export interface Finding {
  cause: string;
  confidence: number;
  fingerprint: string;
  /** Every cause that the log shows a sign of, this one included. */
  seen: readonly string[];
  /** Safe to keep and to show. */
  evidence: Evidence | null;
}

export interface Aftermath {
  incident: Incident;
  event: { type: "CauseGone" | "FailureRead"; message: string };
  /** What is learned now in place of "no effect". */
  outcome?: NonNullable<Extract<Action, { kind: "record" }>["outcome"]>;
}

/** What a diagnosis calls a log that shows no failure. */
const NO_FAILURE = "not-a-failure";

/** The finding of a log that could not be read. */
export const NOTHING_READ: Finding = {
  cause: UNKNOWN,
  confidence: 0,
  fingerprint: "",
  seen: [],
  evidence: null,
};

export function findingOf(
  { cause: named, confidence, fingerprint, chain, rejected, evidence, excerpt }: Diagnosis,
  { redact }: Pick<FailureLog, "redact">,
): Finding {
  const cause = named === NO_FAILURE ? UNKNOWN : named;
  const line = evidence ?? tellingLine(excerpt);
  return {
    cause,
    confidence,
    fingerprint,
    seen: [cause, ...chain, ...rejected.map((other) => other.cause)],
    evidence: line === null ? null : { line: line.line, text: sanitizeLine(redact(line.text)) },
  };
}

/** @returns `null` where the deploy is not that of an attempt which failed and is not understood yet */
export function aftermathOf(
  spec: ServiceSpec,
  seen: Sighting,
  incident: Incident,
  deploy: DeployView,
  finding: Finding,
): Aftermath | null {
  const attempt = incident.attempts.findLast((one) => isUnread(one) && one.deployId === deploy.id);
  if (attempt === undefined) return null;
  const { cause, fingerprint } = finding;
  // The platform's own lines about a deploy that is live tell of no error: the probe's word does.
  const isPlatforms = stageOf(deploy) === LIVE && finding.evidence?.text.startsWith("==> ") === true;
  const evidence = isPlatforms ? null : finding.evidence;
  const error = [attempt.error ?? "", evidence?.text ?? ""].filter((part) => part !== "").join(": ");
  const further = stagesFurther(seen, attempt, deploy);
  const isRead = finding !== NOTHING_READ;
  const isAnother = isRead && further !== null && isGone(attempt, finding, further, spec) &&
    !harmed(attempt, deploy);
  const changed: Attempt = {
    ...attempt,
    status: isAnother ? "fixed" : attempt.status,
    error,
    aftermath: { cause, fingerprint, evidence, isAnother },
  };
  return {
    incident: changeAttempt(incident, attempt.number, changed),
    event: isAnother
      ? {
        type: "CauseGone",
        message: `${attempt.cause} is gone, ${exposedText(cause, attempt.cause)} came to light: ${error}`,
      }
      : { type: "FailureRead", message: error },
    ...(isAnother
      ? {
        outcome: further > 0
          ? { attempt: changed, outcome: "healed", deployMs: null }
          : { attempt: changed, outcome: "no_effect", isStep: true, deployMs: null },
      }
      : {}),
  };
}

/** Whether the deploy of an attempt failed and nobody has read why. */
export function isUnread({ status, aftermath, deployId }: Attempt): boolean {
  return status === "failed" && deployId !== null && (aftermath ?? null) === null;
}

/**
 * Whether its own failure is gone. A deploy that came further than the one before has left it behind, whatever it
 * failed with then; of one that failed as early, the log must name another cause with certainty.
 */
function isGone(
  attempt: Attempt,
  { cause, confidence, fingerprint, seen }: Finding,
  further: number,
  spec: ServiceSpec,
): boolean {
  const isSameClass = cause === attempt.cause;
  const isThere = isSameClass ? fingerprint === attempt.fingerprint : seen.includes(attempt.cause);
  const isSure = cause !== UNKNOWN && confidence >= spec.policy.confidenceMin;
  return !isThere && (further > 0 || (further === 0 && isSure));
}

/** How much further than the deploy that was read before this one came; `null` where that is not to be told. */
function stagesFurther(seen: Sighting, attempt: Attempt, deploy: DeployView): number | null {
  const before = seen.deploys.find((one) => one.id === attempt.diagnosedDeployId);
  const from = before === undefined ? null : stageOf(before);
  const to = stageOf(deploy);
  return from === null || to === null ? null : to - from;
}

const LIVE = 3;

/** What failed, in the order in which a deploy goes through it. */
function stageOf({ status }: DeployView): number | null {
  switch (status) {
    case "build_failed":
      return 0;
    case "pre_deploy_failed":
      return 1;
    case "update_failed":
      return 2;
    case "live":
    case "deactivated":
      return LIVE;
    default:
      return null;
  }
}

/** Something served well before, and this went live and did not: whatever it mended, it made things worse. */
function harmed({ serving }: Attempt, deploy: DeployView): boolean {
  return (serving ?? null) !== null && stageOf(deploy) === LIVE;
}
