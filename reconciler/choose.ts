/**
 * Turns a diagnosis into an attempt: the fixer proposes remedies in the optimizer's order, the policy and the past
 * are asked, the commit is made without being published, and the validator looks at it. Where it is to be rehearsed the
 * choice ends there, and is made anew when the build is over: what was true before it is asked again.
 */
import { fixer } from "../agents/fixer/agent.ts";
import { REDEPLOY_REMEDY } from "../agents/fixer/remedies/network.ts";
import { remediesFor } from "../agents/fixer/remedies/all.ts";
import type { Diagnosis, OptimizerOutput, Proposal, RepositoryView, Settings } from "../agents/messages.ts";
import { buildFacts } from "../agents/optimizer/facts.ts";
import type { Swarm } from "../agents/swarm/swarm.ts";
import { createRehearsal } from "../agents/tools/rehearsal.ts";
import { validatorAgent } from "../agents/validator/agent.ts";
import { REHEARSAL } from "../agents/validator/rehearsal.ts";
import { EvenkeelError } from "../base/errors.ts";
import { keepEdits, writtenLines } from "../state/kept_edits.ts";
import { SETTING_REFUSED } from "../state/last_error.ts";
import type { KeptEdit } from "../state/kept_edits.ts";
import type { Attempt, Edit, Repair, Risk } from "../state/records.ts";
import { fingerprint } from "../text/fingerprint.ts";
import { cleanLog, REDACTED } from "../text/redact.ts";
import { sanitizeLine, sanitizeLog } from "../text/sanitize.ts";
import { commitRequest } from "./commit_request.ts";
import type { FailureLog } from "./evidence.ts";
import { newAttempt } from "./incident.ts";
import { liveDeploy } from "./observation.ts";
import type { Sighting } from "./observation.ts";
import type { Checkout, Parts } from "./parts.ts";
import { isWithinRisk } from "./policy.ts";
import type { Note, Preparation, Question } from "./preparation.ts";
import { planRehearsal, rehearsalNotes } from "./rehearsal.ts";
import { provingText } from "./proving.ts";
import { describePatch, withPatch } from "./setting.ts";
import { verdictOf } from "./samples.ts";
import { triedBefore } from "./tried.ts";

/** What a person can do where Render refuses a setting and no other remedy applies. */
const SETTING_HELP = "let the API key change the service's settings, or make the change by hand";
/** Characters of what an attempt does and why, as it is kept. */
const SUMMARY_CHARS_MAX = 1500;
/** Remedies tried on paper for one diagnosis. */
const REMEDIES_MAX = 6;

export interface Choice {
  parts: Parts;
  question: Question;
  swarm: Swarm;
  diagnosis: Diagnosis;
  advice: OptimizerOutput;
  checkout: Checkout;
  /** The files of the checkout that matter, as they were before the repair. */
  view: RepositoryView;
  log: FailureLog;
  /** As agents get them, without secrets. */
  settings: Settings;
  signal: AbortSignal;
  /** The riskiest remedy that may be chosen here. */
  riskMax: Risk;
  /** Told what happens before the choice is made. */
  onNote: (note: Note) => void;
}

export async function chooseRepair(choice: Choice): Promise<Preparation> {
  const { parts, question, swarm, diagnosis, advice, checkout } = choice;
  const { spec, seen, incident } = question;
  const evidence = diagnosis.evidence === null ? [] : [diagnosis.evidence];
  const summary = diagnosis.summary.replace(/\.$/, "");
  const stalled = (reason: string, message: string): Preparation => ({
    kind: "stall",
    reason,
    message: choice.log.redact(message),
    evidence,
  });
  const tried = await triedBefore(parts, incident, diagnosis.fingerprint);
  if (tried.today >= spec.policy.attemptsPerFingerprintMax) {
    return stalled("FingerprintSpent", `${summary}. ${tried.today} attempts at it within a day are enough`);
  }
  const again = deployAgain(choice);
  if (again !== null && !tried.failed.has(again.repairHash)) {
    return { kind: "attempt", attempt: again, checkout: null };
  }
  const offered = new Set(remediesFor(diagnosis, seen.service.settings.runtime).map(({ id }) => id));
  if (offered.size === 0) {
    const message = `${summary}. No remedy is known for ${diagnosis.cause}: a person has to mend it`;
    return stalled("NoRemedy", message);
  }
  const refusals = advice.withheld.map(({ remedy, why }) => ({ text: `${remedy}: ${why}`, applies: false }));
  const refuse = (remedy: string, why: string, applies = true) =>
    refusals.push({ text: `${remedy}: ${why}`, applies });
  let isSettingRefused = false;
  // The optimizer orders what there is; it adds nothing.
  const order = [...new Set(advice.order.map(({ remedy }) => remedy))].filter((remedy) =>
    offered.has(remedy)
  );
  for (const remedy of order.slice(0, REMEDIES_MAX)) {
    const proposal = await swarm.run(fixer, {
      remedy,
      diagnosis,
      settings: choice.settings,
      directory: checkout.directory,
      paths: await checkout.paths(),
      ...(seen.service.settings.runtime === "docker" ? { log: sanitizeLog(choice.log.text) } : {}),
      coreProviders: [...spec.policy.coreProviders],
    });
    if (proposal.kind === "none") {
      refuse(remedy, proposal.why, false);
      continue;
    }
    const refusal = guard(choice, proposal);
    if (refusal !== null) {
      refuse(remedy, refusal);
      continue;
    }
    const draft = draftAttempt(choice, remedy, proposal);
    if (tried.failed.has(draft.repairHash)) {
      refuse(remedy, "the same change was tried before and did not help");
      continue;
    }
    const refused = tried.refused.get(draft.repairHash);
    if (refused !== undefined) {
      isSettingRefused = true;
      refuse(remedy, refused);
      continue;
    }
    if (proposal.kind !== "patch") return { kind: "attempt", attempt: draft, checkout: null };
    const checked = await checkPatch(choice, draft, proposal);
    if (checked.kind !== "refused") return checked;
    // Nothing was tried where it counts. The commit that failed its check lies on no branch, and the next one begins
    // from the same files.
    refuse(remedy, checked.why);
  }
  // Where one applies, those that do not are no news.
  const told = refusals.filter(({ applies }) => applies || !isSettingRefused);
  const why = sanitizeLine(told.map(({ text }) => text).join("; "), 600);
  return isSettingRefused
    ? stalled(SETTING_REFUSED, `${summary}. ${why}. What helps: ${SETTING_HELP}; then resume`)
    : stalled("NoRemedyApplies", `${summary}. No remedy applies: ${why}`);
}

