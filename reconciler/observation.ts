/**
 * The actual state of a service at one instant. What could not be learned is `null` or an unknown probe, never
 * a guess; the plan acts on neither.
 */
import type { Probe, Settings } from "../agents/messages.ts";
import type { DeployStatus } from "../render/schemas.ts";
import { unreachable } from "../base/errors.ts";

export interface DeployView {
  id: string;
  status: DeployStatus | "unknown";
  commit: string | null;
  trigger: string | null;
  /** Milliseconds since the epoch, by Render's clock. */
  createdAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
}

export interface ServiceView {
  id: string;
  name: string;
  ownerId: string;
  url: string | null;
  repo: string | null;
  branch: string | null;
  autoDeploy: boolean;
  suspended: boolean;
  suspendedBy: string[];
  inMaintenance: boolean;
  settings: Settings;
  dashboardUrl: string | null;
}

/** The criteria that are measured from outside. */
export interface Probes {
  health: Probe;
  json: Probe;
  database: Probe;
}

/** A service whose record and deploys could be read. */
export interface Sighting extends Probes {
  service: ServiceView;
  /** Newest first. */
  deploys: DeployView[];
}

export interface Observation {
  /** Milliseconds since the epoch; goes on while the machine sleeps. */
  at: number;
  /** When the look began, by the same clock. @default at */
  beganAt?: number;
  /** For durations; comparable only within one epoch. When the look had ended: nothing was seen later. */
  monotonicMs: number;
  /** When the look began: nothing was seen earlier. @default monotonicMs */
  beganMonotonicMs?: number;
  /** Names the process whose monotonic clock this is. */
  epoch: string;
  seen: Sighting | null;
  /** Why `seen` is null, for people. */
  problem: string | null;
}

/** What a deploy's status means for the loop. */
export type DeployState = "pending" | "live" | "failed" | "over" | "unknown";

export function stateOf(deploy: DeployView): DeployState {
  switch (deploy.status) {
    case "created":
    case "queued":
    case "build_in_progress":
    case "pre_deploy_in_progress":
    case "update_in_progress":
      return "pending";
    case "live":
      return "live";
    case "build_failed":
    case "pre_deploy_failed":
    case "update_failed":
      return "failed";
    case "deactivated":
    case "canceled":
      return "over";
    case "unknown":
      return "unknown";
    default:
      return unreachable(deploy.status);
  }
}

/** The deploy that serves, if any. */
export function liveDeploy(deploys: readonly DeployView[]): DeployView | null {
  return deploys.find((deploy) => stateOf(deploy) === "live") ?? null;
}

/** The newest deploy that says something about its commit: canceled ones do not. */
export function latestDeploy(deploys: readonly DeployView[]): DeployView | null {
  return deploys.find((deploy) => deploy.status !== "canceled") ?? null;
}

/** The deploy that is under way, if any. */
export function pendingDeploy(deploys: readonly DeployView[]): DeployView | null {
  return deploys.find((deploy) => stateOf(deploy) === "pending") ?? null;
}
