/**
 * What every Docker remedy starts from: the Dockerfile, the instruction that failed, the distribution under it
 * and the log. A repair gives changes of the Dockerfile or says why it knows none; what it makes is parsed again
 * and refused when an instruction got lost.
 */
import { findStep, lastStep, parseErrorLine } from "../code/build_step.ts";
import { distributionOfImage, distributionOfLog, releaseNumber } from "../code/distribution.ts";
import type { Distribution } from "../code/distribution.ts";
import { baseOf, insertBefore, parseDockerfile, withChanges } from "../code/dockerfile.ts";
import type { Change, Dockerfile, From, Instruction } from "../code/dockerfile.ts";
import { invocationsIn, subcommandOf } from "../code/shell_words.ts";
import type { Invocation, Word } from "../code/shell_words.ts";
import type { Edit, Risk } from "../../state/records.ts";
import { none, patch } from "./remedy.ts";
import type { FixContext, Remedy } from "./remedy.ts";
import type { Proposal } from "../messages.ts";

export interface DockerCase {
  context: FixContext;
  path: string;
  file: Dockerfile;
  /** The instruction the build failed in; null when the log does not say, as for a parse error. */
  step: Instruction | null;
  /** Instructions of the failing step's stage, up to and with it. */
  before: readonly Instruction[];
  base: From | undefined;
  distribution: Distribution | null;
  /** The log of the failing step, or all of it. */
  lines: readonly string[];
  captures: Readonly<Record<string, string>>;
}

export interface Repaired {
  changes: readonly Change[];
  summary: string;
  /** @default "low" */
  risk?: Risk;
  /** Changes of other files. */
  edits?: readonly Edit[];
  /** Instructions that the change takes away on purpose, such as a repeated keyword. @default 0 */
  fewer?: number;
}
/** Changes, or why there are none. */
export type Repair = (found: DockerCase) => Repaired | string | Promise<Repaired | string>;

/** Log lines of one failing step that are looked at. */
const STEP_LINES_MAX = 4000;
const BEFORE_STEPS = /[Dd]ockerfile parse error|Error response from daemon|failed to solve|[Nn]o build stage/;
/** Dockerfiles of a repository that are looked at. */
const DOCKERFILES_MAX = 20;

export function dockerRemedy(
  id: string,
  causes: readonly string[],
  repair: Repair,
  risk: Risk = "low",
): Remedy {
  return {
    id,
    kind: "patch",
    risk,
    runtime: "docker",
    causes,
    async propose(context) {
      const found = await findCase(context);
      if (typeof found === "string") return none(found);
      const repaired = await repair(found);
      return typeof repaired === "string" ? none(repaired) : proposalOf(found, repaired, risk);
    },
  };
}

function proposalOf(found: DockerCase, repaired: Repaired, risk: Risk): Proposal {
  const { file, path } = found;
  const text = withChanges(file.text, repaired.changes);
  const { step } = found;
  const isBeforeImage = step?.keyword === "FROM" &&
    repaired.changes.some((each) =>
      each.end <= step.start && !/^ARG /.test(each.text) && each.text.includes("\n")
    );
  if (isBeforeImage) return none("the step belongs to the image, which runs it by itself");
  const edits = [...(repaired.edits ?? [])];
  if (text !== file.text) {
    const after = parseDockerfile(text);
    const froms = (each: Dockerfile) => each.instructions.filter(({ keyword }) => keyword === "FROM").length;
    if (after.instructions.length < file.instructions.length - (repaired.fewer ?? 0) || froms(after) === 0) {
      return none("the change would take an instruction away");
    }
    edits.unshift({ path, content: text });
  }
  if (edits.length === 0) return none("nothing in the Dockerfile would change");
  return patch(edits, repaired.summary, repaired.risk ?? risk);
}

