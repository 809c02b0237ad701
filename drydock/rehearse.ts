/**
 * A rehearsal: the files of a commit that nobody has published are built as a deploy would build them, shut in a cell
 * (process/cell.ts) without a credential, a home or a variable of the service. Three answers: it builds; its own build
 * command failed, in a way that this machine does not explain; or nothing was shown, and why. The files are what the
 * caller wrote and hold no links. When the promise settles, nothing of it runs and nothing of it is left.
 *
 * From the first step of the build on, any path below the cell's yard may be a link of the build's to anywhere. Outside
 * of the cell nothing below it is read, written or entered any more: what the build prints comes through its pipes, what
 * it takes is asked of the machine (machine_watch.ts), and remove() is the one thing that goes in.
 */
import { dirname, join } from "@std/path";
import type { Clock, Random } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { cellEnvironment, NO_CELL, openCell } from "../process/cell.ts";
import type { Cell } from "../process/cell.ts";
import { removeTree } from "../process/remove.ts";
import { run } from "../process/run.ts";
import { Containers } from "./deploy/engine/containers.ts";
import { build } from "./deploy/build.ts";
import { tools } from "./deploy/environment.ts";
import { StageFailed } from "./deploy/failure.ts";
import { BUILD_MEMORY_MIB } from "./deploy/memory.ts";
import { timingAt } from "./limits.ts";
import { LogBook } from "./logs.ts";
import { MACHINE_LIMITS, watchMachine } from "./machine_watch.ts";
import type { MachineLimits } from "./machine_watch.ts";
import type { BuildPlatform, BuildStep } from "./platform.ts";
import type { ServiceRecord } from "./records.ts";

export interface RehearsalRequest {
  /** The files as they were checked out, absolute. */
  directory: string;
  /** What the commit changes in them; `null` removes a file. */
  edits: readonly { path: string; content: string | null }[];
  commit: string;
  branch: string;
  runtime: string | null;
  rootDir: string;
  buildCommand: string;
  /** What the failed build ran on, where its log says so. */
  python: { version: string; from: "default" | "environment" | "file" } | null;
  node: string | null;
}

export type Rehearsal =
  | { kind: "built"; seconds: number }
  | { kind: "failed"; seconds: number; log: string }
  /** Nothing was shown, for a reason that lies in this machine or in the request. */
  | { kind: "unknown"; why: string };

export interface RehearsalOptions {
  /** Where its folder is made; gone afterwards. */
  scratchRoot: string;
  /** Folders that the build must not see, absolute. */
  hidden: readonly string[];
  clock: Clock;
  random: Random;
  signal: AbortSignal;
  /** Milliseconds of the build itself. */
  timeoutMs: number;
  /** What it may take of the disk, and what must be left of the machine. @default MACHINE_LIMITS */
  limits?: Partial<MachineLimits>;
  /** What the processes may use together, and files in memory besides, in mebibytes. @default that of a build */
  memoryMiB?: number;
}

const LOG_LINES_MAX = 20_000;
const COPY_TIMEOUT_MS = 60_000;
const OPEN_TIMEOUT_MS = 120_000;
const REMOVE_TRIES_MAX = 20;
const REMOVE_PAUSE_MS = 100;
const SERVICE_ID = "srv-rehearsal";

/** Exit codes from here on are signals or the shell's own trouble with a program. */
const EXIT_CODES_OF_TROUBLE = 126;

/** What a build says where this machine, its network or the cell is the reason. */
const MACHINE =
  /\bKilled\b|[Oo]ut of memory|Cannot allocate memory|MemoryError|No space left|Disk quota|File too large|Too many open files|Resource temporarily unavailable|name resolution|Could not resolve|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|Connection (?:refused|reset|timed out)|Network is unreachable|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|Read-only file system|EROFS|[Pp]ermission denied|EACCES|EPERM|Operation not permitted|not a git repository|\bE?(?:401|403)\b.{0,40}(?:Unauthorized|Forbidden)|command not found/;

