/** Repairs of Node services: dependencies, devDependencies in the build, scripts and start commands. */
import { scriptRunBy } from "../../code/bind_flags.ts";
import { joinPath, mainSegment, programWords, segmentsOf } from "../../code/commands.ts";
import { addProperty } from "../../code/json_text.ts";
import { packageOf } from "../../code/node_names.ts";
import { commandSetting, none, patch } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";
import { nodeProject, serverFile, usesPackage } from "../node_project.ts";
import type { NodeProject } from "../node_project.ts";
import { npmLock, npmView } from "../tools.ts";
import type { Proposal } from "../../messages.ts";
import type { Edit } from "../../../state/records.ts";

async function addDependency(context: FixContext): Promise<Proposal> {
  const project = await nodeProject(context);
  if (project === undefined) return none("there is no package.json in the root directory");
  const { package: captured, program } = context.diagnosis.captures;
  const name = captured === undefined ? undefined : packageOf(captured);
  if (name === undefined || name !== captured) return none("the log names no package");
  const { dependencies, devDependencies } = project.manifest;
  if (name in dependencies) return none(`package.json lists ${name} already`);
  if (name in devDependencies) return none(`${name} is among devDependencies: the install leaves it out`);
  if (!await usesPackage(context, project, name, program)) return none(`no file of the service uses ${name}`);

  const { exists, latest } = await npmView(context.ask, name);
  if (!exists || latest === null) return none(`the registry has no package ${name}`);
  const ranges = Object.values(dependencies);
  const isPinned = ranges.length > 0 && ranges.every((range) => /^\d/.test(range));
  const range = isPinned ? latest : `^${latest}`;
  const text = addProperty(project.text, ["dependencies"], name, range);
  const lock = await lockEdit(context, project, text);
  if (typeof lock === "string") return none(lock);
  return patch(
    [{ path: project.path, content: text }, ...lock],
    `Add ${name} ${range} to the dependencies of ${project.path}`,
    "low",
  );
}

/** The lock files' part of a change of package.json; a reason when the build would refuse the change without it. */
async function lockEdit(
  context: FixContext,
  project: NodeProject,
  packageJson: string,
): Promise<Edit[] | string> {
  const at = (file: string) => joinPath(project.directory, file);
  const path = ["npm-shrinkwrap.json", "package-lock.json"].map(at).find(context.view.has);
  const commands = segmentsOf(context.settings.buildCommand).map(({ words }) => programWords(words));
  const frozen = commands.some(([program, first, ...rest]) =>
    (program === "npm" && first === "ci") ||
    rest.concat(first ?? "").some((word) => /^--(?:frozen-lockfile|immutable)$/.test(word))
  );
  const usesNpm = commands.some(([program]) => program === "npm") || commands.length === 0;
  if (path === undefined || !usesNpm) {
    const foreign = ["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"].map(at).find(context.view.has);
    // pnpm refuses a stale lock file on every build machine, the others when they are told to.
    if (foreign !== undefined && (frozen || foreign.endsWith("pnpm-lock.yaml"))) {
      return `${foreign} must be updated with its own tool`;
    }
    return [];
  }
  const old = await context.view.read(path);
  if (old === null) return frozen ? `${path} cannot be read` : [];
  try {
    const lock = await npmLock(context.ask, packageJson, old);
    if (lock !== null) return [{ path, content: lock }];
    return "the dependency does not fit the others";
  } catch (error) {
    return frozen
      ? `${path} cannot be updated: ${error instanceof Error ? error.message : "npm failed"}`
      : [];
  }
}

/** Makes the install of a build command install devDependencies too; undefined when nothing leaves them out. */
export function withDevDependencies(command: string): string | undefined {
  let result = command;
  for (const segment of segmentsOf(command).toReversed()) {
    const [program, first] = programWords(segment.words);
    const text = command.slice(segment.start, segment.end);
    const plain = text.replace(
      /\s--(?:omit[= ]dev|production(?:=true)?|only[= ]prod(?:uction)?|prod)(?=\s|$)/g,
      "",
    );
    let changed = text;
    if (
      program === "npm" && first !== undefined &&
      ["install", "i", "ci", "add", "clean-install"].includes(first)
    ) {
      changed = /--include[= ]dev\b/.test(plain)
        ? plain
        : plain.replace(new RegExp(`\\b${first}\\b`), `${first} --include=dev`);
    } else if (program === "yarn" && (first === undefined || first === "install" || first.startsWith("-"))) {
      changed = /--production=false/.test(plain) ? plain : `${plain} --production=false`;
    } else if (program === "pnpm" && (first === "install" || first === "i")) {
      changed = /--prod=false/.test(plain) ? plain : `${plain} --prod=false`;
    }
    result = result.slice(0, segment.start) + changed + result.slice(segment.end);
  }
  return result === command ? undefined : result;
}

