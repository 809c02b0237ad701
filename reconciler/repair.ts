/**
 * Prepares an attempt: reads the failure and lets the swarm say what it is and what to do. Has no effect on the
 * world; when the cause is not known it says so with the evidence. When the swarm itself fails, the same attempt
 * goes on in this process, one step after another and with low-risk remedies only; never both at once.
 */
import { mayRunInline, runInline } from "../agents/inline.ts";
import type { RunAgent } from "../agents/agent.ts";
import { remediesFor } from "../agents/fixer/remedies/all.ts";
import type {
  AnalyzerInput,
  Diagnosis,
  HistoryInput,
  MonitorOutput,
  OptimizerInput,
  OptimizerOutput,
  RepositoryView,
  Settings,
} from "../agents/messages.ts";
import { buildFacts } from "../agents/optimizer/facts.ts";
import { consult } from "../agents/swarm/consult.ts";
import { Swarm, SwarmFailure } from "../agents/swarm/swarm.ts";
import { chooseTopology } from "../agents/swarm/topology.ts";
import type { Topology, TopologyChoice } from "../agents/swarm/topology.ts";
import { EvenkeelError } from "../base/errors.ts";
import { RenderUnreachable } from "../render/api.ts";
import type { BuildFacts } from "../state/build_facts.ts";
import { recallClass } from "../state/recall.ts";
import type { Risk } from "../state/records.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { ADVICE_SUGGESTED, adviceHistory, newSuggestions } from "./advising.ts";
import { findingOf } from "./aftermath.ts";
import { chooseRepair } from "./choose.ts";
import { readFailureLog, readPlatformReason, viewRepository } from "./evidence.ts";
import type { FailureLog } from "./evidence.ts";
import { liveDeploy } from "./observation.ts";
import type { Sighting } from "./observation.ts";
import { monitorInput } from "./observe.ts";
import type { Checkout, Parts } from "./parts.ts";
import { isWithinRisk } from "./policy.ts";
import type { Note, Preparation, Question } from "./preparation.ts";
import { verifiedOnly } from "./proving.ts";
import { lastTopology, measuredRuns } from "./swarm_runs.ts";

/** How agents are run for one attempt. */
interface Manner {
  via: "swarm" | "fallback";
  runAgent: RunAgent;
  topology: Topology;
  riskMax: Risk;
}

/** The risk that the single-threaded loop may take where the swarm has failed. */
export const FALLBACK_RISK_MAX: Risk = "low";
/** Characters of what a class of failures is about that a reason names. */
const ABOUT_CHARS_MAX = 60;

export async function prepareAttempt(
  parts: Parts,
  question: Question,
  signal: AbortSignal,
): Promise<{ preparation: Preparation; notes: Note[] }> {
  const notes: Note[] = [];
  const { riskMax } = question.spec.policy;
  try {
    const choice = await pickTopology(parts, question, notes);
    const manner: Manner = { via: "swarm", runAgent: parts.runAgent, topology: choice.topology, riskMax };
    const preparation = await prepare(parts, question, manner, notes, signal).catch((error) => {
      if (error instanceof SwarmFailure) return error;
      throw error;
    });
    if (!(preparation instanceof SwarmFailure)) return { preparation, notes };
    const { agent, why } = preparation;
    const goesOn = mayRunInline(why);
    const next = goesOn ? "The same attempt goes on in this process" : "It is not run where nothing holds it";
    notes.push({
      type: "SwarmFailed",
      message: `${preparation.message}. ${next}`,
      data: { agent, why, goesOn },
    });
    if (why === "denied") {
      const stalled = { reason: "AgentDenied", message: preparation.message, evidence: [] };
      return { preparation: { kind: "stall", ...stalled }, notes };
    }
    if (!goesOn) throw preparation;
    await question.onNotes?.(notes.splice(0));
    const fallback: Manner = {
      via: "fallback",
      runAgent: parts.runFallback ?? runInline,
      topology: "hierarchical",
      riskMax: riskMax === "low" ? riskMax : FALLBACK_RISK_MAX,
    };
    return { preparation: await prepare(parts, question, fallback, notes, signal), notes };
  } catch (error) {
    const isPassing = error instanceof RenderUnreachable || error instanceof EvenkeelError ||
      error instanceof SwarmFailure;
    if (isPassing) return { preparation: { kind: "retry", message: error.message }, notes };
    throw error;
  }
}

