/**
 * Judges the health body as JSON: whether it parses, whether it contains what the spec expects, and what it says of
 * the database. A body that was cut, or that of an error page, says nothing.
 */
import type { Json } from "../../base/json.ts";
import { unreachable } from "../../base/errors.ts";
import type { Probe } from "../messages.ts";
import { brief, probe } from "./probe.ts";
import type { HealthAnswer } from "./probe.ts";

export type Reading = { kind: "json"; value: Json } | { kind: "unreadable"; probe: Probe };

/** Parses the body. A body that is not JSON is the service's fault only where the service was well enough for a 200. */
export function readJson(answer: HealthAnswer): Reading {
  const { body } = answer;
  switch (body.kind) {
    case "none":
      return { kind: "unreadable", probe: probe("unknown", "NoBody", "nothing answered") };
    case "cut":
      return { kind: "unreadable", probe: probe("unknown", body.reason, body.message) };
    case "text": {
      const value = parse(body.text);
      if (value !== undefined) return { kind: "json", value };
      const begins = body.text === ""
        ? "the body is empty"
        : `the body begins with ${brief(body.text.slice(0, 60))}`;
      const isOurs = answer.httpStatus === 200;
      return { kind: "unreadable", probe: probe(isOurs ? "bad" : "unknown", "NotJson", begins) };
    }
    default:
      return unreachable(body);
  }
}

/** @param expect a subset the body must contain; `null` when any JSON will do */
export function judgeJson(reading: Reading, expect: Json | null): Probe {
  if (reading.kind === "unreadable") return reading.probe;
  if (expect === null) return probe("good", "Parsed", "the body is JSON");
  const difference = differs(expect, reading.value, "");
  if (difference === undefined) return probe("good", "Matches", "the body is as expected");
  return probe("bad", "Differs", difference);
}

/**
 * Looks a dotted path up in the body. A path that is missing is unknown: the body's shape is the
 * service's business, and a typo in the spec must not look like a database that is down.
 */
export function judgeDatabase(reading: Reading, path: string, good: readonly Json[]): Probe {
  if (reading.kind === "unreadable") return { ...reading.probe, status: "unknown" };
  let value: Json = reading.value;
  for (const step of path.split(".")) {
    const next: Json | undefined = typeof value === "object" && value !== null && Object.hasOwn(value, step)
      // Arrays are looked up by their index, which is a key of theirs too.
      ? (value as { [key: string]: Json })[step]
      : undefined;
    if (next === undefined) return probe("unknown", "PathMissing", `the body has no ${brief(path)}`);
    value = next;
  }
  const isGood = good.some((each) => equals(each, value));
  const message = `${brief(path)} is ${show(value)}`;
  return isGood ? probe("good", "DatabaseUp", message) : probe("bad", "DatabaseDown", message);
}

/** Where the body differs from what it must contain, for people; undefined when it does not. */
function differs(expected: Json, actual: Json, path: string): string | undefined {
  if (!isObject(expected)) {
    if (equals(expected, actual)) return undefined;
    return `${path === "" ? "the body" : brief(path)} is ${show(actual)}, expected ${show(expected)}`;
  }
  if (!isObject(actual)) {
    return `${path === "" ? "the body" : brief(path)} is ${show(actual)}, expected an object`;
  }
  for (const [key, inner] of Object.entries(expected)) {
    const here = path === "" ? key : `${path}.${key}`;
    const found = Object.hasOwn(actual, key) ? actual[key] : undefined;
    if (found === undefined) return `${brief(here)} is missing, expected ${show(inner)}`;
    const difference = differs(inner, found, here);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Deep equality; the order of keys does not count. Recursion is as deep as `expected`, which is ours. */
function equals(expected: Json, actual: Json): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length === expected.length &&
      expected.every((each, index) => equals(each, actual[index] ?? null));
  }
  if (!isObject(expected)) return expected === actual;
  if (!isObject(actual)) return false;
  const keys = Object.keys(expected);
  return Object.keys(actual).length === keys.length &&
    keys.every((key) => Object.hasOwn(actual, key) && equals(expected[key] ?? null, actual[key] ?? null));
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: Json): string {
  return brief(JSON.stringify(value).slice(0, 1000));
}

/** `JSON.parse` is strict and takes any depth; zod's check of a parsed value adds nothing but its own recursion. */
function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
