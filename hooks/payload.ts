/**
 * What a hook is told. Every text in it has lost its control characters and its secrets, is one line and has a
 * ceiling, before anything is done with it: it may come from a log or a file name.
 */
import { sanitizeLine, sanitizeLog } from "../text/sanitize.ts";
import type { HookName } from "./settings.ts";

/** Raised when a field changes its meaning or goes away. */
export const PAYLOAD_VERSION = 1;
/** Characters of a text in a payload. */
export const PAYLOAD_TEXT_CHARS_MAX = 1000;

export const levels = ["info", "warn", "error"] as const;

/** What happened, as its teller knows it. */
export interface HookFacts {
  /** One sentence for people. */
  message: string;
  /** @default "info" */
  level?: typeof levels[number];
  /** Name of the service. */
  service?: string;
  serviceId?: string;
  incident?: string;
  attempt?: number;
  /** Path in the repository. */
  file?: string;
  cause?: string;
  remedy?: string;
  /** Whether what has ended ended well. */
  success?: boolean;
}

/** The JSON that a hook gets; documented in docs/hooks.md. */
export interface HookPayload {
  schemaVersion: typeof PAYLOAD_VERSION;
  hook: HookName;
  /** RFC 3339. */
  at: string;
  session: string;
  level: typeof levels[number];
  message: string;
  service: string | null;
  serviceId: string | null;
  incident: string | null;
  attempt: number | null;
  file: string | null;
  cause: string | null;
  remedy: string | null;
  success: boolean | null;
}

/** @param context.at milliseconds since the epoch @param context.redact takes secrets out of sanitised text */
export function payloadOf(
  hook: HookName,
  facts: HookFacts,
  context: { session: string; at: number; redact: (text: string) => string },
): HookPayload {
  // Redacted before it is shortened, so that no secret is cut in two.
  const clean = (text: string) =>
    sanitizeLine(context.redact(sanitizeLog(text, { charsMax: 64 * 1024 })), PAYLOAD_TEXT_CHARS_MAX);
  const optional = (text: string | undefined) => text === undefined ? null : clean(text);
  return {
    schemaVersion: PAYLOAD_VERSION,
    hook,
    at: new Date(context.at).toISOString(),
    session: clean(context.session),
    level: facts.level ?? "info",
    message: clean(facts.message),
    service: optional(facts.service),
    serviceId: optional(facts.serviceId),
    incident: optional(facts.incident),
    attempt: facts.attempt ?? null,
    file: optional(facts.file),
    cause: optional(facts.cause),
    remedy: optional(facts.remedy),
    success: facts.success ?? null,
  };
}
