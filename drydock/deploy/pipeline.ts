/**
 * One deploy from `created` to its end (reference section 4): build or reuse, pre-deploy command, start until
 * ready, hand-over of traffic. Moves the deploy's status, writes its events, and never touches the live
 * release unless everything before has worked.
 */
import { messageOf } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { STATUS_NUMBER } from "../events.ts";
import type { EventStatus, FailureReason } from "../events.ts";
import { newId } from "../ids.ts";
import type { Platform } from "../platform.ts";
import type { Artifact, DeployRecord, DeployRecordStatus, ServiceRecord, Snapshot } from "../records.ts";
import { build } from "./build.ts";
import { splitWords } from "./docker/words.ts";
import { DeployCanceled, StageFailed, TROUBLESHOOTING } from "./failure.ts";
import { hidePaths } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { prepareLaunch } from "./launch.ts";
import type { CancelCause } from "./queue.ts";
import { runLogged } from "./shell.ts";
import { startUntilReady } from "./start.ts";

const BLOCKED = "==> Build blocked - your workspace has run out of pipeline minutes";

export interface PipelineHost {
  readonly service: ServiceRecord;
  isFirst(deploy: DeployRecord): boolean;
  /** Moves traffic to a ready instance and lets the previous release go. */
  takeOver(deploy: DeployRecord, artifact: Artifact, snapshot: Snapshot, instance: Instance): void;
}

export function setStatus(platform: Platform, deploy: DeployRecord, status: DeployRecordStatus): void {
  deploy.status = status;
  deploy.updatedAt = platform.clock.now();
}

/** Runs a deploy to its end; whatever happens is in its status, events and log. */
export async function runDeploy(
  platform: Platform,
  host: PipelineHost,
  deploy: DeployRecord,
  signal: AbortSignal,
): Promise<void> {
  const { service } = host;
  const trigger = triggerOf(deploy, host.isFirst(deploy));
  const snapshot: Snapshot = deploy.snapshot ??
    { settings: structuredClone(service.settings), env: new Map(service.env) };
  deploy.snapshot = snapshot;
  deploy.startedAt = platform.clock.now();
  platform.events.add(service.id, "deploy_started", { deployId: deploy.id, trigger });
  const request = { service, snapshot, signal };
  try {
    const artifact = deploy.reuse ?? await buildStage(platform, deploy, request, trigger);
    deploy.artifact = artifact;
    await preDeployStage(platform, deploy, artifact, request);
    setStatus(platform, deploy, "update_in_progress");
    platform.logs.write(service.id, "app", "==> Deploying...");
    const defaultConcurrency =
      "==> Setting WEB_CONCURRENCY=1 by default, based on available CPUs in the instance";
    if (!snapshot.env.has("WEB_CONCURRENCY")) platform.logs.write(service.id, "app", defaultConcurrency);
    const instance = await startUntilReady(platform, { ...request, artifact });
    if (signal.aborted) {
      await instance.end(0);
      throw new DeployCanceled();
    }
    host.takeOver(deploy, artifact, snapshot, instance);
    finish(platform, deploy, "live", "succeeded", {});
    for (const line of liveLines(service, instance)) {
      platform.logs.write(service.id, "app", line, instance.id);
    }
  } catch (error) {
    fail(platform, deploy, error, signal);
  }
}

function liveLines(service: ServiceRecord, instance: Instance): string[] {
  return [
    `==> Detected service running on port ${instance.port}`,
    "==> Docs on specifying a port: https://render.com/docs/web-services#port-binding",
    "==> Your service is live 🎉",
    "==> ",
    "==> ///////////////////////////////////////////////////////////",
    "==> ",
    `==> Available at your primary URL ${service.url}`,
    "==> ",
    "==> ///////////////////////////////////////////////////////////",
  ];
}

interface StageRequest {
  service: ServiceRecord;
  snapshot: Snapshot;
  signal: AbortSignal;
}

async function buildStage(
  platform: Platform,
  deploy: DeployRecord,
  request: StageRequest,
  trigger: Json,
): Promise<Artifact> {
  const { id: serviceId } = request.service;
  setStatus(platform, deploy, "build_in_progress");
  platform.events.add(serviceId, "build_started", { buildId: deploy.buildId, trigger });
  const ended = (status: EventStatus, reason: Json) =>
    platform.events.add(serviceId, "build_ended", {
      buildId: deploy.buildId,
      buildStatus: status,
      reason,
      status: STATUS_NUMBER[status],
    });
  try {
    if (!platform.switches.hasBuildMinutes) {
      platform.logs.write(serviceId, "build", BLOCKED);
      platform.events.add(serviceId, "pipeline_minutes_exhausted", { buildId: deploy.buildId, trigger });
      throw new StageFailed("build", {});
    }
    const artifact = await build(platform, {
      ...request,
      deployId: deploy.id,
      commitId: deploy.commit?.id,
      clearCache: deploy.clearCache,
      onCommit: (commit) => deploy.commit = commit,
    });
    ended("succeeded", {});
    return artifact;
  } catch (error) {
    if (error instanceof StageFailed) ended("failed", { failure: { evicted: false, ...error.reason } });
    else if (error instanceof DeployCanceled) ended("canceled", cancelReason(request.signal, "newBuild"));
    else ended("failed", {});
    throw error;
  }
}

