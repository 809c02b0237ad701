/**
 * One service's spec from its entry in the file, the file's defaults, the environment and the built-in defaults:
 * what is said nearest to the run wins. Policies are merged field by field.
 */
import { formatDuration, parseDuration } from "../text/duration.ts";
import { HOOK_DEADLINE_MS, hookNames } from "../hooks/settings.ts";
import type { HooksConfig, HookTarget } from "../hooks/settings.ts";
import { show } from "./config_file.ts";
import type { HooksEntry, ServiceEntry, ServiceSettings } from "./config_schema.ts";
import type { VariableName } from "./environment.ts";
import { DEFAULT_POLICY, fixModes } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { DEFAULT_SPEC } from "./spec.ts";
import type { DatabaseSpec, ServiceSpec } from "./spec.ts";

/** What the environment says about every service. */
export interface Overrides {
  mode?: ServiceSpec["mode"];
  healthPath?: string;
  stableForMs?: number;
  intervalMs?: number;
  attemptsMax?: number;
}

/** @param problems gets a line for each variable that cannot be used */
export function readOverrides(
  variable: (name: VariableName) => string | undefined,
  problems: string[],
): Overrides {
  const overrides: Overrides = {};
  const refuse = (name: VariableName, text: string, allowed: string) =>
    problems.push(`environment: ${name} is ${show(text)}, allowed is ${allowed}`);
  const duration = (name: VariableName, minMs: number, set: (ms: number) => void) => {
    const text = variable(name);
    if (text === undefined) return;
    const ms = parseDuration(text);
    if (ms !== null && ms >= minMs) return set(ms);
    refuse(name, text, `a duration of at least ${formatDuration(minMs)}, such as 90s or 5m`);
  };
  duration("EVENKEEL_STABLE_FOR", 0, (ms) => overrides.stableForMs = ms);
  duration("EVENKEEL_INTERVAL", 1000, (ms) => overrides.intervalMs = ms);
  const mode = variable("EVENKEEL_MODE");
  const known = fixModes.find((one) => one === mode);
  if (known !== undefined) overrides.mode = known;
  else if (mode !== undefined) refuse("EVENKEEL_MODE", mode, `one of ${fixModes.join(", ")}`);
  const healthPath = variable("EVENKEEL_HEALTH_PATH");
  if (healthPath !== undefined && /^\/[\x21-\x7e]{0,1999}$/.test(healthPath)) {
    overrides.healthPath = healthPath;
  } else if (healthPath !== undefined) {
    refuse("EVENKEEL_HEALTH_PATH", healthPath, "a path that starts with /");
  }
  const attempts = variable("MAX_ITERATIONS");
  if (attempts !== undefined && /^[1-9]\d?$|^100$/.test(attempts)) overrides.attemptsMax = Number(attempts);
  else if (attempts !== undefined) refuse("MAX_ITERATIONS", attempts, "a whole number from 1 to 100");
  return overrides;
}

/**
 * @param where file and line of the entry, for messages
 * @param problems gets a line for each contradiction
 */
export function toSpec(
  entry: ServiceEntry,
  defaults: ServiceSettings,
  overrides: Overrides,
  where: string,
  problems: string[],
): ServiceSpec {
  const policy = toPolicy(
    { ...defaults.policy, ...entry.policy },
    [defaults.policy, entry.policy],
    overrides,
  );
  if (policy.badSamples > policy.samplesWindow) {
    problems.push(
      `${where}: policy.badSamples of ${show(entry.service)} is ${policy.badSamples}, ` +
        `allowed is at most its policy.samplesWindow, ${policy.samplesWindow}`,
    );
  }
  return {
    service: entry.service,
    repo: entry.repo ?? null,
    branch: entry.branch ?? null,
    healthPath: overrides.healthPath ?? entry.health?.path ?? defaults.health?.path ??
      DEFAULT_SPEC.healthPath,
    expect: entry.health?.expect ?? defaults.health?.expect ?? null,
    database: toDatabase(entry.database ?? defaults.database),
    stableForMs: overrides.stableForMs ?? entry.stableFor ?? defaults.stableFor ?? DEFAULT_SPEC.stableForMs,
    intervalMs: overrides.intervalMs ?? entry.interval ?? defaults.interval ?? DEFAULT_SPEC.intervalMs,
    watchIntervalMs: entry.watchInterval ?? defaults.watchInterval ?? DEFAULT_SPEC.watchIntervalMs,
    probeTimeoutMs: entry.probeTimeout ?? defaults.probeTimeout ?? DEFAULT_SPEC.probeTimeoutMs,
    mode: overrides.mode ?? entry.mode ?? defaults.mode ?? DEFAULT_SPEC.mode,
    policy,
    generation: FIRST_GENERATION,
  };
}

