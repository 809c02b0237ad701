/**
 * A live deploy at work: one instance that gets traffic, watched for as long as the release lives. An
 * instance that dies is started again with back-off; one that fails its health checks loses its traffic,
 * then is replaced (reference section 5). The deploy's own status never changes here.
 */
import { messageOf } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { probe } from "./deploy/health.ts";
import type { ProbeResult } from "./deploy/health.ts";
import { startInstance } from "./deploy/instance.ts";
import type { Instance } from "./deploy/instance.ts";
import { untilReady } from "./deploy/ready.ts";
import { exitReason, graceMs, logExit } from "./deploy/start.ts";
import type { FailureReason } from "./events.ts";
import { RESTART_FAILURES_MIN, UNROUTE_FAILURES_MIN } from "./limits.ts";
import type { Platform } from "./platform.ts";
import type { Artifact, DeployRecord, ServiceRecord, Snapshot } from "./records.ts";

/** Where a request for the service can go right now. */
export type Route = { kind: "instance"; port: number; instanceId: string } | { kind: "unhealthy" } | {
  kind: "down";
};

/** Without a health path only an instance's end is waited for, and that wakes the sleeper. */
const UNCHECKED_SLEEP_MS = 3_600_000;

export class Release {
  readonly deploy: DeployRecord;
  readonly artifact: Artifact;
  readonly snapshot: Snapshot;
  readonly #platform: Platform;
  readonly #service: ServiceRecord;
  readonly #stop = new AbortController();
  readonly #drains = new Set<Promise<void>>();
  #instance: Instance | undefined;
  /** Aborts the watch on the present instance when another takes its place. */
  #watch = new AbortController();
  #watched: Promise<void>;
  #isUnrouted = false;

  constructor(
    platform: Platform,
    service: ServiceRecord,
    deploy: DeployRecord,
    artifact: Artifact,
    snapshot: Snapshot,
    instance: Instance,
  ) {
    this.#platform = platform;
    this.#service = service;
    this.deploy = deploy;
    this.artifact = artifact;
    this.snapshot = snapshot;
    this.#instance = instance;
    this.#watched = this.#supervise(instance, this.#watch.signal);
  }