/** Finds the Dockerfile the log belongs to, and the instruction that failed. */
async function findCase(context: FixContext): Promise<DockerCase | string> {
  const all = context.log.split("\n");
  const step = lastStep(all);
  const parseLine = parseErrorLine(all);
  const named = context.settings.dockerfilePath.replace(/^\.\//, "");
  const paths = named !== "" && context.view.has(named)
    ? [named]
    : context.view.paths.filter((path) => /(?:^|\/)(?:Dockerfile[^/]*|[^/]+\.Dockerfile)$/i.test(path))
      .sort((a, b) => a.split("/").length - b.split("/").length || a.length - b.length || (a < b ? -1 : 1))
      .slice(0, DOCKERFILES_MAX);
  const candidates: { path: string; file: Dockerfile; instruction: Instruction | undefined }[] = [];
  for (const path of paths) {
    const text = await context.view.read(path);
    if (text === null) continue;
    const file = parseDockerfile(text);
    candidates.push({ path, file, instruction: step === null ? undefined : findStep(file, step) });
  }
  const fitting = candidates.filter(({ instruction }) => instruction !== undefined);
  // A build that ends before its first step complains of the file itself.
  const isOfFile = parseLine !== null || (step === null && all.some((line) => BEFORE_STEPS.test(line)));
  const chosen = fitting[0] ?? (isOfFile ? candidates[0] : undefined);
  if (chosen === undefined) {
    return candidates.length === 0
      ? "the repository holds no Dockerfile that could be read"
      : "no Dockerfile of the repository has the step that failed";
  }
  const { path, file, instruction = null } = chosen;
  const lines = stepLines(all);
  const before = instruction === null
    ? []
    : file.instructions.filter((each) => each.stage === instruction.stage && each.start <= instruction.start);
  const base = instruction === null ? baseOf(file, 0) : baseOf(file, Math.max(0, instruction.stage));
  const fromImage = base === undefined ? null : distributionOfImage(base.resolved ?? base.image);
  const fromLog = distributionOfLog(lines) ?? distributionOfLog(all);
  const fromCommands = familyOfCommands(before);
  // A log may hold other stages; what contradicts the image or the package manager in use is not believed.
  const family = fromImage?.family ?? fromCommands ?? fromLog?.family;
  const isSame = (a: string | undefined) => a === family || (family === "debian" && a === "ubuntu");
  const distribution: Distribution | null = family === undefined
    ? null
    : typeof fromImage?.release === "string"
    ? fromImage
    : fromLog !== null && isSame(fromLog.family)
    ? fromLog
    : { family, release: null };
  return {
    context,
    path,
    file,
    step: instruction,
    before,
    base,
    distribution,
    lines,
    captures: context.diagnosis.captures,
  };
}

/** From the last step's first line on. */
function stepLines(all: readonly string[]): readonly string[] {
  const at = all.findLastIndex((line) => /^\s*(?:#\d+ )?[Ss]tep \d+\/\d+ ?: /.test(line));
  return (at === -1 ? all : all.slice(at)).slice(-STEP_LINES_MAX);
}

function familyOfCommands(instructions: readonly Instruction[]): Distribution["family"] | undefined {
  const text = instructions.filter(({ keyword }) => keyword === "RUN").map(({ args }) => args).join("\n");
  return /\bapk\s+(?:-\S+\s+)*add\b/.test(text)
    ? "alpine"
    : /\bapt(?:-get)?\s+(?:-\S+\s+)*(?:update|install)\b/.test(text)
    ? "debian"
    : /\b(?:yum|dnf|microdnf)\s+(?:-\S+\s+)*install\b/.test(text)
    ? "rpm"
    : undefined;
}

/** The number of the distribution's release; null when it is not known. */
export const releaseOf = ({ distribution }: DockerCase): number | null =>
  distribution === null ? null : releaseNumber(distribution);

/** Whether the failing step is a RUN whose shell text can be edited. */
export function shellStep(found: DockerCase): Instruction | undefined {
  const { step } = found;
  return step?.keyword === "RUN" && !step.isExec ? step : undefined;
}

/** What a RUN instruction runs; offsets are those of the file. */
export function runs(file: Dockerfile, instruction: Instruction): Invocation[] {
  if (instruction.keyword !== "RUN" || instruction.isExec) return [];
  return invocationsIn(file.text.slice(0, instruction.end), instruction.argsAt, file.escape);
}

/** Text before the command that fails inside a shell step; a step of another form gets a RUN of its own. */
export function insertCommand(found: DockerCase, text: string, invocation: Invocation | undefined): Change {
  const { file, step } = found;
  const isSafe = invocation !== undefined && invocation.command.separator !== "||" &&
    invocation.command.separator !== "|";
  if (isSafe) {
    const { start } = invocation.command;
    return { start, end: start, text: `${text} && ` };
  }
  return insertBefore(file, step!, asRoot(found, [`RUN ${text}`]));
}

/** The account that a step runs under, as far as the Dockerfile says; null for root. */
export function userOf({ before, step }: Pick<DockerCase, "before" | "step">): string | null {
  const user = before.filter((each) => each !== step).findLast(({ keyword }) => keyword === "USER")?.args
    .trim();
  return user === undefined || /^(?:root|0)(?::|$)/.test(user) ? null : user;
}

/** Wraps instructions that need root where the step runs as somebody else. */
export function asRoot(found: Pick<DockerCase, "before" | "step">, lines: readonly string[]): string[] {
  const user = userOf(found);
  return user === null ? [...lines] : ["USER root", ...lines, `USER ${user}`];
}

const INSTALL_COMMANDS: Readonly<
  Record<Distribution["family"], { programs: readonly string[]; sub: string }>
> = {
  debian: { programs: ["apt-get", "apt", "aptitude"], sub: "install" },
  ubuntu: { programs: ["apt-get", "apt", "aptitude"], sub: "install" },
  alpine: { programs: ["apk"], sub: "add" },
  rpm: { programs: ["yum", "dnf", "microdnf"], sub: "install" },
};
/** Commands that prepare and need none of what is missing. */
const PREPARING = new Set([
  "apt-get",
  "apt",
  "apk",
  "yum",
  "dnf",
  "microdnf",
  "aptitude",
  "set",
  "echo",
  "export",
  "cd",
  "mkdir",
  "rm",
  "sed",
  "add-apt-repository",
  "apt-add-repository",
  "printf",
  "ln",
]);

export const isInstall = (invocation: Invocation, family: Distribution["family"]): boolean =>
  INSTALL_COMMANDS[family].programs.includes(invocation.program) &&
  subcommandOf(invocation)?.text === INSTALL_COMMANDS[family].sub;

/** The package words of an install command. */
export function packageWords(invocation: Invocation) {
  const sub = subcommandOf(invocation);
  const redirect = invocation.args.findIndex(({ text }) => /^\d?[<>&]/.test(text));
  const args = redirect === -1 ? invocation.args : invocation.args.slice(0, redirect);
  return args.filter(({ text }, at) =>
    !text.startsWith("-") && args[at] !== sub && args.indexOf(sub!) < at &&
    !/^(?:-t|--target-release|--virtual|-\w*t|-X|--repository|-o)$/.test(args[at - 1]?.text ?? "")
  );
}

/**
 * Installs packages before the failing step: in the install command that the stage has already, else by a RUN
 * of its own.
 * @param program what the packages are needed for, when one command of the step is known to need them
 */
export function installBefore(
  found: DockerCase,
  packages: readonly string[],
  program?: string,
): Change[] | string {
  const { file, step, distribution, before } = found;
  if (step === null) return "the log does not show which step failed";
  if (distribution === null) return "the distribution of the image is not known";
  const { family } = distribution;
  const inStep = runs(file, step);
  const needs = inStep.findIndex((each) => each.program === program);
  const first = needs !== -1 ? needs : inStep.findIndex((each) => !PREPARING.has(each.program));
  const usable = [
    ...before.filter((each) => each !== step && !each.isHeredoc).flatMap((each) => runs(file, each)),
    ...inStep.slice(0, Math.max(0, first)),
  ].filter((each) => isInstall(each, family) && packageWords(each).length > 0);
  const present = new Set(
    usable.flatMap((each) => packageWords(each).map(({ text }) => text.split(/[=~<>@]/)[0]!)),
  );
  const missing = packages.filter((each) => !present.has(each));
  if (missing.length === 0) return `${packages.join(", ")} is installed already`;
  const text = file.text;
  const kept = usable.filter((each) => {
    const group = /(?:--virtual|-t)[= ]+(\S+)/.exec(text.slice(each.command.start, each.command.end))?.[1];
    const isLocal = packageWords(each).every((word) => /[/$]|\.(?:deb|rpm)$/.test(word.text));
    return !isLocal && (group === undefined || each.command.start >= step.start);
  });
  const host = kept.at(-1);
  if (host !== undefined) return [appendPackages(text, host, missing)];
  const list = missing.join(" ");
  const line = family === "alpine"
    ? `RUN apk add --no-cache ${list}`
    : family === "rpm"
    ? `RUN yum install -y ${list}`
    : `RUN apt-get update && apt-get install -y --no-install-recommends ${list} && rm -rf /var/lib/apt/lists/*`;
  return [insertBefore(file, step, asRoot(found, [line]))];
}

/** Package words of the installs in the stage that come after the failing step. */
export function laterPackages({ file, step }: DockerCase, programs: readonly string[]): Word[] {
  if (step === null) return [];
  return file.instructions.filter((each) => each.stage === step.stage && each.start > step.start)
    .flatMap((each) => runs(file, each))
    .filter((each) =>
      programs.includes(each.program) && /^(?:install|add)$/.test(subcommandOf(each)?.text ?? "")
    )
    .flatMap((each) => packageWords(each));
}

/** Adds packages to an install command in the way its list is laid out. */
export function appendPackages(text: string, invocation: Invocation, packages: readonly string[]): Change {
  const words = packageWords(invocation);
  const last = words.at(-1)!;
  const gap = text.slice(words.at(-2)?.end ?? invocation.args[0]?.start ?? last.start, last.start);
  const layout = /[\\`][ \t]*\r?\n[ \t]*$/.exec(gap)?.[0];
  const joint = layout === undefined ? " " : ` ${layout}`;
  return { start: last.end, end: last.end, text: packages.map((each) => joint + each).join("") };
}

/** Takes a word out, with its line when it stands alone on one. */
export function removeWord(text: string, word: { start: number; end: number }): Change {
  const lineStart = text.lastIndexOf("\n", word.start - 1) + 1;
  const rest = /^[ \t]*[\\`][ \t]*\r?\n/.exec(text.slice(word.end, word.end + 400));
  if (/^[ \t]*$/.test(text.slice(lineStart, word.start)) && rest !== null) {
    return { start: lineStart, end: word.end + rest[0].length, text: "" };
  }
  // The last word of a list: the break before it would go on into the next instruction.
  const broken = /[ \t]*[\\`][ \t]*\r?\n[ \t]*$/.exec(text.slice(Math.max(0, word.start - 400), word.start));
  if (broken !== null && /^[ \t]*(?:\r?\n|$)/.test(text.slice(word.end, word.end + 400))) {
    return { start: word.start - broken[0].length, end: word.end, text: "" };
  }
  const blank = /[ \t]*$/.exec(text.slice(Math.max(0, word.start - 400), word.start))?.[0].length ?? 0;
  return { start: word.start - blank, end: word.end, text: "" };
}
