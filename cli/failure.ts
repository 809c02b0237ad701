/**
 * What is said when Evenkeel cannot go on by itself: one message with the last error, the evidence, what was tried
 * and what came of it, what earlier incidents say, and the command to go on. For people and for programs.
 */
import type { Pass } from "../reconciler/controller.ts";
import type { ServiceSpec } from "../reconciler/spec.ts";
import { lastErrorOf } from "../state/last_error.ts";
import { leftoversOf, leftoverText } from "../state/leftovers.ts";
import type { Leftover } from "../state/leftovers.ts";
import { exposedBy, exposedText, UNKNOWN } from "../state/iterations.ts";
import type { Attempt, Evidence, Incident } from "../state/records.ts";
import { lastCauseOf, seenBefore } from "../state/patterns.ts";
import type { Pattern } from "../state/patterns.ts";
import type { Store } from "../state/store.ts";
import { formatDuration } from "../text/duration.ts";
import { shellWord } from "../text/shell_word.ts";
import { createPainter, safe, table, whole } from "./output.ts";
import type { Painter } from "./output.ts";

/** Earlier incidents that are looked through, of all services. */
const INCIDENTS_READ = 1000;
const EVIDENCE_SHOWN = 8;
const SERVICES_SHOWN = 3;
const LEFT_SHOWN = 10;

export interface Failure {
  service: string;
  /** One CamelCase word. */
  reason: string;
  message: string;
  lastError: string;
  /** Of the failure that was there last; `unknown` where its log names none, `null` where none was read. */
  lastCause: string | null;
  evidence: Evidence[];
  tried: {
    attempt: number;
    cause: string;
    remedy: string;
    status: Attempt["status"];
    /** The cause that came to light when its own was gone; `null` otherwise. */
    exposed: string | null;
    error: string | null;
    durationMs: number | null;
  }[];
  seenBefore: Pattern[];
  /** What was changed, did not heal and is still so. */
  left: Leftover[];
  /** The command to go on. */
  resume: string;
}

/**
 * @param why what ended it and the command to go on, where the incident itself is not stalled
 * @throws {EvenkeelError} when the store cannot be read
 */
export async function describeFailure(
  store: Pick<Store, "listIncidents" | "getService">,
  incident: Incident,
  why: { reason: string; message: string; resume: string | null },
): Promise<Failure> {
  const { stalled, attempts } = incident;
  const shown = attempts.flatMap((attempt) => attempt.evidence ?? []).slice(-1);
  return {
    service: incident.serviceName,
    reason: stalled?.reason ?? why.reason,
    message: stalled?.message ?? why.message,
    lastError: lastErrorOf(incident),
    lastCause: lastCauseOf(incident),
    evidence: stalled !== null && stalled.evidence.length > 0 ? stalled.evidence : shown,
    tried: attempts.map((attempt) => ({
      attempt: attempt.number,
      cause: attempt.cause,
      remedy: attempt.remedy,
      status: attempt.status,
      exposed: exposedBy(attempt),
      error: attempt.error,
      durationMs: attempt.endedAt === null ? null : attempt.endedAt - attempt.startedAt,
    })),
    seenBefore: seenBefore(incident, await store.listIncidents({ limit: INCIDENTS_READ })),
    left: leftoversOf(incident, (await store.getService(incident.serviceId))?.hold),
    resume: stalled?.resume ?? why.resume ?? onceCommand(incident.serviceName),
  };
}

/** The command that goes on with a service that is not stalled. */
export function onceCommand(service: ServiceSpec["service"]): string {
  return `deno task once --service ${shellWord(service)}`;
}

/** The whole message for people. */
export function renderFailure(failure: Failure, painter: Painter): string {
  const { paint } = painter;
  const head = `${paint("bold", safe(failure.service))}  ${paint("red", "needs a person")}  ${
    paint("dim", failure.reason)
  }`;
  const tried = failure.tried.map((one): [string, string] => [
    `attempt ${one.attempt}`,
    `${safe(one.remedy)} for ${safe(one.cause)}: ${resultOf(one)}`,
  ]);
  const rows: [string, string][] = [
    ["why", whole(failure.message)],
    ...tried.length === 0 ? [["tried", "nothing: no change was made"] satisfies [string, string]] : tried,
    ...failureRows(failure, painter),
  ];
  return `${head}\n${table(rows.map(([key, text]) => [paint("dim", key), text]), { indent: 2 })}`;
}