  route(): Route {
    const instance = this.#instance;
    if (instance?.port === undefined || instance.hasEnded()) return { kind: "down" };
    if (this.#isUnrouted) return { kind: "unhealthy" };
    return { kind: "instance", port: instance.port, instanceId: instance.id };
  }

  /** The running instances. */
  instances(): Instance[] {
    return this.#instance === undefined || this.#instance.hasEnded() ? [] : [this.#instance];
  }

  /** Puts a ready instance in the place of the present one, which leaves after the overlap. */
  async replace(instance: Instance): Promise<void> {
    this.#watch.abort();
    await this.#watched;
    const old = this.#instance;
    this.#instance = instance;
    this.#isUnrouted = false;
    this.#watch = new AbortController();
    this.#watched = this.#supervise(instance, this.#watch.signal);
    if (old !== undefined) this.#drain(old);
  }

  /** Ends the release. @param overlapMs how long its instance runs on first, in milliseconds */
  async end(overlapMs: number, hurry: AbortSignal): Promise<void> {
    await this.#platform.clock.sleep(overlapMs, hurry);
    this.#stop.abort();
    this.#watch.abort();
    await this.#watched;
    await this.#instance?.end(graceMs(this.#platform, this.snapshot));
    await Promise.all(this.#drains);
  }

  #drain(instance: Instance): void {
    const drained = (async () => {
      await this.#platform.clock.sleep(this.#platform.timing.overlapMs, this.#stop.signal);
      await instance.end(graceMs(this.#platform, this.snapshot));
    })();
    this.#drains.add(drained);
    drained.finally(() => this.#drains.delete(drained));
  }

  /** Watches the instance and its successors until told to stop; leaves the last one running. */
  async #supervise(first: Instance, signal: AbortSignal): Promise<void> {
    const { clock, timing, events } = this.#platform;
    let instance = first;
    let backoffMs = timing.backoffFirstMs;
    for (;;) {
      const end = await this.#untilBad(instance, signal);
      if (end === undefined) return;
      this.#log(end.line, instance.id);
      for (const line of end.more) this.#log(line, instance.id);
      this.#failed(instance, end.reason);
      await instance.end(graceMs(this.#platform, this.snapshot));
      for (;;) {
        await clock.sleep(backoffMs, signal);
        if (signal.aborted) return;
        backoffMs = Math.min(backoffMs * 2, timing.backoffMaxMs);
        const started = await this.#start();
        if (started === undefined) continue;
        this.#instance = instance = started;
        this.#log(
          `==> Running '${this.artifact.command?.shown ?? this.snapshot.settings.startCommand}'`,
          instance.id,
        );
        const readiness = await untilReady(this.#platform, {
          instance,
          healthCheckPath: this.snapshot.settings.healthCheckPath,
          hostname: new URL(this.#service.url).hostname,
          log: (line) => this.#log(line, instance.id),
          signal,
        });
        if (readiness.kind === "aborted") return;
        if (readiness.kind === "ready") {
          instance.port = readiness.port;
          this.#isUnrouted = false;
          break;
        }
        if (readiness.kind === "exited") {
          logExit((line) => this.#log(line, instance.id), readiness.code);
          this.#failed(instance, exitReason(readiness.code));
        } else {
          this.#failed(instance, { timedOutSeconds: readiness.seconds, timedOutReason: readiness.reason });
        }
        await instance.end(graceMs(this.#platform, this.snapshot));
      }
      events.add(this.#service.id, "server_available");
    }
  }

  /** A new instance; `undefined` when the program cannot be started, which the log then says. */
  async #start(): Promise<Instance | undefined> {
    try {
      return await startInstance(this.#platform, this.#service, this.artifact, this.snapshot);
    } catch (error) {
      const line = `==> There was a problem starting your server: ${messageOf(error)}`;
      this.#platform.logs.write(this.#service.id, "app", line);
      return undefined;
    }
  }

  /** Resolves when the instance died or failed its checks for too long; `undefined` when told to stop. */
  async #untilBad(instance: Instance, signal: AbortSignal) {
    const { clock, timing } = this.#platform;
    const exit = new AbortController();
    const ended = instance.ended.then((code) => {
      exit.abort();
      return code;
    });
    const either = AbortSignal.any([signal, exit.signal]);
    const path = this.snapshot.settings.healthCheckPath;
    let failures = 0;
    let failingSince = 0;
    let last: ProbeResult = { kind: "healthy" };
    for (;;) {
      await clock.sleep(path === "" ? UNCHECKED_SLEEP_MS : timing.healthIntervalMs, either);
      if (exit.signal.aborted && !signal.aborted) {
        const code = await ended;
        const lines: string[] = [];
        logExit((line) => lines.push(line), code);
        return { line: lines[0] ?? "", more: lines.slice(1), reason: exitReason(code) };
      }
      if (signal.aborted) return undefined;
      if (path === "" || instance.port === undefined) continue;
      const askedAt = clock.monotonic();
      last = await probe(instance.port, path, timing.healthTimeoutMs, either);
      if (either.aborted) continue;
      if (last.kind === "healthy") {
        failures = 0;
        this.#isUnrouted = false;
        continue;
      }
      if (failures++ === 0) failingSince = askedAt;
      const failingMs = clock.monotonic() - failingSince;
      if (failures >= UNROUTE_FAILURES_MIN && failingMs >= timing.unrouteAfterMs) this.#isUnrouted = true;
      if (failures >= RESTART_FAILURES_MIN && failingMs >= timing.restartAfterMs) {
        return { line: `==> ${last.text}`, more: [], reason: { unhealthy: last.text } };
      }
    }
  }

  #failed(instance: Instance, reason: FailureReason): void {
    const details: { [key: string]: Json } = {
      instanceID: instance.id,
      reason: { evicted: false, ...reason },
    };
    this.#platform.events.add(this.#service.id, "server_failed", details);
  }

  #log(line: string, instanceId: string): void {
    this.#platform.logs.write(this.#service.id, "app", line, instanceId);
  }
}
