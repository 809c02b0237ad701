/**
 * What a run is asked to do, from flags, environment and `evenkeel.yaml`, in this order of precedence; a default
 * fills what none of them says. Everything that is wrong with any of them is reported at once. Reads one file
 * and contacts nothing.
 */
import { resolve } from "@std/path";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import type { HooksConfig } from "../hooks/settings.ts";
import { isGitHubUrl } from "../repo/github.ts";
import { isWebhookSecret } from "../render/webhook.ts";
import { nearest } from "../text/nearest.ts";
import { CONFIG_BYTES_MAX, readConfigFile, show } from "./config_file.ts";
import type { ReadFile } from "./config_file.ts";
import { readOverrides, toHooks, toSpec } from "./config_merge.ts";
import type { ServiceEntry } from "./config_schema.ts";
import { DEFAULT_API_URL, DEFAULT_CONFIG_FILE, DEFAULT_DATA_DIRECTORY } from "./environment.ts";
import type { Environment, VariableName } from "./environment.ts";
import { DEFAULT_AUTHOR } from "./spec.ts";
import type { CommitAuthor, ServiceSpec } from "./spec.ts";

/** What the services should be. */
export interface Desired {
  /** In the order of the file or the flags. */
  services: ServiceSpec[];
  author: CommitAuthor;
  /** No hooks when absent. */
  hooks?: HooksConfig;
  /** The file that was read, as it was named; `null` when there was none. */
  file: string | null;
}

/** What a run needs; `services` is never empty. */
export interface Configuration extends Desired {
  apiKey: string;
  /** Base of Render's API, without a slash at its end. */
  apiUrl: string;
  githubToken: string | null;
  /** Base of the API of a GitHub Enterprise Server. @default GitHub's */
  githubApiUrl?: string;
  /** The Render webhook that leads here; `null` when services are only looked at by the clock. */
  webhook: { secrets: string[]; id: string | null } | null;
  /** Absolute. */
  dataDirectory: string;
  sessionId: string | null;
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
/** The old secret and the new one while they are changed, and one to spare. */
const WEBHOOK_SECRETS_MAX = 3;
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** @throws {ConfigurationError} with every problem there is */
export async function loadConfiguration(options: LoadOptions): Promise<Configuration> {
  const problems: string[] = [];
  const variable = variableOf(options);
  const desired = await readDesired(options, problems);
  if (desired.services.length === 0 && problems.length === 0) {
    problems.push(`--service: no service is named, and there is no ${DEFAULT_CONFIG_FILE}`);
  }
  const refuse = (name: VariableName, why: string) => problems.push(`environment: ${name} is ${why}`);
  const apiKey = variable("RENDER_API_KEY") ?? "";
  if (apiKey === "") refuse("RENDER_API_KEY", "missing, needed is the API key of the Render workspace");
  if (/[^\x21-\x7e]/.test(apiKey)) {
    refuse("RENDER_API_KEY", "no key, it holds a space or a character beyond ASCII");
  }
  const apiUrl = variable("RENDER_API_URL") ?? DEFAULT_API_URL;
  if (!isApiUrl(apiUrl)) {
    refuse("RENDER_API_URL", `${show(apiUrl)}, allowed is an http or https address without a password`);
  }
  const wantsPullRequest = desired.services.find(({ mode }) => mode === "pull-request");
  if (wantsPullRequest !== undefined && variable("GITHUB_TOKEN") === undefined) {
    const why = `missing, needed is a token that may push and open pull requests for ${
      show(wantsPullRequest.service)
    }, whose mode is pull-request`;
    refuse("GITHUB_TOKEN", why);
  }
  for (const { service, database } of desired.services) {
    if (database.kind !== "connection-env") continue;
    const address = options.environment(database.variable);
    // Never shown: it holds a password.
    const isAddress = /^postgres(ql)?:$/.test(URL.parse(address ?? "")?.protocol ?? "");
    if (isAddress) continue;
    const what = address ? "no connection string" : "missing";
    problems.push(
      `environment: ${database.variable} is ${what}, needed is the postgresql:// address of ${show(service)}`,
    );
  }
  const webhook = readWebhook(variable, refuse);
  const githubApiUrl = variable("GITHUB_API_URL");
  if (githubApiUrl !== undefined && !isGitHubUrl(githubApiUrl)) {
    refuse("GITHUB_API_URL", "no https address without user and query");
  }
  const sessionId = variable("SESSION_ID") ?? null;
  if (sessionId !== null && !SESSION_ID.test(sessionId)) {
    refuse(
      "SESSION_ID",
      `${show(sessionId)}, allowed are up to 100 letters, digits, dots, dashes and underscores`,
    );
  }
  if (problems.length > 0) throw new ConfigurationError(problems, hintFor(problems, desired.file));
  return {
    ...desired,
    apiKey,
    apiUrl: apiUrl.replace(/\/+$/, ""),
    githubToken: variable("GITHUB_TOKEN") ?? null,
    ...(githubApiUrl === undefined ? {} : { githubApiUrl: githubApiUrl.replace(/\/+$/, "") }),
    webhook,
    dataDirectory: resolve(variable("EVENKEEL_DATA_DIR") ?? DEFAULT_DATA_DIRECTORY),
    sessionId,
  };
}

function readWebhook(
  variable: (name: VariableName) => string | undefined,
  refuse: (name: VariableName, why: string) => void,
): Configuration["webhook"] {
  const secrets = (variable("RENDER_WEBHOOK_SECRET") ?? "").split(/\s+/).filter((text) => text !== "");
  const id = variable("RENDER_WEBHOOK_ID") ?? null;
  // Never shown: who has it can sign.
  if (secrets.length > WEBHOOK_SECRETS_MAX) {
    refuse("RENDER_WEBHOOK_SECRET", `${secrets.length} secrets, allowed are ${WEBHOOK_SECRETS_MAX}`);
  } else if (!secrets.every(isWebhookSecret)) {
    refuse("RENDER_WEBHOOK_SECRET", "no secret of a webhook, which is whsec_ and a key in base64");
  }
  if (id !== null && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)) {
    refuse("RENDER_WEBHOOK_ID", `${show(id)}, allowed is the id of a webhook`);
  }
  if (id !== null && secrets.length === 0) {
    refuse("RENDER_WEBHOOK_ID", "set, needed is its RENDER_WEBHOOK_SECRET too");
  }
  return secrets.length === 0 ? null : { secrets, id };
}

