/**
 * What a run is asked to do, from flags, environment and `evenkeel.yaml`, in this order of precedence; a default
 * fills what none of them says. Everything that is wrong with any of them is reported at once. Reads one file
 * and contacts nothing.
 */
import { resolve } from "@std/path";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { formatDuration, parseDuration } from "../text/duration.ts";
import { nearest } from "../text/nearest.ts";
import { CONFIG_BYTES_MAX, readConfigFile, show } from "./config_file.ts";
import type { ReadFile } from "./config_file.ts";
import type { ServiceEntry, ServiceSettings } from "./config_schema.ts";
import { DEFAULT_API_URL, DEFAULT_CONFIG_FILE, DEFAULT_DATA_DIRECTORY } from "./environment.ts";
import type { Environment, VariableName } from "./environment.ts";
import { DEFAULT_POLICY, fixModes } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { DEFAULT_AUTHOR, DEFAULT_SPEC } from "./spec.ts";
import type { CommitAuthor, DatabaseSpec, ServiceSpec } from "./spec.ts";

export interface Configuration {
  /** In the order of the file or the flags; never empty. */
  services: ServiceSpec[];
  author: CommitAuthor;
  apiKey: string;
  /** Base of Render's API, without a slash at its end. */
  apiUrl: string;
  githubToken: string | null;
  /** Absolute. */
  dataDirectory: string;
  sessionId: string | null;
  /** The file that was read, as it was named; `null` when there was none. */
  file: string | null;
}

export interface LoadOptions {
  /** The configuration file; it must exist. @default EVENKEEL_CONFIG, then `evenkeel.yaml` where there is one */
  file?: string | undefined;
  /** Only these services; without a file, these services with default settings. @default EVENKEEL_SERVICE */
  services?: readonly string[] | undefined;
  environment: Environment;
}

/** What is wrong with flags, environment and file, all of it. */
export class ConfigurationError extends EvenkeelError {
  override readonly name = "ConfigurationError";
  constructor(readonly problems: readonly string[], hint: string) {
    const count = problems.length === 1 ? "1 error" : `${problems.length} errors`;
    super([`Cannot use the configuration: ${count}`, ...problems.map((text) => `  ${text}`)].join("\n"), {
      hint,
    });
  }
}

const NAMES_SHOWN_MAX = 10;
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** @throws {ConfigurationError} with every problem there is */
export async function loadConfiguration(options: LoadOptions): Promise<Configuration> {
  const problems: string[] = [];
  const variable = (name: VariableName) => options.environment(name) || undefined;
  const name = options.file ?? variable("EVENKEEL_CONFIG");
  const read = await openFile(name ?? DEFAULT_CONFIG_FILE, name !== undefined, problems);
  problems.push(...read?.problems ?? []);

  const overrides = readOverrides(variable, problems);
  const wanted = options.services !== undefined && options.services.length > 0
    ? [...options.services]
    : variable("EVENKEEL_SERVICE")?.split(",").map((part) => part.trim()).filter((part) => part !== "") ?? [];
  const entries = selectServices(read, wanted, name ?? DEFAULT_CONFIG_FILE, problems);
  const services = entries.map(({ entry, where }) =>
    toSpec(entry, read?.file?.defaults ?? {}, overrides, where, problems)
  );

  const apiKey = variable("RENDER_API_KEY");
  if (apiKey === undefined) {
    problems.push("environment: RENDER_API_KEY is missing, needed is the API key of the Render workspace");
  } else if (/[^\x21-\x7e]/.test(apiKey)) {
    problems.push("environment: RENDER_API_KEY holds a space or another character that no key has");
  }
  const apiUrl = variable("RENDER_API_URL") ?? DEFAULT_API_URL;
  if (!isApiUrl(apiUrl)) {
    problems.push(
      `environment: RENDER_API_URL is ${
        show(apiUrl)
      }, allowed is an http or https address without a password`,
    );
  }
  const sessionId = variable("SESSION_ID") ?? null;
  if (sessionId !== null && !SESSION_ID.test(sessionId)) {
    problems.push(
      `environment: SESSION_ID is ${
        show(sessionId)
      }, allowed are 1 to 100 letters, digits, dots, dashes and underscores`,
    );
  }
  if (problems.length > 0 || apiKey === undefined) {
    throw new ConfigurationError(problems, hintFor(problems, read !== null));
  }
  const author = read?.file?.commit?.author;
  return {
    services,
    author: { name: author?.name ?? DEFAULT_AUTHOR.name, email: author?.email ?? DEFAULT_AUTHOR.email },
    apiKey,
    apiUrl: apiUrl.replace(/\/+$/, ""),
    githubToken: variable("GITHUB_TOKEN") ?? null,
    dataDirectory: resolve(variable("EVENKEEL_DATA_DIR") ?? DEFAULT_DATA_DIRECTORY),
    sessionId,
    file: read === null ? null : name ?? DEFAULT_CONFIG_FILE,
  };
}