async function pickTopology(parts: Parts, { incident }: Question, notes: Note[]): Promise<TopologyChoice> {
  const events = await parts.store.listEvents({ limit: 1000 });
  const before = lastTopology(events, incident.id);
  const choice: TopologyChoice = parts.topology === "auto"
    ? chooseTopology(measuredRuns(events), parts.freeMemoryMiB(), before)
    : { topology: parts.topology, why: "it is fixed by --topology" };
  if (before !== null && before !== choice.topology) {
    const message = `From ${before} to ${choice.topology}: ${choice.why}`;
    notes.push({
      type: "TopologySwitched",
      message,
      data: { from: before, to: choice.topology, why: choice.why },
    });
  }
  return choice;
}

/**
 * Times a consultation of the swarm, which is where the topologies differ: what fixer and validator take depends on
 * the incident. The fallback is no measurement of either.
 */
async function measured<T>(
  { clock }: Parts,
  { topology, via }: Manner,
  notes: Note[],
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = clock.monotonic();
  const note = (succeeded: boolean) => {
    if (via === "fallback") return;
    const durationMs = Math.round(clock.monotonic() - startedAt);
    const message = `${topology}, ${durationMs} ms${succeeded ? "" : ", failed"}`;
    notes.push({ type: "SwarmRan", message, data: { topology, durationMs, succeeded } });
  };
  try {
    const result = await work();
    note(true);
    return result;
  } catch (error) {
    if (error instanceof SwarmFailure) note(false);
    throw error;
  }
}

async function prepare(
  parts: Parts,
  question: Question,
  manner: Manner,
  notes: Note[],
  signal: AbortSignal,
): Promise<Preparation> {
  const { via, runAgent, topology, riskMax } = manner;
  const { spec, seen, incident } = question;
  const attempt = incident.attempts.length + 1;
  const gathering = gather(parts, question, signal);
  // Whoever needs it awaits it; until then a failure is not unhandled.
  gathering.catch(() => {});
  let kept = false;
  try {
    await using swarm = new Swarm({
      runAgent,
      toolbox: parts.toolbox,
      signal,
      occasion: {
        serviceId: incident.serviceId,
        serviceName: incident.serviceName,
        incidentId: incident.id,
        attempt,
      },
      onReport: ({ agent, output, durationMs }) =>
        parts.onAgentOutput(agent, output, { incident, attempt, via, topology, durationMs }),
    });
    const questions = {
      monitor: monitorInput(parts, spec, seen.service),
      evidence: gathering.then((gathered) => gathered.input),
      remedies: async (found: HistoryInput) =>
        await remedyQuestion(parts, question, found, riskMax, await gathering),
    };
    // Whoever asks for it handles its failure; until then it is not unhandled.
    questions.evidence.catch(() => {});
    const consulting = () => consult(topology, swarm, questions);
    const { monitor, diagnosis, advice } = await measured(parts, manner, notes, consulting);
    notes.push(...await suggestions(parts, question, advice, notes));
    // After a rollback it is the replaced deploy that is read, and how the old one does says nothing about it.
    const isServing = liveDeploy(seen.deploys)?.id === question.deploy.id;
    if (incident.gap === "unhealthy" && question.phase === "run" && isServing && isWell(monitor)) {
      return { kind: "changed", message: `Looking again: ${monitor.health.message} now` };
    }
    const { log, checkout, input } = await gathering;
    question.onFinding?.(findingOf(diagnosis, log));
    if (diagnosis.cause === "unknown" || diagnosis.confidence < spec.policy.confidenceMin) {
      return unknownCause(diagnosis, question, log);
    }
    const view = input.repository;
    const { settings } = input;
    const onNote = (note: Note) => void notes.push(note);
    const found = { diagnosis, advice, checkout, view, log, settings };
    const result = await chooseRepair({ parts, question, swarm, signal, ...found, riskMax, onNote });
    kept = (result.kind === "attempt" && result.checkout !== null) ||
      (result.kind === "rehearsing" && result.hasBegun);
    return result;
  } finally {
    if (!kept) await gathering.then(({ checkout }) => checkout[Symbol.asyncDispose](), () => {});
  }
}

