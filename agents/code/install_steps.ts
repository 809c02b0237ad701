/** The steps of a Dockerfile or a build command that install packages, and what lies before them. */
import { FACT_CHARS_MAX, STEPS_KEPT } from "../../state/build_facts.ts";
import type { InstallStep } from "../../state/build_facts.ts";
import type { Dockerfile, Instruction } from "./dockerfile.ts";
import { invocationsIn } from "./shell_words.ts";
import type { Invocation } from "./shell_words.ts";

/** Files that say what to install and no more: copying them first keeps the install's layer. */
const MANIFEST =
  /(?:^|\/)(?:package(?:-lock|\*)?\.json|package\*|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|\.npmrc|\.yarnrc[^/]*|requirements[^/]*|constraints[^/]*|pyproject\.toml|poetry\.lock|uv\.lock|Pipfile[^/]*|setup\.(?:py|cfg)|\*\.lock)$/;

interface Found {
  program: string;
  isSystem: boolean;
  refusesCache: boolean;
  isLocked: boolean;
}

/** The install steps of a Dockerfile, in order. @param clean makes text of the file safe to store and to show */
export function dockerInstalls(file: Dockerfile, clean: (text: string) => string): InstallStep[] {
  const steps: InstallStep[] = [];
  let stage = -1;
  let sourcesLine: number | null = null;
  for (const instruction of file.instructions) {
    if (instruction.stage !== stage) sourcesLine = null;
    stage = instruction.stage;
    if (bringsSources(instruction)) sourcesLine ??= instruction.line;
    if (instruction.keyword !== "RUN" || instruction.isExec || instruction.isHeredoc) continue;
    // One layer a RUN: what matters is whether any of its commands installs from the repository.
    const all = installsIn(instruction.args);
    const found = all.find(({ isSystem }) => !isSystem) ?? all[0];
    if (found === undefined) continue;
    steps.push({
      ...found,
      line: instruction.line,
      text: shown(`RUN ${instruction.args}`, clean),
      sourcesLine,
      hasCacheMount: instruction.flags.some((flag) => /^--mount=.*\btype=cache\b/.test(flag)),
    });
  }
  return steps.slice(0, STEPS_KEPT);
}

/** The install steps of a build command, in order. */
export function commandInstalls(command: string, clean: (text: string) => string): InstallStep[] {
  return invocationsIn(command).flatMap((invocation) => {
    const found = installOf(invocation);
    if (found === undefined) return [];
    const text = shown(command.slice(invocation.command.start, invocation.command.end), clean);
    return [{ ...found, line: null, text, sourcesLine: null, hasCacheMount: false }];
  }).slice(0, STEPS_KEPT);
}

function shown(text: string, clean: (text: string) => string): string {
  return clean(text.replace(/\s+/g, " ")).slice(0, FACT_CHARS_MAX);
}

function installsIn(text: string): Found[] {
  return invocationsIn(text).flatMap((invocation) => installOf(invocation) ?? []);
}

function installOf({ program: path, args }: Invocation): Found | undefined {
  let words = args.map(({ text }) => text);
  let program = path.replace(/[\d.]+$/, "");
  if (program === "python" && words[0] === "-m") {
    program = words[1] ?? "";
    words = words.slice(2);
  }
  if (program === "uv" && words[0] === "pip") words = words.slice(1);
  const [command] = words.filter((word) => !word.startsWith("-"));
  const has = (...flags: string[]) => flags.some((flag) => words.includes(flag));
  const names = namesAfter(words, command);
  const found = (isLocked: boolean, isSystem = names.length > 0, refusesCache = false): Found => ({
    program,
    isSystem,
    refusesCache,
    isLocked,
  });
  switch (program) {
    case "pip": {
      if (command !== "install") return undefined;
      const reads = words.some((word) => /^(?:-r|--requirement|-e|--editable)/.test(word)) ||
        names.some((name) => /^\.{0,2}\//.test(name) || name === ".");
      return found(has("--require-hashes"), !reads, has("--no-cache-dir"));
    }
    case "uv":
      return command === "sync" || command === "install"
        ? found(has("--locked", "--frozen"), false, has("--no-cache"))
        : undefined;
    case "poetry":
      return command === "install" ? found(true, false, has("--no-cache")) : undefined;
    case "npm":
      if (command === "ci" || command === "clean-install") return found(true, false);
      return command === "install" || command === "i" || command === "add" ? found(false) : undefined;
    case "yarn":
      return command === undefined || command === "install"
        ? found(has("--frozen-lockfile", "--immutable"), false)
        : undefined;
    case "pnpm":
      return command === "install" || command === "i" ? found(has("--frozen-lockfile"), false) : undefined;
    case "apt":
    case "apt-get":
      return command === "install" ? found(false, true) : undefined;
    case "apk":
      return command === "add" ? found(false, true, has("--no-cache")) : undefined;
    default:
      return undefined;
  }
}

/** What is named after a subcommand: packages, not options; the file of `-r` counts for none. */
function namesAfter(words: readonly string[], command: string | undefined): string[] {
  if (command === undefined) return [];
  const rest = words.slice(words.indexOf(command) + 1);
  return rest.filter((word, at) =>
    !word.startsWith("-") &&
    !/^(?:-r|--requirement|-c|--constraint|--prefix|--registry)$/.test(rest[at - 1] ?? "")
  );
}

/** Whether a COPY or ADD brings more of the repository than manifests. */
function bringsSources({ keyword, args, flags, isExec }: Instruction): boolean {
  if (keyword !== "COPY" && keyword !== "ADD") return false;
  if (flags.some((flag) => flag.startsWith("--from="))) return false;
  const words = isExec ? [...args.matchAll(/"([^"]*)"/g)].map(([, word = ""]) => word) : args.split(/\s+/);
  return words.slice(0, -1).some((word) => !MANIFEST.test(word) && !/^[a-z+]+:\/\//.test(word));
}