/**
 * The same commit once more: where chance alone may have failed it, nothing is changed before that, whatever has
 * healed the cause before. A second one would be hoping.
 */
function deployAgain(choice: Choice): Attempt | null {
  const { diagnosis, advice } = choice;
  const isWithheld = advice.withheld.some(({ remedy }) => remedy === REDEPLOY_REMEDY);
  if (!diagnosis.redeployMayCure || isWithheld) return null;
  const proposal = {
    kind: "redeploy",
    clearCache: false,
    summary: "Deploy the same commit once more",
    risk: "low",
  } as const;
  if (guard(choice, proposal) !== null) return null;
  const why = "chance alone may have failed it: once more comes before any change";
  return { ...draftAttempt(choice, REDEPLOY_REMEDY, proposal), why };
}

/** What the policy says against a proposal. */
function guard(
  { question, riskMax, log }: Choice,
  proposal: Exclude<Proposal, { kind: "none" }>,
): string | null {
  const { policy } = question.spec;
  if (!isWithinRisk(proposal.risk, riskMax)) return `its risk is ${proposal.risk}, allowed is ${riskMax}`;
  if (proposal.kind === "setting" && !policy.mayChangeSettings) {
    return "the policy allows no change of settings";
  }
  if (proposal.kind === "setting") {
    const lines = describePatch(question.seen.service, proposal.patch);
    // The fixer saw the command without its secret, and what is intended is kept.
    if (lines.includes(REDACTED) || log.redact(lines) !== lines) return "the setting holds a secret";
  }
  return null;
}

/** Whether a patch would put a secret into the repository, or what stands for one. */
function writesSecret(kept: readonly KeptEdit[], log: FailureLog): boolean {
  const lines = writtenLines(kept).join("");
  return lines.includes(REDACTED) || log.redact(lines) !== lines;
}

/** The deploy that serves well now: if the repair makes things worse, this is what it is taken back to. */
function servingWell(seen: Sighting): Attempt["serving"] {
  const live = liveDeploy(seen.deploys);
  const isWell = verdictOf(seen) === "good" && live !== null && live.commit !== null;
  return isWell ? { deployId: live.id, commit: live.commit ?? "" } : null;
}

function draftAttempt(
  { parts, question, diagnosis, advice, view, log }: Choice,
  remedy: string,
  proposal: Exclude<Proposal, { kind: "none" }>,
): Attempt {
  const { seen, incident, deploy } = question;
  const repair: Repair = proposal.kind === "patch"
    ? { kind: "patch", edits: proposal.edits, diff: "" }
    : proposal.kind === "setting"
    ? {
      kind: "setting",
      patch: proposal.patch,
      diff: log.redact(describePatch(seen.service, proposal.patch)),
    }
    : { kind: "redeploy", clearCache: proposal.clearCache };
  const { evidence } = diagnosis;
  return newAttempt(incident, {
    diagnosedDeployId: deploy.id,
    newestDeployId: seen.deploys[0]?.id ?? null,
    serving: servingWell(seen),
    cause: diagnosis.cause,
    confidence: diagnosis.confidence,
    summary: sanitizeLine(
      log.redact(`${diagnosis.summary.replace(/\.$/, "")}. ${proposal.summary}`),
      SUMMARY_CHARS_MAX,
    ),
    evidence: evidence === null
      ? null
      : { line: evidence.line, text: sanitizeLine(log.redact(evidence.text)) },
    fingerprint: diagnosis.fingerprint,
    failureClass: {
      id: diagnosis.failureClass.id,
      about: sanitizeLine(log.redact(diagnosis.failureClass.about)),
    },
    remedy,
    why: whyChosen(advice, remedy, provingText(incident, remedy, diagnosis)),
    risk: proposal.risk,
    repair,
    build: buildFacts(
      proposal.kind === "patch" ? withEdits(view, proposal.edits) : view,
      proposal.kind === "setting" ? withPatch(seen.service.settings, proposal.patch) : seen.service.settings,
      log.phases,
      (text) => sanitizeLine(log.redact(text)),
    ),
    repairHash: fingerprint([JSON.stringify(essence(proposal))]),
  }, parts.clock.now());
}

