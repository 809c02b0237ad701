/**
 * One service as the platform runs it: its deploys, its queue, its live release, its front and its watch on
 * the branch. The API only talks to this.
 */
import { join } from "@std/path";
import { messageOf } from "../base/errors.ts";
import { newId } from "./ids.ts";
import { DeployQueue } from "./deploy/queue.ts";
import type { CancelCause } from "./deploy/queue.ts";
import { finish, runDeploy, setStatus } from "./deploy/pipeline.ts";
import type { PipelineHost } from "./deploy/pipeline.ts";
import { DeployCanceled, StageFailed } from "./deploy/failure.ts";
import { startUntilReady } from "./deploy/start.ts";
import type { Instance } from "./deploy/instance.ts";
import { DEPLOYS_MAX } from "./limits.ts";
import type { Platform } from "./platform.ts";
import { startFront } from "./proxy.ts";
import type { Destination, Front } from "./proxy.ts";
import type { Artifact, Commit, DeployRecord, DeployTrigger, ServiceRecord, Snapshot } from "./records.ts";
import { isFinished } from "./records.ts";
import { Release } from "./release.ts";
import { Sleep } from "./sleep.ts";
import { asksToSkip, watchBranch } from "./watch.ts";

export interface DeployRequest {
  trigger: DeployTrigger;
  commit?: Commit;
  clearCache?: boolean;
  /** Start this artifact instead of building. */
  reuse?: Artifact;
  snapshot?: Snapshot;
  rollbackTarget?: string;
}

export class ServiceHost implements PipelineHost {
  readonly service: ServiceRecord;
  /** Newest first. */
  readonly deploys: DeployRecord[] = [];
  readonly #platform: Platform;
  readonly #queue: DeployQueue;
  readonly #front: Front;
  readonly #stop = new AbortController();
  readonly #background = new Set<Promise<unknown>>();
  #release: Release | undefined;
  /** Deploys that were live, newest first; their artifacts can be rolled back to. */
  #wasLive: DeployRecord[] = [];
  readonly #artifacts = new Map<string, { artifact: Artifact; users: number }>();
  #seenHead: string | undefined;
  readonly sleep: Sleep;

