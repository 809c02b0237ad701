/** A session as a person reads it. What it says may come from files that anybody wrote: every value is made safe. */
import type { PhaseRecord } from "../state/artifact_shapes.ts";
import { exposedText } from "../state/iterations.ts";
import type { Session } from "../state/sessions.ts";
import { formatDuration } from "../text/duration.ts";
import { evidenceRows, leftRows } from "./failure.ts";
import { safe, table, whole } from "./output.ts";
import type { Painter } from "./output.ts";
import { causeText, renderDiff, statusText } from "./report.ts";
import { RESULT_STYLES, resultOf } from "./sessions.ts";

type Planned = Session["plan"]["incidents"][number];
type Ended = Session["final"]["incidents"][number];

/** Incidents told in full; the rest are counted. */
const INCIDENTS_TOLD = 20;
const REMEDIES_SHOWN = 6;

export function renderSession({ plan, final, wentOn }: Session, painter: Painter): string {
  const { paint } = painter;
  const result = resultOf(final);
  const next = new Map(Object.entries(wentOn));
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const head = [
    `${paint("bold", `Session ${safe(plan.session)}`)}  ${paint(RESULT_STYLES[result], result)}`,
    `${timeOf(final.startedAt)} to ${timeOf(final.writtenAt)} UTC, ${
      count(final.incidents.length, "incident")
    }, ${count(final.attempts, "attempt")}`,
  ].join("\n");
  // In the order in which they happened.
  const told = final.incidents.slice(0, INCIDENTS_TOLD).toReversed().map((ended) =>
    renderIncident(ended, plan.incidents.find(({ id }) => id === ended.id), next.get(ended.id), painter)
  );
  const untold = final.incidents.length - told.length;
  const blocks = untold > 0
    ? [`${count(untold, "earlier incident")} not shown; -o json has all`, ...told]
    : told;
  const quiet = final.services.map(({ name }) => safe(name, 60)).join(", ");
  if (blocks.length === 0) {
    blocks.push(
      quiet === ""
        ? "Nothing was seen."
        : `Nothing broke: ${quiet} ${result === "well" ? "in the desired state" : "looked at"}.`,
    );
  }
  const phases = plan.phases.filter(({ durationMs }) => durationMs !== null);
  const agents = plan.agents.map(({ agent, runs, durationMs }) =>
    `${safe(agent, 40)} ${count(runs, "run")} in ${formatDuration(durationMs)}`
  );
  const rows: [string, string][] = [];
  // Of one incident they stand with it.
  if (phases.length > 0 && told.length !== 1) rows.push(["phases", durations(phases)]);
  if (agents.length > 0) {
    const how = plan.topology === null ? "no topology" : `topology ${safe(plan.topology, 40)}`;
    rows.push(["agents", `${agents.join(", ")}; ${how}`]);
  }
  const whole = rows.length === 0 ? [] : [`${paint("bold", "In all")}\n${facts(rows, painter)}`];
  return [head, ...blocks, ...whole].join("\n\n");
}

/** @param next the session that went on with it */
function renderIncident(
  ended: Ended,
  planned: Planned | undefined,
  next: string | undefined,
  painter: Painter,
): string {
  const { paint } = painter;
  const openedAt = Date.parse(ended.openedAt);
  const took = ended.closedAt === null ? "" : ` in ${formatDuration(Date.parse(ended.closedAt) - openedAt)}`;
  const style = ended.status === "healed" ? "green" : ended.status === "stalled" ? "red" : "yellow";
  const head = `${paint("bold", safe(ended.service))}  ${paint(style, ended.status)}${took}  ${
    paint("dim", safe(ended.id, 60))
  }`;
  const rows: [string, string][] = [];
  if (planned !== undefined) {
    rows.push(["broke", `${timeOf(ended.openedAt)} UTC, ${planned.gap}: ${safe(planned.message)}`]);
    rows.push(["strategy", safe(planned.strategy)]);
    const numbers = new Set([
      ...planned.remedies.map(({ attempt }) => attempt),
      ...planned.steps.map(({ attempt }) => attempt),
      ...planned.swarmFailures.map(({ attempt }) => attempt),
      ...planned.rehearsals.map(({ attempt }) => attempt),
    ]);
    for (const number of numbers) rows.push(...attemptRows(planned, number, painter));
  }
  if (ended.stalled !== null) {
    rows.push(["ended", `${safe(ended.stalled.reason, 60)}: ${whole(ended.stalled.message)}`]);
    const { lastError, evidence } = ended.stalled;
    if (lastError !== null && lastError !== ended.stalled.message) rows.push(["last error", safe(lastError)]);
    rows.push(...evidenceRows(evidence));
  } else if (ended.status !== "open" || next === undefined) rows.push(["ended", endOf(ended, planned)]);
  if (planned !== undefined && planned.phases.length > 0) rows.push(["phases", durations(planned.phases)]);
  rows.push(...leftRows(ended.left));
  if (next !== undefined) rows.push(["went on", `in session ${safe(next)}`]);
  else if (ended.stalled !== null) rows.push(["to go on", paint("bold", safe(ended.stalled.resume))]);
  return `${head}\n${facts(rows, painter)}`;
}

