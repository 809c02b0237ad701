/**
 * Reads and edits requirements files line by line: comments, order, line ends and every line that is not
 * touched stay as they are (pip's requirements file format, PEP 508 for the requirement itself).
 */
export interface Requirement {
  /** Index of the line in the file. */
  line: number;
  /** As written. */
  name: string;
  /** `[a,b]` as written, or "". */
  extras: string;
  /** `==1.0` as written without blanks around it, or "". */
  specifier: string;
  /** Environment marker and comment as written, with the blanks before them. */
  tail: string;
}

const REQUIREMENT =
  /^\s*(?<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?<extras>\[[^\]]*\])?\s*\(?(?<specifier>(?:[=<>!~][^;#)]*)?)\)?(?<tail>.*)$/;

/** Project names compare without case and with runs of `-_.` as one dash (PEP 503). */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** The requirement on a line; undefined for options, URLs, comments and blank lines. */
export function parseRequirement(text: string, line = 0): Requirement | undefined {
  if (/^\s*(?:#|-|$)/.test(text) || text.includes("://")) return undefined;
  const groups = REQUIREMENT.exec(text.replace(/\r$/, ""))?.groups;
  if (groups === undefined) return undefined;
  const { name = "", extras = "", specifier = "", tail = "" } = groups;
  if (tail !== "" && !/^\s*[;#]/.test(tail)) return undefined;
  const trimmed = specifier.trimEnd();
  return { line, name, extras, specifier: trimmed, tail: specifier.slice(trimmed.length) + tail };
}

export function parseRequirements(text: string): Requirement[] {
  return text.split("\n").flatMap((line, index) => parseRequirement(line, index) ?? []);
}

/** The version of an exact pin (`==1.2.3`), else undefined. */
export function pinOf(requirement: Requirement): string | undefined {
  return /^={2,3}\s*([^\s,*]+)$/.exec(requirement.specifier)?.[1];
}

/** The file with one requirement's specifier replaced. */
export function withSpecifier(text: string, requirement: Requirement, specifier: string): string {
  const lines = text.split("\n");
  const old = lines[requirement.line] ?? "";
  const end = old.endsWith("\r") ? "\r" : "";
  const indent = /^\s*/.exec(old)?.[0] ?? "";
  lines[requirement.line] =
    `${indent}${requirement.name}${requirement.extras}${specifier}${requirement.tail}${end}`;
  return lines.join("\n");
}

/** The file without some of its requirements; every other line stays. */
export function withoutRequirements(text: string, gone: readonly Pick<Requirement, "line">[]): string {
  const lines = new Set(gone.map(({ line }) => line));
  return text.split("\n").filter((_, at) => !lines.has(at)).join("\n");
}

/** The file with a requirement added at its end, in the file's own line ends. */
export function withAddition(text: string, requirement: string): string {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const separator = text === "" || text.endsWith("\n") ? "" : end;
  return `${text}${separator}${requirement}${end}`;
}

/** Whether the file pins most of its requirements exactly: an addition then does the same. */
export function isPinned(requirements: readonly Requirement[]): boolean {
  const pinned = requirements.filter((requirement) => pinOf(requirement) !== undefined).length;
  return pinned > 0 && pinned * 2 >= requirements.length;
}
