/**
 * Puts fields of a payload into the arguments of a command. One argument stays one argument, no shell sees it,
 * and a value can never become a flag: where the argument as written is none, neither is the filled one.
 */
import type { HookPayload } from "./payload.ts";

/** The fields that an argument may name as `{field}`, and a command finds as EVENKEEL_HOOK_FIELD. */
export const placeholders = [
  "hook",
  "session",
  "level",
  "message",
  "service",
  "incident",
  "attempt",
  "file",
  "cause",
  "remedy",
  "success",
] as const satisfies readonly (keyof HookPayload)[];
export type Placeholder = typeof placeholders[number];

const PLACEHOLDER = /\{([a-z]+)\}/g;

/** Whether every `{word}` of an argument is a placeholder that there is. */
export function hasKnownPlaceholders(argument: string): boolean {
  const known: readonly string[] = placeholders;
  return [...argument.matchAll(PLACEHOLDER)].every(([, name = ""]) => known.includes(name));
}

/** Whether a flag has its placeholders behind an equals sign, so that a value cannot choose the flag. */
export function hasFixedFlag(argument: string): boolean {
  const first = argument.search(PLACEHOLDER);
  return !argument.startsWith("-") || first === -1 || argument.slice(0, first).includes("=");
}

/** A field as text; empty where it says nothing. */
export function fieldText(payload: HookPayload, name: Placeholder): string {
  const value = payload[name];
  return value === null ? "" : String(value);
}

/** @param template an argument as it was written */
export function fillArgument(template: string, payload: HookPayload): string {
  const filled = template.replace(PLACEHOLDER, (whole, word: string) => {
    const name = placeholders.find((one) => one === word);
    return name === undefined ? whole : fieldText(payload, name);
  });
  if (template.startsWith("-") || !filled.startsWith("-")) return filled;
  // A path stays the same path; of any other text a space is the least that takes the dash its meaning.
  return template.startsWith("{file}") ? `./${filled}` : ` ${filled}`;
}

/** The payload's fields as variables. */
export function hookEnvironment(payload: HookPayload): Record<string, string> {
  const variables = placeholders.filter((name) => name !== "hook")
    .map((name) => [`EVENKEEL_HOOK_${name.toUpperCase()}`, fieldText(payload, name)]);
  return { EVENKEEL_HOOK: payload.hook, ...Object.fromEntries(variables) };
}
