/**
 * The other distributions that a program will not find once the first one is there, so that they come in one commit:
 * what it imports for certain, no requirement brings and the index has. Never more than that: where the build installs
 * anything beside its requirements files, or a line of them is not understood, nothing is certain.
 */
import { joinPath } from "../code/commands.ts";
import { stagesOf } from "../code/dockerfile.ts";
import { droppedIn, isStandardModule } from "../code/python_names.ts";
import { normalName } from "../code/requirements.ts";
import { invocationsIn } from "../code/shell_words.ts";
import type { Invocation } from "../code/shell_words.ts";
import { isProvidedBy, sureDistributionOf } from "../code/sure_distributions.ts";
import { leftOutOf } from "./python_constraints.ts";
import { loadedImports } from "./python_loaded.ts";
import { dockerfileOf } from "./python_project.ts";
import type { FixContext } from "./remedy.ts";
import type { Resolution, Resolved } from "./tools.ts";

/** Distributions that are added beside the one that was missed. */
export const ADDED_MAX = 12;

export interface Missing {
  distribution: string;
  /** Where the program imports it first. */
  path: string;
  line: number;
}

/**
 * @param files the requirements files of the build
 * @param provided normal names of what the requirements bring, the distribution that was missed included
 */
export async function alsoMissing(
  context: FixContext,
  files: readonly string[],
  provided: ReadonlySet<string>,
): Promise<Missing[]> {
  if ((await leftOutOf(context, files)).length > 0 || !await installsFilesOnly(context)) return [];
  const found = new Map<string, Missing>();
  for (const { modules, path, line } of await loadedImports(context, context.diagnosis.captures["module"])) {
    const module = modules[0] ?? "";
    if (module.startsWith("_") || isStandardModule(module) || droppedIn(module) !== undefined) continue;
    const distribution = sureDistributionOf(modules);
    if (distribution === null || isProvidedBy(module, distribution, provided)) continue;
    const key = normalName(distribution);
    if (!found.has(key)) found.set(key, { distribution, path, line });
  }
  return [...found.values()].slice(0, ADDED_MAX);
}

/**
 * Those of some distributions that the index has and that can be installed with the rest.
 * @param first pip's answer without them; undefined when it gave none
 * @param ask pip, about the requirements and these
 */
export async function fitting(
  wish: readonly Missing[],
  first: Resolution | undefined,
  ask: (more: readonly string[]) => Promise<Resolution | undefined>,
): Promise<{ added: readonly Missing[]; resolution: Resolved | undefined }> {
  let resolution = first?.ok ? first : undefined;
  if (wish.length === 0) return { added: [], resolution };
  const namesOf = (all: readonly Missing[]) => all.map(({ distribution }) => distribution);
  const together = await ask(namesOf(wish));
  if (together?.ok) return { added: wish, resolution: together };
  const added: Missing[] = [];
  // One that the index has not or that does not fit says nothing of the others.
  for (const one of together === undefined ? [] : wish) {
    const answer = await ask([...namesOf(added), one.distribution]);
    if (answer === undefined) break;
    if (!answer.ok) continue;
    added.push(one);
    resolution = answer;
  }
  return { added, resolution };
}

/** Programs that install Python packages by other files than those that are read here. */
const OTHER_INSTALLERS =
  /^(?:poetry|pipenv|pdm|hatch|rye|pixi|conda|mamba|micromamba|easy_install|make|just|tox|nox|pip-sync|invoke)$/;
/** What an install of requirements files may name beside them, without bringing a module of its own. */
const TOOLS = /^(?:pip|setuptools|wheel|uv)(?:[=<>~!].*)?$/;
const WITH_VALUE =
  /^(?:-r|-c|-i|-f|-t|--requirement|--constraint|--index-url|--extra-index-url|--find-links|--trusted-host|--timeout|--retries|--cache-dir|--progress-bar|--target|--prefix|--python|--only-binary|--no-binary|--upgrade-strategy)$/;

async function installsFilesOnly(context: FixContext): Promise<boolean> {
  const { settings, rootDir, view } = context;
  if (settings.runtime !== "docker") {
    const commands = invocationsIn(settings.buildCommand);
    const scripts = commands.flatMap(({ path, args }) =>
      [path, ...args.map(({ text }) => text)].filter((word) => word.endsWith(".sh"))
    );
    const texts = await Promise.all(scripts.map((script) => view.read(joinPath(rootDir, script))));
    return commands.every(isPlain) &&
      texts.every((text) => text !== null && invocationsIn(text).every(isPlain));
  }
  const { file } = await dockerfileOf(context);
  const base = stagesOf(file).at(-1)?.resolved ?? "";
  const runs = file.instructions.filter(({ keyword }) => keyword === "RUN");
  return /^(?:.*\/)?python:/.test(base) &&
    runs.every(({ args, isExec, isHeredoc }) => !isExec && !isHeredoc && invocationsIn(args).every(isPlain));
}

/** Whether a command installs nothing of Python's, or the requirements files that it names and no more. */
function isPlain({ program, args }: Invocation): boolean {
  let words = args.map(({ text }) => text);
  let name = program.replace(/[\d.]+$/, "");
  if (name === "python" && words[0] === "-m") [name, words] = [words[1] ?? "", words.slice(2)];
  else if (name === "python") return !/(?:^|\/)setup\.py$/.test(words[0] ?? "");
  if (name === "uv" && words[0] === "pip") [name, words] = ["pip", words.slice(1)];
  if (name === "uv" || OTHER_INSTALLERS.test(name)) return false;
  if (/^(?:apt|apt-get|apk)$/.test(name)) return !words.some((word) => /^(?:python3?|py3)-/.test(word));
  if (name !== "pip") return true;
  if (words.includes("sync")) return false;
  const install = words.indexOf("install");
  return install === -1 ||
    words.slice(install + 1).every((word, at, all) =>
      WITH_VALUE.test(all[at - 1] ?? "") || TOOLS.test(word) ||
      (word.startsWith("-") && !/^(?:-e|--editable)/.test(word))
    );
}
