/**
 * The command line and the environment that shut an agent in: the permissions it was given and nothing else,
 * a heap ceiling and a data ceiling, a temp folder and a Deno cache of its own. The cache is a folder of links to
 * ours, so that modules load at once while what a program can leave behind (`localStorage`, `caches`)
 * goes with the folder. Not covered by Deno's permissions: links inside a folder it may read, and packages
 * that lie in the cache.
 */
import { isAbsolute, join } from "@std/path";
import { z } from "zod";
import { EvenkeelError } from "../base/errors.ts";
import { run } from "../process/run.ts";
import type { AgentLimits, AgentPermissions } from "./agent.ts";

export interface SandboxOptions {
  denoPath: string;
  /** The project's deno.json, which maps the agent's imports. */
  configPath: string;
  /** The Deno cache of this process, where every module of an agent already lies. */
  denoDir: string;
  /** `prlimit` of util-linux, where there is one. */
  prlimitPath: string | undefined;
}

/**
 * Data segment of an agent's process: ArrayBuffers are not part of V8's heap, and Deno does not start with
 * less than about 1 GiB.
 */
export const DATA_BYTES_MAX = 1024 * 1024 * 1024;

const DENO_INFO_TIMEOUT_MS = 20_000;

/** What HTTPS needs, for an agent that may use the network. */
const NETWORK_VARIABLES = [
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
] as const;

/** Parts of a Deno cache that agents read: packages, compiled modules, and what is known of them. */
const CACHE_PARTS = [
  "npm",
  "gen",
  "remote",
  "dep_analysis_cache_v2",
  "node_analysis_cache_v2",
  "v8_code_cache_v2",
] as const;

/** @throws {EvenkeelError} when a permission is not written as host:port or as an absolute folder */
export function sandboxCommand(
  entry: URL,
  permissions: AgentPermissions,
  limits: AgentLimits,
  options: SandboxOptions,
): [string, ...string[]] {
  const net = permissions.net ?? [];
  const read = permissions.read ?? [];
  const badHost = net.find((each) => !/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/.test(each));
  if (badHost !== undefined) throw new EvenkeelError(`Cannot allow host ${badHost}: not host:port`);
  // Deno knows no way to write a comma inside a list of paths.
  const badFolder = read.find((each) => !isAbsolute(each) || each.includes(","));
  if (badFolder !== undefined) {
    throw new EvenkeelError(`Cannot allow folder ${badFolder}: not absolute, or with a comma`);
  }
  const deno = [
    options.denoPath,
    "run",
    "--no-prompt",
    "--cached-only",
    "--frozen",
    `--config=${options.configPath}`,
    `--v8-flags=--max-old-space-size=${limits.memoryMiB}`,
    ...(net.length > 0 ? [`--allow-net=${net.join(",")}`] : []),
    ...(read.length > 0 ? [`--allow-read=${read.join(",")}`] : []),
    ...(permissions.emptyEnvironment === true ? ["--ignore-env"] : []),
    entry.href,
  ];
  return options.prlimitPath === undefined
    ? [options.denoPath, ...deno.slice(1)]
    : [options.prlimitPath, `--data=${DATA_BYTES_MAX}`, ...deno];
}

/** The whole environment of an agent. @param scratch its temp folder @param audit what switches Deno's audit on */
export function sandboxEnvironment(
  scratch: string,
  permissions: AgentPermissions,
  audit: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {
    DENO_DIR: join(scratch, "deno"),
    DENO_NO_UPDATE_CHECK: "1",
    ...audit,
    NO_COLOR: "1",
    HOME: scratch,
    TMPDIR: scratch,
  };
  // Deno keeps cached packages by the registry they came from: without it, it would look for others.
  const registry = Deno.env.get("NPM_CONFIG_REGISTRY");
  if (registry !== undefined && registry !== "") environment["NPM_CONFIG_REGISTRY"] = registry;
  for (const name of (permissions.net ?? []).length > 0 ? NETWORK_VARIABLES : []) {
    const value = Deno.env.get(name);
    if (value !== undefined && value !== "") environment[name] = value;
  }
  return environment;
}

/** Makes an agent's temp folder with its Deno cache. @param root where temp folders go */
export async function createScratch(root: string, denoDir: string): Promise<string> {
  await Deno.mkdir(root, { recursive: true });
  const scratch = await Deno.makeTempDir({ dir: root, prefix: "agent-" });
  const cache = join(scratch, "deno");
  await Deno.mkdir(cache);
  await Promise.all(CACHE_PARTS.map(async (part) => {
    const target = join(denoDir, part);
    const exists = await Deno.stat(target).then(() => true, () => false);
    if (exists) await Deno.symlink(target, join(cache, part));
  }));
  return scratch;
}

/** The Deno cache this process uses. */
export async function findDenoDir(denoPath: string): Promise<string> {
  const env: Record<string, string> = { NO_COLOR: "1" };
  for (const name of ["DENO_DIR", "HOME", "XDG_CACHE_HOME"]) {
    const value = Deno.env.get(name);
    if (value !== undefined && value !== "") env[name] = value;
  }
  const found = await run({
    command: [denoPath, "info", "--json"],
    cwd: Deno.cwd(),
    env,
    timeoutMs: DENO_INFO_TIMEOUT_MS,
  });
  if (found.kind === "exited" && found.code === 0) {
    const info = z.object({ denoDir: z.string() }).safeParse(JSON.parse(found.stdout));
    if (info.success) return info.data.denoDir;
  }
  throw new EvenkeelError(`Cannot find Deno's cache: ${denoPath} info does not name it`);
}

/** A program's path, looked for in the folders of PATH; undefined when it is not there. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":").filter(isAbsolute)) {
    const path = join(folder, name);
    if (await Deno.stat(path).then((stat) => stat.isFile, () => false)) return path;
  }
  return undefined;
}