/** Builds in a cell. Never throws for anything that the files do. */
export async function rehearse(request: RehearsalRequest, options: RehearsalOptions): Promise<Rehearsal> {
  const { runtime } = request;
  if (runtime !== "node" && runtime !== "python") {
    return unknown(`services with the runtime ${runtime ?? "unknown"} are not rehearsed`);
  }
  await Deno.mkdir(options.scratchRoot, { recursive: true });
  const root = await Deno.realPath(options.scratchRoot);
  const folder = await Deno.makeTempDir({ dir: root, prefix: "rehearsal-" });
  const env = tools(cellEnvironment());
  let cell: Cell | undefined;
  try {
    const answer = await openCell({ folder, hidden: options.hidden, env, signal: options.signal });
    if (answer.kind === "none") return unknown(answer.why);
    cell = answer.cell;
    return await inCell(cell, env, folder, { ...request, runtime }, options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    return unknown(messageOf(error));
  } finally {
    await remove(folder, cell, options.clock);
  }
}

const unknown = (why: string): Rehearsal => ({ kind: "unknown", why });

type Native = RehearsalRequest & { runtime: "node" | "python" };

async function inCell(
  cell: Cell,
  env: Readonly<Record<string, string>>,
  folder: string,
  request: Native,
  options: RehearsalOptions,
): Promise<Rehearsal> {
  const { clock, random, memoryMiB = BUILD_MEMORY_MIB } = options;
  const tooMuch = new AbortController();
  const signal = AbortSignal.any([options.signal, tooMuch.signal]);
  const entered = new Set<BuildStep>();
  const logs = new LogBook(clock, random, LOG_LINES_MAX);
  const platform: BuildPlatform = {
    directory: cell.yard,
    clock,
    timing: { ...timingAt(1), buildMs: options.timeoutMs },
    logs,
    containers: await Containers.open(cell.yard, { engine: "none", imageStore: undefined }),
    buildMemoryMiB: memoryMiB,
    pythonVersions: {},
    mirrors: {
      resolve: () => Promise.resolve({ id: request.commit, message: "", createdAt: "" }),
      checkout: (_repo, _commit, target) => copyFiles(request, target, signal),
    },
    confinement: {
      cell,
      env,
      onStep: (step) => entered.add(step),
    },
  };
  const service = serviceOf(request, clock.now());
  const settings = service.settings;
  const startedAt = clock.monotonic();
  const over = new AbortController();
  const limits = { ...MACHINE_LIMITS, sharedBytesMax: memoryMiB * 1024 ** 2, ...options.limits };
  let limitMet: string | undefined;
  const watching = watchMachine(folder, limits, clock, over.signal, (why) => {
    limitMet = why;
    tooMuch.abort();
  });
  const log = () =>
    logs.read({
      resources: [SERVICE_ID],
      start: 0n,
      end: (1n << 63n) - 1n,
      direction: "forward",
      limit: LOG_LINES_MAX,
      matches: () => true,
    }).entries.map(({ message }) => message);
  const seconds = () => Math.round((clock.monotonic() - startedAt) / 1000);
  try {
    await build(platform, {
      service,
      snapshot: { settings, env: service.env },
      deployId: "dep-rehearsal",
      commitId: request.commit,
      clearCache: true,
      signal,
      onCommit: () => {},
    });
    return { kind: "built", seconds: seconds() };
  } catch (error) {
    options.signal.throwIfAborted();
    if (limitMet !== undefined) return unknown(limitMet);
    if (!(error instanceof StageFailed)) throw error;
    const lines = log();
    const doubt = doubtOf(error, entered, lines, request);
    return doubt === null ? { kind: "failed", seconds: seconds(), log: lines.join("\n") } : unknown(doubt);
  } finally {
    over.abort();
    await watching;
  }
}

/** Why a failure says nothing of the commit; `null` where it does. */
function doubtOf(
  { reason }: StageFailed,
  entered: ReadonlySet<BuildStep>,
  lines: readonly string[],
  request: Native,
): string | null {
  if (!entered.has("build")) {
    const said = lines.findLast((line) => line.startsWith("==> Drydock: "));
    return said?.replace("==> Drydock: ", "") ?? "the build did not come as far as its command";
  }
  const code = "nonZeroExit" in reason ? reason.nonZeroExit : undefined;
  if ("oomKilled" in reason) return "the build went beyond the memory of a rehearsal";
  if (code === undefined) return "the build went beyond the time of a rehearsal";
  if (code === NO_CELL || code >= EXIT_CODES_OF_TROUBLE) return `the build command ended with status ${code}`;
  const told = lines.find((line) => MACHINE.test(line));
  if (told !== undefined) return `it failed, perhaps for this machine's sake: ${told.trim()}`;
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") return `it failed, on another machine than Render's`;
  return differentVersion(lines, request);
}

/** Whether the failed build ran on another version than the rehearsal, or on one that nobody knows. */
function differentVersion(lines: readonly string[], { runtime, python, node }: Native): string | null {
  const name = runtime === "python" ? "Python" : "Node.js";
  const used = lines.map((line) =>
    new RegExp(`^==> Using ${RegExp.escape(name)} version (\\S+)(.*)`).exec(line)
  )
    .find((match) => match !== null);
  const before = runtime === "python" ? python?.version : node;
  if (used?.[1] === undefined || before === undefined || before === null) {
    return `it failed, and which ${name} Render builds it with is not known`;
  }
  const replaced = lines.find((line) => line.startsWith(`==> Drydock: ${name} `));
  // A version that the files name may have been changed by the commit, and is then right as it is.
  const isNamed = !used[2]!.includes("(default)");
  const series = (version: string) => version.split(".").slice(0, runtime === "python" ? 2 : 1).join(".");
  if (runtime === "node" && replaced !== undefined) return `it failed, but ${replaced.slice(13)}`;
  if (!isNamed && series(used[1]) !== series(before)) {
    return `it failed with ${name} ${used[1]}; Render builds with ${before}`;
  }
  return null;
}

/** Copies the files, without what git keeps among them, and edits the copy. */
async function copyFiles(
  { directory, edits }: RehearsalRequest,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  await Deno.mkdir(target, { recursive: true });
  const command = ["cp", "-a", "--", `${directory}/.`, target] as const;
  const copied = await run({ command, cwd: "/", env: cellEnvironment(), timeoutMs: COPY_TIMEOUT_MS, signal });
  if (copied.kind !== "exited" || copied.code !== 0) throw new Error(`the files could not be copied`);
  await Deno.remove(join(target, ".git"), { recursive: true }).catch(() => {});
  for (const { path, content } of edits) {
    const place = join(target, path);
    if (content === null) {
      await Deno.remove(place).catch(() => {});
      continue;
    }
    await Deno.mkdir(dirname(place), { recursive: true });
    await Deno.writeTextFile(place, content);
  }
}

function serviceOf(request: Native, now: number): ServiceRecord {
  const { python, runtime } = request;
  // Render's default and a variable of the service are not in the files, so that only a variable can say them here.
  const isOutside = python !== null && python.from !== "file" && /^\d+\.\d+\.\d+$/.test(python.version);
  const namesVersion = request.edits.some(({ path, content }) =>
    content !== null && path.split("/").at(-1) === ".python-version"
  );
  const isWanted = isOutside && !(python.from === "default" && namesVersion);
  return {
    id: SERVICE_ID,
    name: "rehearsal",
    slug: "rehearsal",
    ownerId: "",
    repo: "the checkout",
    branch: request.branch,
    autoDeploy: false,
    plan: "starter",
    region: "",
    numInstances: 1,
    notifyOnFail: "ignore",
    suspended: false,
    maintenance: { enabled: false, uri: "" },
    settings: {
      runtime,
      rootDir: request.rootDir,
      buildCommand: request.buildCommand,
      startCommand: "",
      preDeployCommand: "",
      healthCheckPath: "",
      dockerCommand: "",
      dockerContext: "",
      dockerfilePath: "",
      maxShutdownDelaySeconds: 0,
    },
    env: new Map(runtime === "python" && isWanted ? [["PYTHON_VERSION", python.version]] : []),
    url: "http://localhost",
    createdAt: now,
    updatedAt: now,
  };
}

/**
 * Removes what a build left; what was killed may take a moment to go, and is not to be believed until then: folders that
 * the build closed are opened in the cell. What the cell is made of goes last.
 */
async function remove(folder: string, cell: Cell | undefined, clock: Clock): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES_MAX; tries++) {
    if ((cell === undefined || await removeTree(cell.yard)) && await removeTree(folder)) return;
    if (cell !== undefined) {
      const command = cell.command(["chmod", "-R", "u+rwX", "--", cell.yard], "/");
      await run({ command, cwd: "/", env: { PATH: "/usr/bin:/bin" }, timeoutMs: OPEN_TIMEOUT_MS });
    }
    await clock.sleep(REMOVE_PAUSE_MS);
  }
}
