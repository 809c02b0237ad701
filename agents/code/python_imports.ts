/**
 * Which modules Python files import, and whether the program can do without them. Reads text, runs nothing. It errs
 * towards "imported" and towards "needed": what it says is used to decide what may be removed.
 */
export interface ImportSite {
  /** Dotted; `from google import genai` counts as `google.genai` as well as `google`. */
  module: string;
  /** Line number from 1. */
  line: number;
  /** Guarded by `except ImportError` or the like, or inside a function that may never be called. */
  isOptional: boolean;
}

export interface FileImports {
  sites: ImportSite[];
  /** A module is loaded by a name that is not written in the file. */
  isBlind: boolean;
}

/** Lines of one file that are read. */
const LINES_MAX = 20_000;
/** Names of one import statement. */
const NAMES_MAX = 200;

const STATEMENT = /^(?<indent>[ \t]*)(?:(?:try|else|finally)[ \t]*:[ \t]*)?(?<rest>(?:import|from)[ \t]+.*)$/;
const DYNAMIC = /\b(?:import_module|__import__|find_spec|import_string)\(\s*(?<argument>[^)\n]{0,200})/g;

export function importsOf(text: string): FileImports {
  const lines = text.split(/\r?\n/, LINES_MAX);
  const sites: ImportSite[] = [];
  let isBlind = false;
  for (const [at, raw] of lines.entries()) {
    for (const part of raw.includes(";") ? raw.split(";") : [raw]) {
      const groups = STATEMENT.exec(part === raw ? raw : part.trimStart())?.groups;
      if (groups === undefined) continue;
      const isOptional = isOptionalAt(lines, at);
      for (const module of modulesOf(statementAt(lines, at, groups["rest"] ?? ""))) {
        sites.push({ module, line: at + 1, isOptional });
      }
    }
    for (const { groups } of raw.matchAll(DYNAMIC)) {
      const module = /^[rbuf]?["']([A-Za-z_][\w.]*)["']/.exec(groups?.["argument"] ?? "")?.[1];
      if (module === undefined) isBlind = true;
      else sites.push({ module, line: at + 1, isOptional: isOptionalAt(lines, at) });
    }
  }
  return { sites, isBlind };
}

/** A statement with the lines that its bracket or backslash continues onto. */
function statementAt(lines: readonly string[], at: number, first: string): string {
  let text = first.replace(/#.*$/, "");
  for (let next = at + 1; next < Math.min(lines.length, at + NAMES_MAX); next++) {
    const isOpen = text.includes("(") && !text.includes(")");
    if (!isOpen && !text.trimEnd().endsWith("\\")) break;
    text = `${text.trimEnd().replace(/\\$/, "")} ${lines[next]!.replace(/#.*$/, "")}`;
  }
  return text;
}

function modulesOf(statement: string): string[] {
  const from = /^from[ \t]+(?<module>[\w.]+)[ \t]+import[ \t]*(?<names>[^]*)$/.exec(statement)?.groups;
  if (from !== undefined) {
    const module = from["module"] ?? "";
    if (module.startsWith(".") || !/^[A-Za-z_]/.test(module)) return [];
    return [module, ...namesIn(from["names"] ?? "").map((name) => `${module}.${name}`)];
  }
  return namesIn(statement.replace(/^import[ \t]+/, ""));
}

function namesIn(text: string): string[] {
  return text.replace(/[()]/g, " ").split(",", NAMES_MAX).flatMap((part) =>
    /^\s*([A-Za-z_][\w.]*)/.exec(part)?.[1] ?? []
  );
}

const widthOf = (line: string) => (/^[ \t]*/.exec(line)?.[0] ?? "").replaceAll("\t", "        ").length;

/** Whether what encloses a line lets the program go on without it. */
function isOptionalAt(lines: readonly string[], at: number): boolean {
  let width = widthOf(lines[at]!);
  // `try: import x` on one line.
  if (/^\s*try\s*:/.test(lines[at]!)) return catchesAbsence(lines, at, width);
  for (let above = at - 1; above >= 0 && width > 0; above--) {
    const line = lines[above]!;
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const outer = widthOf(line);
    if (outer >= width) continue;
    width = outer;
    const opener = line.trimStart();
    if (/^(?:async[ \t]+)?def\b/.test(opener) || /^if\b.*\bTYPE_CHECKING\b/.test(opener)) return true;
    if (/^try\s*:/.test(opener) && catchesAbsence(lines, above, outer)) return true;
  }
  return false;
}

/** Whether the `try` on a line has a handler for a module that is not there. */
function catchesAbsence(lines: readonly string[], at: number, width: number): boolean {
  for (let below = at + 1; below < lines.length; below++) {
    const line = lines[below]!;
    if (line.trim() === "" || widthOf(line) > width) continue;
    if (widthOf(line) < width) return false;
    const handler = /^\s*except\b(.*)$/.exec(line)?.[1];
    if (handler === undefined) return false;
    if (/^\s*:|\b(?:ImportError|ModuleNotFoundError|Exception|BaseException)\b/.test(handler)) {
      // A handler that ends the program or raises again guards nothing.
      const body = lines.slice(below + 1, below + 6).filter((each) => each.trim() !== "");
      const first = [handler.replace(/^[^:]*:/, ""), ...body.filter((each) => widthOf(each) > width)];
      return !first.some((each) => /^\s*(?:raise\b|sys\.exit|exit\(|os\._exit)/.test(each));
    }
  }
  return false;
}
