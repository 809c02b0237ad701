/** How a settlement reads: for people what was wrong, the line that shows it, what was done; for programs the same. */
import type { Step } from "../reconciler/action.ts";
import type { Settlement } from "../reconciler/settle.ts";
import { exposedBy, exposedText } from "../state/iterations.ts";
import { leftoversOf } from "../state/leftovers.ts";
import type { Attempt, Evidence, Hold, Incident, Repair } from "../state/records.ts";
import { formatDuration } from "../text/duration.ts";
import { failureRows, leftRows } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { safe, table, terminalColumns, whole } from "./output.ts";
import type { Painter, Style } from "./output.ts";

const DIFF_LINES_SHOWN = 40;
const DIFF_LINE_CHARS_MAX = 1000;
/** Columns that the label before a diff takes, and its sign. */
const DIFF_MARGIN = 24;
const DIFF_STYLES: Readonly<Record<string, Style>> = { "+": "green", "-": "red" };

const STEP_WORDS: Readonly<Record<Step, string>> = {
  push: "push the commit",
  "pull-request": "open the pull request",
  setting: "change the setting",
  deploy: "start a deploy",
  "autodeploy-off": "switch autodeploy off, then to roll back",
  "autodeploy-on": "switch autodeploy on again",
  rollback: "roll back",
  restart: "restart the service",
};

/**
 * One service for people.
 * @param failure what to say when a person is needed @default nothing
 */
export function renderSettlement(
  result: Settlement,
  painter: Painter,
  failure: Failure | null = null,
): string {
  const { paint } = painter;
  const name = paint("bold", safe(result.record.name));
  const { openedAt, closedAt = null } = result.incident ?? {};
  // As the incident's event has it: another run may have begun it.
  const tookMs = openedAt === undefined || closedAt === null ? result.durationMs : closedAt - openedAt;
  const took = formatDuration(tookMs);
  const rows: [string, string][] = [];
  const { incident, record } = result;
  let head: string;
  if (result.verdict === "ready") {
    head = incident === null
      ? `${name}  ${paint("green", "in the desired state")}`
      : `${name}  ${paint("green", "healed")} in ${took}`;
  } else if (result.verdict === "unobserved") {
    head = `${name}  ${paint("yellow", "could not be observed")}`;
  } else {
    head = `${name}  ${paint("red", "not in the desired state")}  ${paint("dim", result.reason)}`;
  }
  if (incident !== null) rows.push(["was", safe(incident.message)]);
  const withheld = result.withheld?.kind === "effect" ? result.withheld : null;
  for (const attempt of incident?.attempts ?? []) {
    rows.push(...attemptRows(attempt, paint, attempt.number === withheld?.attempt.number));
  }
  if (withheld !== null) {
    rows.push(["not done", `This only looked; the next step would be to ${STEP_WORDS[withheld.step]}`]);
  } else if (result.verdict !== "ready") rows.push(["why", whole(result.message)]);
  if (record.hold?.autoDeployWas === true) {
    const bad = safe(record.hold.badCommit.slice(0, 9));
    rows.push([
      "autodeploy",
      `off since the rollback from ${bad}: deploy the next commit by hand; it is switched on when one is proven good`,
    ]);
  }
  if (result.verdict === "ready" && record.url !== null) rows.push(["url", safe(record.url)]);
  // What became of autodeploy is said above.
  const left = incident === null ? [] : leftoversOf(incident);
  if (failure !== null) {
    // The evidence of attempts stands with them.
    const shown = (incident?.attempts ?? []).map(({ evidence }) => evidence?.text);
    const evidence = (incident?.stalled?.evidence ?? []).filter(({ text }) => !shown.includes(text));
    rows.push(...failureRows({ ...failure, evidence, left }, painter));
  } else rows.push(...leftRows(left));
  return [
    head,
    ...rows.length === 0 ? [] : [table(rows.map(([key, text]) => [paint("dim", key), text]), { indent: 2 })],
  ]
    .join("\n");
}

function evidenceText({ line, text }: Evidence): string {
  return `line ${line}: ${safe(text)}`;
}

function attemptRows(attempt: Attempt, paint: Painter["paint"], isPlanned: boolean): [string, string][] {
  const summary = whole(attempt.summary);
  const rows: [string, string][] = [
    isPlanned
      ? ["would do", summary]
      : [`attempt ${attempt.number}`, `${statusText(attempt.status)}: ${summary}`],
  ];
  if (attempt.evidence !== null) rows.push(["evidence", evidenceText(attempt.evidence)]);
  rows.push(["cause", causeText(attempt.cause, attempt.confidence, attempt.repair.kind)]);
  rows.push(["remedy", `${safe(attempt.remedy)}, risk ${attempt.risk}`]);
  if (attempt.why !== null) rows.push(["because", safe(attempt.why)]);
  const diff = diffOf(attempt.repair);
  if (diff !== null) rows.push(["change", renderDiff(diff, paint)]);
  if (attempt.commit !== null && attempt.stepsDone.length > 0) rows.push(["commit", safe(attempt.commit)]);
  if (attempt.pullRequestUrl !== null) rows.push(["pull request", safe(attempt.pullRequestUrl)]);
  if (attempt.deployId !== null) rows.push(["deploy", safe(attempt.deployId)]);
  const exposed = exposedBy(attempt);
  if (exposed !== null) {
    rows.push([
      "then",
      `${safe(exposedText(exposed, attempt.cause))} came to light: ${safe(attempt.error ?? "")}`,
    ]);
  } else if (attempt.error !== null) rows.push(["result", safe(attempt.error)]);
  return rows;
}

