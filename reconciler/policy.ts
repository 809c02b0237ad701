/**
 * Guardrails: what Evenkeel may do, how often, and when. The defaults are here and only here; the schema, the
 * help, the documentation and the tests read them from this file.
 */
import { CORE_PROVIDERS } from "../agents/code/llm_providers.ts";
import type { Risk } from "../state/records.ts";

export const fixModes = ["suggest", "pull-request", "push"] as const;
/** `suggest` shows the fix, `pull-request` opens one, `push` commits to the service's branch. */
export type FixMode = typeof fixModes[number];

export const rehearsals = ["off", "build"] as const;
/** `build` builds a patch on this machine before it is published (docs/decisions/rehearse-in-a-cell.md). */
export type RehearsalPolicy = typeof rehearsals[number];

export interface Policy {
  /** Attempts per incident (`MAX_ITERATIONS`). */
  attemptsMax: number;
  /** Effects per service within an hour. */
  effectsPerHourMax: number;
  /** Effects per service within a day. */
  effectsPerDayMax: number;
  /** Attempts for one fingerprint of a service within a day. */
  attemptsPerFingerprintMax: number;
  /** The riskiest remedy that is applied without a person. */
  riskMax: Risk;
  /** The lowest confidence of a diagnosis that is acted upon, 0 to 1. */
  confidenceMin: number;
  /** Globs of files a patch may touch. */
  allowedPaths: readonly string[];
  /** Globs of files a patch may never touch; they win over `allowedPaths`. */
  deniedPaths: readonly string[];
  /** Distributions of model providers that are kept where not all can be installed together. */
  coreProviders: readonly string[];
  /** Whether a patch is built on this machine before it is published. */
  rehearse: RehearsalPolicy;
  /** Whether service settings may be changed. */
  mayChangeSettings: boolean;
  /** Whether a service that turned bad with a deploy is rolled back before it is repaired. */
  mayRollBack: boolean;
  /** Whether advice about the service's repository is suggested by events; Evenkeel commits none of it unasked. */
  mayApplyAdvice: boolean;
  /** No effects at all on this service. */
  paused: boolean;
  /** Bad samples among the newest `samplesWindow` that make a service bad. */
  badSamples: number;
  samplesWindow: number;
  /** How long a push may take to show up as a deploy before one is started, in milliseconds. */
  autodeployGraceMs: number;
  /** How long a database may be down before a person is told that only they can help, in milliseconds. */
  databaseWaitMs: number;
  /** How long a deploy may run before it is given up as stuck, in milliseconds. */
  deployTimeoutMs: number;
}

export const DEFAULT_POLICY: Policy = {
  attemptsMax: 15,
  effectsPerHourMax: 20,
  effectsPerDayMax: 60,
  attemptsPerFingerprintMax: 3,
  riskMax: "medium",
  confidenceMin: 0.7,
  allowedPaths: ["**"],
  deniedPaths: [
    ".github/**",
    ".gitlab-ci.yml",
    ".circleci/**",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    ".husky/**",
    ".gitmodules",
    "**/.env",
    "**/.env.*",
    "**/*.pem",
    "**/*.key",
    "**/.ssh/**",
    "**/.netrc",
  ],
  coreProviders: CORE_PROVIDERS,
  rehearse: "off",
  mayChangeSettings: true,
  mayRollBack: true,
  mayApplyAdvice: false,
  paused: false,
  badSamples: 3,
  samplesWindow: 5,
  autodeployGraceMs: 60_000,
  databaseWaitMs: 5 * 60_000,
  deployTimeoutMs: 3 * 60 * 60_000,
};

const RISKS: readonly Risk[] = ["low", "medium", "high"];

/** Whether a risk lies within a ceiling. */
export function isWithinRisk(risk: Risk, ceiling: Risk): boolean {
  return RISKS.indexOf(risk) <= RISKS.indexOf(ceiling);
}
