/**
 * `demo`: three broken services in a local Render, healed by the real reconciler with real agents, builds,
 * commits and deploys. Needs git, Node, npm and the npm registry; leaves nothing behind.
 */
import { join } from "@std/path";
import { systemClock } from "../base/clock.ts";
import { EXIT } from "../base/errors.ts";
import { startDrydock } from "../drydock/mod.ts";
import { Controller } from "../reconciler/controller.ts";
import type { Pass } from "../reconciler/controller.ts";
import { runDaemon } from "../reconciler/daemon.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { DEFAULT_POLICY } from "../reconciler/policy.ts";
import { DEFAULT_AUTHOR, DEFAULT_HEALTH_PATH, DEFAULT_SPEC } from "../reconciler/spec.ts";
import type { ServiceSpec } from "../reconciler/spec.ts";
import { recallTallies } from "../state/recall.ts";
import type { Attempt, Incident } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { formatDuration } from "../text/duration.ts";
import { parseArguments } from "./arguments.ts";
import { assemble } from "./assembly.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { createDemoRepository } from "./demo/repository.ts";
import type { DemoRepository } from "./demo/repository.ts";
import { demoServices } from "./demo/services.ts";
import type { DemoService } from "./demo/services.ts";
import { createService } from "./demo/yard.ts";
import { createNarrator } from "./event_line.ts";
import { createExplainer } from "./failure.ts";
import { levelOf, startLog, verboseFlag } from "./log.ts";
import { createPainter, printJson, safe, table, terminalColumns, whole, wrap } from "./output.ts";
import type { Painter } from "./output.ts";
import { causeText, diffOf, renderDiff } from "./report.ts";
import { createSecrets } from "./secrets.ts";
import { storyHint } from "./session.ts";
import { stopOnSignals } from "./signals.ts";

/** How much faster than Render's the platform's waits are. */
const PLATFORM_SPEED = 60;
const FAST_PROOF_MS = 5_000;
const TIMEOUT_MS = 4 * 60_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** Lines about what was learned before. */
const LEARNED_SHOWN = 5;

export const demoDefinition = defineCommand({
  name: "demo",
  summary: "Breaks three services in a local Render and heals them with the real reconciler.",
  flags: {
    fast: {
      kind: "switch",
      description: `Prove each heal for ${formatDuration(FAST_PROOF_MS)}; this is the default`,
    },
    full: {
      kind: "switch",
      description: `Prove each heal for the whole ${formatDuration(DEFAULT_SPEC.stableForMs)}`,
    },
    output: outputFlag,
    verbose: verboseFlag,
  },
  environment: [
    { name: "EVENKEEL_DATA_DIR", description: "Folder to keep state in [default: a temp folder]" },
    ...describeVariables("SESSION_ID", "EVENKEEL_LOG"),
  ],
  exitCodes: { 0: "all three services answer", 1: "one does not", 2: "a flag is wrong" },
  examples: ["deno task demo", "deno task demo --full"],
});

/** One service while the demo runs. */
interface Actor {
  service: DemoService;
  repository: DemoRepository;
  spec: ServiceSpec;
  hasBrokenIt: boolean;
  incident: Incident | null;
  isHealed: boolean;
  url: string | null;
}