async function includeDev(context: FixContext): Promise<Proposal> {
  const name = context.diagnosis.captures["package"];
  const project = await nodeProject(context);
  if (project === undefined || name === undefined) {
    return none("there is no package.json in the root directory");
  }
  if (!(name in project.manifest.devDependencies)) return none(`${name} is not among devDependencies`);
  const command = withDevDependencies(context.settings.buildCommand);
  if (command === undefined) {
    return none("the build command installs nothing that leaves devDependencies out");
  }
  return commandSetting(
    "buildCommand",
    command,
    `Install devDependencies too, which the build needs for ${name}; NODE_ENV stays`,
    "low",
  );
}

/** Scripts that start a server under another name than `start`, the likeliest first. */
const START_NAMES = ["start:prod", "start:production", "prod", "production", "serve", "server"];
const BUILD_NAMES = ["build:prod", "build:production", "compile", "bundle"];

/** What replaces a command that runs a script which package.json does not have. */
async function startCommand(context: FixContext): Promise<Proposal> {
  const project = await nodeProject(context);
  if (project === undefined) return none("there is no package.json in the root directory");
  const { scripts, main } = project.manifest;
  const command = context.settings.startCommand;
  const missing = context.diagnosis.captures["script"];
  if (missing !== undefined) {
    const isBuild = context.diagnosis.phase === "build" || missing.startsWith("build");
    const field = isBuild ? "buildCommand" : "startCommand";
    const old = isBuild ? context.settings.buildCommand : command;
    const other = (isBuild ? BUILD_NAMES : START_NAMES).find((name) => name in scripts) ??
      closest(missing, Object.keys(scripts));
    if (other !== undefined) {
      const changed = old.replace(
        new RegExp(`\\b((?:npm|yarn|pnpm|bun)(?: run)?) ${RegExp.escape(missing)}(?=\\s|$)`),
        (_all, runner: string) => `${runner.endsWith(" run") ? runner : `${runner} run`} ${other}`,
      );
      if (changed !== old) {
        return commandSetting(
          field,
          changed,
          `Run the script ${other}, because package.json has none named ${missing}`,
          "low",
        );
      }
    }
    if (isBuild) return withoutBuild(context, project, missing);
    if (missing === "start") return none("package.json has no other script that starts a server");
  }
  const wanted = await serverFile(context, main);
  if ("why" in wanted) return none(wanted.why);
  const right = `node ${wanted.file}`;
  const script = missing === undefined ? scriptRunBy(command) : undefined;
  const body = script === undefined ? undefined : scripts[script];
  if (script !== undefined && body !== undefined) {
    const changed = withFile(body, wanted.file);
    if (changed === undefined) return none(`the script ${script} is more than \`node FILE\``);
    const from = JSON.stringify(body);
    if (project.text.split(from).length !== 2) {
      return none(`the script ${script} cannot be told apart in package.json`);
    }
    return patch(
      [{ path: project.path, content: project.text.replace(from, () => JSON.stringify(changed)) }],
      `Let the script ${script} start ${wanted.file}`,
      "low",
    );
  }
  const changed = withFile(command, wanted.file) ??
    (missing !== undefined || isOnlyFile(command) || /^[A-Z]/.test(command.trim()) ? right : undefined);
  if (changed === undefined || changed === command) {
    return none("the start command runs more than one file of the service");
  }
  return commandSetting("startCommand", changed, `Start ${wanted.file}, the file that opens the port`, "low");
}

/** The command with the file that `node` runs replaced; undefined when it does not run one. */
function withFile(command: string, file: string): string | undefined {
  const segment = mainSegment(command);
  if (segment === undefined) return undefined;
  const words = programWords(segment.words);
  if (words[0] !== "node") return undefined;
  const old = words.slice(1).find((word) => !word.startsWith("-"));
  if (old === undefined || segment.directory !== "") return undefined;
  const text = command.slice(segment.start, segment.end);
  const at = text.lastIndexOf(old);
  const changed = text.slice(0, at) + file + text.slice(at + old.length);
  return command.slice(0, segment.start) + changed + command.slice(segment.end);
}

