/**
 * A module that Python does not find has ten causes with one message. The module's name, the traceback, the
 * start command, the repository's folders and its manifests decide which.
 */
import { joinPath, mainSegment, programWords, startedModule } from "../../code/commands.ts";
import { listsDistribution, localModule } from "../../code/manifests.ts";
import {
  distributionOf,
  droppedIn,
  isStandardModule,
  PYTHON_SERVERS,
  topLevel,
} from "../../code/python_names.ts";
import { foldersHolding } from "../../code/python_places.ts";
import type { Classified, Context, Finding } from "../catalogue.ts";
import { framesAbove, isOwnFile } from "./lines.ts";

/** Modules that only stand for "put your own here" in a default start command. */
const PLACEHOLDERS = new Set([
  "your_application",
  "yourapplication",
  "myproject",
  "your_project",
  "project_name",
]);
/** Places of one module that are named. */
const PLACES_SHOWN_MAX = 4;
const DATABASE_DRIVERS = new Set([
  "psycopg2",
  "psycopg",
  "asyncpg",
  "pymysql",
  "MySQLdb",
  "aiosqlite",
  "cx_Oracle",
  "pyodbc",
]);

export function classifyModule(finding: Finding, context: Context): Classified {
  const module = finding.captures["module"] ?? "";
  const top = topLevel(module);
  if (PLACEHOLDERS.has(top)) {
    return { slug: "placeholder-start-command", confidence: 0.97, captures: { target: module } };
  }
  if (top === "pkg_resources") {
    return { slug: "setuptools-too-new", confidence: 0.85, why: "setuptools 81 dropped it" };
  }
  const dropped = droppedIn(module);
  if (dropped !== undefined) {
    return { slug: "python-too-new", confidence: 0.9, captures: { range: `<${dropped}`, package: top } };
  }
  if (isStandardModule(module)) return { slug: null, why: `${top} belongs to Python itself` };

  const frames = framesAbove(finding, context);
  const raisedIn = frames.findLast((file) => !file.startsWith("<")) ?? "";
  if (finding.captures["interpreter"] !== undefined && Object.hasOwn(PYTHON_SERVERS, top)) {
    return { slug: "python-server-missing", confidence: 0.93, captures: { program: top } };
  }
  if (DATABASE_DRIVERS.has(top) && /[/\\](?:sqlalchemy|django)[/\\]/.test(raisedIn)) {
    return { slug: "python-db-driver-missing", confidence: 0.92 };
  }
  const target = startTarget(context.startCommand);
  const isTarget = target !== undefined &&
    (target.module === module || target.module.startsWith(`${module}.`)) &&
    !frames.slice(-1).some(isOwnFile);

  const repository = context.repository;
  const started = startedBy(finding, context, module);
  const directory = joinPath(context.rootDir, target?.directory ?? started?.directory ?? "");
  if (repository !== null) {
    const here = localModule(repository.paths, directory, module) ??
      localModule(repository.paths, "", module);
    if (here?.kind === "folder" && packagesFound(repository.files)) {
      return { slug: "python-init-missing", confidence: 0.9, captures: { folder: here.path } };
    }
    const sought = started?.module ?? module;
    const places = foldersHolding(repository.paths, context.rootDir, sought, started !== undefined)
      .filter((folder) => joinPath(context.rootDir, folder) !== directory);
    // `src` is looked into for packages that are installed from there; a program that is only run does not.
    const isBelow = here !== undefined && here.path.startsWith(joinPath(directory, "src") + "/");
    if (places.length > 0 && (started !== undefined || (isBelow && !isTarget))) {
      return {
        slug: "python-run-from-wrong-directory",
        confidence: started === undefined ? 0.85 : 0.92,
        captures: {
          found: shown(places.map((folder) => {
            const path = joinPath(folder, sought.replaceAll(".", "/"));
            return repository.paths.includes(joinPath(context.rootDir, `${path}.py`)) ? `${path}.py` : path;
          })),
          ...(started === undefined ? {} : { started: started.module }),
        },
      };
    }
    if (here === undefined && !isTarget) {
      const holder = module.split(".").slice(0, -1).map((_, at, all) =>
        all.slice(0, all.length - at).join(".")
      )
        .map((parent) => localModule(repository.paths, directory, parent)).find((found) =>
          found !== undefined
        );
      if (holder !== undefined) {
        return { slug: "python-wrong-import-path", confidence: 0.85, captures: { holder: holder.path } };
      }
    }
    if (isTarget) return { slug: "python-wrong-wsgi-target", confidence: 0.92, captures: { target: module } };
    if (here !== undefined) {
      return { slug: "python-wrong-import-path", confidence: 0.6, captures: { holder: here.path } };
    }
    const elsewhere = repository.paths.filter((path) =>
      path.endsWith(`/${top}.py`) || path.endsWith(`/${top}/__init__.py`)
    );
    if (
      elsewhere.length > 0 &&
      !elsewhere.every((path) => /(?:^|\/)(?:tests?|venv|\.venv|node_modules)\//.test(path))
    ) {
      return {
        slug: "python-run-from-wrong-directory",
        confidence: 0.85,
        captures: { found: shown(elsewhere) },
      };
    }
    const { name } = distributionOf(module);
    if (listsDistribution(repository.files, name)) {
      const nested = module.includes(".");
      return {
        slug: nested ? "python-api-mismatch" : "python-module-missing",
        confidence: 0.5,
        captures: { package: name },
        why: `${name} is listed already`,
      };
    }
  } else if (isTarget) {
    return { slug: "python-wrong-wsgi-target", confidence: 0.85, captures: { target: module } };
  } else if (repeatsParent(module)) {
    return { slug: "python-wrong-import-path", confidence: 0.82, captures: { holder: module } };
  } else if (module.includes(".") && frames.some((file) => isOwnFile(file) && file.includes(`/${top}/`))) {
    return { slug: "python-wrong-import-path", confidence: 0.8, captures: { holder: top } };
  }
  const { name, isKnown } = distributionOf(module);
  const confidence = isKnown ? 0.93 : module.includes(".") ? 0.7 : repository === null ? 0.82 : 0.9;
  return { slug: "python-module-missing", confidence, captures: { package: name } };
}

/** What the start command runs with `python -m`, where that is what Python does not find. */
function startedBy(finding: Finding, context: Context, module: string) {
  const started = startedModule(context.startCommand);
  const isOfProgram = finding.captures["interpreter"] !== undefined ||
    (context.lines[finding.at] ?? "").includes("Error while finding module specification for");
  const isIt = started?.module === module || started?.module.startsWith(`${module}.`);
  return isOfProgram && isIt ? started : undefined;
}

const shown = (places: readonly string[]) => places.slice(0, PLACES_SHOWN_MAX).join(" and ");

/** `app.routers.routers`: a relative import that starts one folder too deep. */
function repeatsParent(module: string): boolean {
  const parts = module.split(".");
  return parts.length > 2 && parts.some((part, at) => at > 0 && part === parts[at - 1]);
}

/** Whether the project installs itself by searching for packages, which skips folders without `__init__.py`. */
export function packagesFound(files: Readonly<Record<string, string>>): boolean {
  return Object.entries(files).some(([path, text]) =>
    /(?:^|\/)setup\.py$/.test(path)
      ? /(?<!namespace_)\bfind_packages\s*\(/.test(text)
      : /(?:^|\/)setup\.cfg$/.test(path)
      ? /^packages\s*=\s*find:\s*$/m.test(text)
      : /(?:^|\/)pyproject\.toml$/.test(path) && /\[tool\.setuptools\.packages\.find\]/.test(text) &&
        /^namespaces\s*=\s*false/m.test(text)
  );
}

/** The `module:object` that a start command serves. */
export function startTarget(
  command: string,
):
  | { module: string; object: string | undefined; directory: string; word: string; program: string }
  | undefined {
  const segment = mainSegment(command);
  if (segment === undefined) return undefined;
  const words = programWords(segment.words);
  const program = (words[0] ?? "").replace(/^.*\//, "");
  if (!["gunicorn", "uvicorn", "hypercorn", "daphne", "granian"].includes(program)) return undefined;
  const chdir = words.findIndex((word) => word === "--chdir" || word === "--app-dir");
  const inFolder = chdir === -1 ? "" : words[chdir + 1] ?? "";
  const word = words.slice(1).find((each, at, all) =>
    !each.startsWith("-") && /^[A-Za-z_][\w.]*(?::[\w.]+(?:\(\))?)?$/.test(each) &&
    !takesValue(all[at - 1] ?? "", each)
  );
  if (word === undefined) return undefined;
  const [module = "", object] = word.split(":");
  return { module, object, directory: joinPath(segment.directory, inFolder), word, program };
}

/** Whether a word is the value of the option before it rather than the application. */
function takesValue(before: string, word: string): boolean {
  return /^--?[a-z][a-z-]*$/.test(before) && !word.includes(":") &&
    !/^--?(?:reload|preload|daemon|factory)$/.test(before);
}
