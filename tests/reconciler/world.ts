/** Builders for the pure tests: a spec, a sighting, a record, and a clock that is moved by hand. */
import type { Probe } from "../../agents/messages.ts";
import type { Clock } from "../../base/clock.ts";
import type { Memory } from "../../reconciler/action.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { DeployView, Observation, ServiceView, Sighting } from "../../reconciler/observation.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import type { Policy } from "../../reconciler/policy.ts";
import { addSample, emptyRecord } from "../../reconciler/samples.ts";
import { DEFAULT_SPEC } from "../../reconciler/spec.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import type { Attempt, Incident, ServiceRecord } from "../../state/records.ts";

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
export const GOOD: Probe = { status: "good", reason: "Ok", message: "fine" };
export const BAD: Probe = { status: "bad", reason: "HttpStatus", message: "GET /healthz answered 500" };
export const UNKNOWN: Probe = { status: "unknown", reason: "ConnectionFailed", message: "no connection" };

export function spec(
  change: Omit<Partial<ServiceSpec>, "policy"> & { policy?: Partial<Policy> } = {},
): ServiceSpec {
  return {
    ...DEFAULT_SPEC,
    service: "srv-a",
    repo: null,
    branch: null,
    expect: null,
    database: { kind: "none" },
    generation: 1,
    ...change,
    policy: { ...DEFAULT_POLICY, ...change.policy },
  };
}

export function deploy(
  id: string,
  status: DeployView["status"],
  change: Partial<DeployView> = {},
): DeployView {
  return {
    id,
    status,
    commit: `commit-${id}`,
    trigger: "new_commit",
    createdAt: NOW,
    startedAt: NOW,
    finishedAt: NOW,
    ...change,
  };
}

export function service(change: Partial<ServiceView> = {}): ServiceView {
  return {
    id: "srv-a",
    name: "my-api",
    ownerId: "tea-a",
    url: "http://127.0.0.1:1",
    repo: "/repo.git",
    branch: "main",
    autoDeploy: true,
    suspended: false,
    suspendedBy: [],
    inMaintenance: false,
    dashboardUrl: null,
    settings: {
      runtime: "node",
      plan: "starter",
      rootDir: "",
      buildCommand: "npm install",
      startCommand: "npm start",
      preDeployCommand: "",
      dockerfilePath: "",
      healthCheckPath: "",
      healthPath: "/healthz",
    },
    ...change,
  };
}

export function sighting(deploys: DeployView[], change: Partial<Sighting> = {}): Sighting {
  return { service: service(), deploys, health: GOOD, json: GOOD, database: GOOD, ...change };
}

export function observation(
  seen: Sighting | null,
  monotonicMs = 0,
  change: Partial<Observation> = {},
): Observation {
  return {
    at: NOW + monotonicMs,
    monotonicMs,
    epoch: "p1",
    seen,
    problem: seen === null ? "no answer" : null,
    ...change,
  };
}

/** The record after the same sighting was sampled a number of times, `everyMs` apart, ending at 0. */
export function sampled(
  seen: Sighting,
  times: number,
  spec: ServiceSpec,
  before: ServiceRecord = emptyRecord("srv-a", "my-api", 1),
  everyMs = 5_000,
): ServiceRecord {
  let record = before;
  for (let i = 0; i < times; i++) {
    record = addSample(record, observation(seen, (i - times + 1) * everyMs), spec);
  }
  return record;
}

export function memory(record: ServiceRecord, change: Partial<Memory> = {}): Memory {
  return { record, pending: [], effects: { lastHour: 0, lastDay: 0 }, sessionId: "s", ...change };
}

/** An incident that opened at `NOW` because dep-2 failed, with one attempt; of what only `change` tells. */
export function attempting(seen: Sighting, change: Partial<Attempt>): Incident {
  const facts = {
    gap: "deploy-failed",
    message: "",
    deployId: "dep-2",
    commit: null,
    sessionId: "s",
  } as const;
  const opened = openIncident(seen, facts, NOW);
  const attempt = newAttempt(opened, {
    diagnosedDeployId: "dep-2",
    cause: "c",
    summary: "s",
    remedy: "r",
    risk: "low",
    repair: { kind: "patch", edits: [], diff: "" },
    commit: "fix",
    ...change,
  }, NOW);
  return addAttempt(opened, attempt);
}

/** A clock that moves only when told; `sleep` ends when time has come. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ until: number; wake: () => void }>();

  now(): number {
    return NOW + this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { until: this.#now + ms, wake: () => resolve() };
      const wake = () => {
        this.#sleepers.delete(sleeper);
        resolve();
      };
      sleeper.wake = wake;
      if (signal?.aborted || ms <= 0) return wake();
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
  /** Moves time on and lets everything that it wakes run. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.until <= this.#now) sleeper.wake();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
}
