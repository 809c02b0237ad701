/**
 * The named tools `npm-view` and `npm-lock`: whether a package exists and in which versions, and the lock file
 * that belongs to a package.json. No script of any package runs, nothing is installed, and a manifest that points
 * outside the registry (a folder, a git repository, workspaces) is refused instead of followed.
 */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import type { Tool } from "../agent.ts";
import { explanation } from "./workshop.ts";
import type { Workshop } from "./workshop.ts";

export const NPM_VIEW_TIMEOUT_MS = 30_000;
export const NPM_LOCK_TIMEOUT_MS = 90_000;
const MANIFEST_CHARS_MAX = 1024 * 1024;
/** How deep `overrides` may nest and still be looked through; npm itself gives up earlier. */
const OVERRIDES_DEPTH_MAX = 20;
const LOCK_CHARS_MAX = 16 * 1024 * 1024;

/** `name` or `@scope/name`; never begins with a dash or a dot. */
export const npmNameSchema = z.string().max(214).regex(
  /^(?:@[a-z0-9][a-z0-9._-]*\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/,
);

export const npmViewInputSchema = z.object({ name: npmNameSchema });
export const npmViewOutputSchema = z.object({
  exists: z.boolean(),
  latest: z.string().nullable(),
  /** In the order of the registry, oldest first. */
  versions: z.array(z.string()),
});
export type NpmViewOutput = z.infer<typeof npmViewOutputSchema>;

export const npmLockInputSchema = z.object({
  packageJson: z.string().max(MANIFEST_CHARS_MAX),
  lock: z.string().max(LOCK_CHARS_MAX).nullable(),
});
export const npmLockOutputSchema = z.union([
  z.object({ lock: z.string() }),
  /** The dependencies cannot be met: npm's own words, sanitised. */
  z.object({ lock: z.null(), conflict: z.string() }),
]);
export type NpmLockOutput = z.infer<typeof npmLockOutputSchema>;

const NPM_ENVIRONMENT = {
  // A package may ask for one that lies in a git repository; nothing is cloned here.
  npm_config_git: "false",
  npm_config_update_notifier: "false",
  npm_config_fetch_retries: "1",
  npm_config_fetch_retry_mintimeout: "500",
  npm_config_fetch_timeout: "15000",
};

/** Where nobody listens: the discard port of this machine, which no program may take without the rights of root. */
const NOWHERE = "http://127.0.0.1:9";

/**
 * A lock file of the first version, and a package's manifest, may name any address, and npm asks it: one inside our own
 * network, too. Sends everything but the registry's host nowhere. Behind a proxy that is the proxy's business.
 */
function createRegistryOnly(workshop: Workshop): (signal: AbortSignal) => Promise<Record<string, string>> {
  let found: Promise<Record<string, string>> | undefined;
  const find = async (signal: AbortSignal): Promise<Record<string, string>> => {
    const isProxied = Object.keys(workshop.environment).some((name) => /^https?_proxy$/i.test(name));
    if (isProxied) return {};
    const asked = await workshop.run({
      command: ["npm", "config", "get", "registry"],
      env: NPM_ENVIRONMENT,
      timeoutMs: NPM_VIEW_TIMEOUT_MS,
      signal,
    });
    const registry = URL.parse(asked.stdout.trim());
    if (asked.code !== 0 || registry === null) {
      throw new EvenkeelError("Cannot ask npm which registry it uses");
    }
    return {
      npm_config_proxy: NOWHERE,
      npm_config_https_proxy: NOWHERE,
      npm_config_noproxy: registry.hostname.replace(/^\[|\]$/g, ""),
    };
  };
  return async (signal) => {
    try {
      return await (found ??= find(signal));
    } catch (error) {
      found = undefined;
      throw error;
    }
  };
}

/** npm gives these as a list where there are several versions and as one value where there is one. */
const viewSchema = z.object({
  versions: z.union([z.array(z.string()), z.string().transform((version) => [version])]).default([]),
  "dist-tags": z.record(z.string(), z.string()).default({}),
});
const errorSchema = z.object({ error: z.object({ code: z.string() }) });

export function createNpmView(workshop: Workshop): Tool {
  return {
    input: npmViewInputSchema,
    async run(input, signal): Promise<NpmViewOutput> {
      const { name } = npmViewInputSchema.parse(input);
      const result = await workshop.run({
        command: ["npm", "view", "--json", name, "versions", "dist-tags"],
        env: NPM_ENVIRONMENT,
        timeoutMs: NPM_VIEW_TIMEOUT_MS,
        signal,
      });
      const answer = parseJson(result.stdout);
      const code = errorSchema.safeParse(answer).data?.error.code;
      if (code === "E404") return { exists: false, latest: null, versions: [] };
      const view = viewSchema.safeParse(answer);
      if (result.code !== 0 || !view.success) {
        throw new EvenkeelError(
          `Cannot ask the npm registry for ${name}: ${code ?? "it cannot be understood"}`,
        );
      }
      return { exists: true, latest: view.data["dist-tags"]["latest"] ?? null, versions: view.data.versions };
    },
  };
}

/** Fixed text: the lock file is read before the folder is gone. */
const LOCK_SCRIPT =
  "npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && cat package-lock.json";

export function createNpmLock(workshop: Workshop): Tool {
  const registryOnly = createRegistryOnly(workshop);
  return {
    input: npmLockInputSchema,
    async run(input, signal): Promise<NpmLockOutput> {
      const { packageJson, lock } = npmLockInputSchema.parse(input);
      refuseOutsiders(packageJson);
      const result = await workshop.run({
        command: ["sh", "-c", LOCK_SCRIPT],
        files: { "package.json": packageJson, ...(lock === null ? {} : { "package-lock.json": lock }) },
        env: { ...NPM_ENVIRONMENT, ...await registryOnly(signal) },
        timeoutMs: NPM_LOCK_TIMEOUT_MS,
        signal,
      });
      if (result.code === 0) return { lock: result.stdout };
      const words = explanation(result.stderr.replace(/^npm (?:warn|notice) .*\n?/gim, ""));
      const code = /\bcode (E[A-Z0-9]+)/.exec(result.stderr)?.[1] ?? "";
      if (["ERESOLVE", "ETARGET", "E404", "EINVALIDTAGNAME", "EINVALIDPACKAGENAME"].includes(code)) {
        return { lock: null, conflict: words };
      }
      throw new EvenkeelError(`Cannot make a lock file: ${words.slice(0, 500)}`);
    },
  };
}

const dependenciesSchema = z.record(z.string(), z.string()).default({});
const manifestSchema = z.object({
  dependencies: dependenciesSchema,
  devDependencies: dependenciesSchema,
  optionalDependencies: dependenciesSchema,
  peerDependencies: dependenciesSchema,
  overrides: z.record(z.string(), z.json()).default({}),
  workspaces: z.undefined().optional(),
});

/** @throws {EvenkeelError} when npm would have to look anywhere but at the registry */
function refuseOutsiders(packageJson: string): void {
  const manifest = manifestSchema.safeParse(parseJson(packageJson));
  if (!manifest.success) {
    const where = manifest.error.issues[0]?.path.join(".") ?? "";
    throw new EvenkeelError(
      `Cannot make a lock file: package.json is not one for the registry alone (${where})`,
    );
  }
  const visit = (where: string, value: unknown, depth: number) => {
    if (typeof value === "string" && /[/:\\]/.test(value) && !value.startsWith("npm:")) {
      throw new EvenkeelError(`Cannot make a lock file: ${explanation(where)} is not from the registry`);
    }
    if (typeof value !== "object" || value === null || depth > OVERRIDES_DEPTH_MAX) return;
    for (const [name, inner] of Object.entries(value)) visit(name, inner, depth + 1);
  };
  visit("package.json", manifest.data, 0);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