/** What was meant, what was seen, what was considered and why, what was changed and what came of it. */
function attemptRows(planned: Planned, number: number, { paint }: Painter): [string, string][] {
  const rows: [string, string][] = [];
  const step = planned.steps.find(({ attempt }) => attempt === number);
  const iteration = planned.iterations.find((one) => one.number === number);
  if (step !== undefined) {
    rows.push([`attempt ${number}`, whole(step.summary)]);
    if (step.evidence) rows.push(["evidence", `line ${step.evidence.line}: ${safe(step.evidence.text)}`]);
    rows.push(["cause", causeText(step.cause, step.confidence, step.kind)]);
  }
  for (const { message } of planned.swarmFailures.filter(({ attempt }) => attempt === number)) {
    rows.push(["swarm failed", whole(message)]);
  }
  const ranked = planned.remedies.filter(({ attempt }) => attempt === number).slice(0, REMEDIES_SHOWN);
  for (const { remedy, expectedSuccess, why, isChosen } of ranked) {
    const likely = expectedSuccess === null ? "" : `${Math.round(expectedSuccess * 100)} % likely to heal, `;
    rows.push([isChosen ? "chosen" : "considered", `${safe(remedy)}: ${likely}${safe(why)}`]);
  }
  for (const { message } of planned.rehearsals.filter(({ attempt }) => attempt === number)) {
    rows.push(["rehearsed", whole(message)]);
  }
  if (step === undefined || iteration === undefined) return rows;
  if (step.diff !== null) rows.push(["change", renderDiff(step.diff, paint)]);
  const { status, error, exposed, deployId, durationSeconds } = iteration;
  const took = durationSeconds === null ? "" : ` after ${formatDuration(durationSeconds * 1000)}`;
  const isNamed = deployId === null || error?.includes(deployId) === true;
  const deploy = isNamed ? "" : `, deploy ${safe(deployId, 60)}`;
  const why = error === null || exposed !== null ? "" : `: ${safe(error)}`;
  rows.push(["result", `${paint("bold", statusText(status))}${took}${deploy}${why}`]);
  if (exposed !== null) {
    rows.push(["then", `${safe(exposedText(exposed, step.cause))} came to light: ${safe(error ?? "")}`]);
  }
  return rows;
}

function endOf(ended: Ended, planned: Planned | undefined): string {
  const completion = planned?.phases.find(({ phase }) => phase === "Completion");
  if (ended.status === "open") return "It goes on";
  return completion === undefined ? "In the desired state again" : safe(completion.summary);
}

function durations(phases: readonly PhaseRecord[]): string {
  return phases.flatMap(({ phase, durationMs }) =>
    durationMs === null ? [] : [`${phase} ${formatDuration(durationMs)}`]
  ).join(", ");
}

function facts(rows: readonly [string, string][], { paint }: Painter): string {
  return table(rows.map(([key, text]) => [paint("dim", key), text]), { indent: 2 });
}

/** `2026-01-01 12:00:00` */
function timeOf(time: string): string {
  return safe(time.slice(0, 19).replace("T", " "));
}
