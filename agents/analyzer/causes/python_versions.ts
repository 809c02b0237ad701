/**
 * Versions that do not fit: pins that exclude one another, and packages that exclude the interpreter. Reads
 * pip's reports around a line, and knows what packages print that are older than the Python they meet.
 */
import { onlyWhen } from "../catalogue.ts";
import type { Classified, Context, Finding } from "../catalogue.ts";
import { linesFrom, sign } from "./lines.ts";
import { classifyModule } from "./python_modules.ts";

const LLM =
  /^(?:openai|anthropic|cohere|together|groq|ollama|mistralai|litellm|google-generativeai|google-genai|(?:langchain|langgraph|langsmith|llama-index)[\w-]*)$/i;
/** Lines of pip's conflict report that are read. */
const CONFLICT_LINES_MAX = 40;
const CONFLICT_LINE_CHARS_MAX = 500;

export function classifyConflict(finding: Finding, context: Context): Classified {
  const from = Math.max(0, finding.at - CONFLICT_LINES_MAX);
  const block = context.lines.slice(from, finding.at + CONFLICT_LINES_MAX)
    .map((line) => line.slice(0, CONFLICT_LINE_CHARS_MAX));
  const names = new Set<string>();
  for (const line of block) {
    const requested = /The user requested (?:\(constraint\) )?([A-Za-z0-9][\w.-]*)/.exec(line);
    const depends = /^\s*([A-Za-z0-9][\w.-]*)(?:\[[\w,.-]*\])? [\w.+!-]+ depends on ([A-Za-z0-9][\w.-]*)/
      .exec(line);
    // pip's own sentence names the rest; other lines with `==` are only what it collected.
    const listed = line.includes("Cannot install")
      ? line.matchAll(/([A-Za-z0-9][\w.-]{0,80})(?:\[[\w,.-]{0,80}\])?==/g)
      : [];
    for (
      const name of [
        requested?.[1],
        depends?.[1],
        depends?.[2],
        ...[...listed].map((found) => found[1]),
      ]
    ) {
      if (name !== undefined) names.add(name.toLowerCase());
    }
  }
  const packages = [...names].sort().slice(0, 6).join(", ");
  const detail = block.some((line) => /depends on|The user requested|Because /.test(line));
  const slug = [...names].some((name) => LLM.test(name))
    ? "python-llm-provider-conflict"
    : "python-dependency-conflict";
  return { slug, confidence: detail ? 0.95 : 0.88, captures: packages === "" ? {} : { packages } };
}
export const CONFLICT_SIGNS = [
  sign(
    "because these package versions have conflicting dependencies",
    /Cannot install (?<request>.+?)(?: because these|$)|because these package versions/,
    0.92,
  ),
  sign("The conflict is caused by:", /The conflict is caused by:/, 0.92),
  sign("ResolutionImpossible", /ERROR: ResolutionImpossible/, 0.9),
  sign("No solution found when resolving", /No solution found when resolving dependencies/, 0.85),
  sign("version solving failed", /version solving failed/, 0.85),
];
/** Splits `requires a different Python` by which bound is broken. */
function classifyPython(finding: Finding, context: Context): Classified {
  const python = finding.captures["python"] ?? context.facts.pythonVersion ?? undefined;
  const range = finding.captures["range"];
  if (range === undefined) return { slug: null, why: "no range is named" };
  const known = python === undefined ? undefined : tooNew(python, range);
  const captures = { range, ...(python === undefined ? {} : { python }) };
  if (known === undefined) {
    return range.includes("<")
      ? { slug: "python-too-new", confidence: 0.75, captures }
      : { slug: "python-too-old", confidence: 0.8, captures };
  }
  return { slug: known ? "python-too-new" : "python-too-old", confidence: 0.95, captures };
}

/** True when the upper bound of a range is broken, false when the lower one is; undefined when neither. */
function tooNew(python: string, range: string): boolean | undefined {
  const version = numbers(python);
  for (const part of range.split(",")) {
    const [, operator, bound] = /^\s*([<>=!~]+)\s*([\d.]+)/.exec(part) ?? [];
    if (operator === undefined || bound === undefined) continue;
    const order = compare(version, numbers(bound));
    if ((operator === "<" && order >= 0) || (operator === "<=" && order > 0)) return true;
    if ((operator === ">=" && order < 0) || (operator === ">" && order <= 0)) return false;
  }
  return undefined;
}
const numbers = (version: string) => version.split(".").map((part) => Number.parseInt(part, 10) || 0);
function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const PYTHON_RANGE_SIGNS = [
  sign(
    "requires a different Python",
    /Package '(?<package>[^']+)' requires a different Python: (?<python>[\d.]+) not in '(?<range>[^']+)'/,
    0.95,
  ),
  sign(
    "that require a different python version",
    /Ignored the following (?:yanked )?versions that require a different python version: (?<ignored>.+)/,
    0.8,
  ),
];

