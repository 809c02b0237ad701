/** What a remedy needs to know of a Python service: its requirements files, its Python, where it imports what. */
import { joinPath, requirementFilesOf, segmentsOf } from "../code/commands.ts";
import { parseDockerfile, stagesOf } from "../code/dockerfile.ts";
import { topLevel } from "../code/python_names.ts";
import type { FixContext } from "./remedy.ts";

/** Files searched for an import. */
const SEARCHED_MAX = 300;

/** Files that requirements files may include, in all. */
const INCLUDES_MAX = 20;

/**
 * The requirements files that the build installs and the commit holds, directly or through a build script;
 * after them the files that they include with `-r`.
 */
export async function requirementFiles(context: FixContext): Promise<string[]> {
  const files = await installedFiles(context);
  for (let at = 0; at < files.length && files.length < INCLUDES_MAX; at++) {
    const path = files[at]!;
    for (const line of (await context.view.read(path))?.split(/\r?\n/) ?? []) {
      const included = /^\s*(?:-r|--requirement)[ =]?\s*(\S+)/.exec(line)?.[1];
      const target = included === undefined ? undefined : joinPath(path, "..", included);
      if (target !== undefined && context.view.has(target) && !files.includes(target)) files.push(target);
    }
  }
  return files;
}

async function installedFiles(context: FixContext): Promise<string[]> {
  const { settings, rootDir, view } = context;
  if (settings.runtime === "docker") return await filesOfDockerfile(context);
  const direct = requirementFilesOf(settings.buildCommand, rootDir).filter(view.has);
  if (direct.length > 0) return direct;
  for (const { words, directory } of segmentsOf(settings.buildCommand)) {
    const script = words.map((word) => joinPath(rootDir, directory, word)).find((path) =>
      path.endsWith(".sh") && view.has(path)
    );
    const text = script === undefined ? null : await view.read(script);
    if (text === null) continue;
    const found = requirementFilesOf(text, joinPath(rootDir, directory)).filter(view.has);
    if (found.length > 0) return found;
  }
  return [];
}

export async function dockerfileOf({ settings, rootDir, view }: FixContext) {
  const path = joinPath(rootDir, settings.dockerfilePath === "" ? "Dockerfile" : settings.dockerfilePath);
  return { path, file: parseDockerfile(await view.read(path) ?? "") };
}

/** The requirements files that a Dockerfile installs, found in the commit by what it copies or by their name. */
async function filesOfDockerfile(context: FixContext): Promise<string[]> {
  const { rootDir, view } = context;
  const { path, file: { instructions } } = await dockerfileOf(context);
  const copied = instructions.filter(({ keyword, flags }) =>
    /^(?:COPY|ADD)$/.test(keyword) && !flags.some((flag) => flag.startsWith("--from"))
  ).flatMap(({ args }) => args.split(/[\s"',[\]]+/));
  const files = instructions.flatMap(({ keyword, args }) => {
    if (keyword !== "RUN" || !/\bpip[\d.]*\s+install\b/.test(args)) return [];
    return [...args.matchAll(/\s(?:-r|--requirement)[ =]?\s*([^\s;&|"',]+)/g)].flatMap(([, name = ""]) => {
      const base = name.replace(/^.*\//, "");
      const words = [...copied.filter((word) => word.endsWith(base)), name, base];
      return [...words.map((word) => joinPath(rootDir, word)), joinPath(path, "..", base)].find(view.has) ??
        [];
    });
  });
  return [...new Set(files)];
}

/** The requirement lines of these files, without options, comments and blank lines. */
export async function requirementLines(context: FixContext, files: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const path of files) {
    const text = await context.view.read(path) ?? "";
    lines.push(
      ...text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !/^[#-]/.test(line)),
    );
  }
  return lines;
}

/** The Python the service builds with, as `x.y.z` or `x.y`; null when neither log nor files say. */
export async function pythonVersionOf(context: FixContext): Promise<string | null> {
  const named = context.diagnosis.captures["python"];
  if (named !== undefined && /^3\.\d{1,2}(?:\.\d{1,3})?$/.test(named)) return named;
  if (context.settings.runtime === "docker") {
    const bases = stagesOf((await dockerfileOf(context)).file).flatMap(({ resolved }) =>
      /^(?:.*\/)?python:(3\.\d{1,2}(?:\.\d{1,3})?)(?:$|[-@])/.exec(resolved ?? "")?.[1] ?? []
    );
    return bases.at(-1) ?? null;
  }
  const file = await context.view.read(joinPath(context.rootDir, ".python-version"));
  return /^\s*(3\.\d{1,2}(?:\.\d{1,3})?)\s*$/.exec(file ?? "")?.[1] ?? null;
}

/** Python files of the service, without tests and environments. */
export function pythonSources({ view, rootDir }: FixContext): string[] {
  const inside = rootDir === "" ? "" : `${rootDir}/`;
  return view.paths.filter((path) =>
    path.startsWith(inside) && path.endsWith(".py") &&
    !/(?:^|\/)(?:\.?venv|env|tests?|node_modules|site-packages|migrations)\/|(?:^|\/)test_[^/]*$|_test\.py$|(?:^|\/)conftest\.py$/
      .test(path)
  );
}

/** Whether the service's own code imports a module: a log alone is no reason to install anything. */
export async function importsModule(context: FixContext, module: string): Promise<boolean> {
  const top = topLevel(module).replace(/[^\w]/g, "");
  const pattern = new RegExp(
    `^[ \\t]*(?:import[ \\t]+(?:[\\w., \\t]*[ ,\\t])?${top}\\b|from[ \\t]+${top}\\b)`,
    "m",
  );
  for (const path of pythonSources(context).slice(0, SEARCHED_MAX)) {
    if (pattern.test(await context.view.read(path) ?? "")) return true;
  }
  return false;
}
