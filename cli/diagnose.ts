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
import { createRedactor } from "../text/redact.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { listFiles, unifiedDiff } from "./folder.ts";
import { createPainter, printJson, safe, wrap } from "./output.ts";

/** A larger log is refused; what is read of a smaller one is bounded by the sanitizer. */
export const LOG_BYTES_MAX = 256 * 1024 * 1024;
/** Lines shown before and after the evidence. */
const CONTEXT_LINES = 2;
const TEXT_COLUMNS = 100;

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

interface Answer {
  diagnosis: Diagnosis;
  remedy: { id: string; kind: string; risk: string } | null;
  proposal: Proposal | null;
  /** A unified diff, or the settings that would change. */
  patch: string | null;
}

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

function asJson({ diagnosis, remedy, proposal, patch }: Answer) {
  const { remedies: _, captures: __, ...told } = diagnosis;
  return {
    ...told,
    remedy,
    proposal: proposal === null ? null : proposal.kind === "none" ? proposal.why : proposal.summary,
    patch,
  };
}

function asText(
  { diagnosis, remedy, proposal, patch }: Answer,
  log: string,
  { why, repo }: { why: boolean; repo: string | undefined },
): string {
  const { paint } = createPainter();
  const { cause, confidence, evidence } = diagnosis;
  const blocks: string[] = [];
  if (cause === "unknown") {
    blocks.push(
      `${paint("yellow", "The cause is not known.")} ${
        diagnosis.excerpt.length > 0 ? "These lines look like errors:" : ""
      }`,
    );
    blocks.push(diagnosis.excerpt.map(({ line, text }) => `${String(line).padStart(7)}  ${text}`).join("\n"));
  } else {
    blocks.push(
      `${paint("bold", cause)}  ${Math.round(confidence * 100)} % sure\n${
        wrap(diagnosis.summary, TEXT_COLUMNS)
      }`,
    );
    if (evidence !== null) blocks.push(contextOf(log, evidence.line, paint));
    if (diagnosis.chain.length > 1) blocks.push(`What followed: ${diagnosis.chain.slice(1).join(", ")}`);
    blocks.push(remedyText(remedy, proposal, repo, diagnosis));
    if (patch !== null) blocks.push(coloured(patch, paint));
  }
  if (why && diagnosis.rejected.length > 0) {
    blocks.push(
      ["Rejected:", ...diagnosis.rejected.map((each) => wrap(`${each.cause}: ${each.why}`, TEXT_COLUMNS, 2))]
        .join("\n"),
    );
  }
  return blocks.filter((block) => block !== "").join("\n\n");
}

type Paint = ReturnType<typeof createPainter>["paint"];

function contextOf(log: string, line: number, paint: Paint): string {
  const { lines, numberOf } = readLog(log);
  const redact = createRedactor([]);
  const at = lines.findIndex((_, index) => numberOf(index) === line);
  const from = Math.max(0, at - CONTEXT_LINES);
  return lines.slice(from, at + CONTEXT_LINES + 1).map((text, index) => {
    const shown = `${String(numberOf(from + index)).padStart(7)}  ${redact(safe(text, 300))}`;
    return from + index === at ? paint("red", `>${shown.slice(1)}`) : paint("dim", shown);
  }).join("\n");
}

function remedyText(
  remedy: Answer["remedy"],
  proposal: Proposal | null,
  repo: string | undefined,
  diagnosis: Diagnosis,
): string {
  if (remedy !== null) {
    const what = proposal !== null && proposal.kind !== "none" ? proposal.summary : findRemedyText(repo);
    return wrap(`Remedy: ${remedy.id} (${remedy.kind}, ${remedy.risk} risk). ${safe(what)}`, TEXT_COLUMNS);
  }
  if (proposal?.kind === "none") return wrap(`No remedy applies: ${safe(proposal.why)}`, TEXT_COLUMNS);
  return diagnosis.redeployMayCure
    ? "The same commit may succeed when it is tried again."
    : "No remedy is known for this cause: a person has to mend it.";
}

const findRemedyText = (repo: string | undefined) => repo === undefined ? "--repo DIR shows the change." : "";

function coloured(patch: string, paint: Paint): string {
  return patch.split("\n").map((line) => {
    const shown = safe(line.replaceAll("\t", "    ")) === "" ? "" : line.replaceAll("\t", "    ");
    // `safe` trims; the indent of a diff line is part of what it says.
    const clean = shown.slice(0, shown.length - shown.trimStart().length) + safe(shown);
    return line.startsWith("+") ? paint("green", clean) : line.startsWith("-") ? paint("red", clean) : clean;
  }).join("\n");
}