function hintFor(problems: readonly string[], hasFile: boolean): string {
  if (problems.length === 1 && problems[0]!.includes("RENDER_API_KEY")) {
    return "RENDER_API_KEY=... before the command; Render's dashboard makes a key under Account Settings";
  }
  return hasFile
    ? "evenkeel.example.yaml shows every field"
    : "cp evenkeel.example.yaml evenkeel.yaml, or --service NAME";
}

async function openFile(name: string, mustExist: boolean, problems: string[]): Promise<ReadFile | null> {
  try {
    const { size, isFile } = await Deno.stat(name);
    if (isFile && size <= CONFIG_BYTES_MAX) return readConfigFile(name, await Deno.readTextFile(name));
    problems.push(
      `${name}: ${isFile ? `it has ${size} bytes, allowed are ${CONFIG_BYTES_MAX}` : "it is no file"}`,
    );
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !mustExist) return null;
    const why = error instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(error);
    problems.push(`${name}: ${why}`);
    return null;
  }
}

interface Selected {
  entry: ServiceEntry;
  /** For messages: file and line, or the flag. */
  where: string;
}

function selectServices(
  read: ReadFile | null,
  wanted: string[],
  name: string,
  problems: string[],
): Selected[] {
  const twice = wanted.filter((service, at) => wanted.indexOf(service) !== at);
  problems.push(...new Set(twice.map((service) => `--service: ${show(service)} is given twice`)));
  if (read === null) {
    if (wanted.length === 0 && problems.length === 0) {
      problems.push(`--service: no service is named, and there is no ${name}`);
    }
    return wanted.map((service) => ({ entry: { service }, where: "environment" }));
  }
  if (read.file === null) return [];
  const listed = read.file.services.map((entry, at) => ({ entry, where: read.locate(["services", at]) }));
  listed.forEach(({ entry, where }, at) => {
    const first = listed.findIndex((other) => other.entry.service === entry.service);
    if (first !== at) {
      problems.push(
        `${where}: services[${at}].service is ${show(entry.service)}, which ${
          listed[first]!.where
        } names already`,
      );
    }
  });
  if (wanted.length === 0) return listed;
  const names = listed.map(({ entry }) => entry.service);
  for (const service of wanted.filter((one) => !names.includes(one))) {
    const meant = nearest(service, names);
    const help = meant === undefined
      ? `it has ${names.slice(0, NAMES_SHOWN_MAX).map(show).join(", ")}`
      : `did you mean ${show(meant)}?`;
    problems.push(`--service: ${name} has no service ${show(service)}, ${help}`);
  }
  return listed.filter(({ entry }) => wanted.includes(entry.service));
}

interface Overrides {
  mode?: ServiceSpec["mode"];
  healthPath?: string;
  stableForMs?: number;
  intervalMs?: number;
  attemptsMax?: number;
}

/** What the environment says about every service. */
function readOverrides(variable: (name: VariableName) => string | undefined, problems: string[]): Overrides {
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

function toSpec(
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
    attemptsPerFingerprintMax: merged.attemptsPerFingerprintMax ?? DEFAULT_POLICY.attemptsPerFingerprintMax,
    riskMax: merged.riskMax ?? DEFAULT_POLICY.riskMax,
    confidenceMin: merged.confidenceMin ?? DEFAULT_POLICY.confidenceMin,
    allowedPaths: merged.allowedPaths ?? DEFAULT_POLICY.allowedPaths,
    deniedPaths: [...new Set([...DEFAULT_POLICY.deniedPaths, ...denied])],
    mayChangeSettings: merged.mayChangeSettings ?? DEFAULT_POLICY.mayChangeSettings,
    mayRollBack: merged.mayRollBack ?? DEFAULT_POLICY.mayRollBack,
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

function isApiUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" &&
    url.search === "" && url.hash === "";
}
