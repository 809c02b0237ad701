/**
 * A command that the shell does not find has six causes with one message: which program it is, which manifest
 * lists it and what the start command looks like decide.
 */
import { isNodeTool, packageOfCommand } from "../../code/node_names.ts";
import { PYTHON_SERVERS } from "../../code/python_names.ts";
import { parsePackageJson } from "../../code/manifests.ts";
import { joinPath } from "../../code/commands.ts";
import type { Classified, Context, Finding } from "../catalogue.ts";
import { sign } from "./lines.ts";

/** bash says `command not found`, dash and busybox `not found`. */
export const COMMAND_SIGNS = [
  sign(
    "not found",
    /(?:^|[\s/])(?:ba|da|z)?sh: (?:line \d+: |\d+: )?(?<program>[^\s:]+): (?:command )?not found/,
    0.85,
  ),
  sign(
    "executable file not found in $PATH",
    /exec: "(?<program>[^"\s]+)": executable file not found in \$PATH/,
    0.85,
  ),
];

const SPELLINGS = new Set([
  "npm",
  "yarn",
  "pnpm",
  "bun",
  "node",
  "python",
  "python3",
  "gunicorn",
  "uvicorn",
  "flask",
  "bundle",
  "npx",
]);

export function classifyCommand(finding: Finding, context: Context): Classified {
  const program = finding.captures["program"] ?? "";
  if (/\byour_application\b/.test(context.startCommand)) {
    return { slug: "placeholder-start-command", confidence: 0.9, captures: { target: "your_application" } };
  }
  if (Object.hasOwn(PYTHON_SERVERS, program)) {
    return { slug: "python-server-missing", confidence: 0.93, captures: { program } };
  }
  if (program !== program.toLowerCase() && SPELLINGS.has(program.toLowerCase())) {
    return {
      slug: "start-command-not-executable",
      confidence: 0.93,
      why: "a program's name is written in lower case",
    };
  }
  if (/\.(?:[cm]?[jt]s|py|sh|rb)$/.test(program)) {
    const slug = finding.phase === "build" ? "build-script-not-executable" : "start-command-not-executable";
    return { slug, confidence: 0.9, why: "it is a file, not a program" };
  }
  const name = packageOfCommand(program);
  const manifest = parsePackageJson(context.repository?.files[joinPath(context.rootDir, "package.json")]);
  if (manifest !== undefined) {
    if (name in manifest.devDependencies) {
      return { slug: "node-devdeps-omitted", confidence: 0.93, captures: { package: name } };
    }
    if (name in manifest.dependencies) {
      return { slug: "command-not-found", confidence: 0.6, why: `${name} is listed and yet not installed` };
    }
    if (isNodeTool(program)) {
      return { slug: "node-module-missing", confidence: 0.9, captures: { package: name } };
    }
  } else if (isNodeTool(program)) {
    return {
      slug: "node-devdeps-omitted",
      confidence: finding.phase === "build" ? 0.8 : 0.6,
      captures: { package: name },
    };
  }
  return {
    slug: finding.phase === "start" ? "start-command-not-executable" : "command-not-found",
    confidence: finding.phase === "start" ? 0.6 : 0.8,
  };
}
