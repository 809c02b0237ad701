/**
 * What hooks there are and what may be set for them. `evenkeel.yaml` is checked against these words and limits,
 * and the docs list them; nothing is run here.
 */

/** In the order in which a session fires them. */
export const hookNames = [
  "session-restore",
  "pre-task",
  "post-edit",
  "notify",
  "post-task",
  "session-end",
] as const;
export type HookName = typeof hookNames[number];

/** When each hook fires, for the configuration reference. */
export const HOOK_MEANINGS: Readonly<Record<HookName, string>> = {
  "session-restore": "A session whose id was used before is continued",
  "pre-task": "An attempt begins",
  "post-edit": "A fix was committed and published; once for each file",
  "notify": "An incident was opened, healed or stalled",
  "post-task": "An attempt has ended",
  "session-end": "`once` is done, or `reconcile` was stopped",
};

export const hookPresets = ["none", "claude-flow"] as const;
export type HookPreset = typeof hookPresets[number];

/** How long one call of a hook may take, in milliseconds. */
export const HOOK_DEADLINE_MS = 10_000;
export const HOOK_DEADLINE_MS_MAX = 5 * 60_000;
/** Of a hook's command. */
export const HOOK_ARGUMENTS_MAX = 50;
export const HOOK_ARGUMENT_CHARS_MAX = 2000;

export type HookTarget =
  /** A program and its arguments; no shell is involved. */
  | { kind: "command"; command: readonly [string, ...string[]]; deadlineMs: number }
  /** Gets the payload as JSON by POST. */
  | { kind: "http"; url: string; deadlineMs: number };

export interface HooksConfig {
  preset: HookPreset;
  targets: Readonly<Partial<Record<HookName, HookTarget>>>;
}
