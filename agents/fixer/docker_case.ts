/**
 * What every Docker remedy starts from: the Dockerfile, the instruction that failed, the distribution under it
 * and the log. A repair gives changes of the Dockerfile or says why it knows none; what it makes is parsed again
 * and refused when an instruction got lost.
 */
import type { Edit, Risk } from "../../state/records.ts";
import { findStep, lastStep, parseErrorLine } from "../code/build_step.ts";
import { distributionOfImage, distributionOfLog, releaseNumber } from "../code/distribution.ts";
import type { Distribution } from "../code/distribution.ts";
import { baseOf, insertBefore, parseDockerfile, withChanges } from "../code/dockerfile.ts";
import type { Change, Dockerfile, From, Instruction } from "../code/dockerfile.ts";
import { invocationsIn } from "../code/shell_words.ts";
import type { Invocation } from "../code/shell_words.ts";
import type { Proposal } from "../messages.ts";
import { none, patch } from "./remedy.ts";
import type { FixContext, Remedy } from "./remedy.ts";

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
/** UTF-16 units of one of them; what a tool says of its failure stands at the front. */
const LINE_CHARS_MAX = 1000;

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
  return (at === -1 ? all : all.slice(at)).slice(-STEP_LINES_MAX).map((line) =>
    line.slice(0, LINE_CHARS_MAX)
  );
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