export async function demoCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(demoDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { flags } = parsed;
  // JSON is for programs: the story then goes to standard error.
  const print = flags.output === "json" ? console.error : console.log;
  const painter = createPainter();
  const proofMs = flags.full ? DEFAULT_SPEC.stableForMs : FAST_PROOF_MS;
  using stop = stopOnSignals();
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-demo-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const startedAt = performance.now();

  print(introduction(painter, proofMs, flags.full));
  const drydock = cleanup.use(await startDrydock({ speed: PLATFORM_SPEED }));
  const actors = new Map<string, Actor>();
  for (const service of demoServices) {
    const repository = await createDemoRepository(folder, service.name);
    await repository.push(service.files, "First version");
    const id = await createService(drydock, service, repository);
    actors.set(id, {
      service,
      repository,
      spec: specOf(id, proofMs),
      hasBrokenIt: service.then === undefined,
      incident: null,
      isHealed: false,
      url: null,
    });
  }

  const secrets = createSecrets([drydock.apiKey]);
  const level = levelOf(flags.verbose, Deno.env.get("EVENKEEL_LOG"));
  cleanup.use(await startLog({ level, secrets }));
  const narrator = createNarrator(
    print,
    systemClock,
    painter.isColoured,
    demoServices.map(({ name }) => name),
  );
  const explain = createExplainer(print);
  const done = new AbortController();
  const ended = AbortSignal.any([
    stop.signal,
    done.signal,
    AbortSignal.timeout(flags.full ? 3 * TIMEOUT_MS : TIMEOUT_MS),
  ]);
  const assembly = cleanup.use(
    await assemble({
      services: [...actors.values()].map((actor) => actor.spec),
      author: DEFAULT_AUTHOR,
      file: null,
      apiKey: drydock.apiKey,
      apiUrl: drydock.url,
      webhook: null,
      githubToken: null,
      dataDirectory: Deno.env.get("EVENKEEL_DATA_DIR") || join(folder, "data"),
      sessionId: Deno.env.get("SESSION_ID") || null,
    }, {
      secrets,
      onEvent(event, about) {
        const attempt = about.incident?.attempts.at(-1);
        if (event.type !== "AttemptBegun" || attempt === undefined) narrator.event(event, about);
        else print(card(about.serviceName, attempt, painter));
      },
    }),
  );
  if (assembly.continued !== null) narrator.say(assembly.continued);
  for (const line of await learnedBefore(assembly.parts.store)) narrator.say(line);
  const controller = cleanup.use(new Controller(assembly.parts));
  await runDaemon(controller, assembly.parts, [...actors.values()].map((actor) => actor.spec), {
    signal: ended,
    async onPass(spec, pass) {
      const actor = actors.get(spec.service);
      if (actor === undefined) return;
      narrator.outcome(pass.record.name, pass.outcome);
      await explain(assembly.parts.store, pass);
      follow(actor, pass);
      if (!actor.hasBrokenIt && actor.service.then !== undefined && pass.record.provenDeploys.length > 0) {
        actor.hasBrokenIt = true;
        const { message, files } = actor.service.then;
        narrator.say(`${actor.service.name} is proven good; a developer pushes "${message}"`);
        await actor.repository.push(files, message);
      }
      if ([...actors.values()].every((one) => one.isHealed)) done.abort();
    },
    onTrouble: (spec, message) =>
      narrator.outcome(actors.get(spec.service)?.service.name ?? spec.service, {
        kind: "retry",
        reason: "CannotLook",
        message,
      }),
  });
  await assembly.writeArtifacts();

  const answers = await Promise.all([...actors.values()].map((actor) => asksWell(actor.url)));
  const rows = [...actors.values()].map((actor, at) => ({
    ...summaryOf(actor),
    answers: answers[at] === true,
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  const isWell = rows.every((row) => row.healed && row.answers);
  if (flags.output === "json") {
    printJson({ schemaVersion: 1, healed: isWell, seconds, services: rows }, secrets.redact);
  } else {
    print(conclusion(rows, seconds, isWell, painter));
    // Without a data folder of one's own, everything goes with the demo.
    if (Deno.env.get("EVENKEEL_DATA_DIR")) print(storyHint(assembly.parts.sessionId));
  }
  return isWell ? EXIT.ready : EXIT.notReady;
}

function introduction({ paint }: Painter, proofMs: number, isFull: boolean): string {
  const stories = demoServices.map(({ name, story }) => [paint("bold", name), story]);
  const proof = isFull
    ? `Each heal is proven for ${formatDuration(proofMs)}.`
    : `Each heal is proven for ${formatDuration(proofMs)} instead of ${
      formatDuration(DEFAULT_SPEC.stableForMs)
    } (--fast, the default here; --full takes the whole time).`;
  const columns = terminalColumns();
  return [
    wrap(
      `A local Render starts, ${PLATFORM_SPEED} times as fast as the real one in its waits, with three services:`,
      columns,
    ),
    "",
    table(stories, { indent: 2 }),
    "",
    wrap(`Builds, processes, commits and deploys are real. ${proof}`, columns),
    "",
  ].join("\n");
}

function specOf(serviceId: string, proofMs: number): ServiceSpec {
  return {
    ...DEFAULT_SPEC,
    service: serviceId,
    repo: null,
    branch: null,
    expect: { status: "ok" },
    database: { kind: "none" },
    stableForMs: proofMs,
    intervalMs: 1_000,
    watchIntervalMs: 500,
    policy: DEFAULT_POLICY,
    generation: 1,
  };
}

/** What an earlier run with the same data folder learned and this one will use, one line a remedy. */
async function learnedBefore(store: Store): Promise<string[]> {
  const tallies = await recallTallies(store, systemClock.now());
  return tallies.filter(({ healed }) => healed > 0).slice(0, LEARNED_SHOWN).map((tally) => {
    const { cause, remedy, healed } = tally;
    const tries = healed + tally.noEffect + tally.worse;
    return `Learned in an earlier run: ${remedy} healed ${cause} ${healed} of ${tries} ${
      tries === 1 ? "time" : "times"
    }`;
  });
}

/** Notes how far a service is. */
function follow(actor: Actor, { incident, record }: Pass): void {
  actor.url = record.url ?? actor.url;
  actor.incident = incident ?? actor.incident;
  actor.isHealed = actor.incident?.status === "healed";
}

function card(name: string, attempt: Attempt, { paint }: Painter): string {
  const rows: string[][] = [];
  const { evidence, cause, confidence, remedy, risk, why } = attempt;
  if (evidence !== null) rows.push(["evidence", `line ${evidence.line}: ${safe(evidence.text)}`]);
  rows.push(["cause", causeText(cause, confidence, attempt.repair.kind)]);
  rows.push(["remedy", `${safe(remedy)}, risk ${risk}`]);
  if (why !== null) rows.push(["because", safe(why)]);
  const diff = diffOf(attempt.repair);
  if (diff !== null) rows.push(["change", renderDiff(diff, paint)]);
  const painted = rows.map(([key = "", text = ""]) => [paint("dim", key), text]);
  const title = paint("bold", `${safe(name)}, attempt ${attempt.number}`);
  const summary = wrap(whole(attempt.summary), terminalColumns(), 4);
  return `\n  ${title}\n${summary}\n${table(painted, { indent: 4 })}\n`;
}

/** Whether an address answers its health path with 200 and JSON. */
async function asksWell(url: string | null): Promise<boolean> {
  if (url === null) return false;
  try {
    const response = await fetch(`${url}${DEFAULT_HEALTH_PATH}`, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    await response.json();
    return response.status === 200;
  } catch {
    return false;
  }
}

interface Row {
  service: string;
  healed: boolean;
  cause: string;
  remedy: string;
  attempts: number;
  seconds: number | null;
  url: string | null;
  answers: boolean;
}

function summaryOf({ service, incident, isHealed, url }: Actor): Omit<Row, "answers"> {
  const attempts = incident?.attempts ?? [];
  const closedAt = incident?.closedAt ?? null;
  return {
    service: service.name,
    healed: isHealed,
    cause: attempts.at(-1)?.cause ?? incident?.message ?? "nothing broke",
    remedy: attempts.map((attempt) => attempt.remedy).join(", then "),
    attempts: attempts.length,
    seconds: incident === null || closedAt === null
      ? null
      : Math.round((closedAt - incident.openedAt) / 1000),
    url,
  };
}

function conclusion(rows: Row[], seconds: number, isWell: boolean, { paint }: Painter): string {
  const head = ["service", "cause", "attempts", "seconds", "answers at", "remedy"].map((text) =>
    paint("dim", text)
  );
  const body = rows.map((row) => [
    paint("bold", safe(row.service)),
    safe(row.cause),
    String(row.attempts),
    row.seconds === null ? "-" : String(row.seconds),
    row.answers ? paint("green", safe(row.url ?? "")) : paint("red", "does not answer"),
    safe(row.remedy),
  ]);
  const end = isWell
    ? paint("green", `All three answer, after ${Math.round(seconds)} s in all.`)
    : paint("red", `Not every service was healed, after ${Math.round(seconds)} s.`);
  return ["", table([head, ...body]), "", end].join("\n");
}
