/**
 * The variables builds and instances see: what tools need, what the platform sets (reference section 11), and
 * the service's own, which win. Nothing else of this machine's environment gets through.
 */
import { join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import type { Platform } from "../platform.ts";
import type { Commit, ServiceRecord } from "../records.ts";

/** The home of a service's instances; its builds have another one. */
export function homeOf(platform: Pick<Platform, "directory">, serviceId: string): string {
  return join(platform.directory, "services", serviceId, "home");
}

/** What Render sets, in builds and at run time. */
export function renderEnvironment(
  service: ServiceRecord,
  commit: Commit,
  branch: string,
): Record<string, string> {
  const url = new URL(service.url);
  return {
    RENDER: "true",
    IS_PULL_REQUEST: "false",
    RENDER_SERVICE_ID: service.id,
    RENDER_SERVICE_NAME: service.name,
    RENDER_SERVICE_TYPE: "web",
    RENDER_GIT_COMMIT: commit.id,
    RENDER_GIT_BRANCH: branch,
    RENDER_GIT_REPO_SLUG: slugOf(service.repo),
    RENDER_EXTERNAL_URL: service.url,
    RENDER_EXTERNAL_HOSTNAME: url.hostname,
    RENDER_DISCOVERY_SERVICE: `${service.slug}-discovery`,
    RENDER_CPU_COUNT: "1",
    RENDER_WEB_CONCURRENCY: "1",
  };
}

/**
 * What programs of this machine need. Python's version shims look for their versions under HOME, another one here.
 * @param passedOn @default toolEnvironment()
 */
export function tools(
  passedOn: Readonly<Record<string, string>> = toolEnvironment(),
): Record<string, string> {
  const environment: Record<string, string> = { ...passedOn };
  const home = Deno.env.get("HOME");
  if (environment["PYENV_ROOT"] === undefined && home !== undefined) {
    environment["PYENV_ROOT"] = join(home, ".pyenv");
  }
  return environment;
}

/** The owner and name at the end of a repository's address. */
function slugOf(repo: string): string {
  return repo.replace(/\.git\/?$/, "").split("/").filter((part) => part !== "").slice(-2).join("/");
}

/** @param home the build's own @param machine what programs of this machine need @default tools() */
export function buildEnvironment(
  home: string,
  service: ServiceRecord,
  commit: Commit,
  branch: string,
  toolchain: Readonly<Record<string, string>>,
  own: ReadonlyMap<string, string>,
  machine: Readonly<Record<string, string>> = tools(),
): Record<string, string> {
  return {
    ...machine,
    HOME: home,
    ...renderEnvironment(service, commit, branch),
    ...toolchain,
    ...(service.settings.runtime === "python" ? { CI: "true" } : {}),
    // Without it npm may ask its registry about itself after every build.
    npm_config_update_notifier: "false",
    ...Object.fromEntries(own),
  };
}

export interface RuntimeEnvironment {
  instanceId: string;
  /** What PORT says unless the service sets it. */
  port: number;
  toolchain: Readonly<Record<string, string>>;
  own: ReadonlyMap<string, string>;
  commit: Commit;
  branch: string;
  /** True leaves out what programs of this machine need. */
  inContainer: boolean;
}

export function runtimeEnvironment(
  platform: Platform,
  service: ServiceRecord,
  options: RuntimeEnvironment,
): Record<string, string> {
  const port = options.own.get("PORT") ?? String(options.port);
  const { runtime } = service.settings;
  return {
    ...(options.inContainer ? {} : { ...tools(), HOME: homeOf(platform, service.id) }),
    ...renderEnvironment(service, options.commit, options.branch),
    ...options.toolchain,
    RENDER_INSTANCE_ID: options.instanceId,
    WEB_CONCURRENCY: "1",
    ...(runtime === "node" ? { NODE_ENV: "production" } : {}),
    ...(runtime === "python"
      ? { GUNICORN_CMD_ARGS: `--preload --access-logfile - --bind=0.0.0.0:${port}` }
      : {}),
    PORT: port,
    ...Object.fromEntries(options.own),
  };
}
