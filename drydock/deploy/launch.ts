/**
 * How a program of an artifact is started: on this machine, or in a container of the artifact's image. Gives
 * the command for a process group and what differs around it; starts nothing but the making of a container.
 */
import type { ProcessGroup } from "../../process/group.ts";
import type { Platform } from "../platform.ts";
import type { Artifact, ServiceRecord } from "../records.ts";
import { containerName, runTool } from "./engine/containers.ts";
import { runtimeEnvironment } from "./environment.ts";
import { listeningPorts, membersOf, portsByConnecting, programOf } from "./ports.ts";
import type { OpenPorts } from "./ports.ts";

export interface LaunchRequest {
  service: ServiceRecord;
  artifact: Artifact;
  argv: readonly [string, ...string[]];
  instanceId: string;
  /** What PORT says unless `own` sets it. */
  port: number;
  own: ReadonlyMap<string, string>;
}

export interface Launch {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** @param groupId the group the command was started as */
  ports(groupId: number, expected: number): Promise<OpenPorts>;
  /** True for a line that is the engine's and says nothing of the service. */
  isNoise(line: string): boolean;
  /** SIGTERM to the service, SIGKILL after `graceMs`. */
  end(group: ProcessGroup, graceMs: number): Promise<void>;
  /** Removes what the launch has made; the group must have ended. */
  release(): Promise<void>;
}

/** What buildah adds to the output when a program ends otherwise than with 0. */
const BUILDAH_NOISE = /^(?:subprocess exited (?:with status \d+|on [a-z ]+)|Error: exit status \d+)$/;

/** @throws when the container cannot be made */
export async function prepareLaunch(platform: Platform, request: LaunchRequest): Promise<Launch> {
  const { service, artifact, argv, own } = request;
  const variables = runtimeEnvironment(platform, service, {
    instanceId: request.instanceId,
    port: request.port,
    toolchain: artifact.env,
    own,
    commit: artifact.commit,
    branch: artifact.branch,
    inContainer: artifact.image !== undefined,
  });
  const { image } = artifact;
  if (image === undefined) {
    return {
      command: argv,
      cwd: artifact.workDirectory,
      env: variables,
      ports: listeningPorts,
      isNoise: () => false,
      end: async (group, graceMs) => void await group.end(graceMs),
      release: () => Promise.resolve(),
    };
  }
  const choice = await platform.containers.choice();
  if (choice.kind === "none") throw new Error(`there is no container engine: ${choice.why}`);
  const { engine } = choice;
  const use = await platform.containers.use(engine, service.id);
  const { commands, env } = use;
  const name = containerName(request.instanceId);
  if (commands.create !== undefined) await runTool(use, commands.create(name, image));
  const isBuildah = engine.kind === "buildah";
  const program = await Deno.realPath(engine.program);
  return {
    command: commands.run({ name, image, env: variables, argv }),
    cwd: "/",
    env,
    // The containers of docker and podman are not among our processes.
    ports: isBuildah ? listeningPorts : (_, expected) => portsByConnecting(expected),
    isNoise: (line) => isBuildah && BUILDAH_NOISE.test(line),
    async end(group, graceMs) {
      if (!isBuildah) return void await group.end(graceMs);
      if (graceMs > 0) await endBeneath(platform, program, group, graceMs);
      await group.end();
    },
    release: async () => void await runTool(use, commands.removeContainer(name)).catch(() => {}),
  };
}

/** Buildah's copies of itself; they run from memory. */
const BUILDAH_COPY = /^\/memfd:buildah-/;

/** Buildah's own processes would end at SIGTERM and take the service with them at once: they are spared. */
async function endBeneath(
  platform: Platform,
  engine: string,
  group: ProcessGroup,
  graceMs: number,
): Promise<void> {
  const beneath = membersOf(group.pid).filter((pid) => {
    const program = programOf(pid);
    return program !== undefined && program !== engine && !BUILDAH_COPY.test(program);
  });
  if (beneath.length === 0) return;
  for (const pid of beneath) {
    try {
      Deno.kill(pid, "SIGTERM");
    } catch {
      // It has ended in between, or belongs to another user and goes with the group.
    }
  }
  const patience = new AbortController();
  await Promise.race([group.status, platform.clock.sleep(graceMs, patience.signal)]);
  patience.abort();
}
