/**
 * `diagnose`: names the cause of a failed build or start from its log, with no account and nothing set up. With
 * `--repo` it also shows the change that the fixer would make; it never makes it. `--batch` answers many.
 */
import { join } from "@std/path";
import { fixer } from "../agents/fixer/agent.ts";
import { diagnose } from "../agents/analyzer/agent.ts";
import { lastStep, parseErrorLine } from "../agents/code/build_step.ts";
import { readLog } from "../agents/analyzer/log_lines.ts";
import { StepReader } from "../agents/analyzer/steps.ts";
import { createCheckoutView } from "../agents/fixer/checkout_view.ts";
import { remediesFor } from "../agents/fixer/remedies/all.ts";
import { runInline } from "../agents/inline.ts";
import { phases } from "../agents/messages.ts";
import type { Diagnosis, Phase, Proposal, Settings } from "../agents/messages.ts";
import { createToolbox } from "../agents/tools/toolbox.ts";
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { unknownOf } from "../state/unknowns.ts";
import type { UnknownSeen } from "../state/unknowns.ts";
import { STORE_FILE } from "../state/store_file.ts";
import { sanitizeLog } from "../text/sanitize.ts";
import { viewRepository } from "../reconciler/evidence.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { listFiles, unifiedDiff } from "./folder.ts";
import { asJson, asText } from "./diagnosis_text.ts";
import type { Answer } from "./diagnosis_text.ts";
import { printJson, safe } from "./output.ts";

/** A larger log is refused; what is read of a smaller one is bounded by the sanitizer. */
export const LOG_BYTES_MAX = 256 * 1024 * 1024;

