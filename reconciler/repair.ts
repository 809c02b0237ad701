/**
 * Prepares an attempt: reads the failure, lets the analyzer name the cause, the optimizer order the remedies, the
 * fixer propose and the validator check, and makes the commit without publishing it. Has no effect on the world;
 * when it does not know, it says so with the evidence.
 */
import { analyzer } from "../agents/analyzer/agent.ts";
import type { Agent } from "../agents/agent.ts";
import { fixer } from "../agents/fixer/agent.ts";
import { findRemedy } from "../agents/fixer/remedies/all.ts";
import type { Diagnosis, Phase, Proposal } from "../agents/messages.ts";
import { optimizerAgent } from "../agents/optimizer/agent.ts";
import { validatorAgent } from "../agents/validator/agent.ts";
import { EvenkeelError } from "../base/errors.ts";
import { RenderUnreachable } from "../render/api.ts";
import type { Attempt, Evidence, Incident, Repair } from "../state/records.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { readFailureLog, readPlatformReason, viewRepository } from "./evidence.ts";
import type { FailureLog } from "./evidence.ts";
import { newAttempt } from "./incident.ts";
import { commitMessage } from "./message.ts";
import type { DeployView, Sighting } from "./observation.ts";
import type { Checkout, Parts } from "./parts.ts";
import { isWithinRisk } from "./policy.ts";
import { describePatch } from "./setting.ts";
import type { ServiceSpec } from "./spec.ts";
import { fingerprint } from "../text/fingerprint.ts";

/** Remedies tried on paper for one diagnosis. */
const REMEDIES_MAX = 6;
const DAY_MS = 86_400_000;
const INCIDENTS_READ = 100;

export type Preparation =
  /** `checkout` holds the commit that is to be published, when the repair is a patch. */
  | { kind: "attempt"; attempt: Attempt; checkout: Checkout | null }
  | { kind: "stall"; reason: string; message: string; evidence: Evidence[] }
  /** Something could not be read; worth another try. */
  | { kind: "retry"; message: string };

interface Question {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  deploy: DeployView;
  phase: Phase;
}

export async function prepareAttempt(
  parts: Parts,
  question: Question,
  signal: AbortSignal,
): Promise<Preparation> {
  let checkout: Checkout | null = null;
  let kept = false;
  try {
    const { seen, deploy, phase } = question;
    const [log, platformReason, cloned] = await Promise.all([
      readFailureLog(parts, seen.service, deploy, phase, signal),
      readPlatformReason(parts.api, seen.service.id, deploy, signal),
      openCheckout(parts, seen, signal),
    ]);
    checkout = cloned;
    const repository = await viewRepository(checkout);
    const settings = seen.service.settings;
    const input = { log: log.text, phase, settings, repository, platformReason };
    const diagnosis = await ask(parts, question, analyzer, input, signal);
    if (diagnosis.cause === "unknown" || diagnosis.confidence < question.spec.policy.confidenceMin) {
      return unknownCause(diagnosis, question, log);
    }
    const result = await chooseRepair(parts, question, diagnosis, checkout, log, signal);
    kept = result.kind === "attempt" && result.checkout !== null;
    return result;
  } catch (error) {
    if (error instanceof RenderUnreachable || error instanceof EvenkeelError) {
      return { kind: "retry", message: error.message };
    }
    throw error;
  } finally {
    if (!kept) await checkout?.[Symbol.asyncDispose]();
  }
}

async function openCheckout(parts: Parts, seen: Sighting, signal: AbortSignal): Promise<Checkout> {
  const { repo, branch, name } = seen.service;
  if (repo === null || branch === null) {
    throw new EvenkeelError(`Cannot clone the repository of ${name}: Render names no repository or branch`, {
      hint: "Set repo and branch for the service in evenkeel.yaml",
    });
  }
  return await parts.repositories.clone({ url: repo, branch }, signal);
}

/** Runs an agent and keeps its answer for people; a failed agent is an error with its reason. */
async function ask<Input, Output>(
  parts: Parts,
  { incident }: Question,
  agent: Agent<Input, Output>,
  input: Input,
  signal: AbortSignal,
): Promise<Output> {
  const run = await parts.runAgent(agent, input, { toolbox: parts.toolbox, signal });
  if (run.kind === "failed") {
    throw new EvenkeelError(`Cannot run the ${agent.name}: ${run.message} (${run.why})`);
  }
  await parts.onAgentOutput(agent.name, run.output, incident.attempts.length + 1);
  return run.output;
}