/** All that was measured, not the health path alone: a database that is down behind it is no recovery. */
function isWell({ health, json, database }: MonitorOutput): boolean {
  return [health, json, database].every((probe) => probe.status === "good");
}

interface Gathered {
  log: FailureLog;
  checkout: Checkout;
  input: AnalyzerInput & { repository: RepositoryView; settings: Settings };
}

/** Reads the log, Render's reason and the repository, at once. */
export async function gather(
  parts: Parts,
  { seen, deploy, phase }: Question,
  signal: AbortSignal,
): Promise<Gathered> {
  const cloning = openCheckout(parts, seen, signal);
  try {
    const [log, platformReason, checkout] = await Promise.all([
      readFailureLog(parts, seen.service, deploy, phase, signal),
      readPlatformReason(parts.api, seen.service.id, deploy, signal),
      cloning,
    ]);
    const repository = await viewRepository(checkout, log.redact);
    const settings = cleanSettings(seen.service.settings, log.redact);
    const reason = platformReason === null ? null : log.redact(platformReason);
    return { log, checkout, input: { log: log.text, phase, settings, repository, platformReason: reason } };
  } catch (error) {
    await cloning.then((checkout) => checkout[Symbol.asyncDispose](), () => {});
    throw error;
  }
}

/** Commands may hold secrets; agents get them without. */
function cleanSettings(settings: Settings, redact: (text: string) => string): Settings {
  return {
    ...settings,
    buildCommand: redact(settings.buildCommand),
    startCommand: redact(settings.startCommand),
    preDeployCommand: redact(settings.preDeployCommand),
  };
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

/** The remedies of the cause that was found, what is remembered of them, and what advice rests on. */
async function remedyQuestion(
  { store, clock, freeMemoryMiB }: Parts,
  { seen, incident }: Question,
  found: HistoryInput,
  riskMax: Risk,
  { input, log }: Gathered,
): Promise<OptimizerInput> {
  const { cause, failureClass } = found;
  const offered = remediesFor(found, seen.service.settings.runtime).map((
    { id, kind, risk, isLastResort },
  ) => ({
    id,
    kind,
    risk,
    isLastResort,
    isAllowed: isWithinRisk(risk, riskMax),
  }));
  const clean = (text: string) => sanitizeLine(log.redact(text));
  const facts: BuildFacts = buildFacts(input.repository, input.settings, log.phases, clean);
  return {
    cause,
    about: sanitizeLine(log.redact(failureClass.about), ABOUT_CHARS_MAX),
    remedies: offered,
    history: await recallClass(verifiedOnly(store, [incident], found), clock.now(), cause, failureClass.id),
    advising: { history: await adviceHistory(store, seen.service.id, freeMemoryMiB()), facts },
  };
}

/** Advice as events, where the policy allows: a person or a hook acts on it, Evenkeel does not. */
async function suggestions(
  { store }: Parts,
  { spec, seen }: Question,
  { advice }: OptimizerOutput,
  notes: readonly Note[],
): Promise<Note[]> {
  if (!spec.policy.mayApplyAdvice || advice.length === 0) return [];
  const events = await store.listEvents({ serviceId: seen.service.id, limit: 1000 });
  return newSuggestions(advice, [...events, ...notes]).map(({ kind, recommendation, figures, because }) => ({
    type: ADVICE_SUGGESTED,
    message: recommendation,
    data: { kind, figures, because },
  }));
}

function unknownCause(diagnosis: Diagnosis, { deploy }: Question, log: FailureLog): Preparation {
  const { evidence, excerpt } = diagnosis;
  const guess = diagnosis.cause === "unknown"
    ? "no cause of the catalogue fits its log"
    : `probably ${diagnosis.cause} (${Math.round(diagnosis.confidence * 100)} %), too uncertain to act on`;
  const cut = log.isTruncated ? " (the log was longer than is read)" : "";
  return {
    kind: "stall",
    reason: "UnknownCause",
    message: `Why ${deploy.id} failed is not known: ${guess}${cut}`,
    evidence: excerpt.length > 0 || evidence === null ? excerpt : [evidence],
  };
}