/** The loader knows one version only; whoever keeps the last spec counts on from here. */
const FIRST_GENERATION = 1;

type PolicySettings = NonNullable<ServiceSettings["policy"]>;

function toPolicy(
  merged: PolicySettings,
  layers: readonly (PolicySettings | undefined)[],
  overrides: Overrides,
): Policy {
  const denied = layers.flatMap((layer) => layer?.deniedPaths ?? []);
  return {
    attemptsMax: overrides.attemptsMax ?? merged.attemptsMax ?? DEFAULT_POLICY.attemptsMax,
    effectsPerHourMax: merged.effectsPerHourMax ?? DEFAULT_POLICY.effectsPerHourMax,
    effectsPerDayMax: merged.effectsPerDayMax ?? DEFAULT_POLICY.effectsPerDayMax,
    attemptsPerFingerprintMax: merged.attemptsPerFingerprintMax ?? DEFAULT_POLICY.attemptsPerFingerprintMax,
    riskMax: merged.riskMax ?? DEFAULT_POLICY.riskMax,
    confidenceMin: merged.confidenceMin ?? DEFAULT_POLICY.confidenceMin,
    allowedPaths: merged.allowedPaths ?? DEFAULT_POLICY.allowedPaths,
    deniedPaths: [...new Set([...DEFAULT_POLICY.deniedPaths, ...denied])],
    coreProviders: merged.coreProviders ?? DEFAULT_POLICY.coreProviders,
    rehearse: merged.rehearse ?? DEFAULT_POLICY.rehearse,
    mayChangeSettings: merged.mayChangeSettings ?? DEFAULT_POLICY.mayChangeSettings,
    mayRollBack: merged.mayRollBack ?? DEFAULT_POLICY.mayRollBack,
    mayApplyAdvice: merged.mayApplyAdvice ?? DEFAULT_POLICY.mayApplyAdvice,
    paused: merged.paused ?? DEFAULT_POLICY.paused,
    badSamples: merged.badSamples ?? DEFAULT_POLICY.badSamples,
    samplesWindow: merged.samplesWindow ?? DEFAULT_POLICY.samplesWindow,
    autodeployGraceMs: merged.autodeployGrace ?? DEFAULT_POLICY.autodeployGraceMs,
    databaseWaitMs: merged.databaseWait ?? DEFAULT_POLICY.databaseWaitMs,
    deployTimeoutMs: merged.deployTimeout ?? DEFAULT_POLICY.deployTimeoutMs,
  };
}

function toDatabase(entry: ServiceSettings["database"]): DatabaseSpec {
  if (entry === undefined || entry === "none") return { kind: "none" };
  if ("json" in entry) return { kind: "json-path", path: entry.json, good: entry.good };
  if ("postgres" in entry) return { kind: "render-postgres", id: entry.postgres };
  return { kind: "connection-env", variable: entry.env };
}

export function toHooks(entry: HooksEntry): HooksConfig {
  const targets = hookNames.flatMap((name) => {
    const given = entry[name];
    return given === undefined ? [] : [[name, toTarget(given)] as const];
  });
  return { preset: entry.preset ?? "none", targets: Object.fromEntries(targets) };
}

function toTarget(entry: NonNullable<HooksEntry["notify"]>): HookTarget {
  const deadlineMs = entry.deadline ?? HOOK_DEADLINE_MS;
  if ("url" in entry) return { kind: "http", url: entry.url, deadlineMs };
  // The schema refuses an empty list.
  const [program = "", ...rest] = entry.command;
  return { kind: "command", command: [program, ...rest], deadlineMs };
}