/**
 * The desired state alone: what a command needs that never asks Render. Without file and services it is empty.
 * @throws {ConfigurationError} with every problem there is
 */
export async function loadDesired(options: LoadOptions): Promise<Desired> {
  const problems: string[] = [];
  const desired = await readDesired(options, problems);
  if (problems.length > 0) throw new ConfigurationError(problems, hintFor(problems, desired.file));
  return desired;
}

function variableOf(options: LoadOptions): (name: VariableName) => string | undefined {
  return (name) => options.environment(name) || undefined;
}

async function readDesired(options: LoadOptions, problems: string[]): Promise<Desired> {
  const variable = variableOf(options);
  const named = options.file ?? variable("EVENKEEL_CONFIG");
  const name = named ?? DEFAULT_CONFIG_FILE;
  const read = await openFile(name, named !== undefined, problems);
  problems.push(...read?.problems ?? []);
  const overrides = readOverrides(variable, problems);
  const wanted = options.services !== undefined && options.services.length > 0
    ? [...options.services]
    : variable("EVENKEEL_SERVICE")?.split(",").map((part) => part.trim()).filter((part) => part !== "") ?? [];
  const services = selectServices(read, wanted, name, problems)
    .map(({ entry, where }) => toSpec(entry, read?.file?.defaults ?? {}, overrides, where, problems));
  const author = read?.file?.commit?.author;
  return {
    services,
    author: { name: author?.name ?? DEFAULT_AUTHOR.name, email: author?.email ?? DEFAULT_AUTHOR.email },
    ...read?.file?.hooks === undefined ? {} : { hooks: toHooks(read.file.hooks) },
    file: read === null ? null : name,
  };
}

function hintFor(problems: readonly string[], file: string | null): string {
  if (problems.length === 1 && problems[0]!.includes("RENDER_API_KEY")) {
    return "RENDER_API_KEY=... before the command; Render's dashboard makes a key under Account Settings";
  }
  return file !== null
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

function isApiUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" &&
    url.search === "" && url.hash === "";
}
