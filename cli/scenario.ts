/**
 * `scenario`: heals a service that really was broken, with its real packages from the real registry, in a local
 * Render, and holds the result against what is expected. Leaves nothing behind unless a data folder is named.
 */
import { join } from "@std/path";
import { createToolbox } from "../agents/tools/toolbox.ts";
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { startDrydock } from "../drydock/mod.ts";
import { toolEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { Controller } from "../reconciler/controller.ts";
import { DEFAULT_POLICY } from "../reconciler/policy.ts";
import { settle } from "../reconciler/settle.ts";
import type { Settlement } from "../reconciler/settle.ts";
import { DEFAULT_AUTHOR, DEFAULT_SPEC } from "../reconciler/spec.ts";
import type { ServiceSpec } from "../reconciler/spec.ts";
import type { RenderApi } from "../render/api.ts";
import { parseArguments } from "./arguments.ts";
import { assemble } from "./assembly.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { createDemoRepository } from "./demo/repository.ts";
import { createService } from "./demo/yard.ts";
import { createNarrator } from "./event_line.ts";
import { createPainter, printJson, safe, table } from "./output.ts";
import { renderSettlement, settlementJson } from "./report.ts";
import { BY_HAND, foundingFiles, foundingService, pinChanges, PYTHON } from "./scenario/founding.ts";
import type { PinChanges } from "./scenario/founding.ts";
import { stopOnSignals } from "./signals.ts";

/** Enough for the whole installation on a slow machine: 120 minutes of Render's become 12. */
const SPEED_DEFAULT = 10;
const SPEED_MAX = 60;
const TIMEOUT_DEFAULT_MS = 20 * 60_000;
const PROOF_MS = 5_000;
const LOOK_MS = 500;
const GIT_TIMEOUT_MS = 30_000;
/** The machine lacks what the scenario needs; nothing was started. */
export const EXIT_CANNOT_RUN = 4;
const NAMES = ["founding"] as const;

export const scenarioDefinition = defineCommand({
  name: "scenario",
  summary: "Heals a service with real packages in a local Render and compares with what is expected.",
  operands: { placeholder: "NAME", description: `Which one: ${NAMES.join(", ")}`, min: 1, max: 1 },
  flags: {
    speed: {
      kind: "number",
      placeholder: "N",
      min: 1,
      max: SPEED_MAX,
      whole: false,
      default: SPEED_DEFAULT,
      description: "How many times faster than Render's the platform's waits are",
    },
    timeout: { kind: "duration", default: TIMEOUT_DEFAULT_MS, description: "How long all of it may take" },
    output: outputFlag,
  },
  environment: [{
    name: "EVENKEEL_DATA_DIR",
    description: "Folder to keep state and downloaded packages in [default: a temp folder]",
  }],
  exitCodes: {
    0: "healed as expected",
    1: "not healed, or not as expected",
    2: "a flag is wrong",
    [EXIT_CANNOT_RUN]: `Python ${PYTHON} is missing or the package registry does not answer`,
  },
  examples: ["deno task scenario founding", "deno task scenario founding -o json"],
});

/** Where the time went, in milliseconds. */
interface Times {
  /** From the first look at the failed deploy to the end of the proof. */
  heal: number;
  /** Reading, deciding, checking, committing: what Evenkeel added. */
  own: number;
  /** Build, deploy and start of the healed commit, by the platform's own record. */
  platform: number;
  proof: number;
}

export async function scenarioCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(scenarioDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { flags, operands: [name] } = parsed;
  if (!NAMES.some((known) => known === name)) {
    throw new EvenkeelError(`Cannot run the scenario ${safe(name ?? "")}: there is none of that name`, {
      hint: `There is ${NAMES.join(", ")}`,
    });
  }
  const isJson = flags.output === "json";
  const say = isJson ? console.error : console.log;
  using stop = stopOnSignals();
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-scenario-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const dataDirectory = Deno.env.get("EVENKEEL_DATA_DIR") || join(folder, "data");

  const missing = await whatIsMissing(join(folder, "probe"), stop.signal);
  if (missing !== null) {
    if (isJson) printJson({ schemaVersion: 1, scenario: name, exitCode: EXIT_CANNOT_RUN, why: missing });
    console.error(`Cannot run the scenario ${name}: ${missing}`);
    return EXIT_CANNOT_RUN;
  }

  const files = await foundingFiles();
  const requirements = files["requirements.txt"] ?? "";
  const repository = await createDemoRepository(folder, foundingService.name);
  await repository.push(files, "First version");
  const drydock = cleanup.use(await startDrydock({ speed: flags.speed }));
  const painter = createPainter();
  const narrator = createNarrator(say, systemClock, painter.isColoured);
  narrator.say(`A local Render builds ${requirements.trim().split("\n").length} pinned packages; that fails`);
  const id = await createService(drydock, foundingService, repository, {
    PIP_CACHE_DIR: join(dataDirectory, "cache", "scenario-pip"),
  });
  const spec: ServiceSpec = {
    ...DEFAULT_SPEC,
    service: id,
    repo: null,
    branch: null,
    expect: { status: "ok" },
    database: { kind: "none" },
    stableForMs: PROOF_MS,
    intervalMs: 1_000,
    watchIntervalMs: LOOK_MS,
    policy: DEFAULT_POLICY,
    generation: 1,
  };
  const assembly = cleanup.use(
    await assemble({
      services: [spec],
      author: DEFAULT_AUTHOR,
      file: null,
      apiKey: drydock.apiKey,
      apiUrl: drydock.url,
      webhook: null,
      githubToken: null,
      dataDirectory,
      sessionId: null,
    }, { onEvent: narrator.event }),
  );
  const { api } = assembly.parts;
  await firstDeployFails(api, id, flags.timeout, stop.signal);

  const controller = cleanup.use(new Controller(assembly.parts));
  const settled = await settle(controller, assembly.parts, spec, {
    timeoutMs: flags.timeout,
    signal: stop.signal,
    onPass: (pass) => narrator.outcome(pass.record.name, pass.outcome),
  });
  await assembly.writeArtifacts();

  const times = await timesOf(api, id, settled);
  const changes = pinChanges(requirements, await git(repository.url, "show", "main:requirements.txt"));
  const commits = Number(await git(repository.url, "rev-list", "--count", "main")) - 1;
  const objections = objectionsTo(settled, changes, commits);
  const exitCode = objections.length === 0 ? EXIT.ready : EXIT.notReady;
  if (isJson) {
    printJson({
      schemaVersion: 1,
      scenario: name,
      exitCode,
      objections,
      commits,
      ...changes,
      seconds: times === null ? null : Object.fromEntries(
        Object.entries(times).map(([key, ms]) => [key, Math.round(ms / 100) / 10]),
      ),
      byHand: BY_HAND,
      service: settlementJson(settled),
    });
    return exitCode;
  }
  console.log(`\n${renderSettlement(settled, painter)}\n`);
  if (times !== null) console.log(timeTable(times));
  const moved = changes.moved.map((pin) => `${pin.name} ${pin.from} to ${pin.to}`).join(", ") || "nothing";
  console.log(
    `\nMoved: ${safe(moved)}. Removed: ${changes.removed.join(", ") || "nothing"}. Commits: ${commits}.`,
  );
  console.log(
    objections.length === 0
      ? painter.paint("green", "Healed on the first attempt, as expected.")
      : painter.paint("red", `Not as expected: ${safe(objections.join("; "))}.`),
  );
  return exitCode;
}

/** Why the scenario cannot run here; null when it can. */
async function whatIsMissing(scratch: string, signal: AbortSignal): Promise<string | null> {
  const tools = createToolbox({ cacheHome: join(scratch, "home"), scratchRoot: scratch });
  try {
    // Asks the real index whether the first pin exists for this Python; without pip it cannot be asked.
    const answer = await tools["pip-versions"].run({ name: "fastapi", pythonVersion: PYTHON }, signal);
    const versions = Object(answer).versions;
    if (!Array.isArray(versions) || versions.length === 0) return "the package registry has no fastapi";
  } catch (error) {
    return `${messageOf(error)}; it needs Python ${PYTHON} with pip, and the package registry`;
  } finally {
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
  }
  return null;
}

async function firstDeployFails(
  api: RenderApi,
  serviceId: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  while (!ended.aborted) {
    const [deploy] = await api.listDeploys(serviceId);
    if (deploy?.status === "build_failed") return;
    if (deploy?.status === "live" || deploy?.status === "update_failed") {
      throw new EvenkeelError(
        `Cannot run the scenario: the first build was to fail and is ${deploy.status}`,
        {
          exitCode: EXIT.notReady,
        },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new EvenkeelError("Cannot run the scenario: the first build did not end in time", {
    hint: "Give it longer: --timeout 40m",
    exitCode: EXIT.notReady,
  });
}

async function timesOf(api: RenderApi, serviceId: string, { incident }: Settlement): Promise<Times | null> {
  const live = (await api.listDeploys(serviceId)).find((deploy) => deploy.status === "live");
  if (incident === null || incident.closedAt === null || live === undefined) return null;
  const heal = incident.closedAt - incident.openedAt;
  const platform = Date.parse(live.finishedAt ?? "") - Date.parse(live.createdAt ?? "");
  return Number.isNaN(platform)
    ? null
    : { heal, platform, proof: PROOF_MS, own: Math.max(0, heal - platform - PROOF_MS) };
}

/** What differs from what is expected of the heal. */
function objectionsTo(settled: Settlement, changes: PinChanges, commits: number): string[] {
  const attempts = settled.incident?.attempts.length ?? 0;
  const objections: string[] = [];
  if (settled.verdict !== "ready") objections.push(`it is not healed: ${settled.message}`);
  if (attempts !== 1) objections.push(`it took ${attempts} attempts`);
  if (commits !== 1) objections.push(`it took ${commits} commits`);
  const moved = changes.moved.map((pin) => pin.name);
  if (moved.length !== 1 || moved[0] !== "aiohttp") {
    objections.push(`it moved ${moved.join(", ") || "nothing"}`);
  }
  const others = [...changes.removed, ...changes.added];
  if (others.length > 0) objections.push(`it removed or added ${others.join(", ")}`);
  return objections;
}

function timeTable({ heal, own, platform, proof }: Times): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return table([
    ["the whole heal", seconds(heal)],
    ["  the platform's build, deploy and start", seconds(platform)],
    ["  Evenkeel: diagnose, resolve, check, push", seconds(own)],
    [`  proof (${DEFAULT_SPEC.stableForMs / 60_000} minutes on Render)`, seconds(proof)],
    ["by hand", `${BY_HAND.minutes} minutes, ${BY_HAND.commits} commits`],
  ]);
}

async function git(repository: string, ...args: string[]): Promise<string> {
  const env = { ...toolEnvironment(), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
  const result = await run({
    command: ["git", "-C", repository, ...args],
    cwd: repository,
    env,
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (result.kind === "exited" && result.code === 0) return result.stdout;
  throw new EvenkeelError(
    `Cannot read the repository of the scenario: ${result.stderr.trim().split("\n")[0]}`,
  );
}