/** pip names the versions it left out; they matter only if what it then did not find is what was left out. */
export function classifyIgnored(finding: Finding, context: Context): Classified {
  const ignored = finding.captures["ignored"];
  if (ignored === undefined) return classifyPython(finding, context);
  const after = linesFrom(finding, context, 6).map((line) =>
    /No matching distribution found for (?<package>[A-Za-z0-9][\w.-]*)(?:\[[\w,.-]*\])?(?:==(?<version>[\w.+!-]+))?/
      .exec(line)?.groups
  ).find((groups) => groups !== undefined);
  if (after === undefined) return { slug: null, why: "pip found another version" };
  const entries = ignored.split(";").map((entry) => /(\S+) Requires-Python (.+)/.exec(entry.trim()));
  const entry = entries.find((each) => each?.[1] === after["version"]) ??
    (after["version"] === undefined ? entries.at(-1) : undefined);
  if (entry === undefined || entry === null) {
    return {
      slug: "pip-no-matching-distribution",
      confidence: 0.8,
      captures: { package: after["package"] ?? "" },
    };
  }
  const verdict = classifyPython(
    { ...finding, captures: { ...finding.captures, range: entry[2]!.trim() } },
    context,
  );
  return { ...verdict, captures: { ...verdict.captures, package: after["package"] ?? "" } };
}

/** A line that only a package too old for the interpreter prints, with the Python versions it still worked on. */
export const TOO_NEW_SIGNS: readonly {
  literal: string;
  pattern: RegExp;
  range: string;
  confidence: number;
}[] = [
  {
    literal: "has no attribute 'ImpImporter'",
    pattern: /module 'pkgutil' has no attribute 'ImpImporter'/,
    range: "<3.12",
    confidence: 0.92,
  },
  {
    literal: "undefined symbol: _PyInterpreterState_Get",
    pattern: /undefined symbol: _PyInterpreterState_Get/,
    range: "<3.13",
    confidence: 0.93,
  },
  {
    literal: "cannot import name '_psycopg'",
    pattern: /cannot import name '_psycopg' from (?:partially initialized module )?'psycopg2'/,
    range: "<3.13",
    confidence: 0.85,
  },
  {
    literal: "directly inherits TypingOnly",
    pattern: /directly inherits TypingOnly but has additional attributes/,
    range: "<3.13",
    confidence: 0.93,
  },
  {
    literal: "Cannot import 'setuptools.build_meta'",
    pattern: /BackendUnavailable: Cannot import 'setuptools\.build_meta'/,
    range: "<3.12",
    confidence: 0.85,
  },
  {
    literal: "newer than PyO3's maximum supported version",
    pattern: /newer than PyO3's maximum supported version \((?<supported>\d+\.\d+)\)/,
    range: "",
    confidence: 0.95,
  },
  { literal: "maturin failed", pattern: /maturin failed/, range: "<3.13", confidence: 0.82 },
  {
    literal: "_PyLong_AsByteArray",
    pattern: /too few arguments to function .{0,3}_PyLong_AsByteArray/,
    range: "<3.13",
    confidence: 0.9,
  },
  {
    literal: "pip-install-",
    pattern: /CalledProcessError: Command .{0,400}python(?<built>3\.1[3-9])\b/,
    range: "<3.13",
    confidence: 0.8,
  },
];

function classifyTooNew(finding: Finding, context: Context): Classified {
  const supported = finding.captures["supported"];
  if (supported !== undefined) {
    const [major = 3, minor = 13] = numbers(supported);
    return { slug: "python-too-new", confidence: 0.95, captures: { range: `<${major}.${minor + 1}` } };
  }
  const rule = TOO_NEW_SIGNS.find(({ literal }) => context.lines[finding.at]?.includes(literal));
  if (rule === undefined) return { slug: null, why: "no rule" };
  const python = context.facts.pythonVersion;
  if (python !== null && tooNew(python, rule.range) !== true) {
    return { slug: null, why: `Python ${python} is not too new for it` };
  }
  return { slug: "python-too-new", confidence: rule.confidence, captures: { range: rule.range } };
}

export function decideTooNew(finding: Finding, context: Context) {
  if (finding.captures["module"] !== undefined) {
    return onlyWhen("python-too-new", classifyModule)(finding, context);
  }
  if (finding.captures["range"] !== undefined || finding.captures["ignored"] !== undefined) {
    return onlyWhen("python-too-new", classifyIgnored)(finding, context);
  }
  return onlyWhen("python-too-new", classifyTooNew)(finding, context);
}
