/** What the manifests of a repository say, and where its Python modules lie. Bad files count as absent. */
import { z } from "zod";
import { joinPath } from "./commands.ts";
import { normalName, parseRequirements } from "./requirements.ts";

const words = z.record(z.string(), z.string()).catch({});
export const packageJsonSchema = z.object({
  main: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
  packageManager: z.string().optional().catch(undefined),
  scripts: words.default({}),
  dependencies: words.default({}),
  devDependencies: words.default({}),
  optionalDependencies: words.default({}),
  workspaces: z.unknown().optional(),
});
export type PackageJson = z.infer<typeof packageJsonSchema>;

export function parsePackageJson(text: string | undefined | null): PackageJson | undefined {
  if (text === undefined || text === null) return undefined;
  try {
    return packageJsonSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether a file or folder is at this path. */
export function hasPath(paths: readonly string[], path: string): boolean {
  return paths.some((each) => each === path || each.startsWith(`${path}/`));
}

/** Folders below the root in which a Python module may lie when a program runs in the root. */
const SOURCE_FOLDERS = ["", "src"];

/** What the repository holds under a module's name, seen from a folder; `folder` lacks an `__init__.py`. */
export function localModule(
  paths: readonly string[],
  directory: string,
  module: string,
): { kind: "file" | "package" | "folder"; path: string } | undefined {
  const inside = module.replaceAll(".", "/");
  for (const source of SOURCE_FOLDERS) {
    const path = joinPath(directory, source, inside);
    if (paths.includes(`${path}.py`)) return { kind: "file", path: `${path}.py` };
    if (paths.includes(`${path}/__init__.py`)) return { kind: "package", path };
    if (paths.some((each) => each.startsWith(`${path}/`) && each.endsWith(".py"))) {
      return { kind: "folder", path };
    }
  }
  return undefined;
}

/** Whether a requirements file or pyproject lists a distribution. */
export function listsDistribution(files: Readonly<Record<string, string>>, distribution: string): boolean {
  const wanted = normalName(distribution);
  return Object.entries(files).some(([path, text]) => {
    if (/(?:^|\/)pyproject\.toml$|(?:^|\/)Pipfile$/.test(path)) {
      return text.split(/["'\s=<>~!;[\]]+/).some((word) => normalName(word) === wanted);
    }
    return /requirements[^/]*\.txt$|(?:^|\/)requirements\/[^/]*\.txt$/.test(path) &&
      parseRequirements(text).some((requirement) => normalName(requirement.name) === wanted);
  });
}