/** A cause with how sure it is; one that a rule of the plan gives is no diagnosis. */
export function causeText(cause: string, confidence: number, kind: string): string {
  const isRule = kind === "rollback" || kind === "restart";
  return isRule ? safe(cause) : `${safe(cause)} (${Math.round(confidence * 100)} %)`;
}

/** The status of an attempt in words. */
export function statusText(status: Attempt["status"] | "success"): string {
  return status.replaceAll("_", " ");
}

export function diffOf(repair: Repair): string | null {
  return repair.kind === "patch" || repair.kind === "setting" ? repair.diff : null;
}

/** A diff by file, with its lines of context, coloured, folded to the terminal; every line is cleaned. */
export function renderDiff(diff: string, paint: Painter["paint"]): string {
  const room = Math.max(20, terminalColumns() - DIFF_MARGIN);
  const lines = diff.split("\n").flatMap((line) => {
    const file = /^diff --git a\/.* b\/(.*)$/.exec(line)?.[1];
    if (file !== undefined) return [paint("bold", safe(file, room))];
    if (/^new file mode/.test(line)) return [paint("dim", "(a new file)")];
    if (!/^[-+ ]/.test(line) || /^(---|\+\+\+) /.test(line)) return [];
    // What cleans a line also trims it; in a diff the indent means something.
    const [, sign = " ", indent = "", rest = ""] = /^([-+ ])([ \t]{0,80})(.*)$/s.exec(line) ?? [];
    const text = `${indent.replaceAll("\t", "    ")}${safe(rest, DIFF_LINE_CHARS_MAX)}`;
    // A long line goes on below itself: nobody should have to guess what was changed.
    const pieces = text.match(new RegExp(`.{1,${room}}`, "gsu")) ?? [""];
    return pieces.map((piece, at) => paint(DIFF_STYLES[sign] ?? "dim", `${at === 0 ? sign : " "} ${piece}`));
  });
  const left = lines.length - DIFF_LINES_SHOWN;
  if (left <= 0) return lines.join("\n");
  return [...lines.slice(0, DIFF_LINES_SHOWN), `... ${left} more line${left === 1 ? "" : "s"}`].join("\n");
}

/** One service for programs; the shape is documented in docs/cli.md. */
export function settlementJson(result: Settlement, failure: Failure | null = null) {
  return {
    service: result.service,
    id: result.record.serviceId,
    name: result.record.name,
    url: result.record.url,
    verdict: result.verdict,
    reason: result.reason,
    message: result.message,
    resume: result.resume,
    conditions: result.record.conditions,
    /** What a rollback left: autodeploy off until a later commit is proven good. */
    hold: result.record.hold,
    incident: result.incident === null ? null : incidentJson(result.incident, result.record.hold),
    failure,
    wouldDo: result.withheld?.kind === "effect" ? attemptJson(result.withheld.attempt) : null,
    durationMs: Math.round(result.durationMs),
  };
}

function incidentJson(incident: Incident, hold: Hold | null) {
  const time = (ms: number | null) => ms === null ? null : new Date(ms).toISOString();
  return {
    id: incident.id,
    gap: incident.gap,
    message: incident.message,
    status: incident.status,
    openedAt: time(incident.openedAt),
    closedAt: time(incident.closedAt),
    stalled: incident.stalled === null ? null : {
      reason: incident.stalled.reason,
      message: incident.stalled.message,
      evidence: incident.stalled.evidence,
    },
    attempts: incident.attempts.map(attemptJson),
    left: leftoversOf(incident, hold),
  };
}

function attemptJson(attempt: Attempt) {
  return {
    number: attempt.number,
    status: attempt.status,
    cause: attempt.cause,
    confidence: attempt.confidence,
    summary: attempt.summary,
    evidence: attempt.evidence,
    fingerprint: attempt.fingerprint,
    remedy: attempt.remedy,
    why: attempt.why,
    risk: attempt.risk,
    kind: attempt.repair.kind,
    diff: diffOf(attempt.repair),
    commit: attempt.commit,
    pullRequestUrl: attempt.pullRequestUrl,
    deployId: attempt.deployId,
    error: attempt.error,
    exposed: exposedBy(attempt),
  };
}