const isOnlyFile = (command: string) => /^\s*[\w./-]+\.[cm]?js\s*$/.test(command);

/** A script whose name differs by a letter or two. */
function closest(missing: string, names: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, "");
  const found = names.filter((name) => plain(name) === plain(missing));
  return found.length === 1 ? found[0] : undefined;
}

/** A build script that nothing needs is left out of the build command; the install stays. */
function withoutBuild(context: FixContext, project: NodeProject, missing: string): Proposal {
  const command = context.settings.buildCommand;
  const has = (file: RegExp) =>
    context.view.paths.some((path) =>
      file.test(path.slice(context.rootDir === "" ? 0 : context.rootDir.length + 1))
    );
  if (
    has(
      /^(?:tsconfig\.json|(?:vite|next|nuxt|webpack|rollup|svelte|astro|angular)[\w.]*\.(?:[cm]?[jt]s|json))$/,
    ) || "next" in project.manifest.dependencies
  ) {
    return none(`the project has something to build, and package.json does not say how`);
  }
  const segments = segmentsOf(command).filter(({ words }) =>
    !(words.at(-1) === missing && ["npm", "yarn", "pnpm", "bun"].includes(programWords(words)[0] ?? ""))
  );
  if (segments.length === 0 || segments.length === segmentsOf(command).length) {
    return none(`the build command is more than an install and ${missing}`);
  }
  const changed = segments.map(({ start, end }) => command.slice(start, end)).join(" && ");
  return commandSetting(
    "buildCommand",
    changed,
    `Leave out the script ${missing}, which package.json does not have and nothing needs`,
    "medium",
  );
}

/** Adds the script that the service runs and package.json lacks. */
async function addScript(context: FixContext): Promise<Proposal> {
  const project = await nodeProject(context);
  const missing = context.diagnosis.captures["script"];
  if (project === undefined || missing === undefined) {
    return none("there is no package.json in the root directory");
  }
  if (missing in project.manifest.scripts) return none(`package.json has a script ${missing}`);
  let body: string;
  if (missing === "start") {
    const wanted = await serverFile(context, project.manifest.main);
    if ("why" in wanted) return none(wanted.why);
    body = `node ${wanted.file}`;
  } else if (missing === "build" && context.view.has(joinPath(context.rootDir, "tsconfig.json"))) {
    body = "tsc";
  } else return none(`what the script ${missing} should do is not known`);
  return patch(
    [{ path: project.path, content: addProperty(project.text, ["scripts"], missing, body) }],
    `Add the script ${missing}: ${body}`,
    "low",
  );
}

/** Runs the build script that writes the file which the start command runs. */
async function runBuild(context: FixContext): Promise<Proposal> {
  const project = await nodeProject(context);
  if (project?.manifest.scripts["build"] === undefined) return none("package.json has no build script");
  const command = context.settings.buildCommand;
  const runs = segmentsOf(command).some(({ words }) => words.at(-1) === "build" || words.includes("build"));
  if (runs) return none("the build command runs the build script already");
  const runner =
    ["yarn", "pnpm", "bun"].find((each) => segmentsOf(command).some(({ words }) => words[0] === each)) ??
      "npm";
  const changed = `${command.trim() === "" ? "npm install" : command.trim()} && ${runner} run build`;
  return commandSetting(
    "buildCommand",
    changed,
    "Run the build script, which writes the file that the start command runs",
    "low",
  );
}

export const nodeRemedies: readonly Remedy[] = [
  {
    id: "node/add-dependency",
    kind: "patch",
    risk: "low",
    causes: ["node-module-missing"],
    propose: addDependency,
  },
  {
    id: "node/include-dev",
    kind: "setting",
    risk: "low",
    causes: ["node-devdeps-omitted"],
    propose: includeDev,
  },
  {
    id: "node/start-command",
    kind: "setting",
    risk: "low",
    causes: ["npm-script-missing", "entry-file-not-found", "start-command-not-executable"],
    propose: startCommand,
  },
  { id: "node/add-script", kind: "patch", risk: "low", causes: ["npm-script-missing"], propose: addScript },
  { id: "node/run-build", kind: "setting", risk: "low", causes: ["build-output-missing"], propose: runBuild },
];
