/** The packages that a Dockerfile installs: which, where another one joins them, and how one is taken out. */
import type { Distribution } from "../code/distribution.ts";
import { insertBefore } from "../code/dockerfile.ts";
import type { Change } from "../code/dockerfile.ts";
import { subcommandOf } from "../code/shell_words.ts";
import type { Invocation, Word } from "../code/shell_words.ts";
import { asRoot, runs } from "./docker_case.ts";
import type { DockerCase } from "./docker_case.ts";

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
