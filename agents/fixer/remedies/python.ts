/** Repairs of Python services: requirements, pins, the Python version, package folders. */
import { joinPath, programWords, segmentsOf } from "../../code/commands.ts";
import { distributionOf, isStandardModule, PYTHON_SERVERS } from "../../code/python_names.ts";
import { allowsVersion } from "../../code/python_versions.ts";
import { isPinned, normalName, parseRequirements, withAddition } from "../../code/requirements.ts";
import { none, patch } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";
import { leftOutOf, leftOutText, resolveLines } from "../python_constraints.ts";
import { alsoMissing, fitting } from "../python_missing.ts";
import { importsModule, pythonVersionOf, requirementFiles, requirementLines } from "../python_project.ts";
import { pipVersions, versionIn } from "../tools.ts";
import { sanitizeLine } from "../../../text/sanitize.ts";
import type { Proposal } from "../../messages.ts";
import { pythonDirectoryRemedies } from "./python_directory.ts";
import { pythonHeavyRemedies } from "./python_heavy.ts";
import { pythonPhaseRemedies } from "./python_phases.ts";
import { movePins } from "./python_pins.ts";
import { pythonProviderRemedies } from "./python_providers.ts";

/** What is to be installed, and why it is believed. */
async function wantedDistribution(
  context: FixContext,
): Promise<{ name: string; isKnown: boolean } | { why: string }> {
  const { module, program } = context.diagnosis.captures;
  if (program !== undefined && Object.hasOwn(PYTHON_SERVERS, program)) {
    const isUsed = segmentsOf(context.settings.startCommand).some(({ words }) =>
      programWords(words)[0] === program
    );
    return isUsed
      ? { name: PYTHON_SERVERS[program]!, isKnown: true }
      : { why: `the start command does not run ${program}` };
  }
  if (module === undefined) return { why: "the log names no module" };
  if (isStandardModule(module)) return { why: `${module} belongs to Python itself` };
  const distribution = distributionOf(module);
  if (context.diagnosis.cause === "python-db-driver-missing" && distribution.isKnown) return distribution;
  if (!await importsModule(context, module)) return { why: `no file of the service imports ${module}` };
  return distribution;
}

async function addRequirement(context: FixContext): Promise<Proposal> {
  const wanted = await wantedDistribution(context);
  if ("why" in wanted) return none(wanted.why);
  const { name, isKnown } = wanted;
  const files = await requirementFiles(context);
  const path = files.find((file) => !/dev|test/i.test(file)) ?? files[0];
  const text = path === undefined ? null : await context.view.read(path);
  if (path === undefined || text === null) {
    return none("the build command installs no requirements file of the commit");
  }
  const lines = await requirementLines(context, files);
  const listed = parseRequirements(lines.join("\n"));
  if (listed.some((requirement) => normalName(requirement.name) === normalName(name))) {
    return none(`${path} lists ${name} already`);
  }

  const python = await pythonVersionOf(context);
  const versions = await pipVersions(context.ask, name, python);
  const newest = versions[0];
  if (newest === undefined) {
    return none(`the package index has no ${name}${python === null ? "" : ` for Python ${python}`}`);
  }
  // A version that fits its neighbours; where the index cannot tell, the newest one.
  const ask = (more: readonly string[]) =>
    resolveLines(context, [...lines, name, ...more], python).catch(() => undefined);
  const first = await ask([]);
  if (first?.ok === false) return none(`${name} cannot be installed beside the other requirements`);
  const names = [...listed, ...first?.resolved ?? []].map((each) => normalName(each.name));
  const wish = first === undefined
    ? []
    : await alsoMissing(context, files, new Set([...names, normalName(name)]));
  const { added, resolution } = await fitting(wish, first, ask);
  const isExact = isPinned(parseRequirements(text));
  const written = (each: string) => {
    const version = resolution === undefined ? undefined : versionIn(resolution, each);
    return isExact ? `${each}==${version ?? newest}` : each;
  };
  const content = [name, ...added.map(({ distribution }) => distribution)].map(written)
    .reduce(withAddition, text);
  const also = added.map(({ distribution, path: file, line }) =>
    `${written(distribution)} (${sanitizeLine(file, PATH_CHARS_MAX)} line ${line})`
  );
  const summary = `Add ${written(name)} to ${path}` +
    (also.length === 0
      ? ""
      : `, and with it what the program also imports and no requirement brings: ${also.join(", ")}`);
  return patch(
    [{ path, content }],
    summary + leftOutText(await leftOutOf(context, files)),
    isKnown ? "low" : "medium",
  );
}

