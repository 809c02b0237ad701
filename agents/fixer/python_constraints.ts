/**
 * What stands beside the requirement lines of a service: constraints files, which pip is given, and lines that it is
 * not given because they would run code (a path, an address) or change which index is asked. Those are named wherever
 * an answer rests on the rest.
 */
import { sanitizeLine } from "../../text/sanitize.ts";
import { joinPath } from "../code/commands.ts";
import { parseRequirement } from "../code/requirements.ts";
import { invocationsIn } from "../code/shell_words.ts";
import { dockerfileOf, requirementFiles } from "./python_project.ts";
import type { FixContext } from "./remedy.ts";
import { pipResolve } from "./tools.ts";
import type { Resolution } from "./tools.ts";

/** Constraints files that are read. */
const FILES_MAX = 10;
/** Characters of a file's line in a message. */
const LINE_CHARS_MAX = 120;
/** Lines that are named. */
const SHOWN_MAX = 3;

const CONSTRAINT = /^\s*(?:-c|--constraint)[ =]?\s*(\S+)/;
const INCLUDE = /^\s*(?:-r|--requirement)[ =]?\s*(\S+)/;

/** The constraints files of the commit that the build gives to pip, by the requirements files or on its command line. */
export async function constraintFiles(context: FixContext): Promise<string[]> {
  const { view } = context;
  const requirements = await requirementFiles(context);
  const files = (await namedByCommands(context)).filter(view.has);
  for (const path of requirements) files.push(...await linked(context, path, [CONSTRAINT]));
  const found = [...new Set(files)];
  // What a constraints file includes constrains as well.
  for (let at = 0; at < found.length && found.length < FILES_MAX; at++) {
    for (const path of await linked(context, found[at]!, [CONSTRAINT, INCLUDE])) {
      if (!found.includes(path)) found.push(path);
    }
  }
  return found.filter((path) => !requirements.includes(path)).slice(0, FILES_MAX);
}

async function linked({ view }: FixContext, path: string, forms: readonly RegExp[]): Promise<string[]> {
  return (await view.read(path) ?? "").split(/\r?\n/).flatMap((line) => {
    const name = forms.map((form) => form.exec(line)?.[1]).find((each) => each !== undefined);
    const target = name === undefined ? undefined : joinPath(path, "..", name);
    return target !== undefined && view.has(target) ? [target] : [];
  });
}

/** `pip install -r requirements.txt -c constraints.txt` */
async function namedByCommands(context: FixContext): Promise<string[]> {
  const { settings, rootDir } = context;
  const texts = settings.runtime === "docker"
    ? (await dockerfileOf(context)).file.instructions.filter(({ keyword }) => keyword === "RUN").map((
      { args },
    ) => args)
    : [settings.buildCommand];
  return texts.flatMap((text) => invocationsIn(text)).flatMap(({ args }) => {
    const words = args.map((word) => word.text);
    if (!words.includes("install")) return [];
    return words.flatMap((word, at) => {
      const joined = /^(?:--constraint=|-c(?=.))(.+)$/.exec(word)?.[1];
      const isFlag = word === "-c" || word === "--constraint";
      const name = joined ?? (isFlag ? words[at + 1] : undefined);
      return name === undefined ? [] : [joinPath(rootDir, name)];
    });
  });
}

/** The lines of the constraints files. */
export async function constraintLines(context: FixContext): Promise<string[]> {
  const lines: string[] = [];
  for (const path of await constraintFiles(context)) {
    const text = await context.view.read(path) ?? "";
    lines.push(...text.split(/\r?\n/).map((line) => line.trim()).filter((line) => !/^(?:#|-|$)/.test(line)));
  }
  return lines;
}

/** Whether these lines can be installed together under the service's constraints. @throws when a tool fails */
export async function resolveLines(
  context: FixContext,
  lines: readonly string[],
  python: string | null,
  mentionsOf: readonly string[] = [],
): Promise<Resolution> {
  return await pipResolve(context.ask, lines, python, mentionsOf, await constraintLines(context));
}

/** The lines that pip is not asked about, for people: `./corelib in requirements.txt`. */
export async function leftOutOf(context: FixContext, files: readonly string[]): Promise<string[]> {
  const constraints = await constraintFiles(context);
  const known = [...files, ...constraints];
  const left: string[] = [];
  for (const path of known) {
    for (const line of (await context.view.read(path) ?? "").split(/\r?\n/)) {
      const text = line.trim();
      // How much is downloaded or checked changes nothing of which versions fit.
      if (text === "" || /^(?:#|--hash\b|--prefer-binary\b|--no-cache-dir\b)/.test(text)) continue;
      if (parseRequirement(text) !== undefined) continue;
      const named = INCLUDE.exec(text)?.[1] ?? CONSTRAINT.exec(text)?.[1];
      if (named !== undefined && known.includes(joinPath(path, "..", named))) continue;
      // An address may hold a password.
      const shown = text.replaceAll(/\S+:\/\/\S+/g, "(an address)");
      left.push(`${sanitizeLine(shown, LINE_CHARS_MAX)} in ${sanitizeLine(path, LINE_CHARS_MAX)}`);
    }
  }
  return left;
}

/** What to add to the summary of a repair that rests on pip's answer; "" when nothing was left out. */
export function leftOutText(left: readonly string[]): string {
  if (left.length === 0) return "";
  const more = left.length > SHOWN_MAX ? ` and ${left.length - SHOWN_MAX} more` : "";
  return `; pip was not asked about ${left.slice(0, SHOWN_MAX).join(", ")}${more}`;
}

/**
 * Why pip finds no conflict here in what the build could not install: lines that the question to pip leaves out may be
 * what stands against it.
 */
export async function whyTheyResolve(context: FixContext, files: readonly string[]): Promise<string> {
  const left = await leftOutOf(context, files);
  return left.length === 0
    ? "the requirements resolve here: the conflict is not in the commit's files"
    : `the requirements resolve here without what pip was not asked about: ${
      left.slice(0, SHOWN_MAX).join(", ")
    }${left.length > SHOWN_MAX ? ` and ${left.length - SHOWN_MAX} more` : ""}`;
}
