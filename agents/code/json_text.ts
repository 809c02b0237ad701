/**
 * Adds a property to an object inside a JSON text and leaves every other character alone: indentation, order,
 * inline arrays and the trailing newline stay. The text must parse; the result always does.
 */
import { z } from "zod";

interface Member {
  key: string;
  keyStart: number;
  valueStart: number;
  valueEnd: number;
}

/**
 * @param path the object to add to; objects that are missing are created at the end of their parent
 * @throws {SyntaxError} when the text is not JSON with an object at its top
 */
export function addProperty(text: string, path: readonly string[], key: string, value: string): string {
  z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  let start = text.indexOf("{");
  for (const [depth, name] of path.entries()) {
    const member = membersOf(text, start).find((each) => each.key === name);
    if (member === undefined) {
      const missing = path.slice(depth + 1).reduceRight<Record<string, unknown>>(
        (inner, each) => ({ [each]: inner }),
        { [key]: value },
      );
      return insert(text, start, name, missing, newline);
    }
    if (text[member.valueStart] !== "{") throw new SyntaxError(`${name} is not an object`);
    start = member.valueStart;
  }
  return insert(text, start, key, value, newline);
}

function insert(text: string, start: number, key: string, value: unknown, newline: string): string {
  const members = membersOf(text, start);
  const unit = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  const first = members[0];
  const outer = lineIndent(text, start);
  const inner = first === undefined ? outer + unit : lineIndent(text, first.keyStart);
  const isInline = first !== undefined && !text.slice(start, first.keyStart).includes("\n");
  const written = JSON.stringify(value, null, isInline ? undefined : unit)
    .replaceAll("\n", newline + inner);
  const property = `${JSON.stringify(key)}: ${written}`;
  if (first === undefined) {
    const end = text.indexOf("}", start);
    return `${text.slice(0, start + 1)}${newline}${inner}${property}${newline}${outer}${text.slice(end)}`;
  }
  const between = isInline ? ", " : `,${newline}${inner}`;
  const keys = members.map((member) => member.key);
  const isSorted = keys.every((each, at) => at === 0 || compare(keys[at - 1]!, each) <= 0);
  const next = isSorted && keys.length > 1
    ? members.find((member) => compare(member.key, key) > 0)
    : undefined;
  if (next !== undefined) {
    return `${text.slice(0, next.keyStart)}${property}${between}${text.slice(next.keyStart)}`;
  }
  const last = members[members.length - 1]!;
  return `${text.slice(0, last.valueEnd)}${between}${property}${text.slice(last.valueEnd)}`;
}

/** npm sorts dependencies by code unit-independent name order; plain comparison agrees for package names. */
const compare = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

function lineIndent(text: string, at: number): string {
  const lineStart = text.lastIndexOf("\n", at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, at))?.[0] ?? "";
}

/** The members of the object whose brace is at `start`. The text is known to be JSON. */
function membersOf(text: string, start: number): Member[] {
  const members: Member[] = [];
  let at = skipBlank(text, start + 1);
  while (text[at] === '"') {
    const keyStart = at;
    const keyEnd = stringEnd(text, at);
    const valueStart = skipBlank(text, skipBlank(text, keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart);
    const key: unknown = JSON.parse(text.slice(keyStart, keyEnd));
    members.push({ key: String(key), keyStart, valueStart, valueEnd });
    at = skipBlank(text, valueEnd);
    if (text[at] !== ",") break;
    at = skipBlank(text, at + 1);
  }
  return members;
}

function skipBlank(text: string, at: number): number {
  while (at < text.length && " \t\r\n".includes(text[at]!)) at++;
  return at;
}

function stringEnd(text: string, at: number): number {
  for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
  return at + 1;
}

function skipValue(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at);
  if (text[at] !== "{" && text[at] !== "[") {
    while (at < text.length && !",]} \t\r\n".includes(text[at]!)) at++;
    return at;
  }
  let depth = 0;
  while (at < text.length) {
    if (text[at] === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (text[at] === "{" || text[at] === "[") depth++;
    else if (text[at] === "}" || text[at] === "]") depth--;
    at++;
    if (depth === 0) break;
  }
  return at;
}
