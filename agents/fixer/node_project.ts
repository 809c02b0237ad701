/** What a remedy needs to know of a Node service: its manifest, its scripts, the files that start a server. */
import { bindingsOf, isServerSource } from "../code/bindings.ts";
import { joinPath } from "../code/commands.ts";
import { parsePackageJson } from "../code/manifests.ts";
import type { PackageJson } from "../code/manifests.ts";
import type { FixContext } from "./remedy.ts";

/** Files searched for a server or an import. */
const SEARCHED_MAX = 400;

export interface NodeProject {
  /** Folder of package.json, relative to the repository. */
  directory: string;
  path: string;
  text: string;
  manifest: PackageJson;
}

/** The manifest in the service's root directory. */
export async function nodeProject({ rootDir, view }: FixContext): Promise<NodeProject | undefined> {
  const path = joinPath(rootDir, "package.json");
  const text = await view.read(path);
  const manifest = parsePackageJson(text);
  return text === null || manifest === undefined ? undefined : { directory: rootDir, path, text, manifest };
}

/** Files of the service that may be part of its server, with their text. */
export async function serverSources(
  { rootDir, view }: FixContext,
  extension: RegExp,
): Promise<{ path: string; text: string }[]> {
  const inside = rootDir === "" ? "" : `${rootDir}/`;
  const paths = view.paths.filter((path) =>
    path.startsWith(inside) && isServerSource(path.slice(inside.length)) && extension.test(path)
  );
  const sources: { path: string; text: string }[] = [];
  for (const path of paths.slice(0, SEARCHED_MAX)) {
    const text = await view.read(path);
    if (text !== null) sources.push({ path, text });
  }
  return sources;
}

/**
 * The one file that starts the server, relative to the root directory: `main` of package.json if it does, else
 * the only file that listens. A string says why there is none.
 */
export async function serverFile(
  context: FixContext,
  main: string | undefined,
): Promise<{ file: string } | { why: string }> {
  const inside = context.rootDir === "" ? 0 : context.rootDir.length + 1;
  const sources = await serverSources(context, /\.[cm]?js$/);
  const listening = sources.filter(({ path, text }) => bindingsOf(path, text).length > 0).map(({ path }) =>
    path.slice(inside)
  );
  const named = main === undefined ? undefined : joinPath(main);
  if (
    named !== undefined &&
    (listening.includes(named) ||
      (listening.length === 0 && context.view.has(joinPath(context.rootDir, named))))
  ) {
    return { file: named };
  }
  if (listening.length === 1) return { file: listening[0]! };
  return {
    why: listening.length === 0
      ? "no file of the service listens on a port"
      : `several files listen on a port: ${listening.slice(0, 5).join(", ")}`,
  };
}

/** Whether the service's own code or scripts use a package: a log alone is no reason to install anything. */
export async function usesPackage(
  context: FixContext,
  project: NodeProject,
  name: string,
  command: string | undefined,
): Promise<boolean> {
  if (command !== undefined) {
    const word = new RegExp(`(?:^|[\\s/;&|])${RegExp.escape(command)}(?:[\\s;&|]|$)`);
    if (
      [
        ...Object.values(project.manifest.scripts),
        context.settings.buildCommand,
        context.settings.startCommand,
      ].some((text) => word.test(text))
    ) return true;
  }
  const inside = context.rootDir === "" ? "" : `${context.rootDir}/`;
  const wanted = new RegExp(`["'\`]${RegExp.escape(name)}(?:/[^"'\`\\n]*)?["'\`]`);
  const paths = context.view.paths.filter((path) =>
    path.startsWith(inside) && /\.(?:[cm]?[jt]sx?|vue|svelte|astro)$/.test(path) &&
    !path.includes("node_modules/")
  );
  for (const path of paths.slice(0, SEARCHED_MAX)) {
    if (wanted.test(await context.view.read(path) ?? "")) return true;
  }
  return false;
}
