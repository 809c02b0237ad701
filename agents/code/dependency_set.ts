/**
 * The packages that a service's manifest asks for, as a set with a name of its own: two builds with the same set
 * can be compared. Reads requirements files (with the files that they include) and package.json; other manifests
 * have no set.
 */
import { FACT_CHARS_MAX, PACKAGES_LISTED } from "../../state/build_facts.ts";
import type { DependencySet } from "../../state/build_facts.ts";
import { fingerprint } from "../../text/fingerprint.ts";
import { joinPath } from "./commands.ts";
import { parsePackageJson } from "./manifests.ts";
import { normalName, parseRequirements, pinOf } from "./requirements.ts";

/** Requirements files that are read, included ones too. */
const FILES_MAX = 20;
const HASH_CHARS = 8;

type Files = Readonly<Record<string, string>>;

/**
 * @param paths requirements files that the build installs
 * @param clean makes a package's line safe to store and to show
 */
export function requirementsSet(
  files: Files,
  paths: readonly string[],
  clean: (text: string) => string,
): DependencySet | null {
  const read = paths.filter((path) => files[path] !== undefined);
  for (let at = 0; at < read.length && read.length < FILES_MAX; at++) {
    for (const line of files[read[at]!]!.split("\n")) {
      const included = /^\s*(?:-r|--requirement)[ =]?\s*(\S+)/.exec(line)?.[1];
      const path = included === undefined ? undefined : joinPath(read[at]!, "..", included);
      if (path !== undefined && files[path] !== undefined && !read.includes(path)) read.push(path);
    }
  }
  const requirements = read.flatMap((path) => parseRequirements(files[path]!));
  const named = requirements.map(({ name, extras, specifier, tail }) =>
    `${normalName(name)}${extras}${specifier}${tail.replace(/(?:^|\s)#.*$/, "").trimEnd()}`
  );
  const loose = requirements.filter((requirement) => pinOf(requirement) === undefined).length;
  return setOf(read, named, loose, clean);
}

export function packageJsonSet(
  files: Files,
  path: string,
  clean: (text: string) => string,
): DependencySet | null {
  const manifest = parsePackageJson(files[path]);
  if (manifest === undefined) return null;
  const groups = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies];
  const entries = groups.flatMap((group) => Object.entries(group));
  const loose = entries.filter(([, range]) => !/^=?v?\d+\.\d+\.\d+[\w.+-]*$/.test(range.trim())).length;
  return setOf([path], entries.map(([name, range]) => `${name}@${range}`), loose, clean);
}

function setOf(
  manifests: string[],
  named: readonly string[],
  loose: number,
  clean: (text: string) => string,
): DependencySet | null {
  if (manifests.length === 0) return null;
  const all = [...new Set(named)].sort();
  return {
    hash: fingerprint(all).slice(0, HASH_CHARS),
    manifests,
    packages: all.length,
    loose,
    listed: all.slice(0, PACKAGES_LISTED).map((one) => clean(one).slice(0, FACT_CHARS_MAX)),
  };
}