function unknownCause(diagnosis: Diagnosis, { deploy }: Question, log: FailureLog): Preparation {
  const guess = diagnosis.cause === "unknown"
    ? "no cause of the catalogue fits its log"
    : `${diagnosis.cause} is only ${Math.round(diagnosis.confidence * 100)} % likely`;
  const cut = log.isTruncated ? " (the log was longer than is read)" : "";
  return {
    kind: "stall",
    reason: "UnknownCause",
    message: `The cause of the failure of ${deploy.id} is not known: ${guess}${cut}`,
    evidence: diagnosis.excerpt,
  };
}

async function chooseRepair(
  parts: Parts,
  question: Question,
  diagnosis: Diagnosis,
  checkout: Checkout,
  log: FailureLog,
  signal: AbortSignal,
): Promise<Preparation> {
  const { spec, seen, incident } = question;
  const { cause } = diagnosis;
  const evidence = diagnosis.evidence === null ? [] : [diagnosis.evidence];
  const stalled = (reason: string, message: string): Preparation => ({
    kind: "stall",
    reason,
    message,
    evidence,
  });
  const tried = await triedBefore(parts, incident, diagnosis.fingerprint);
  if (tried.today >= spec.policy.attemptsPerFingerprintMax) {
    return stalled(
      "FingerprintSpent",
      `${diagnosis.summary}. ${tried.today} attempts at it within a day are enough`,
    );
  }
  const remedies = diagnosis.remedies.flatMap((id) => findRemedy(id) ?? []);
  if (remedies.length === 0) {
    return stalled(
      "NoRemedy",
      `${diagnosis.summary}. No remedy is known for ${cause}: a person has to mend it`,
    );
  }
  const counts = (await parts.store.countOutcomes(cause)).filter((count) => count.cause === cause);
  const offered = remedies.map(({ id, kind, risk }) => ({ id, kind, risk }));
  const { order } = await ask(parts, question, optimizerAgent, { cause, remedies: offered, counts }, signal);
  const refusals: string[] = [];
  for (const { remedy } of order.slice(0, REMEDIES_MAX)) {
    const paths = await checkout.paths();
    const proposal = await ask(parts, question, fixer, {
      remedy,
      diagnosis,
      settings: seen.service.settings,
      directory: checkout.directory,
      paths,
    }, signal);
    if (proposal.kind === "none") {
      refusals.push(`${remedy}: ${proposal.why}`);
      continue;
    }
    const refusal = guard(spec, proposal);
    if (refusal !== null) {
      refusals.push(`${remedy}: ${refusal}`);
      continue;
    }
    const draft = draftAttempt(parts, question, diagnosis, remedy, proposal, log);
    if (tried.failed.has(draft.repairHash)) {
      refusals.push(`${remedy}: the same change was tried before and did not help`);
      continue;
    }
    if (proposal.kind !== "patch") return { kind: "attempt", attempt: draft, checkout: null };
    const checked = await checkPatch(parts, question, draft, proposal, checkout, signal);
    if (checked.kind === "attempt") return checked;
    refusals.push(`${remedy}: ${checked.why}`);
    // The commit that failed its check is in this checkout; nothing else may be built on it.
    break;
  }
  const why = sanitizeLine(refusals.join("; "), 600);
  return stalled("NoRemedyApplies", `${diagnosis.summary}. No remedy applies: ${why}`);
}

/** What the policy says against a proposal. */
function guard(spec: ServiceSpec, proposal: Exclude<Proposal, { kind: "none" }>): string | null {
  const { policy } = spec;
  if (!isWithinRisk(proposal.risk, policy.riskMax)) {
    return `its risk is ${proposal.risk} and the policy allows ${policy.riskMax}`;
  }
  if (proposal.kind === "setting" && !policy.mayChangeSettings) {
    return "the policy allows no change of settings";
  }
  return null;
}

