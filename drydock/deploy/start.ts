/**
 * Starts an instance for a deploy or a restart and stays until it is ready or has failed for good. A start
 * command that exits is started again a few times, as Render does (reference section 8).
 */
import type { FailureReason } from "../events.ts";
import { shutdownDelayMs, START_RETRIES_MAX } from "../limits.ts";
import type { Platform } from "../platform.ts";
import type { Artifact, ServiceRecord, Snapshot } from "../records.ts";
import { DeployCanceled, StageFailed, TROUBLESHOOTING } from "./failure.ts";
import { startCommandOf, startInstance } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { untilReady } from "./ready.ts";

export interface StartRequest {
  service: ServiceRecord;
  artifact: Artifact;
  snapshot: Snapshot;
  signal: AbortSignal;
}

/**
 * @returns a ready instance, its port known; the caller owns it
 * @throws {StageFailed} @throws {DeployCanceled}
 */
export async function startUntilReady(platform: Platform, request: StartRequest): Promise<Instance> {
  const { service, artifact, snapshot, signal } = request;
  const command = startCommandOf(artifact, snapshot);
  for (let attempt = 0;; attempt++) {
    if (signal.aborted) throw new DeployCanceled();
    const instance = await startInstance(platform, service, artifact, snapshot);
    const log = (line: string) => platform.logs.write(service.id, "app", line, instance.id);
    log(`==> Running '${command.shown}'`);
    const readiness = await untilReady(platform, {
      instance,
      healthCheckPath: snapshot.settings.healthCheckPath,
      hostname: new URL(service.url).hostname,
      log,
      signal,
    });
    switch (readiness.kind) {
      case "ready":
        instance.port = readiness.port;
        return instance;
      case "aborted":
        await instance.end(graceMs(platform, snapshot));
        throw new DeployCanceled();
      case "timeout":
        await instance.end(graceMs(platform, snapshot));
        throw new StageFailed("update", {
          timedOutSeconds: readiness.seconds,
          timedOutReason: readiness.reason,
        });
      case "exited":
        await instance.end(0);
        logExit(log, readiness.code);
        if (attempt >= START_RETRIES_MAX) throw new StageFailed("update", exitReason(readiness.code));
        await platform.clock.sleep(platform.timing.startRetryMs, signal);
    }
  }
}

/** How long an instance under these settings may take to leave. */
export function graceMs(platform: Platform, snapshot: Snapshot): number {
  return shutdownDelayMs(platform.timing, snapshot.settings.maxShutdownDelaySeconds);
}

export function logExit(log: (line: string) => void, code: number): void {
  log(code === 0 ? "==> Application exited early" : `==> Exited with status ${code}`);
  log(TROUBLESHOOTING);
}

export function exitReason(code: number): FailureReason {
  return code === 0 ? { earlyExit: true } : { nonZeroExit: code };
}
