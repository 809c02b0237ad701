/**
 * What an incident's repairs have changed and nobody took back: settings and commits of attempts that did not heal.
 * Evenkeel does not undo them (docs/decisions/changes-that-stay.md); it says what they are and how to take them back.
 * Pure.
 */
import { z } from "zod";
import type { Attempt, Hold, Incident } from "./records.ts";

/** Leftovers of one incident that are told. */
const LEFTOVERS_TOLD = 50;

export const leftoverSchema = z.object({
  attempt: z.number(),
  kind: z.enum(["setting", "commit", "pull-request"]),
  what: z.string().describe("Which setting from what to what, or which commit on which branch"),
  cured: z.string().nullable().describe(
    "The cause that it cured; null when it is not known to have cured any",
  ),
  undo: z.string().describe("How to take it back"),
});
export type Leftover = z.infer<typeof leftoverSchema>;

interface Setting {
  attempt: Attempt;
  from: string;
  to: string;
}

/** @param hold what a rollback of the service left @default nothing */
export function leftoversOf(incident: Incident, hold: Hold | null = null): Leftover[] {
  const settings = new Map<string, Setting>();
  const found: Leftover[] = [];
  for (const attempt of incident.attempts) {
    const { repair, stepsDone } = attempt;
    if (repair.kind === "setting" && stepsDone.includes("setting")) {
      for (const [name, { from, to }] of settingsOf(repair.diff)) {
        // Of one that was changed twice, what it was at first is what it can be set back to.
        settings.set(name, { attempt, from: settings.get(name)?.from ?? from, to });
      }
    }
    if (repair.kind === "patch" && !staysForGood(incident, attempt)) found.push(...publishedBy(attempt));
  }
  for (const [name, { attempt, from, to }] of settings) {
    if (from === to || staysForGood(incident, attempt)) continue;
    const back = from === EMPTY ? `clear ${name}` : `set ${name} back to ${from}`;
    found.push({
      attempt: attempt.number,
      kind: "setting",
      what: `Setting ${name} was changed from ${from} to ${to}`,
      cured: curedBy(attempt),
      undo: `${back} in the service's settings at Render`,
    });
  }
  if (hold?.autoDeployWas === true && hold.incidentId === incident.id) {
    found.push({
      attempt: incident.attempts.find(({ stepsDone }) => stepsDone.includes("autodeploy-off"))?.number ?? 0,
      kind: "setting",
      what: "Setting autoDeploy was changed from yes to no by the rollback",
      cured: null,
      undo: "nothing to do: it is switched on again when a later commit is proven good",
    });
  }
  return found.sort((a, b) => a.attempt - b.attempt).slice(0, LEFTOVERS_TOLD);
}

/** In words that follow each other on one line. */
export function leftoverText({ attempt, what, cured, undo }: Leftover): string {
  const worth = cured === null ? "which did not heal" : `which cured ${cured}`;
  return `${what} (attempt ${attempt}, ${worth}). To take it back: ${undo}`;
}

/** Proven good, a step on the way of an incident that is healed, or not to be judged yet. */
function staysForGood(incident: Incident, { status, aftermath }: Attempt): boolean {
  if (status === "running") return true;
  return status === "fixed" && (aftermath?.isAnother !== true || incident.status === "healed");
}

function curedBy({ cause, status }: Attempt): string | null {
  return status === "fixed" ? cause : null;
}

function publishedBy(attempt: Attempt): Leftover[] {
  const { number, commit, branch, stepsDone, pullRequestUrl } = attempt;
  const base = { attempt: number, cured: curedBy(attempt) };
  if (stepsDone.includes("push") && commit !== null) {
    const short = commit.slice(0, 9);
    const on = `branch ${branch ?? "of the service"}`;
    return [{
      ...base,
      kind: "commit",
      what: `Commit ${short} is on ${on}`,
      undo: `git revert ${short} on ${on}, and push`,
    }];
  }
  if (!stepsDone.includes("pull-request")) return [];
  const where = pullRequestUrl ?? "in the repository";
  return [{
    ...base,
    kind: "pull-request",
    what: `Pull request ${where} was opened`,
    undo: "close it; if it was merged, revert the merge",
  }];
}

/** As a change of settings is described: a line that begins with a minus, then one with a plus. */
const CHANGE = /^-(\w+): (.*)\n\+\1: (.*)$/gm;
const EMPTY = "(empty)";

function settingsOf(diff: string): Map<string, { from: string; to: string }> {
  const quoted = (value: string) => value === EMPTY ? value : JSON.stringify(value);
  return new Map(
    [...diff.matchAll(CHANGE)].map((
      [, name = "", from = "", to = ""],
    ) => [name, { from: quoted(from), to: quoted(to) }]),
  );
}
