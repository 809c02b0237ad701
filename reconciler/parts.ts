/**
 * What the reconciler works with, as interfaces: everything that touches the world comes in here, so that the
 * tests and the simulator can put their own in its place.
 */
import type { RunAgent, Toolbox } from "../agents/agent.ts";
import type { AgentName } from "../agents/messages.ts";
import type { Rehearse } from "../agents/tools/rehearsal.ts";
import type { Topology } from "../agents/swarm/topology.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { RenderApi } from "../render/api.ts";
import type { Edit, Incident, StateEvent } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import type { FixMode } from "./policy.ts";
import type { CommitAuthor } from "./spec.ts";

/** One clone of a service's repository at the tip of its branch. */
export interface Checkout extends AsyncDisposable {
  readonly directory: string;
  readonly branch: string;
  /** The commit that is checked out. */
  readonly head: string;
  paths(): Promise<string[]>;
  /** Whether the commit holds a link or a submodule: a checkout has neither. @default no */
  hasLinks?(): boolean;
  /** The text of a file; `null` when it is missing, too large or not inside the checkout. */
  read(path: string): Promise<string | null>;
}

export interface CommitRequest {
  edits: readonly Edit[];
  allowedPaths: readonly string[];
  deniedPaths: readonly string[];
  author: CommitAuthor;
  message: string;
  /** Seconds since the epoch; the same request on the same parent makes the same commit. */
  atSeconds: number;
}

export type PublishResult =
  | { kind: "published"; pullRequestUrl: string | null }
  /** Somebody pushed since the checkout: the fix is dropped and the world looked at again. */
  | { kind: "moved"; head: string }
  | { kind: "refused"; why: string };

export interface Repositories {
  clone(source: { url: string; branch: string }, signal: AbortSignal): Promise<Checkout>;
  commit(checkout: Checkout, request: CommitRequest): Promise<{ commit: string; diff: string }>;
  /** Publishes a commit without force. */
  publish(
    checkout: Checkout,
    commit: string,
    how: {
      mode: Exclude<FixMode, "suggest">;
      incident: string;
      attempt: number;
      title: string;
      body: string;
    },
    signal: AbortSignal,
  ): Promise<PublishResult>;
  /** The address of the pull request of an attempt, whatever became of it; `null` when there is none. */
  findPullRequest(
    source: { url: string; branch: string },
    of: { incident: string; attempt: number },
    signal: AbortSignal,
  ): Promise<string | null>;
  /** Whether a commit is on a branch of the remote already. */
  contains(source: { url: string; branch: string }, commit: string, signal: AbortSignal): Promise<boolean>;
}

export interface EventContext {
  serviceName: string;
  incident: Incident | null;
}

/** On what occasion an agent answered. */
export interface AgentContext {
  incident: Incident;
  attempt: number;
  via: "swarm" | "fallback";
  /** `null` for an agent that acts outside the consultation. */
  topology: Topology | null;
  durationMs: number;
}

export interface Parts {
  api: RenderApi;
  store: Store;
  repositories: Repositories;
  runAgent: RunAgent;
  /** Runs an agent where `runAgent` could not. @default runInline, in this process */
  runFallback?: RunAgent;
  /** The named tools that agents may ask for. */
  toolbox: Toolbox;
  /** Builds a patch before it is published. @default nothing is rehearsed, whatever the policy says */
  rehearse?: Rehearse;
  clock: Clock;
  random: Random;
  author: CommitAuthor;
  sessionId: string;
  /** Names this process for the monotonic clock. */
  epoch: string;
  /** How long a request of the leader before may still be under way, in milliseconds. @default 0: it is dead */
  predecessorMs?: number;
  /** A variable of our own environment, for the `connection-env` database criterion. */
  environment(name: string): string | undefined;
  /** Secrets of our own that must appear nowhere. */
  secrets: readonly string[];
  /** Told of every event as it is recorded, and of the incident as it then is. */
  onEvent(event: StateEvent, about: EventContext): void;
  /** Told of every answer of an agent, for the human-readable artifacts. */
  onAgentOutput(agent: AgentName, output: unknown, context: AgentContext): Promise<void>;
  /** How agents work together; `auto` lets measurements decide. */
  topology: Topology | "auto";
  /**
   * Asked before a failure is read or anything is changed. @default there always is room
   * @throws {DiskTrouble} when there are no handles or is no space to work with
   */
  checkRoom?(): Promise<void>;
  /** Memory that is free now, in MiB. */
  freeMemoryMiB(): number;
}
