/**
 * Whether the Python requirements that the patch touches can be met together, for the Python that the service
 * builds with. A patch that changes the Python version puts every requirements file of the build to the test.
 */
import { basename, dirname, join } from "@std/path";
import { sanitizeLine } from "../../text/sanitize.ts";
import type { AskTool } from "../agent.ts";
import { pipResolveOutputSchema } from "../tools/pip.ts";
import { pythonVersionSchema } from "../tools/python.ts";
import { checkBy } from "./checkout.ts";
import type { Check, Checkout, Question } from "./checkout.ts";
import { isRequirementsFile } from "./syntax.ts";

const CONFLICT_CHARS_MAX = 1000;
/** How deep `-r other.txt` is followed, and into how many files. */
const INCLUDE_DEPTH_MAX = 5;
const FILES_MAX = 30;
/** The one file in which Render looks for a version (reference: Render platform, native runtimes). */
const VERSION_FILE = ".python-version";

export async function checkRequirements(
  { edits, settings }: Question,
  checkout: Checkout,
  ask: AskTool,
): Promise<Check[]> {
  const paths = edits.filter(({ content }) => content !== null).map(({ path }) => path);
  const files = new Set(
    paths.filter((path) => isRequirementsFile(path) && !isConstraintsFile(path)),
  );
  if (paths.some((path) => basename(path) === VERSION_FILE || isConstraintsFile(path))) {
    const usual = join(settings.rootDir === "" ? "." : settings.rootDir, "requirements.txt");
    if (await checkout.read(usual) !== undefined) files.add(usual);
  }
  const checks: Check[] = [];
  for (const file of files) {
    checks.push(
      await checkBy(`requirements ${sanitizeLine(file)}`, async () => {
        const { requirements, constraints } = await linesOf(file, checkout);
        const pythonVersion = await pythonVersionOf(file, settings.rootDir, checkout);
        const answer = pipResolveOutputSchema.parse(
          await ask("pip-resolve", { requirements, constraints, pythonVersion }),
        );
        if (!answer.ok) return { result: "fail", detail: sanitizeLine(answer.conflict, CONFLICT_CHARS_MAX) };
        const python = pythonVersion === null ? "" : ` for Python ${pythonVersion}`;
        const rest = answer.skipped.length === 0 ? "" : `; ${answer.skipped.length} lines were not looked at`;
        const isEmpty = answer.resolved.length === 0 && answer.skipped.length > 0;
        return {
          result: isEmpty ? "skipped" : "pass",
          detail: `resolves to ${answer.resolved.length} packages${python}${rest}`,
        };
      }),
    );
  }
  return checks;
}

const isConstraintsFile = (path: string) => basename(path).startsWith("constraints");

/** The lines of a requirements file, of those it includes and of its constraints. Continued lines become one. */
async function linesOf(
  file: string,
  checkout: Checkout,
): Promise<{ requirements: string[]; constraints: string[] }> {
  const seen = new Set<string>();
  const constraints: string[] = [];
  const visit = async (path: string, depth: number, isConstraint: boolean): Promise<string[]> => {
    if (seen.has(path) || seen.size >= FILES_MAX || depth > INCLUDE_DEPTH_MAX) return [];
    seen.add(path);
    const text = await checkout.read(path);
    // A file that cannot be read stays visible as a line that was not looked at.
    if (text === undefined) return [`${isConstraint ? "-c" : "-r"} ${path}`];
    const lines: string[] = [];
    for (const line of text.replace(/\\\r?\n/g, " ").split(/\r?\n/)) {
      const [, flag = "", name] = /^\s*(-r|--requirement|-c|--constraint)[\s=]*(\S+)/.exec(line) ?? [];
      if (name === undefined) lines.push(line);
      else {
        const constrains = isConstraint || /^-?-c/.test(flag);
        const found = await visit(join(dirname(path), name), depth + 1, constrains);
        (constrains ? constraints : lines).push(...found);
      }
    }
    return lines;
  };
  const requirements = await visit(file, 0, false);
  return { requirements, constraints };
}

/** The version that the service's own file names. */
async function pythonVersionOf(file: string, rootDir: string, checkout: Checkout): Promise<string | null> {
  const root = rootDir === "" ? "." : rootDir;
  for (const folder of new Set([root, dirname(file), "."])) {
    const text = await checkout.read(join(folder, VERSION_FILE));
    const version = /^\s*(?:python-)?(\d+(?:\.\d+){1,2})\s*$/m.exec(text ?? "")?.[1];
    if (version !== undefined && pythonVersionSchema.safeParse(version).success) return version;
  }
  return null;
}