export const diagnoseDefinition = defineCommand({
  name: "diagnose",
  summary: "Names the cause of a failed build or start from its log. Needs no account and changes nothing.",
  flags: {
    repo: {
      kind: "text",
      placeholder: "DIR",
      description: "The repository's folder: shows the change that would help",
    },
    runtime: {
      kind: "choice",
      of: ["auto", "node", "python", "docker", "ruby", "go", "rust", "elixir", "static"],
      default: "auto",
      description: "The service's runtime",
    },
    phase: {
      kind: "choice",
      of: ["auto", ...phases],
      default: "auto",
      description: "Where the log comes from",
    },
    "root-dir": {
      kind: "text",
      placeholder: "DIR",
      default: "",
      description: "The service's root directory",
    },
    "build-command": {
      kind: "text",
      placeholder: "COMMAND",
      description: "Its build command; else the log's or the runtime's usual one",
    },
    "start-command": {
      kind: "text",
      placeholder: "COMMAND",
      description: "Its start command; else the log's or the runtime's usual one",
    },
    "health-path": { kind: "text", placeholder: "PATH", default: "", description: "Its health check path" },
    why: { kind: "switch", description: "Say why other causes were rejected" },
    batch: {
      kind: "switch",
      description:
        "Read cases as JSON Lines on standard input and answer each with one line (docs/diagnose.md)",
    },
    output: outputFlag,
  },
  operands: {
    placeholder: "LOG",
    description: "A file with the log, or - for standard input; none with --batch",
    min: 0,
    max: 1,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: {
    0: "a cause is named; with --batch, every line was answered",
    1: "the cause is not known; with --batch, a line could not be answered and its reply says why",
    2: "a flag is wrong or a file cannot be read",
  },
  examples: [
    "deno task diagnose build.log --repo .",
    "pip install -r requirements.txt 2>&1 | deno task diagnose -",
    "deno task --quiet diagnose --batch < cases.jsonl > answers.jsonl",
  ],
});

export async function diagnoseCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(diagnoseDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { flags, operands } = parsed;
  if (flags.batch) {
    if (operands.length > 0) throw usage("--batch reads its cases from standard input and takes no file");
    return await batch();
  }
  if (operands.length === 0) throw usage("no log is given");
  const log = await readText(operands[0] ?? "-");
  const phase = phases.find((each) => each === flags.phase) ?? null;
  const paths = flags.repo === undefined ? [] : await listFiles(flags.repo);
  const settings = settingsOf(flags, log, phase, paths);
  const view = flags.repo === undefined ? null : createCheckoutView(flags.repo, paths);
  const repository = view === null
    ? null
    : await viewRepository({ paths: () => Promise.resolve([...view.paths]), read: view.read });
  const diagnosis = diagnose({ log, phase, settings, repository, platformReason: null });
  const answer = flags.repo === undefined
    ? withoutRepository(diagnosis, settings)
    : await withRepository(diagnosis, settings, flags.repo, paths, log);
  if (flags.output === "json") printJson(asJson(answer));
  else console.log(asText(answer, log, flags));
  if (diagnosis.cause !== "unknown") return EXIT.ready;
  await rememberUnknowns([unknownOf(diagnosis.excerpt, systemClock.now())]);
  return EXIT.notReady;
}

const usage = (why: string) =>
  new EvenkeelError(`Cannot diagnose: ${why}`, {
    hint: "deno task diagnose LOG, deno task diagnose - or deno task diagnose --batch < cases.jsonl",
  });

/** Unknown failures of one batch that are counted. */
const BATCH_UNKNOWNS_MAX = 10_000;

async function batch(): Promise<number> {
  const unknowns: (UnknownSeen | null)[] = [];
  const { answerLines } = await import("./diagnose_batch.ts");
  const writer = Deno.stdout.writable.getWriter();
  try {
    const { refused } = await answerLines(Deno.stdin.readable, (bytes) => writer.write(bytes), {
      onUnknown: (lines) => {
        if (unknowns.length < BATCH_UNKNOWNS_MAX) unknowns.push(unknownOf(lines, systemClock.now()));
      },
    });
    await rememberUnknowns(unknowns);
    return refused === 0 ? EXIT.ready : EXIT.notReady;
  } catch (error) {
    // Whoever reads the answers has had enough, as `head` has.
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.notReady;
    throw error;
  }
}

/** Counts unknown failures in the data folder, where one is given. */
async function rememberUnknowns(seen: readonly (UnknownSeen | null)[]): Promise<void> {
  const directory = Deno.env.get("EVENKEEL_DATA_DIR") ?? "";
  const unknowns = seen.filter((each) => each !== null);
  if (directory === "" || unknowns.length === 0) return;
  const { openSqliteStore } = await import("../state/sqlite.ts");
  await using store = await openSqliteStore(join(directory, STORE_FILE));
  await store.record({ unknowns });
}

async function readText(path: string): Promise<string> {
  const refuse = (why: string) =>
    new EvenkeelError(`Cannot read the log ${safe(path, 200)}: ${why}`, {
      hint: "Give a file, or - for standard input",
    });
  try {
    const file = path === "-" ? Deno.stdin.readable : (await Deno.open(path)).readable;
    const decoder = new TextDecoder();
    const parts: string[] = [];
    let bytes = 0;
    for await (const chunk of file) {
      bytes += chunk.length;
      if (bytes > LOG_BYTES_MAX) throw refuse(`it is larger than ${LOG_BYTES_MAX / 1024 / 1024} MiB`);
      parts.push(decoder.decode(chunk, { stream: true }));
    }
    return parts.join("") + decoder.decode();
  } catch (error) {
    if (error instanceof EvenkeelError) throw error;
    throw refuse(
      error instanceof Deno.errors.NotFound ? "there is no such file" : safe(messageOf(error), 200),
    );
  }
}

interface Given {
  runtime: string;
  "root-dir": string;
  "build-command": string | undefined;
  "start-command": string | undefined;
  "health-path": string;
}

/** What is not given comes from the log's own lines, then from what Render proposes for the runtime. */
function settingsOf(given: Given, log: string, phase: Phase | null, paths: readonly string[]): Settings {
  const steps = new StepReader(phase);
  const { lines } = readLog(log);
  for (const line of lines) steps.read(line);
  const { facts } = steps;
  const isDocker = lastStep(lines) !== null || parseErrorLine(lines) !== null;
  const guess = isDocker
    ? "docker"
    : facts.nodeVersion !== null || paths.includes("package.json")
    ? "node"
    : facts.pythonVersion !== null || paths.some((path) => path.endsWith("requirements.txt"))
    ? "python"
    : null;
  const runtime = given.runtime === "auto" ? guess : given.runtime;
  const usual = runtime === "node"
    ? { build: "npm install", start: "npm start" }
    : runtime === "python"
    ? { build: "pip install -r requirements.txt", start: "" }
    : { build: "", start: "" };
  return {
    runtime,
    plan: null,
    rootDir: given["root-dir"],
    buildCommand: given["build-command"] ?? facts.buildCommand ?? usual.build,
    startCommand: given["start-command"] ?? facts.startCommand ?? usual.start,
    preDeployCommand: "",
    dockerfilePath: "",
    healthCheckPath: given["health-path"],
    healthPath: "",
  };
}

function withoutRepository(diagnosis: Diagnosis, settings: Settings): Answer {
  const [remedy] = remediesFor(diagnosis, settings.runtime);
  return {
    diagnosis,
    remedy: remedy === undefined ? null : { id: remedy.id, kind: remedy.kind, risk: remedy.risk },
    proposal: null,
    patch: null,
  };
}

async function withRepository(
  diagnosis: Diagnosis,
  settings: Settings,
  directory: string,
  paths: string[],
  rawLog: string,
): Promise<Answer> {
  const log = sanitizeLog(rawLog);
  const scratch = await Deno.makeTempDir({ prefix: "evenkeel-diagnose-" });
  try {
    const toolbox = createToolbox({ cacheHome: join(scratch, "home"), scratchRoot: join(scratch, "tools") });
    const refusals: string[] = [];
    for (const { id } of remediesFor(diagnosis, settings.runtime)) {
      const question = { remedy: id, diagnosis, settings, directory, paths, log };
      const run = await runInline(fixer, question, { toolbox });
      const proposal: Proposal = run.kind === "answered" ? run.output : { kind: "none", why: run.message };
      if (proposal.kind === "none") {
        refusals.push(`${id}: ${proposal.why}`);
        continue;
      }
      const patch = proposal.kind === "patch"
        ? await unifiedDiff(directory, proposal.edits, scratch)
        : proposal.kind === "setting"
        ? settingLines(proposal.patch, settings)
        : null;
      return { diagnosis, remedy: { id, kind: proposal.kind, risk: proposal.risk }, proposal, patch };
    }
    const why = refusals.join("; ");
    return { diagnosis, remedy: null, proposal: why === "" ? null : { kind: "none", why }, patch: null };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** The settings that a proposal changes, as a small diff. */
function settingLines(patch: Extract<Proposal, { kind: "setting" }>["patch"], settings: Settings): string {
  const commands = patch.serviceDetails?.envSpecificDetails;
  const changes: [
    name: "rootDir" | "healthCheckPath" | "buildCommand" | "startCommand",
    value: string | undefined,
  ][] = [
    ["rootDir", patch.rootDir],
    ["healthCheckPath", patch.serviceDetails?.healthCheckPath],
    ["buildCommand", commands?.buildCommand],
    ["startCommand", commands?.startCommand],
  ];
  return changes.flatMap(([name, value]) =>
    value === undefined ? [] : [`-${name}: ${settings[name]}`, `+${name}: ${value}`]
  ).join("\n");
}
