/**
 * Which values of variables and files are to be hidden. A name that says secret hides whatever it has; under any
 * other name what is an ordinary word stays readable: hiding `web` or `my-api` would only blind a diagnosis.
 */
import { isSecretName } from "./secret_shapes.ts";

export interface NamedValue {
  name: string;
  value: string;
}

/** Values of one file or variable, its own whole included. */
const PARTS_MAX = 500;
const DEPTH_MAX = 5;
/** One or two words, such as `my-api`, `json` or `us.east`; a pass phrase has more. */
const ORDINARY = /^(?=.{1,16}$)[A-Za-z]+(?:[-_. ][A-Za-z]+)?$/;
const ASSIGNED = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*?)\s*$/;

/** @returns the values for a redactor: plain ones, such as numbers and paths, it leaves out by itself */
export function valuesToHide(variables: Iterable<NamedValue>): string[] {
  return [...variables].flatMap(({ name, value }) => [...hidden(name, value, 0)].slice(0, PARTS_MAX));
}

function* hidden(name: string, value: string, depth: number): Iterable<string> {
  if (value.trim() === "" || depth > DEPTH_MAX) return;
  const inner = depth < DEPTH_MAX ? membersOf(value) : null;
  if (inner !== null) {
    for (const [key, member] of inner) yield* hidden(key, member, depth + 1);
    // A whole that says nothing beyond its members is none of its own.
    if (!/^\s*[[{]/.test(value)) return;
  }
  if (isSecretName(name) || !ORDINARY.test(value.trim())) yield value;
}

/** The members of a JSON text or of a file of assignments; `null` for other texts. */
function membersOf(text: string): [string, string][] | null {
  if (/^\s*[[{]/.test(text)) {
    try {
      return leaves("", JSON.parse(text), 0);
    } catch {
      return null;
    }
  }
  if (!text.includes("\n")) return null;
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  const assigned = lines.map((line) => ASSIGNED.exec(line));
  if (lines.length === 0 || assigned.some((match) => match === null)) return null;
  return assigned.flatMap((match) =>
    match === null ? [] : [[match[1] ?? "", (match[2] ?? "").replace(/^(["'])(.*)\1$/, "$2")]]
  );
}

function leaves(name: string, value: unknown, depth: number): [string, string][] {
  if (typeof value === "string") return [[name, value]];
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return [];
  return Object.entries(value).slice(0, PARTS_MAX).flatMap(([key, member]) => leaves(key, member, depth + 1));
}
