/**
 * What a service's program imports for certain when it starts: its own files are followed from the one that the start
 * command names, by imports that stand in no block. What a file imports that is never reached is not among it.
 */
import { joinPath, mainSegment, startedModule } from "../code/commands.ts";
import { topLevel } from "../code/python_names.ts";
import { topImportsOf } from "../code/python_top_imports.ts";
import type { TopImport } from "../code/python_top_imports.ts";
import { startTarget } from "../analyzer/causes/python_modules.ts";
import { pythonSources } from "./python_project.ts";
import type { FixContext } from "./remedy.ts";

/** Files followed. */
const FILES_MAX = 200;

/** An import of something that is not in the repository. */
export interface OuterImport {
  /** What one statement may mean, such as `google.cloud` and `google.cloud.storage`; never empty. */
  modules: readonly string[];
  path: string;
  line: number;
}

/** @param missing the module that Python did not find: where no entry is named, the one file that imports it is one */
export async function loadedImports(
  context: FixContext,
  missing: string | undefined,
): Promise<OuterImport[]> {
  const { view } = context;
  const entry = entryOf(context);
  const bases = [...new Set([entry?.base ?? joinPath(context.rootDir), joinPath(context.rootDir)])];
  const waiting = entry === null ? await onlyImporter(context, missing) : entry.files;
  const seen = new Set(waiting);
  const outer: OuterImport[] = [];
  for (let path = waiting.shift(); path !== undefined && seen.size <= FILES_MAX; path = waiting.shift()) {
    for (const found of topImportsOf(await view.read(path) ?? "")) {
      const { inner, modules } = resolve(view.paths, bases, path, found);
      for (const file of inner) {
        if (seen.has(file)) continue;
        seen.add(file);
        waiting.push(file);
      }
      if (modules.length > 0) outer.push({ modules, path, line: found.line });
    }
  }
  return outer;
}

/** The file that the start command runs or serves, and the folder that Python searches first. */
function entryOf({ settings, rootDir, view }: FixContext): { base: string; files: string[] } | null {
  const target = startTarget(settings.startCommand) ?? startedModule(settings.startCommand);
  if (target !== undefined) {
    const base = joinPath(rootDir, target.directory);
    const files = filesOf(view.paths, base, target.module, true);
    return files.length === 0 ? null : { base, files };
  }
  const segment = mainSegment(settings.startCommand);
  const at = segment?.words.findIndex((word) => /^(?:.*\/)?python[\d.]*$/.test(word)) ?? -1;
  const script = segment?.words.slice(at + 1).find((word) => !word.startsWith("-"));
  if (segment === undefined || at === -1 || script?.endsWith(".py") !== true) return null;
  const path = joinPath(rootDir, segment.directory, script);
  return view.has(path) ? { base: joinPath(path, ".."), files: [path] } : null;
}

async function onlyImporter(context: FixContext, missing: string | undefined): Promise<string[]> {
  const importers: string[] = [];
  for (const path of missing === undefined ? [] : pythonSources(context)) {
    const found = topImportsOf(await context.view.read(path) ?? "");
    if (found.some(({ level, module }) => level === 0 && topLevel(module) === topLevel(missing ?? ""))) {
      importers.push(path);
    }
  }
  return importers.length === 1 ? importers : [];
}

/** The files of the repository that an import loads, and the modules that it asks of others. */
function resolve(
  paths: readonly string[],
  bases: readonly string[],
  path: string,
  { level, module, names }: TopImport,
): { inner: string[]; modules: string[] } {
  if (level > 0) {
    const base = joinPath(path, ...Array.from({ length: level }, () => ".."));
    const all = [module, ...names.map((name) => module === "" ? name : `${module}.${name}`)];
    return { inner: all.flatMap((each) => each === "" ? [] : filesOf(paths, base, each)), modules: [] };
  }
  const all = [module, ...names.map((name) => `${module}.${name}`)];
  const inner = bases.flatMap((base) => all.flatMap((each) => filesOf(paths, base, each)));
  return { inner, modules: isOurs(paths, topLevel(module)) ? [] : all };
}

/** The files of a module and of the packages around it, seen from a folder. */
function filesOf(paths: readonly string[], base: string, module: string, isProgram = false): string[] {
  const parts = module.split(".");
  const candidates = parts.flatMap((_, at) => {
    const inside = joinPath(base, ...parts.slice(0, at + 1));
    const isLast = at === parts.length - 1;
    return [
      `${inside}.py`,
      `${inside}/__init__.py`,
      ...(isLast && isProgram ? [`${inside}/__main__.py`] : []),
    ];
  });
  return candidates.filter((candidate) => paths.includes(candidate));
}

/** Whether the repository itself has anything of this name: it may then be meant. */
function isOurs(paths: readonly string[], top: string): boolean {
  return paths.some((path) => {
    const parts = path.split("/");
    return parts.at(-1) === `${top}.py` || (path.endsWith(".py") && parts.slice(0, -1).includes(top));
  });
}
