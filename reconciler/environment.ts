/**
 * The environment variables of Evenkeel, in one place: the loader reads them through here, the help and the
 * documentation list them from here. A variable set to nothing counts as not set.
 */
import { formatDuration } from "../text/duration.ts";
import { DEFAULT_POLICY, fixModes } from "./policy.ts";
import { DEFAULT_HEALTH_PATH, DEFAULT_SPEC } from "./spec.ts";

/** Render's API, base path included (reference section 1). */
export const DEFAULT_API_URL = "https://api.render.com/v1";
export const DEFAULT_CONFIG_FILE = "evenkeel.yaml";
export const DEFAULT_DATA_DIRECTORY = ".evenkeel";

/** Reads one variable. */
export type Environment = (name: string) => string | undefined;

export const VARIABLES = {
  RENDER_API_KEY: "API key of the Render workspace; required",
  RENDER_API_URL: `Base of Render's API [default: ${DEFAULT_API_URL}]`,
  RENDER_WEBHOOK_SECRET:
    "Secret of the Render webhook that leads here (whsec_...); several with spaces between while it is changed. Switches the receiver on",
  RENDER_WEBHOOK_ID:
    "Id of that webhook, so that it is switched on again when Render disables it [default: the webhook with that secret]",
  GITHUB_TOKEN:
    "Token that may push to the repositories, where git itself has no credentials; required for mode pull-request",
  GITHUB_API_URL: "Base of the API of a GitHub Enterprise Server, for pull requests [default: GitHub's]",
  EVENKEEL_CONFIG: `The configuration file [default: ${DEFAULT_CONFIG_FILE}, when there is one]`,
  EVENKEEL_SERVICE: "Services to look after, ids or names, separated by commas; as --service",
  EVENKEEL_DATA_DIR: `Folder for state, artifacts and logs [default: ${DEFAULT_DATA_DIRECTORY}]`,
  EVENKEEL_MODE: `How far a fix may go: ${
    fixModes.join(", ")
  } [default: ${DEFAULT_SPEC.mode}]; overrides the file`,
  EVENKEEL_HEALTH_PATH:
    `Health path of every service [default: Render's, else ${DEFAULT_HEALTH_PATH}]; overrides the file`,
  EVENKEEL_STABLE_FOR: `Quiet time before a service counts as healed [default: ${
    formatDuration(DEFAULT_SPEC.stableForMs)
  }]; overrides the file`,
  EVENKEEL_INTERVAL: `How often a quiet service is looked at [default: ${
    formatDuration(DEFAULT_SPEC.intervalMs)
  }]; overrides the file`,
  MAX_ITERATIONS: `Attempts per incident [default: ${DEFAULT_POLICY.attemptsMax}]; overrides the file`,
  SESSION_ID:
    "Name of this run's folder of artifacts; the same name again continues it [default: made from the time]",
  EVENKEEL_LOG: "Detail on standard error: error, warn, info or debug [default: warn]; --verbose is debug",
} as const;
export type VariableName = keyof typeof VARIABLES;

/** The variables as rows for a help text. */
export function describeVariables(
  ...names: readonly VariableName[]
): { name: VariableName; description: string }[] {
  // Object.keys gives string[]; these are the literal keys of the constant above.
  const all = names.length > 0 ? names : Object.keys(VARIABLES) as VariableName[];
  return all.map((name) => ({ name, description: VARIABLES[name] }));
}
