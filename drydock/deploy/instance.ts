/**
 * One running copy of a service: a process group whose output goes to the log. It ends only once, by itself
 * or by `end`, and `ended` resolves after its last line is in the log.
 */
import { startGroup } from "../../process/group.ts";
import type { ProcessGroup } from "../../process/group.ts";
import { newInstanceId } from "../ids.ts";
import { readLines } from "../lines.ts";
import type { Platform } from "../platform.ts";
import type { Artifact, ServiceRecord, Snapshot, StartCommand } from "../records.ts";
import { prepareLaunch } from "./launch.ts";
import type { Launch } from "./launch.ts";
import { freePort, isFree } from "./ports.ts";
import type { OpenPorts } from "./ports.ts";

export interface Instance {
  readonly id: string;
  readonly createdAt: number;
  /** What its PORT variable says. */
  readonly portExpected: number;
  /** True when the service itself sets PORT. */
  readonly portIsOwn: boolean;
  /** The port traffic goes to, once one was detected. */
  port: number | undefined;
  /** The ports it listens on now. */
  ports(): Promise<OpenPorts>;
  /** The exit code; 128 and the signal's number for an end by signal. */
  readonly ended: Promise<number>;
  hasEnded(): boolean;
  /** SIGTERM, SIGKILL after `graceMs`, and every line logged. */
  end(graceMs: number): Promise<void>;
}

/** Lines an instance may log in a minute; Render drops the rest silently. */
const LINES_PER_MINUTE_MAX = 6000;
/** After a leader's end, how long output still in the pipes may take. */
const DRAIN_MS = 2000;

/** The command of an artifact under the given settings. */
export function startCommandOf(artifact: Artifact, snapshot: Snapshot): StartCommand {
  if (artifact.command !== undefined) return artifact.command;
  const { startCommand } = snapshot.settings;
  return { argv: ["bash", "-c", startCommand], shown: startCommand };
}

/** @throws when the program cannot be started at all */
export async function startInstance(
  platform: Platform,
  service: ServiceRecord,
  artifact: Artifact,
  snapshot: Snapshot,
): Promise<Instance> {
  const id = newInstanceId(service.id, platform.random);
  const assigned = freePort();
  const own = Number(snapshot.env.get("PORT"));
  const portIsOwn = Number.isInteger(own) && own > 0 && own < 65536;
  // On Render each instance has a network of its own; here the overlap with the old instance needs another port.
  const isTaken = portIsOwn && !isFree(own);
  const port = portIsOwn && !isTaken ? own : assigned;
  if (isTaken) {
    const line = `==> Drydock: port ${own} is in use on this machine, so PORT is ${port} for this instance`;
    platform.logs.write(service.id, "app", line, id);
  }
  const command = startCommandOf(artifact, snapshot);
  const launch = await prepareLaunch(platform, {
    service,
    artifact,
    argv: command.argv,
    instanceId: id,
    port,
    own: isTaken ? new Map([...snapshot.env, ["PORT", String(port)]]) : snapshot.env,
  });
  const group = startGroup(launch);
  const output = logOutput(platform, service.id, id, group, artifact, launch);
  let hasEnded = false;
  const ended = group.status.then(async (status) => {
    // Background members of the group go with their leader; only then do the pipes close.
    group.signal("SIGKILL");
    const patience = new AbortController();
    await Promise.race([output, platform.clock.sleep(DRAIN_MS, patience.signal)]);
    patience.abort();
    await group.end();
    await launch.release();
    hasEnded = true;
    return status.code;
  });
  return {
    id,
    createdAt: platform.clock.now(),
    portExpected: port,
    portIsOwn,
    port: undefined,
    ports: () => launch.ports(group.pid, port),
    ended,
    hasEnded: () => hasEnded,
    end: async (graceMs) => {
      await launch.end(group, graceMs);
      await ended;
      await output;
    },
  };
}

function logOutput(
  platform: Platform,
  serviceId: string,
  instanceId: string,
  group: ProcessGroup,
  artifact: Artifact,
  launch: Launch,
) {
  let minute = 0;
  let lines = 0;
  const show = hidePaths(artifact.folder, artifact.shownFolder);
  const write = (line: string) => {
    if (launch.isNoise(line)) return;
    const now = Math.floor(platform.clock.now() / 60_000);
    if (now !== minute) [minute, lines] = [now, 0];
    if (++lines <= LINES_PER_MINUTE_MAX) platform.logs.write(serviceId, "app", show(line), instanceId);
  };
  return Promise.all([readLines(group.stdout, write), readLines(group.stderr, write)]);
}

/** Where Render keeps a service's files; logs name it in place of drydock's own folder. */
export const PROJECT_FOLDER = "/opt/render/project/src";

export function hidePaths(folder: string, shown: string): (line: string) => string {
  return (line) => line.replaceAll(folder, shown);
}