/**
 * Gives a function that prints the message of a stalled incident once, for those who watch passes.
 * @param print takes the whole message
 */
export function createExplainer(print: (text: string) => void) {
  const painter = createPainter();
  /** When the incident of a service stalled, as it was last said. */
  const said = new Map<string, number>();
  return async (
    store: Pick<Store, "listIncidents" | "getService">,
    { outcome, incident }: Pass,
  ): Promise<void> => {
    const stalled = incident?.stalled ?? null;
    if (outcome.kind !== "stalled" || incident === null || stalled === null) return;
    if (said.get(incident.serviceId) === stalled.at) return;
    said.set(incident.serviceId, stalled.at);
    print(`\n${renderFailure(await describeFailure(store, incident, outcome), painter)}\n`);
  };
}

/** The lines of a log that show what is wrong. */
export function evidenceRows(evidence: readonly Evidence[]): [string, string][] {
  return evidence.slice(0, EVIDENCE_SHOWN).map((
    { line, text },
  ) => ["evidence", `line ${line}: ${safe(text)}`]);
}

/** The rows that a report adds to what it says of an incident anyway. */
export function failureRows(failure: Failure, { paint }: Painter): [string, string][] {
  const rows: [string, string][] = [];
  if (failure.lastError !== failure.message) rows.push(["last error", safe(failure.lastError)]);
  rows.push(...evidenceRows(failure.evidence));
  rows.push(...seenRows(failure));
  rows.push(...leftRows(failure.left), ["to go on", paint("bold", safe(failure.resume))]);
  return rows;
}

/** One row for each change that stays although it did not heal. */
export function leftRows(left: readonly Leftover[]): [string, string][] {
  const rows = left.slice(0, LEFT_SHOWN).map((one): [string, string] => ["left", whole(leftoverText(one))]);
  const untold = left.length - rows.length;
  return untold > 0 ? [...rows, ["left", `and ${untold} more; -o json has all`]] : rows;
}

function resultOf({ status, cause, exposed, error, durationMs }: Failure["tried"][number]): string {
  const took = durationMs === null ? "" : ` after ${formatDuration(durationMs)}`;
  const then = exposed === null ? "" : `, then ${safe(exposedText(exposed, cause))} came to light`;
  return `${status.replaceAll("_", " ")}${took}${then}${error === null ? "" : `: ${safe(error)}`}`;
}

/** What is known of the failure that was there last comes first, and be it that nothing is. */
function seenRows({ lastCause, seenBefore }: Failure): [string, string][] {
  const texts = seenBefore.map(patternText);
  if (lastCause === UNKNOWN) {
    texts.unshift("not known: the last failure has no cause that could be compared (see evenkeel unknowns)");
  } else if (lastCause === null) {
    texts.unshift("not known: nothing was tried whose cause could be compared");
  } else if (!seenBefore.some(({ isLast }) => isLast)) {
    texts.unshift(`no: no earlier incident had this cause, ${safe(lastCause)}`);
  }
  return texts.map((text) => ["seen before", text]);
}

function patternText(
  { match, cause, isLast, incidents, services, healed, worked, failed }: Pattern,
): string {
  const times = `in ${incidents} earlier incident${incidents === 1 ? "" : "s"}`;
  const names = services.slice(0, SERVICES_SHOWN).map((name) => safe(name, 60)).join(", ");
  const more = services.length - SERVICES_SHOWN;
  const others = more <= 0 ? "" : ` and ${more} ${more === 1 ? "other" : "others"}`;
  const named = safe(cause);
  const what = match === "cause"
    ? `another ${named}`
    : isLast
    ? `this very failure, ${named},`
    : `what came before it, ${named},`;
  const list = (remedies: Pattern["worked"]) =>
    remedies.map(({ remedy, times }) => `${safe(remedy)} (${times})`).join(", ");
  return [
    `${what} ${times} of ${names}${others}, ${healed} healed`,
    worked.length === 0 ? "nothing worked" : `worked: ${list(worked)}`,
    ...failed.length === 0 ? [] : [`did not: ${list(failed)}`],
  ].join("; ");
}
