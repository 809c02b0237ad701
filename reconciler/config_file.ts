/**
 * Reads `evenkeel.yaml` and says everything that is wrong with it at once, each with line, field, value and what
 * is allowed. Values come from outside: they are shortened, made
 * harmless and redacted before they are shown.
 */
import { isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { Document, Node } from "yaml";
import type { z } from "zod";
import { messageOf } from "../base/errors.ts";
import { nearest } from "../text/nearest.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { configFileSchema, configJsonSchema } from "./config_schema.ts";
import type { ConfigFile } from "./config_schema.ts";

/** Bytes of a configuration file. */
export const CONFIG_BYTES_MAX = 1024 * 1024;
const ALIASES_MAX = 100;
const VALUE_CHARACTERS_MAX = 60;
const redact = createRedactor([]);

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

export interface ReadFile {
  /** `null` when the file cannot be used at all. */
  file: ConfigFile | null;
  /** `<file>:<line>: <field> ...`, in the order of the lines. */
  problems: string[];
  /** The line of a service in the list, from 1, as `<file>:<line>`. */
  locate: (path: Path) => string;
}

/**
 * @param name the file's name as it is shown
 * @param source the file's text
 */
export function readConfigFile(name: string, source: string): ReadFile {
  const lines = new LineCounter();
  const locate = (path: Path) => `${name}:${lineOf(document, path, lines)}`;
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) =>
      `${name}:${lines.linePos(error.pos[0]).line}: ${sanitizeLine(error.message, 200)}`
    );
    return { file: null, problems, locate };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    return { file: null, problems: [`${name}:1: ${sanitizeLine(messageOf(error), 200)}`], locate };
  }
  const result = configFileSchema.safeParse(value ?? {});
  if (result.success) return { file: result.data, problems: [], locate };
  // What the merged services are checked for later is looked for here already: all errors at once.
  const found = [
    ...result.error.issues.flatMap((issue) => explain(issue, value, [])),
    ...contradictions(value),
  ];
  const problems = found
    .map(({ path, text }) => ({ line: lineOf(document, path, lines), text }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => `${name}:${line}: ${text}`);
  return { file: null, problems, locate };
}

/** Services named twice and sample counts that exclude each other, in a file that does not pass its schema. */
function contradictions(value: unknown): { path: Path; text: string }[] {
  const services = at(value, ["services"]);
  if (!Array.isArray(services)) return [];
  const names = services.map((_, index) => at(value, ["services", index, "service"]));
  return names.flatMap((name, index) => {
    const of = (field: keyof Policy): unknown =>
      at(value, ["services", index, "policy", field]) ?? at(value, ["defaults", "policy", field]) ??
        DEFAULT_POLICY[field];
    const found: { path: Path; text: string }[] = [];
    const first = names.indexOf(name);
    if (typeof name === "string" && first !== index) {
      found.push({
        path: ["services", index, "service"],
        text: `services[${index}].service is ${show(name)}, which services[${first}] names already`,
      });
    }
    const [bad, window] = [of("badSamples"), of("samplesWindow")];
    if (typeof bad === "number" && typeof window === "number" && bad > window) {
      found.push({
        path: ["services", index, "policy", "badSamples"],
        text:
          `services[${index}].policy.badSamples is ${bad}, allowed is at most its samplesWindow, ${window}`,
      });
    }
    return found;
  });
}

/** The line of the deepest node on the way to a path, from 1. */
function lineOf(document: Document, path: Path, lines: LineCounter): number {
  for (let length = path.length; length >= 0; length--) {
    const keys = path.slice(0, length);
    const key = keys.at(-1);
    const parent = length === 0 ? undefined : document.getIn(keys.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    const node: unknown = pair?.key ?? document.getIn(keys, true);
    if (isNode(node) && hasRange(node)) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function hasRange(node: Node): node is Node & { range: [number, number, number] } {
  return node.range !== undefined && node.range !== null;
}

/** One zod issue as lines for people; a union is explained by the branch that the value comes nearest to. */
function explain(issue: Issue, root: unknown, above: Path): { path: Path; text: string }[] {
  const path = [...above, ...issue.path];
  const field = fieldName(path);
  if (issue.code === "unrecognized_keys") {
    const known = schemasAt(configJsonSchema(), path).flatMap(keysOf);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      const allowed = meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}?`;
      return {
        path: [...path, key],
        text: `there is no field ${fieldName([...path, sanitizeLine(key, 60)])}, ${allowed}`,
      };
    });
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const value = at(root, path);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const near = issue.errors.toSorted((a, b) => distance(a) - distance(b))[0] ?? [];
    if (isObject && Object.keys(value).length > 0 && distance(near) < near.length * FAR) {
      return near.flatMap((inner) => explain(inner, root, path));
    }
    return [{
      path,
      text: `${field} is ${show(value)}, allowed is one of ${shapes(path).join(", ")}`,
    }];
  }
  const value = at(root, path);
  if (value === undefined) return [{ path, text: `${field} is missing, needed is ${allowedBy(issue)}` }];
  return [{ path, text: `${field} is ${show(value)}, allowed is ${allowedBy(issue)}` }];
}

/** Weight of an issue that says the value is of another kind altogether. */
const FAR = 10;

function distance(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.path.length === 0) {
      return sum + (issue.code === "unrecognized_keys" ? issue.keys.length * 3 : FAR);
    }
    return sum + 1;
  }, 0);
}

/** The forms that a union takes, by their words or keys. */
function shapes(path: Path): string[] {
  return schemasAt(configJsonSchema(), path).map((schema) => {
    const word: unknown = Reflect.get(schema, "const");
    return typeof word === "string" ? word : `{${keysOf(schema).join(", ")}}`;
  });
}

function allowedBy(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `${sizeName(issue.origin, "at least")} ${issue.minimum}`;
    case "too_big":
      return `${sizeName(issue.origin, "at most")} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of fields",
};

function sizeName(origin: string, bound: string): string {
  return origin === "array" ? `a list with this many entries: ${bound}` : `a number of ${bound}`;
}

/** `services[0].policy.riskMax`. */
function fieldName(path: Path): string {
  const name = path.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`,
    "",
  );
  return name === "" ? "the file" : name;
}

function at(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    root,
  );
}

/** A value for a message: short, on one line, without a secret. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "a map of fields";
  const text = typeof value === "string" ? redact(sanitizeLine(value)) : value;
  return sanitizeLine(JSON.stringify(text) ?? "nothing", VALUE_CHARACTERS_MAX);
}

/** What the JSON schema says of a path: one schema, or one for each form of a union. */
function schemasAt(schema: unknown, path: Path): object[] {
  if (typeof schema !== "object" || schema === null) return [];
  const branches: unknown = Reflect.get(schema, "anyOf");
  if (Array.isArray(branches)) return branches.flatMap((branch) => schemasAt(branch, path));
  const [key, ...rest] = path;
  if (key === undefined) return [schema];
  if (typeof key === "number") return schemasAt(Reflect.get(schema, "items"), rest);
  return schemasAt(Reflect.get(Reflect.get(schema, "properties") ?? {}, key), rest);
}

function keysOf(schema: object): string[] {
  return Object.keys(Reflect.get(schema, "properties") ?? {});
}