  /** @param head the branch's head when the service was made, where it is known; later ones are new */
  constructor(platform: Platform, service: ServiceRecord, head: string | undefined) {
    this.#platform = platform;
    this.#seenHead = head;
    this.service = service;
    this.sleep = new Sleep(platform.clock, this.#stop.signal);
    this.#queue = new DeployQueue(platform.overlapPolicy, {
      run: async (deploy, signal) => {
        await runDeploy(platform, this, deploy, signal);
        if (deploy.trigger !== "rollback" && deploy.commit !== undefined) this.#seenHead ??= deploy.commit.id;
        if (deploy.artifact === undefined || deploy.status !== "live") await this.#removeFolder(deploy.id);
        await this.#prune();
      },
      skip: (deploy, cause) => this.#skip(deploy, cause),
      queue: (deploy) => setStatus(platform, deploy, "queued"),
    });
    this.#front = startFront(platform.clock, platform.random, () => this.#destination());
    service.url = this.#front.url;
    const watch = {
      mirrors: platform.mirrors,
      clock: platform.clock,
      periodMs: platform.timing.watchMs,
      target: () => ({ repo: service.repo, branch: service.branch }),
      onHead: (head: string) => this.#onHead(head),
    };
    this.#inBackground(watchBranch(watch, this.#stop.signal));
  }

  get release(): Release | undefined {
    return this.#release;
  }

  isFirst(deploy: DeployRecord): boolean {
    return this.deploys.at(-1) === deploy;
  }

  /** Starts a deploy, or queues it behind the running one. */
  requestDeploy(request: DeployRequest): { deploy: DeployRecord; outcome: "started" | "queued" } {
    const { clock, random } = this.#platform;
    const now = clock.now();
    const deploy: DeployRecord = {
      id: newId("dep", now, random),
      buildId: newId("bld", now, random),
      serviceId: this.service.id,
      status: "created",
      trigger: request.trigger,
      clearCache: request.clearCache ?? false,
      commit: request.reuse?.commit ?? request.commit,
      reuse: request.reuse,
      snapshot: request.snapshot,
      rollbackTarget: request.rollbackTarget,
      artifact: undefined,
      createdAt: now,
      startedAt: undefined,
      finishedAt: undefined,
      updatedAt: now,
    };
    this.deploys.unshift(deploy);
    if (this.deploys.length > DEPLOYS_MAX) this.deploys.pop();
    return { deploy, outcome: this.#queue.add(deploy) };
  }

  /** @returns false when the deploy cannot be canceled any more */
  async cancel(deploy: DeployRecord): Promise<boolean> {
    return !isFinished(deploy.status) && await this.#queue.cancel(deploy.id);
  }

  /** The artifact and settings a deploy can be brought back with; `undefined` when no longer kept. */
  kept(deploy: DeployRecord): { artifact: Artifact; snapshot: Snapshot } | undefined {
    if (!this.#wasLive.includes(deploy) || deploy.artifact === undefined || deploy.snapshot === undefined) {
      return undefined;
    }
    return { artifact: deploy.artifact, snapshot: deploy.snapshot };
  }

  /** The newest artifact that was live, for `deploy_only`. */
  lastArtifact(): Artifact | undefined {
    return this.#wasLive[0]?.artifact;
  }

  takeOver(deploy: DeployRecord, artifact: Artifact, snapshot: Snapshot, instance: Instance): void {
    const old = this.#release;
    for (const other of this.deploys) {
      if (other.status === "live") setStatus(this.#platform, other, "deactivated");
    }
    this.#release = new Release(this.#platform, this.service, deploy, artifact, snapshot, instance);
    this.#wasLive.unshift(deploy);
    this.service.updatedAt = this.#platform.clock.now();
    if (old !== undefined) {
      this.#use(old.artifact, old.end(this.#platform.timing.overlapMs, this.#stop.signal));
    }
  }

  /** Takes the service off the air; its deploys stay as they are. */
  async suspend(): Promise<void> {
    if (this.service.suspended) return;
    this.service.suspended = true;
    this.service.updatedAt = this.#platform.clock.now();
    this.#platform.events.add(this.service.id, "suspender_added", { actor: "user" });
    this.#platform.events.add(this.service.id, "service_suspended");
    await this.#queue.clear();
    const release = this.#release;
    this.#release = undefined;
    if (release !== undefined) this.#use(release.artifact, release.end(0, this.#stop.signal));
  }

  resume(): void {
    if (!this.service.suspended) return;
    this.service.suspended = false;
    this.service.updatedAt = this.#platform.clock.now();
    this.#platform.events.add(this.service.id, "suspender_removed", { actor: "user" });
    this.#platform.events.add(this.service.id, "service_resumed");
    this.requestDeploy({ trigger: "service_resumed" });
  }

  /** Replaces the live release's instance without downtime, same commit, same variables. @returns false when nothing is live */
  restart(): boolean {
    const release = this.#release;
    if (release === undefined) return false;
    const { events } = this.#platform;
    events.add(this.service.id, "server_restarted", { triggeredByUser: this.#platform.owner.email });
    this.#use(release.artifact, this.#replaceInstance(release));
    return true;
  }

  async #replaceInstance(release: Release): Promise<void> {
    const { artifact, snapshot } = release;
    const signal = this.#stop.signal;
    try {
      const instance = await startUntilReady(this.#platform, {
        service: this.service,
        artifact,
        snapshot,
        signal,
      });
      if (this.#release === release) await release.replace(instance);
      else await instance.end(0);
    } catch (error) {
      // The old instance goes on serving; what went wrong is in the log.
      if (error instanceof StageFailed) {
        const reason = { evicted: false, ...error.reason };
        this.#platform.events.add(this.service.id, "server_failed", { reason });
      } else if (!(error instanceof DeployCanceled)) {
        const line = `==> There was a problem starting your server: ${messageOf(error)}`;
        this.#platform.logs.write(this.service.id, "app", line);
      }
    }
  }

  /** Ends everything the service runs. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#queue.clear();
    const release = this.#release;
    this.#release = undefined;
    await release?.end(0, this.#stop.signal);
    await Promise.all(this.#background);
    await this.#front.stop();
  }

  /** Removes what the service left on disk; it must be closed. */
  async removeFiles(): Promise<void> {
    const folder = join(this.#platform.directory, "services", this.service.id);
    await this.#platform.containers.removeService(this.service.id);
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }

  #destination(): Destination {
    if (this.service.suspended) return { kind: "suspended" };
    if (this.service.maintenance.enabled) return { kind: "maintenance" };
    return this.sleep.meet() ?? this.#release?.route() ?? { kind: "none" };
  }

  async #onHead(head: string): Promise<void> {
    // Before the first deploy has found its commit nothing can be told apart as new.
    if (this.#seenHead === undefined && this.#queue.isBusy) return;
    const isNew = this.#seenHead !== undefined && head !== this.#seenHead;
    this.#seenHead = head;
    if (!isNew) return;
    const { service } = this;
    if (!service.autoDeploy || service.suspended) return;
    const commit = await this.#platform.mirrors.resolve(
      service.repo,
      service.branch,
      head,
      this.#stop.signal,
    );
    if (asksToSkip(commit.message)) {
      this.#platform.events.add(service.id, "commit_ignored", {
        id: head,
        url: `${service.repo}/commit/${head}`,
      });
      return;
    }
    if (!this.#stop.signal.aborted) this.requestDeploy({ trigger: "new_commit", commit });
  }

  #skip(deploy: DeployRecord, cause: CancelCause): void {
    const reason = cause.kind === "superseded" ? { newDeploy: { id: cause.by.id } } : {};
    finish(this.#platform, deploy, "canceled", "canceled", reason);
  }

  #inBackground(work: Promise<unknown>): void {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work));
  }

  /** Keeps an artifact's folder as long as `work` needs it. */
  #use(artifact: Artifact, work: Promise<void>): void {
    const entry = this.#artifacts.get(artifact.id) ?? { artifact, users: 0 };
    this.#artifacts.set(artifact.id, entry);
    entry.users++;
    this.#inBackground(work.finally(() => {
      entry.users--;
      return this.#prune();
    }));
  }

  /** Forgets artifacts beyond the live one and the newest few that were live. */
  async #prune(): Promise<void> {
    const kept = new Set<string>();
    this.#wasLive = this.#wasLive.filter((deploy) => {
      if (deploy.artifact === undefined) return false;
      if (kept.size > this.#platform.artifactsKept && !kept.has(deploy.artifact.id)) {
        const entry = this.#artifacts.get(deploy.artifact.id) ?? { artifact: deploy.artifact, users: 0 };
        this.#artifacts.set(deploy.artifact.id, entry);
        return false;
      }
      kept.add(deploy.artifact.id);
      return true;
    });
    for (const [id, entry] of this.#artifacts) {
      if (entry.users > 0 || kept.has(id)) continue;
      this.#artifacts.delete(id);
      await this.#removeFolder(id);
    }
  }

  async #removeFolder(artifactId: string): Promise<void> {
    const folder = join(this.#platform.directory, "services", this.service.id, "artifacts", artifactId);
    await this.#platform.containers.removeImage(this.service.id, artifactId);
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}
