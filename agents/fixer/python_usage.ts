/**
 * Who uses a module in the whole repository, tests and notebooks included: what decides whether a requirement may
 * go. Where the repository cannot be read to the end, or loads modules by names that are not written down, it
 * says so, and nothing may be concluded.
 */
import { importsOf } from "../code/python_imports.ts";
import type { FixContext } from "./remedy.ts";

/** Python files read. */
const SOURCES_MAX = 400;
/** Other files that may name a module: settings, notebooks, scripts. */
const OTHERS_MAX = 100;

const SOURCE = /\.pyw?$/;
const OTHER = /\.(?:ipynb|toml|cfg|ini|ya?ml|json|sh)$|(?:^|\/)(?:Procfile|Dockerfile[^/]*|Makefile)$/;
const NOT_OURS =
  /(?:^|\/)(?:\.?venv|node_modules|site-packages|\.git)\/|(?:^|\/)[^/]*lock[^/]*\.(?:json|ya?ml|toml)$/;

export interface Site {
  path: string;
  line: number;
  isOptional: boolean;
}

export interface Usage {
  /** Where any of these modules, or something inside of it, is imported. */
  importsOf(modules: readonly string[]): Site[];
  /** A file that names one of these words other than by an import; undefined when none does. */
  namedIn(words: readonly string[]): string | undefined;
  /** Why nothing may be concluded from what is not there; null when everything was seen. */
  blind: string | null;
}

export async function usageOf({ view }: FixContext): Promise<Usage> {
  const sources = view.paths.filter((path) => SOURCE.test(path) && !NOT_OURS.test(path));
  const others = view.paths.filter((path) => OTHER.test(path) && !NOT_OURS.test(path));
  const sites: (Site & { module: string })[] = [];
  const texts: { path: string; text: string; isSource: boolean }[] = [];
  let blind = sources.length > SOURCES_MAX || others.length > OTHERS_MAX
    ? "the repository has more files than are read"
    : null;
  for (const path of sources.slice(0, SOURCES_MAX)) {
    const text = await view.read(path);
    if (text === null) {
      blind ??= `${path} cannot be read`;
      continue;
    }
    const found = importsOf(text);
    if (found.isBlind) blind ??= `${path} imports modules by names that are not written in it`;
    sites.push(...found.sites.map((site) => ({ ...site, path })));
    texts.push({ path, text, isSource: true });
  }
  for (const path of others.slice(0, OTHERS_MAX)) {
    const text = await view.read(path);
    if (text !== null) texts.push({ path, text, isSource: false });
  }
  return {
    importsOf: (modules) =>
      sites.filter(({ module }) => modules.some((each) => module === each || module.startsWith(`${each}.`))),
    namedIn(words) {
      const any = words.map((word) => RegExp.escape(word)).join("|");
      const quoted = new RegExp(`["'](?:${any})(?:[.:][\\w.:]*)?["']`);
      const bare = new RegExp(`(?:^|[^\\w.-])(?:${any})(?![\\w-])`);
      return texts.find(({ text, isSource }) => (isSource ? quoted : bare).test(text))?.path;
    },
    blind,
  };
}

/** Where it is used, in a few words. */
export function placesOf(sites: readonly Site[], max = 3): string {
  const places = [...new Set(sites.map(({ path, line }) => `${path} line ${line}`))];
  return `${places.slice(0, max).join(", ")}${places.length > max ? ` and ${places.length - max} more` : ""}`;
}
