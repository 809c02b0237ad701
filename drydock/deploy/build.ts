/**
 * From a commit to an artifact: checkout, toolchain, build command. Writes the log lines a Render user sees
 * (reference section 8) and throws `StageFailed` where Render would stop. Of a build in a cell (process/cell.ts) no path
 * below the platform's folder is used outside of the cell from its first step on: the step may have put links there.
 */
import { join, normalize } from "@std/path";
import { unreachable } from "../../base/errors.ts";
import { confined } from "../platform.ts";
import type { BuildPlatform } from "../platform.ts";
import type { Artifact, Commit, ServiceRecord, Snapshot } from "../records.ts";
import { beyondLimit } from "./build_limits.ts";
import { bareHome, fetchCache, SHOWN_HOME } from "./cache.ts";
import { buildDockerfile } from "./docker/build.ts";
import { buildEnvironment, homeOf, renderEnvironment } from "./environment.ts";
import { DeployCanceled, StageFailed, TROUBLESHOOTING } from "./failure.ts";
import { hidePaths, PROJECT_FOLDER } from "./instance.ts";
import { GitFailed, withoutCredentials } from "./mirror.ts";
import { announceNode } from "./node.ts";
import { makeVirtualEnvironment } from "./python.ts";
import { runLogged } from "./shell.ts";

export interface BuildRequest {
  service: ServiceRecord;
  snapshot: Snapshot;
  deployId: string;
  commitId: string | undefined;
  clearCache: boolean;
  signal: AbortSignal;
  /** Called as soon as the commit is known. */
  onCommit: (commit: Commit) => void;
}

/** @throws {StageFailed} @throws {DeployCanceled} */
export async function build(platform: BuildPlatform, request: BuildRequest): Promise<Artifact> {
  const { service, snapshot, signal } = request;
  const own = join(platform.directory, "services", service.id);
  const scratch = join(own, "artifacts", request.deployId);
  const folder = join(scratch, "src");
  const hideFolder = hidePaths(folder, PROJECT_FOLDER);
  const show = (line: string) => hideFolder(line).replaceAll(join(own, "build-home"), SHOWN_HOME);
  const showStages = (line: string) =>
    line.replaceAll(new RegExp(`${RegExp.escape(scratch)}/stage-\\d+`, "g"), "");
  const log = (line: string) => platform.logs.write(service.id, "build", showStages(show(line)));
  try {
    const isNative = snapshot.settings.runtime !== "docker";
    await using cache = platform.confinement === undefined
      ? await fetchCache({
        folder: own,
        clear: request.clearCache,
        log: isNative ? log : () => {},
        signal,
      })
      : await bareHome(own);
    const commit = await checkOut(platform, request, folder, log);
    const workDirectory = await enterRoot(folder, snapshot.settings.rootDir, log);
    await Deno.mkdir(homeOf(platform, service.id), { recursive: true });
    const artifact = {
      id: request.deployId,
      folder,
      shownFolder: PROJECT_FOLDER,
      workDirectory,
      commit,
      branch: service.branch,
    };
    const toolchainRequest = (env: Record<string, string>) => ({
      workDirectory,
      env,
      own: snapshot.env,
      log,
      signal,
      confine: (command: readonly [string, ...string[]], cwd: string) =>
        confined(platform, "toolchain", command, cwd),
    });
    const environment = (toolchain: Record<string, string>) =>
      buildEnvironment(
        cache.home,
        service,
        commit,
        service.branch,
        toolchain,
        snapshot.env,
        platform.confinement?.env,
      );
    const { runtime } = snapshot.settings;
    switch (runtime) {
      case "node": {
        await announceNode(toolchainRequest(environment({})));
        await runBuildCommand(platform, request, workDirectory, environment({}), log);
        await cache.store();
        return { ...artifact, runtime, env: {} };
      }
      case "python": {
        const toolchain = await makeVirtualEnvironment(
          toolchainRequest(environment({})),
          folder,
          platform.pythonVersions,
        );
        await runBuildCommand(platform, request, workDirectory, environment(toolchain), log);
        await cache.store();
        return { ...artifact, runtime, env: toolchain };
      }
      case "docker": {
        const image = await buildDockerfile(platform, {
          serviceId: service.id,
          deployId: request.deployId,
          withoutCache: request.clearCache,
          platformVariables: renderEnvironment(service, commit, service.branch),
          scratch,
          settings: snapshot.settings,
          checkout: folder,
          workDirectory,
          env: environment({}),
          own: snapshot.env,
          log,
          signal,
        });
        await cache.store();
        log("==> Uploading build...");
        log("==> Build successful 🎉");
        return { ...artifact, runtime, ...image };
      }
      default:
        return unreachable(runtime);
    }
  } catch (error) {
    if (signal.aborted) throw new DeployCanceled();
    if (error instanceof StageFailed) {
      log("==> Build failed 😞");
      log(TROUBLESHOOTING);
    }
    throw error;
  }
}

async function checkOut(
  platform: BuildPlatform,
  request: BuildRequest,
  folder: string,
  log: (line: string) => void,
): Promise<Commit> {
  const { service, signal } = request;
  const shown = withoutCredentials(service.repo);
  log(`==> Cloning from ${shown}`);
  try {
    const commit = await platform.mirrors.resolve(service.repo, service.branch, request.commitId, signal);
    request.onCommit(commit);
    log(`==> Checking out commit ${commit.id} in branch ${service.branch}`);
    await Deno.mkdir(join(folder, ".."), { recursive: true });
    await platform.mirrors.checkout(service.repo, commit.id, folder, signal);
    return commit;
  } catch (error) {
    if (!(error instanceof GitFailed) || signal.aborted) throw error;
    for (const line of error.detail.split("\n")) log(line);
    log(`==> Unable to clone ${shown}`);
    throw new StageFailed("build", { nonZeroExit: 1 });
  }
}

async function enterRoot(folder: string, rootDir: string, log: (line: string) => void): Promise<string> {
  if (rootDir === "") return folder;
  const target = normalize(join(folder, rootDir));
  const isInside = target === folder || target.startsWith(`${folder}/`);
  const stat = isInside ? await Deno.stat(target).catch(() => undefined) : undefined;
  if (stat?.isDirectory) return target;
  const shown = `${PROJECT_FOLDER}/${rootDir}`;
  log(`==> Service Root Directory "${shown}" is missing.`);
  log(`builder.sh: line 51: cd: ${shown}: No such file or directory`);
  throw new StageFailed("build", { nonZeroExit: 1 });
}

async function runBuildCommand(
  platform: BuildPlatform,
  request: BuildRequest,
  cwd: string,
  env: Record<string, string>,
  log: (line: string) => void,
): Promise<void> {
  const { buildCommand } = request.snapshot.settings;
  if (buildCommand.trim() === "") {
    log("==> Empty build command; skipping build");
  } else {
    log(`==> Running build command '${buildCommand}'...`);
    const result = await runLogged({
      ...confined(platform, "build", ["bash", "-c", buildCommand], cwd),
      env,
      onLine: log,
      timeoutMs: platform.timing.buildMs,
      clock: platform.clock,
      signal: request.signal,
      memoryMiB: platform.buildMemoryMiB,
    });
    if (result.kind === "aborted") throw new DeployCanceled();
    const beyond = beyondLimit(platform, result, log);
    if (beyond !== undefined) throw beyond;
    if (result.kind === "exited" && result.code !== 0) {
      log(`==> Exited with status ${result.code}`);
      throw new StageFailed("build", { nonZeroExit: result.code });
    }
  }
  log("==> Uploading build...");
  log("==> Build successful 🎉");
}
