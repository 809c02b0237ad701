/**
 * A manifest or a folder that is not where the build looks has six causes with two messages: the commit's own
 * files and the settings decide.
 */
import { joinPath, segmentsOf } from "../../code/commands.ts";
import type { Classified, Context, Finding } from "../catalogue.ts";
import { sign } from "./lines.ts";

export const MANIFEST_SIGNS = [
  sign("Service Root Directory", /Service Root Directory "(?<directory>[^"]*)" is missing/, 0.97),
  sign(
    "Could not read package.json",
    /Could not read package\.json: Error: ENOENT.*open '(?<file>[^']+)'/,
    0.9,
  ),
  sign(
    "package.json",
    /ENOENT.{0,40}(?:no such file or directory)?.{0,20}open '(?<file>[^']*package\.json)'/,
    0.88,
  ),
  sign(
    "requirements file",
    /Could not open requirements file:(?:.*No such file or directory: '(?<file>[^']+)')?/,
    0.85,
  ),
  sign("Nixpacks was unable to generate a build plan", /Nixpacks was unable to generate a build plan/, 0.85),
  sign("directory not found", /stat (?<file>\/\S+): directory not found/, 0.82),
  sign(
    "No package.json",
    /(?:ERR_PNPM_NO_PKG_MANIFEST|error).{0,100}No package\.json (?:found|was found)/,
    0.88,
  ),
  sign("Couldn't find a package.json", /Couldn't find a package\.json file in "(?<file>[^"]+)"/, 0.88),
];

/** A manifest that is not where the build looks: four causes, told apart by the commit's own files. */
export function classifyManifest(finding: Finding, context: Context): Classified {
  if (finding.captures["directory"] !== undefined) {
    return { slug: "root-dir-missing-or-wrong", confidence: 0.97 };
  }
  const file = finding.captures["file"] ?? "requirements.txt";
  const name = file.split("/").at(-1) || "requirements.txt";
  const repository = context.repository;
  const captures = { manifest: name };
  if (repository === null) {
    const isForeign = name === "requirements.txt" && context.settings?.runtime === "node" ||
      name === "package.json" && context.settings?.runtime === "python";
    return isForeign
      ? { slug: "wrong-runtime-selected", confidence: 0.6, captures }
      : { slug: "root-dir-missing-or-wrong", confidence: 0.78, captures };
  }
  const places = repository.paths.filter((path) => path === name || path.endsWith(`/${name}`)).filter((
    path,
  ) => !/node_modules|(?:^|\/)\.?venv\//.test(path));
  if (places.length > 0) {
    return { slug: "root-dir-missing-or-wrong", confidence: places.length === 1 ? 0.95 : 0.85, captures };
  }
  const otherName = name === "package.json" ? "requirements.txt" : "package.json";
  const isForeign = repository.paths.includes(joinPath(context.rootDir, otherName));
  if (isForeign) return { slug: "wrong-runtime-selected", confidence: 0.85, captures };
  return { slug: "file-missing-or-wrong-path", confidence: 0.8, captures: { file: name } };
}

export const CD_SIGNS = [
  sign("cd: ", /\bcd: (?:can't cd to )?(?<directory>[^:]+?)(?:: No such file or directory|$)/, 0.85),
];

export function classifyCd(finding: Finding, context: Context): Classified {
  const directory = (finding.captures["directory"] ?? "").replace(/^\.?\/|\/$/g, "");
  const runs = segmentsOf(context.buildCommand).concat(segmentsOf(context.startCommand))
    .some(({ words }) => words[0] === "cd" && words[1]?.replace(/^\.?\/|\/$/g, "") === directory);
  if (finding.captures["directory"]?.startsWith("/opt/render/project/src/")) {
    return { slug: "root-dir-missing-or-wrong", confidence: 0.9, captures: { directory } };
  }
  if (!runs && context.buildCommand !== "") {
    return { slug: null, why: "neither command changes to that folder" };
  }
  if (context.rootDir.split("/").at(-1) === directory) {
    return { slug: "root-dir-double-cd", confidence: 0.95, captures: { directory } };
  }
  const paths = context.repository?.paths ?? [];
  const wanted = joinPath(context.rootDir, directory).toLowerCase();
  if (paths.some((path) => path.toLowerCase().startsWith(`${wanted}/`))) {
    return { slug: "case-sensitive-path", confidence: 0.9, captures: { directory } };
  }
  return {
    slug: "root-dir-double-cd",
    confidence: context.repository === null ? 0.75 : 0.6,
    captures: { directory },
  };
}