/** The place of a remedy in the optimizer's order and the reason for it, for people. */
function whyChosen({ order }: OptimizerOutput, remedy: string, proving: string | null): string | null {
  const place = order.findIndex((one) => one.remedy === remedy);
  const chosen = order[place];
  if (chosen === undefined) return null;
  const why = proving === null
    ? chosen.why
    : chosen.why === "never tried"
    ? proving
    : `${chosen.why}; ${proving}`;
  if (order.length === 1) return `the only remedy: ${why}`;
  if (place === 0) return `chosen first of ${order.length}: ${why}`;
  return `chosen after ${place === 1 ? "1 that does" : `${place} that do`} not apply: ${why}`;
}

/** The view with a patch in it. */
function withEdits({ paths, files }: RepositoryView, edits: readonly Edit[]): RepositoryView {
  const changed: Record<string, string> = { ...files };
  const all = new Set(paths);
  for (const { path, content } of edits) {
    if (content === null) {
      delete changed[path];
      all.delete(path);
    } else {
      changed[path] = content;
      all.add(path);
    }
  }
  return { paths: [...all], files: changed };
}

/** What makes two repairs the same: what they change, not what it was changed from. */
function essence(proposal: Exclude<Proposal, { kind: "none" }>): unknown {
  switch (proposal.kind) {
    case "patch":
      return proposal.edits;
    case "setting":
      return { kind: proposal.kind, patch: proposal.patch };
    case "redeploy":
      return { kind: proposal.kind, clearCache: proposal.clearCache };
  }
}

/** Makes the commit and lets the validator look at it. */
async function checkPatch(
  choice: Choice,
  draft: Attempt,
  proposal: Extract<Proposal, { kind: "patch" }>,
): Promise<Extract<Preparation, { kind: "attempt" | "rehearsing" }> | { kind: "refused"; why: string }> {
  const { parts, question, swarm, diagnosis, checkout, log } = choice;
  const { spec, incident } = question;
  const baseCommit = checkout.head;
  let made: { commit: string; diff: string };
  try {
    const request = commitRequest(parts, spec, incident, draft, proposal.edits);
    made = await parts.repositories.commit(checkout, request);
  } catch (error) {
    if (error instanceof EvenkeelError) return { kind: "refused", why: error.message };
    throw error;
  }
  const kept = await keepEdits((path) => checkout.read(path), proposal.edits);
  if (writesSecret(kept, log)) return { kind: "refused", why: "the lines that it changes hold a secret" };
  const plan = await planRehearsal(choice, {
    remedy: draft.remedy,
    edits: proposal.edits,
    commit: made.commit,
  });
  const known = plan?.known() ?? null;
  // It was judged and told of in an earlier pass.
  if (known?.kind === "refused") return known;
  const verdict = await swarm.run(
    validatorAgent,
    {
      directory: checkout.directory,
      edits: kept,
      settings: choice.settings,
      ...(plan === null || known === null ? {} : {
        rehearsal: {
          fingerprint: diagnosis.fingerprint,
          repository: withEdits(choice.view, proposal.edits),
          doubt: plan.doubt,
        },
      }),
    },
    known === null ? {} : { rehearse: createRehearsal(known) },
  );
  for (const note of rehearsalNotes(draft, verdict)) choice.onNote(note);
  if (verdict.verdict === "fail") {
    const failed = verdict.checks.filter((check) => check.result === "fail");
    const why = failed.map((check) => `${check.name}: ${check.detail}`).join("; ");
    if (failed.some(({ name }) => name === REHEARSAL)) plan?.refuse(why);
    return { kind: "refused", why };
  }
  if (plan !== null && known === null) return { kind: "rehearsing", ...plan.begin() };
  const attempt: Attempt = {
    ...draft,
    baseCommit,
    branch: checkout.branch,
    commit: made.commit,
    repair: { kind: "patch", edits: kept, diff: cleanLog(made.diff, log.redact) },
  };
  return { kind: "attempt", attempt, checkout };
}
