/**
 * What a port that nobody finds, or a health check that nobody answers, means: the platform's words, then the
 * server's own banner, then its code and its start command.
 */
import { bindEverywhere, scriptRunBy } from "../../code/bind_flags.ts";
import { bindingsOf, isServerSource } from "../../code/bindings.ts";
import { joinPath } from "../../code/commands.ts";
import { parsePackageJson } from "../../code/manifests.ts";
import { routesOf, serves } from "../../code/routes.ts";
import type { Classified, Context, Finding } from "../catalogue.ts";
import { sign } from "./lines.ts";

export const PORT_SIGNS = [
  sign("Detected open ports on localhost", /Detected open ports on localhost/, 0.95),
  sign("no open ports detected", /no open ports detected/, 0.5),
  sign("failed to detect open port", /failed to detect open port (?<port>\d+) from PORT/, 0.93),
  sign("Bad bind", /Error R11 \(Bad bind\).{0,100}bound to port (?<bound>\d+), should be (?<port>\d+)/, 0.95),
  sign("Timed Out", /==> Timed Out/, 0.5),
  sign("Port scan timeout", /Port scan timeout reached/, 0.5),
];
/** Ports that a banner may name although the platform set them. */
const PLATFORM_PORT = "10000";

/** What an open or missing port means: the platform's words, then the server's banner, then its code. */
export function classifyPort(finding: Finding, context: Context): Classified {
  const line = context.lines[finding.at] ?? "";
  const banner = serverBanner(context);
  const bound = finding.captures["bound"] ?? banner?.port;
  const captures = bound === undefined ? {} : { bound };
  if (line.includes("Detected open ports on localhost")) {
    return { slug: "port-bound-localhost", confidence: 0.95, captures };
  }
  if (finding.captures["port"] !== undefined) return { slug: "port-hardcoded", confidence: 0.93, captures };
  if (context.facts.isLive) return { slug: null, why: "the service went live" };
  const isLoopback = banner !== undefined && /^(?:127\.|localhost|\[::1\])/.test(banner.host);
  const code = codeBindings(context);
  const local = code.filter((binding) => binding.host !== undefined);
  if (local.length > 0 || (isLoopback && banner.isExact) || wrongFlags(context)) {
    return { slug: "port-bound-localhost", confidence: 0.88, captures };
  }
  if (code.some((binding) => binding.port !== undefined)) {
    return { slug: "port-hardcoded", confidence: 0.85, captures };
  }
  const isTimedOut = /Timed Out|Port scan timeout/.test(line);
  if (isTimedOut && banner !== undefined && !isLoopback && banner.port !== PLATFORM_PORT) {
    return { slug: "port-hardcoded", confidence: 0.82, captures };
  }
  const manifest = context.repository?.files["Dockerfile"];
  if (isTimedOut && manifest !== undefined && /--port"?,?\s*"?\d{4}/.test(manifest)) {
    return { slug: "port-hardcoded", confidence: 0.82, captures };
  }
  if (/on 0\.0\.0\.0/.test(line) && isLoopback) {
    return { slug: "port-bound-localhost", confidence: 0.8, captures };
  }
  return { slug: null, why: "nothing shows which port the program opened" };
}

/** What is looked up once for a log, however many lines ask. */
function once<T>(look: (context: Context) => T): (context: Context) => T {
  const known = new WeakMap<Context, { value: T }>();
  return (context) => {
    const found = known.get(context) ?? { value: look(context) };
    known.set(context, found);
    return found.value;
  };
}

interface Banner {
  host: string;
  port: string;
  /** Where the server never prettifies its address. */
  isExact: boolean;
}

/** The address that the program itself says it listens on. */
const serverBanner = once((context): Banner | undefined => {
  for (const line of context.lines) {
    if (!/running|listening|started|serving|Local:|ready/i.test(line)) continue;
    const found = /(0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1\]|\[::\]):(\d{2,5})/.exec(line);
    if (found === null) continue;
    const isExact = /Uvicorn running|Listening at: |Running on http|Server running at http:\/\/127/.test(
      line,
    );
    return { host: found[1]!, port: found[2]!, isExact };
  }
  return undefined;
});

const codeBindings = once((context) => {
  const files = Object.entries(context.repository?.files ?? {});
  return files.filter(([path]) => isServerSource(path)).flatMap(([path, text]) => bindingsOf(path, text));
});

const codeRoutes = once((context) => routesOf(context.repository?.files ?? {}));

/** How the service answered requests, by the path: the access lines of common servers. */
const answers = once((context) => {
  const statuses = new Map<string, number[]>();
  for (const line of context.lines) {
    const found = /["\s](?:GET|HEAD) (\/\S*)(?: HTTP\/[\d.]+)?"?\s+(?:\S+ )?(\d{3})\b/.exec(line);
    const path = found?.[1]?.split("?", 1)[0];
    if (path === undefined || (statuses.size >= PATHS_MAX && !statuses.has(path))) continue;
    const list = statuses.get(path) ?? [];
    if (list.length < STATUSES_MAX) list.push(Number(found![2]));
    statuses.set(path, list);
  }
  return statuses;
});
/** Paths and answers to one path that are remembered. */
const PATHS_MAX = 200;
const STATUSES_MAX = 50;

function wrongFlags(context: Context): boolean {
  const script = scriptRunBy(context.startCommand);
  const manifest = parsePackageJson(context.repository?.files[joinPath(context.rootDir, "package.json")]);
  const command = script === undefined ? context.startCommand : manifest?.scripts[script] ?? "";
  const changed = bindEverywhere(command);
  return changed !== undefined && changed.includes("0.0.0.0") && !command.includes("0.0.0.0");
}

export const HEALTH_SIGNS = [
  sign(
    "internal health check",
    /(?:Timed out after w|W)aiting for internal health check to return a successful\s*(?:response code)?(?: at: (?<host>[^\s:]+):(?<port>\d+) ?(?<path>\/\S*)?)?/,
    0.6,
  ),
];

export function classifyHealth(finding: Finding, context: Context): Classified {
  if (context.facts.isLive && !context.lines[finding.at]!.includes("Timed out")) {
    return { slug: null, why: "the service went live" };
  }
  const path = finding.captures["path"]?.replace(/["'.,]+$/, "") ?? context.settings?.healthCheckPath ?? "";
  if (path === "") return { slug: null, why: "the path is not known" };
  const captures = { path };
  const statuses = answers(context).get(path) ?? [];
  if (statuses.some((status) => [401, 403, 301, 302, 307, 308].includes(status))) {
    return { slug: "health-check-auth-or-redirect", confidence: 0.88, captures };
  }
  if (statuses.includes(404)) return { slug: "health-check-path-wrong", confidence: 0.93, captures };
  if (statuses.some((status) => status >= 500)) return { slug: null, why: "the path answers, with an error" };
  if (context.repository !== null) {
    const routes = codeRoutes(context);
    if (routes.length > 0) {
      return serves(routes, path)
        ? { slug: null, why: "the code answers that path" }
        : { slug: "health-check-path-wrong", confidence: 0.88, captures };
    }
  }
  return { slug: "health-check-path-wrong", confidence: path === "/" ? 0.4 : 0.6, captures };
}