async function preDeployStage(
  platform: Platform,
  deploy: DeployRecord,
  artifact: Artifact,
  request: StageRequest,
): Promise<void> {
  const command = request.snapshot.settings.preDeployCommand.trim();
  if (command === "" || deploy.trigger === "rollback") return;
  const { service, snapshot, signal } = request;
  const execution = {
    deployCommandExecutionId: newId("cmd", platform.clock.now(), platform.random),
    deployId: deploy.id,
  };
  const log = (line: string) =>
    platform.logs.write(service.id, "build", hidePaths(artifact.folder, artifact.shownFolder)(line));
  setStatus(platform, deploy, "pre_deploy_in_progress");
  platform.events.add(service.id, "pre_deploy_started", execution);
  const ended = (status: EventStatus, reason: Json) =>
    platform.events.add(service.id, "pre_deploy_ended", {
      ...execution,
      preDeployStatus: status,
      reason,
      status: STATUS_NUMBER[status],
    });
  log(`==> Starting pre-deploy: ${command}`);
  // A container meets no shell: `&&` is an argument there, as on Render.
  const [first = "", ...rest] = artifact.image === undefined ? ["bash", "-c", command] : splitWords(command);
  const launch = await prepareLaunch(platform, {
    service,
    artifact,
    argv: [first, ...rest],
    instanceId: `${service.id}-pre`,
    port: 10000,
    own: snapshot.env,
  });
  const result = await runLogged({
    command: launch.command,
    cwd: launch.cwd,
    env: launch.env,
    onLine: (line) => launch.isNoise(line) ? undefined : log(line),
    timeoutMs: platform.timing.preDeployMs,
    clock: platform.clock,
    signal,
  }).finally(launch.release);
  if (result.kind === "aborted") {
    ended("canceled", cancelReason(signal, "newDeploy"));
    throw new DeployCanceled();
  }
  if (result.kind === "exited" && result.code === 0) {
    log("==> Pre-deploy complete!");
    ended("succeeded", {});
    return;
  }
  const reason: FailureReason = result.kind === "timeout"
    ? { timedOutSeconds: Math.ceil(platform.timing.preDeployMs / 1000) }
    : { nonZeroExit: result.code };
  log("==> Pre-deploy has failed");
  log(result.kind === "timeout" ? "==> Timed Out" : `==> Exited with status ${result.code}`);
  log(TROUBLESHOOTING);
  ended("failed", { failure: { evicted: false, ...reason } });
  throw new StageFailed("pre_deploy", reason);
}

function fail(platform: Platform, deploy: DeployRecord, error: unknown, signal: AbortSignal): void {
  if (signal.aborted || error instanceof DeployCanceled) {
    platform.logs.write(deploy.serviceId, "app", "==> Deploy cancelled");
    return finish(platform, deploy, "canceled", "canceled", cancelReason(signal, "newDeploy"));
  }
  if (error instanceof StageFailed) {
    const failure = { failure: { evicted: false, ...error.reason } };
    if (error.stage !== "build") return finish(platform, deploy, `${error.stage}_failed`, "failed", failure);
    return finish(platform, deploy, "build_failed", "failed", { buildFailed: { id: deploy.buildId } });
  }
  // A program that could not be started, or a full disk: drydock's trouble, told as such.
  platform.logs.write(
    deploy.serviceId,
    "app",
    `==> There was a problem starting your server: ${messageOf(error)}`,
  );
  const status = deploy.artifact === undefined ? "build_failed" : "update_failed";
  finish(platform, deploy, status, "failed", { failure: { evicted: false, nonZeroExit: 1 } });
}

/** The last step of every deploy. */
export function finish(
  platform: Platform,
  deploy: DeployRecord,
  status: DeployRecordStatus,
  word: EventStatus,
  reason: Json,
): void {
  deploy.finishedAt = platform.clock.now();
  setStatus(platform, deploy, status);
  platform.events.add(deploy.serviceId, "deploy_ended", {
    deployId: deploy.id,
    deployStatus: word,
    reason,
    status: STATUS_NUMBER[word],
  });
}

/** @param key what Render calls the newer one at this stage */
export function cancelReason(signal: AbortSignal, key: "newBuild" | "newDeploy"): Json {
  // The queue aborts with a CancelCause and nothing else does.
  const cause = signal.reason as CancelCause | undefined;
  if (cause?.kind !== "superseded") return {};
  return { [key]: { id: key === "newBuild" ? cause.by.buildId : cause.by.id } };
}

export function triggerOf(deploy: DeployRecord, isFirst: boolean): { [key: string]: Json } {
  return {
    firstBuild: isFirst,
    envUpdated: false,
    manual: deploy.trigger === "api" || deploy.trigger === "manual",
    deployedByRender: false,
    clearCache: deploy.clearCache,
    rollback: deploy.trigger === "rollback",
    ...(deploy.trigger === "new_commit" && deploy.commit !== undefined
      ? { newCommit: deploy.commit.id }
      : {}),
    ...(deploy.rollbackTarget === undefined ? {} : { rollbackTargetDeployId: deploy.rollbackTarget }),
  };
}
