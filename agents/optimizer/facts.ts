/**
 * The facts about a repository that advice rests on, read from its Dockerfile or build command and its manifest.
 * Pure; nothing is run, and what cannot be read is left out.
 */
import { joinPath, requirementFilesOf } from "../code/commands.ts";
import { packageJsonSet, requirementsSet } from "../code/dependency_set.ts";
import { parseDockerfile } from "../code/dockerfile.ts";
import { commandInstalls, dockerInstalls } from "../code/install_steps.ts";
import { hasPath, parsePackageJson } from "../code/manifests.ts";
import type { RepositoryView, Settings } from "../messages.ts";
import type { BuildFacts, BuildPhase, DependencySet, InstallStep } from "../../state/build_facts.ts";

const LOCKFILES: Readonly<Record<string, readonly string[]>> = {
  npm: ["package-lock.json", "npm-shrinkwrap.json"],
  yarn: ["yarn.lock"],
  pnpm: ["pnpm-lock.yaml"],
  poetry: ["poetry.lock"],
  uv: ["uv.lock"],
};
const NODE = new Set(["npm", "yarn", "pnpm"]);
/** Scripts that npm and its like run with every install. */
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepare"];

/**
 * @param phases steps of a build that was seen, with their durations
 * @param clean makes text of the repository safe to store and to show
 */
export function buildFacts(
  view: RepositoryView,
  settings: Settings,
  phases: readonly BuildPhase[],
  clean: (text: string) => string,
): BuildFacts {
  const { rootDir } = settings;
  const isDocker = settings.runtime === "docker";
  const named = [
    joinPath(rootDir, settings.dockerfilePath || "Dockerfile"),
    joinPath(settings.dockerfilePath),
  ];
  const file = isDocker ? named.find((path) => view.files[path] !== undefined) ?? null : null;
  const text = file === null ? settings.buildCommand : view.files[file] ?? "";
  const dockerfile = file === null ? null : parseDockerfile(text);
  const installs = dockerfile === null ? commandInstalls(text, clean) : dockerInstalls(dockerfile, clean);
  const commands = dockerfile === null
    ? [text]
    : dockerfile.instructions.filter(({ keyword }) => keyword === "RUN").map(({ args }) => args);
  const requirements = commands.flatMap((command) => requirementFilesOf(command, rootDir)).map((path) => {
    // A path inside the image may differ from the repository's; the name rarely does.
    const beside = joinPath(rootDir, path.split("/").at(-1) ?? "");
    return view.files[path] === undefined ? beside : path;
  });
  const own = installs.filter(({ isSystem }) => !isSystem);
  const program = own[0]?.program ?? "";
  const manifest = joinPath(rootDir, "package.json");
  return {
    recipe: isDocker ? "dockerfile" : "command",
    file,
    installs,
    lockfile:
      LOCKFILES[program]?.map((name) => joinPath(rootDir, name)).find((path) => hasPath(view.paths, path)) ??
        null,
    needsSources: NODE.has(program)
      ? nodeNeeds(view.files[manifest], manifest)
      : pythonNeeds(view, requirements, own),
    hasIgnoreFile: file === null ? null : hasPath(view.paths, joinPath(rootDir, ".dockerignore")) ||
      hasPath(view.paths, `${file}.dockerignore`),
    dependencies: dependenciesOf(view, program, manifest, requirements, clean),
    phases: [...phases],
  };
}

function dependenciesOf(
  { files }: RepositoryView,
  program: string,
  manifest: string,
  requirements: readonly string[],
  clean: (text: string) => string,
): DependencySet | null {
  if (NODE.has(program)) return packageJsonSet(files, manifest, clean);
  return requirements.length === 0 ? null : requirementsSet(files, [...new Set(requirements)], clean);
}

function nodeNeeds(text: string | undefined, path: string): string | null {
  const scripts = parsePackageJson(text)?.scripts ?? {};
  const script = INSTALL_SCRIPTS.find((name) => scripts[name] !== undefined);
  return script === undefined ? null : `${path} has a ${script} script, which runs with every install`;
}

function pythonNeeds(
  { files }: RepositoryView,
  requirements: readonly string[],
  own: readonly InstallStep[],
): string | null {
  const local = own.find(({ program, text }) =>
    program === "pip" && /\s(?:-e\s*)?\.{1,2}(?:\/|\s|\[|$)/.test(text)
  );
  if (local !== undefined) return `${local.program} installs the repository itself`;
  const path = requirements.find((one) =>
    /^\s*(?:(?:-e|--editable)\s*)?\.{1,2}(?:\/|\s|\[|$)/m.test(files[one] ?? "")
  );
  return path === undefined ? null : `${path} installs from a folder of the repository`;
}