function draftAttempt(
  parts: Parts,
  { seen, incident, deploy }: Question,
  diagnosis: Diagnosis,
  remedy: string,
  proposal: Exclude<Proposal, { kind: "none" }>,
  log: FailureLog,
): Attempt {
  const repair: Repair = proposal.kind === "patch"
    ? { kind: "patch", edits: proposal.edits, diff: "" }
    : proposal.kind === "setting"
    ? { kind: "setting", patch: proposal.patch, diff: describePatch(seen.service, proposal.patch) }
    : { kind: "redeploy", clearCache: proposal.clearCache };
  const { evidence } = diagnosis;
  return newAttempt(incident, {
    diagnosedDeployId: deploy.id,
    cause: diagnosis.cause,
    confidence: diagnosis.confidence,
    summary: sanitizeLine(log.redact(`${diagnosis.summary.replace(/\.$/, "")}. ${proposal.summary}`)),
    evidence: evidence === null
      ? null
      : { line: evidence.line, text: sanitizeLine(log.redact(evidence.text)) },
    fingerprint: diagnosis.fingerprint,
    remedy,
    risk: proposal.risk,
    repair,
    repairHash: fingerprint([JSON.stringify(proposal.kind === "patch" ? proposal.edits : repair)]),
  }, parts.clock.now());
}

/** Makes the commit and lets the validator look at it. */
async function checkPatch(
  parts: Parts,
  question: Question,
  draft: Attempt,
  proposal: Extract<Proposal, { kind: "patch" }>,
  checkout: Checkout,
  signal: AbortSignal,
): Promise<Extract<Preparation, { kind: "attempt" }> | { kind: "refused"; why: string }> {
  const { spec, seen, incident } = question;
  const baseCommit = checkout.head;
  let made: { commit: string; diff: string };
  try {
    made = await parts.repositories.commit(
      checkout,
      commitRequest(parts, spec, incident, draft, proposal.edits),
    );
  } catch (error) {
    if (error instanceof EvenkeelError) return { kind: "refused", why: error.message };
    throw error;
  }
  const verdict = await ask(parts, question, validatorAgent, {
    directory: checkout.directory,
    edits: proposal.edits,
    settings: seen.service.settings,
  }, signal);
  if (verdict.verdict === "fail") {
    const failed = verdict.checks.filter((check) => check.result === "fail");
    return { kind: "refused", why: failed.map((check) => `${check.name}: ${check.detail}`).join("; ") };
  }
  const attempt: Attempt = {
    ...draft,
    baseCommit,
    branch: checkout.branch,
    commit: made.commit,
    repair: { kind: "patch", edits: proposal.edits, diff: made.diff },
  };
  return { kind: "attempt", attempt, checkout };
}

/** The same attempt always makes the same request, so that a restart makes the same commit again. */
export function commitRequest(
  parts: Pick<Parts, "author">,
  spec: ServiceSpec,
  incident: Incident,
  attempt: Attempt,
  edits: Extract<Repair, { kind: "patch" }>["edits"],
) {
  return {
    edits,
    allowedPaths: spec.policy.allowedPaths,
    deniedPaths: spec.policy.deniedPaths,
    author: parts.author,
    message: commitMessage(incident, attempt),
    atSeconds: Math.floor(attempt.startedAt / 1000),
  };
}

/** How often this failure was attempted within a day, and which changes did not help it. */
async function triedBefore(
  parts: Pick<Parts, "store" | "clock">,
  incident: Incident,
  print: string,
): Promise<{ today: number; failed: Set<string> }> {
  const past = await parts.store.listIncidents({ serviceId: incident.serviceId, limit: INCIDENTS_READ });
  const attempts = [...past.filter((one) => one.id !== incident.id), incident]
    .flatMap((one) => one.attempts)
    .filter((attempt) => attempt.fingerprint === print);
  const since = parts.clock.now() - DAY_MS;
  const counted = attempts.filter((attempt) => attempt.startedAt >= since && attempt.status !== "abandoned");
  const failed = attempts.filter((attempt) =>
    attempt.status === "failed" || attempt.status === "no_effect" ||
    // A redeploy is free once an incident; a second one would be hoping.
    (attempt.repair.kind === "redeploy" && incident.attempts.includes(attempt))
  );
  return {
    today: counted.filter((attempt) => attempt.status !== "fixed").length,
    failed: new Set(failed.map((attempt) => attempt.repairHash)),
  };
}
