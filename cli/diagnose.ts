/**
 * `diagnose`: names the cause of a failed build or start from its log, with no account and nothing set up. With
 * `--repo` it also shows the change that the fixer would make; it never makes it.
 */
import { join } from "@std/path";
import { fixer } from "../agents/fixer/agent.ts";
import { diagnose } from "../agents/analyzer/agent.ts";
import { readLog } from "../agents/analyzer/log_lines.ts";
import { StepReader } from "../agents/analyzer/steps.ts";
import { createCheckoutView } from "../agents/fixer/checkout_view.ts";
import { findRemedy } from "../agents/fixer/remedies/all.ts";
import { runInline } from "../agents/inline.ts";
import { phases } from "../agents/messages.ts";
import type { Diagnosis, Phase, Proposal, Settings } from "../agents/messages.ts";
import { createToolbox } from "../agents/tools/toolbox.ts";
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
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
    output: outputFlag,
  },
  operands: {
    placeholder: "LOG",
    description: "A file with the log, or - for standard input",
    min: 1,
    max: 1,
  },
  exitCodes: {
    0: "a cause is named",
    1: "the cause is not known",
    2: "a flag is wrong or a file cannot be read",
  },
  examples: [
    "deno task diagnose build.log --repo .",
    "pip install -r requirements.txt 2>&1 | deno task diagnose -",
  ],
});

export async function diagnoseCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(diagnoseDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { flags, operands } = parsed;
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
    ? withoutRepository(diagnosis)
    : await withRepository(diagnosis, settings, flags.repo, paths);
  if (flags.output === "json") printJson(asJson(answer));
  else console.log(asText(answer, log, flags));
  return diagnosis.cause === "unknown" ? EXIT.notReady : EXIT.ready;
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
  for (const line of readLog(log).lines) steps.read(line);
  const { facts } = steps;
  const guess = facts.nodeVersion !== null || paths.includes("package.json")
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

function withoutRepository(diagnosis: Diagnosis): Answer {
  const remedy = findRemedy(diagnosis.remedies[0] ?? "");
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
): Promise<Answer> {
  const scratch = await Deno.makeTempDir({ prefix: "evenkeel-diagnose-" });
  try {
    const toolbox = createToolbox({ cacheHome: join(scratch, "home"), scratchRoot: join(scratch, "tools") });
    const refusals: string[] = [];
    for (const id of diagnosis.remedies) {
      const run = await runInline(fixer, { remedy: id, diagnosis, settings, directory, paths }, { toolbox });
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