/** Characters of a path in a summary. */
const PATH_CHARS_MAX = 80;

/** Versions that Render installs, newest first (reference section 11; Render takes any release from 3.7.3 on). */
const PYTHON_VERSIONS = ["3.14.3", "3.13.4", "3.12.11", "3.11.11", "3.10.14", "3.9.18", "3.8.18"];
/** Versions whose requirements are resolved before one is chosen. */
const VERSIONS_TRIED_MAX = 3;

async function setPythonVersion(context: FixContext): Promise<Proposal> {
  const { range, pythonFrom, package: name } = context.diagnosis.captures;
  if (range === undefined) return none("the log names no range of Python versions");
  if (context.settings.runtime === "docker") {
    return none("the base image of the Dockerfile decides which Python runs");
  }
  const fitting = PYTHON_VERSIONS.filter((version) => allowsVersion(range, version));
  // Too new: the newest that fits. Too old: the nearest above, so that the fewest other packages are touched.
  const ordered = context.diagnosis.cause === "python-too-old" ? fitting.toReversed() : fitting;
  if (ordered.length === 0) return none(`no Python on the platform fits ${range}`);
  const lines = await requirementLines(context, await requirementFiles(context));
  let chosen: string | undefined;
  for (const version of ordered.slice(0, VERSIONS_TRIED_MAX)) {
    const minor = version.split(".").slice(0, 2).join(".");
    const resolution = lines.length === 0
      ? undefined
      : await resolveLines(context, lines, minor).catch(() => undefined);
    if (resolution?.ok === false) continue;
    chosen = version;
    break;
  }
  if (chosen === undefined) {
    return none(`the requirements cannot be installed with any Python that fits ${range}`);
  }
  if (pythonFrom === "environment") {
    return none(`the environment variable PYTHON_VERSION decides: set it to ${chosen}`);
  }
  const path = joinPath(context.rootDir, ".python-version");
  const old = await context.view.read(path);
  if (old?.trim() === chosen) return none(`${path} asks for ${chosen} already`);
  return patch(
    [{ path, content: `${chosen}\n` }],
    `Build with Python ${chosen}, the ${
      context.diagnosis.cause === "python-too-old" ? "first" : "newest"
    } that fits ${name ?? "the requirements"} (${range})`,
    "medium",
  );
}

async function addInit(context: FixContext): Promise<Proposal> {
  const { folder, module } = context.diagnosis.captures;
  if (folder === undefined || module === undefined) return none("the log names no package folder");
  const parts = folder.split("/");
  const depth = module.split(".").length;
  const edits = [];
  // Every folder from the top package down to the module: one gap hides all that lies below it.
  for (let length = parts.length - depth + 1; length <= parts.length; length++) {
    const directory = parts.slice(0, length).join("/");
    const path = `${directory}/__init__.py`;
    if (length < 1 || context.view.has(path)) continue;
    if (context.view.paths.some((each) => each.startsWith(`${directory}/`) && each.endsWith(".py"))) {
      edits.push({ path, content: "" });
    }
  }
  if (edits.length === 0) return none("every folder of that package has its __init__.py");
  return await Promise.resolve(
    patch(
      edits,
      `Add ${edits.map((edit) => edit.path).join(", ")} so that the installed project holds ${module}`,
      "low",
    ),
  );
}

export const pythonRemedies: readonly Remedy[] = [
  {
    id: "python/add-requirement",
    kind: "patch",
    risk: "low",
    causes: ["python-module-missing", "python-server-missing", "python-db-driver-missing"],
    propose: addRequirement,
  },
  {
    id: "python/move-pins",
    kind: "patch",
    risk: "low",
    causes: ["python-dependency-conflict", "python-llm-provider-conflict"],
    propose: movePins,
  },
  {
    id: "python/set-version",
    kind: "patch",
    risk: "medium",
    causes: ["python-too-new", "python-too-old"],
    propose: setPythonVersion,
  },
  { id: "python/add-init", kind: "patch", risk: "low", causes: ["python-init-missing"], propose: addInit },
  ...pythonProviderRemedies,
  ...pythonHeavyRemedies,
  ...pythonPhaseRemedies,
  ...pythonDirectoryRemedies,
];
