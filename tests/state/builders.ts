/** Records with plausible fields, for tests that care about a few of them. */
import { join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import type { Attempt, Incident, Outcome, ServiceRecord, StateEvent } from "../../state/records.ts";

export const START = Date.UTC(2026, 0, 1);

export function serviceRecord(fields: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    serviceId: "srv-1",
    name: "api",
    url: "http://127.0.0.1:1",
    updatedAt: START,
    generation: 1,
    conditions: [{
      type: "Ready",
      status: "True",
      reason: "Proven",
      message: "Good for 2m",
      lastTransitionTime: "2026-01-01T00:00:00Z",
      observedGeneration: 1,
    }],
    streak: null,
    recentVerdicts: ["good"],
    liveDeployId: "dep-1",
    liveCommit: "c0ffee",
    provenDeploys: [],
    badCommits: [],
    hold: null,
    ...fields,
  };
}

export function attempt(fields: Partial<Attempt> = {}): Attempt {
  return {
    number: 1,
    startedAt: START,
    endedAt: null,
    status: "running",
    diagnosedDeployId: "dep-1",
    cause: "python-dependency-conflict",
    confidence: 0.9,
    summary: "flask 2.0 and werkzeug 3.0 do not fit",
    evidence: { line: 3, text: "ERROR: ResolutionImpossible" },
    fingerprint: "fp1",
    remedy: "unpin",
    why: null,
    risk: "low",
    repair: {
      kind: "patch",
      edits: [{ path: "requirements.txt", content: "flask\n" }],
      diff: "-flask==2.0\n+flask",
    },
    repairHash: "hash1",
    baseCommit: null,
    branch: null,
    commit: null,
    pullRequestUrl: null,
    stepsDone: [],
    publishedAt: null,
    deployId: null,
    deployRequestedAt: null,
    build: null,
    error: null,
    ...fields,
  };
}

export function incident(fields: Partial<Incident> = {}): Incident {
  return {
    id: "inc_1",
    serviceId: "srv-1",
    serviceName: "api",
    sessionId: "s1",
    openedAt: START,
    closedAt: null,
    gap: "deploy-failed",
    message: "Deploy dep-1 failed",
    deployId: "dep-1",
    commit: "c0ffee",
    status: "open",
    stalled: null,
    attempts: [attempt()],
    attemptsBefore: 0,
    ...fields,
  };
}

export function healed(number: number): Incident {
  return incident({
    id: `inc_${number}`,
    status: "healed",
    openedAt: START + number * 1000,
    closedAt: START + number * 1000 + 500,
    attempts: [attempt({ status: "fixed", endedAt: START + 500, repairHash: `hash${number}` })],
  });
}

export function event(fields: Partial<StateEvent> = {}): StateEvent {
  return {
    at: START,
    serviceId: "srv-1",
    incidentId: "inc_1",
    type: "IncidentOpened",
    message: "Deploy dep-1 failed",
    data: null,
    ...fields,
  };
}

export function outcome(fields: Partial<Outcome> = {}): Outcome {
  return {
    at: START,
    serviceId: "srv-1",
    incidentId: "inc_1",
    attempt: 1,
    cause: "python-dependency-conflict",
    fingerprint: "fp1",
    remedy: "unpin",
    outcome: "healed",
    durationMs: 1000,
    ...fields,
  };
}

/** What a Deno child needs to find the modules we have. */
export function denoEnvironment(): Record<string, string> {
  const environment = toolEnvironment();
  for (const name of ["HOME", "DENO_DIR"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** Runs a test in a folder of its own. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-state-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

export async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) {
      names.push(...(await namesIn(join(folder, entry.name))).map((name) => `${entry.name}/${name}`));
    } else names.push(entry.name);
  }
  return names.sort();
}
