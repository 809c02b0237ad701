/** Causes that Render itself names: root directory, ports, health checks, memory, source access. */
import { bindEverywhere, scriptRunBy } from "../../code/bind_flags.ts";
import { bindingsOf, isServerSource } from "../../code/bindings.ts";
import { joinPath, segmentsOf } from "../../code/commands.ts";
import { parsePackageJson } from "../../code/manifests.ts";
import { routesOf, serves } from "../../code/routes.ts";
import { accept, onlyWhen, reject } from "../catalogue.ts";
import type { Cause, Classified, Context, Finding } from "../catalogue.ts";
import { ANY, BUILD, reported, sign, START } from "./lines.ts";

const MANIFEST_SIGNS = [
  sign("Service Root Directory", /Service Root Directory "(?<directory>[^"]*)" is missing/, 0.97),
  sign(
    "Could not read package.json",
    /Could not read package\.json: Error: ENOENT.*open '(?<file>[^']+)'/,
    0.9,
  ),
  sign(
    "package.json",
    /ENOENT.{0,40}(?:no such file or directory)?.{0,20}open '(?<file>[^']*package\.json)'/,
    0.88,
  ),
  sign(
    "requirements file",
    /Could not open requirements file:(?:.*No such file or directory: '(?<file>[^']+)')?/,
    0.85,
  ),
  sign("Nixpacks was unable to generate a build plan", /Nixpacks was unable to generate a build plan/, 0.85),
  sign("directory not found", /stat (?<file>\/\S+): directory not found/, 0.82),
  sign("No package.json", /(?:ERR_PNPM_NO_PKG_MANIFEST|error).*No package\.json (?:found|was found)/, 0.88),
  sign("Couldn't find a package.json", /Couldn't find a package\.json file in "(?<file>[^"]+)"/, 0.88),
];

/** A manifest that is not where the build looks: four causes, told apart by the commit's own files. */
function classifyManifest(finding: Finding, context: Context): Classified {
  if (finding.captures["directory"] !== undefined) {
    return { slug: "root-dir-missing-or-wrong", confidence: 0.97 };
  }
  const file = finding.captures["file"] ?? "requirements.txt";
  const name = file.split("/").at(-1) || "requirements.txt";
  const repository = context.repository;
  const captures = { manifest: name };
  if (repository === null) {
    const isForeign = name === "requirements.txt" && context.settings?.runtime === "node" ||
      name === "package.json" && context.settings?.runtime === "python";
    return isForeign
      ? { slug: "wrong-runtime-selected", confidence: 0.6, captures }
      : { slug: "root-dir-missing-or-wrong", confidence: 0.8, captures };
  }
  const places = repository.paths.filter((path) => path === name || path.endsWith(`/${name}`)).filter((
    path,
  ) => !/node_modules|(?:^|\/)\.?venv\//.test(path));
  if (places.length > 0) {
    return { slug: "root-dir-missing-or-wrong", confidence: places.length === 1 ? 0.95 : 0.85, captures };
  }
  const otherName = name === "package.json" ? "requirements.txt" : "package.json";
  const isForeign = repository.paths.includes(joinPath(context.rootDir, otherName));
  if (isForeign) return { slug: "wrong-runtime-selected", confidence: 0.85, captures };
  return { slug: "file-missing-or-wrong-path", confidence: 0.8, captures: { file: name } };
}

const CD_SIGNS = [
  sign("cd: ", /\bcd: (?:can't cd to )?(?<directory>[^:]+?)(?:: No such file or directory|$)/, 0.85),
];

function classifyCd(finding: Finding, context: Context): Classified {
  const directory = (finding.captures["directory"] ?? "").replace(/^\.?\/|\/$/g, "");
  const runs = segmentsOf(context.buildCommand).concat(segmentsOf(context.startCommand))
    .some(({ words }) => words[0] === "cd" && words[1]?.replace(/^\.?\/|\/$/g, "") === directory);
  if (finding.captures["directory"]?.startsWith("/opt/render/project/src/")) {
    return { slug: "root-dir-missing-or-wrong", confidence: 0.9, captures: { directory } };
  }
  if (!runs && context.buildCommand !== "") {
    return { slug: null, why: "neither command changes to that folder" };
  }
  if (context.rootDir.split("/").at(-1) === directory) {
    return { slug: "root-dir-double-cd", confidence: 0.95, captures: { directory } };
  }
  const paths = context.repository?.paths ?? [];
  const wanted = joinPath(context.rootDir, directory).toLowerCase();
  if (paths.some((path) => path.toLowerCase().startsWith(`${wanted}/`))) {
    return { slug: "case-sensitive-path", confidence: 0.9, captures: { directory } };
  }
  return {
    slug: "root-dir-double-cd",
    confidence: context.repository === null ? 0.75 : 0.6,
    captures: { directory },
  };
}

const PORT_SIGNS = [
  sign("Detected open ports on localhost", /Detected open ports on localhost/, 0.95),
  sign("no open ports detected", /no open ports detected/, 0.5),
  sign("failed to detect open port", /failed to detect open port (?<port>\d+) from PORT/, 0.93),
  sign("Bad bind", /Error R11 \(Bad bind\).*bound to port (?<bound>\d+), should be (?<port>\d+)/, 0.95),
  sign("Timed Out", /==> Timed Out/, 0.5),
  sign("Port scan timeout", /Port scan timeout reached/, 0.5),
];
/** Ports that a banner may name although the platform set them. */
const PLATFORM_PORT = "10000";

/** What an open or missing port means: the platform's words, then the server's banner, then its code. */
function classifyPort(finding: Finding, context: Context): Classified {
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

/** The address that the program itself says it listens on; exact where the server never prettifies it. */
function serverBanner(context: Context): { host: string; port: string; isExact: boolean } | undefined {
  for (const line of context.lines) {
    if (!/running|listening|started|serving|Local:|ready/i.test(line)) continue;
    const found =
      /(?:https?:\/\/|\bat |\bon |\(?)(0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1\]|\[::\]):(\d{2,5})/.exec(
        line,
      );
    if (found !== null) {
      return {
        host: found[1]!,
        port: found[2]!,
        isExact: /Uvicorn running|Listening at: |Running on http|Server running at http:\/\/127/.test(line),
      };
    }
  }
  return undefined;
}

function codeBindings(context: Context) {
  const files = context.repository?.files ?? {};
  const all = Object.entries(files).filter(([path]) => isServerSource(path)).flatMap(([path, text]) =>
    bindingsOf(path, text)
  );
  return all;
}

function wrongFlags(context: Context): boolean {
  const script = scriptRunBy(context.startCommand);
  const manifest = parsePackageJson(context.repository?.files[joinPath(context.rootDir, "package.json")]);
  const command = script === undefined ? context.startCommand : manifest?.scripts[script] ?? "";
  const changed = bindEverywhere(command);
  return changed !== undefined && changed.includes("0.0.0.0") && !command.includes("0.0.0.0");
}

const HEALTH_SIGNS = [
  sign(
    "internal health check",
    /(?:Timed out after w|W)aiting for internal health check to return a successful\s*(?:response code)?(?: at: (?<host>[^\s:]+):(?<port>\d+) ?(?<path>\/\S*)?)?/,
    0.6,
  ),
];

function classifyHealth(finding: Finding, context: Context): Classified {
  if (context.facts.isLive && !context.lines[finding.at]!.includes("Timed out")) {
    return { slug: null, why: "the service went live" };
  }
  const path = finding.captures["path"]?.replace(/["'.,]+$/, "") ?? context.settings?.healthCheckPath ?? "";
  if (path === "") return { slug: null, why: "the path is not known" };
  const captures = { path };
  const statuses = context.lines.flatMap((line) => {
    const found = /["\s](?:GET|HEAD) (\/\S*)(?: HTTP\/[\d.]+)?"?\s+(?:\S+ )?(\d{3})\b/.exec(line);
    return found?.[1]?.split("?", 1)[0] === path ? [Number(found[2])] : [];
  });
  if (statuses.some((status) => [401, 403, 301, 302, 307, 308].includes(status))) {
    return { slug: "health-check-auth-or-redirect", confidence: 0.88, captures };
  }
  if (statuses.includes(404)) return { slug: "health-check-path-wrong", confidence: 0.93, captures };
  if (statuses.some((status) => status >= 500)) return { slug: null, why: "the path answers, with an error" };
  if (context.repository !== null) {
    const routes = routesOf(context.repository.files);
    if (routes.length > 0) {
      return serves(routes, path)
        ? { slug: null, why: "the code answers that path" }
        : { slug: "health-check-path-wrong", confidence: 0.88, captures };
    }
  }
  return { slug: "health-check-path-wrong", confidence: path === "/" ? 0.4 : 0.6, captures };
}

export const platformCauses: readonly Cause[] = [
  {
    slug: "root-dir-missing-or-wrong",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: [...MANIFEST_SIGNS, ...CD_SIGNS],
    decide: (finding, context) =>
      context.lines[finding.at]!.includes("cd: ")
        ? onlyWhen("root-dir-missing-or-wrong", classifyCd)(finding, context)
        : onlyWhen("root-dir-missing-or-wrong", classifyManifest)(finding, context),
    explain: ({ directory, manifest }) =>
      directory === undefined
        ? `${manifest ?? "The manifest"} is not in the service's root directory.`
        : `The service's root directory ${directory} is not in the commit.`,
    identity: ["manifest", "directory"],
    remedies: ["service/root-dir"],
    examples: [
      '==> Service Root Directory "/opt/render/project/src/backend" is missing.',
      "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
    ],
  },
  reported(
    "wrong-runtime-selected",
    BUILD,
    [
      ...MANIFEST_SIGNS,
      sign(
        "failed to read dockerfile",
        /failed to read dockerfile: open (?<dockerfile>\S+): no such file/,
        0.6,
      ),
      sign("(Mix) The task", /\*\* \(Mix\) The task "[^"]+" could not be found/, 0.8),
    ],
    ({ manifest }) =>
      `The service has another runtime than the repository (no ${
        manifest ?? "manifest"
      } of that kind): create it again with the right one.`,
    [
      "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
      '** (Mix) The task "phx.digest" could not be found',
    ],
    {
      decide: (finding, context) =>
        /Mix|dockerfile/.test(context.lines[finding.at]!)
          ? accept()
          : onlyWhen("wrong-runtime-selected", classifyManifest)(finding, context),
    },
  ),
  reported(
    "file-missing-or-wrong-path",
    BUILD,
    MANIFEST_SIGNS,
    ({ file }) => `The build needs ${file}, which is not in the commit: a person must commit it.`,
    [
      "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
      "npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/opt/render/project/src/package.json'",
    ],
    { identity: ["file"], decide: onlyWhen("file-missing-or-wrong-path", classifyManifest) },
  ),
  {
    slug: "root-dir-double-cd",
    phases: ["build", "start"],
    severity: "cause",
    redeployMayCure: false,
    signs: CD_SIGNS,
    decide: onlyWhen("root-dir-double-cd", classifyCd),
    explain: ({ directory }) =>
      `A command changes to ${directory}, which the root directory has done already.`,
    identity: ["directory"],
    remedies: ["service/strip-cd"],
    examples: ["bash: line 1: cd: backend: No such file or directory", "/bin/sh: 1: cd: can't cd to backend"],
  },
  reported(
    "case-sensitive-path",
    BUILD,
    CD_SIGNS,
    ({ directory }) =>
      `The folder ${directory} exists under another spelling; the platform tells upper and lower case apart.`,
    [
      "bash: line 1: cd: backend: No such file or directory",
      "bash: line 1: cd: Server: No such file or directory",
    ],
    { identity: ["directory"], decide: onlyWhen("case-sensitive-path", classifyCd) },
  ),
  {
    slug: "port-bound-localhost",
    phases: START,
    severity: "consequence",
    redeployMayCure: false,
    signs: PORT_SIGNS,
    decide: onlyWhen("port-bound-localhost", classifyPort),
    explain: ({ bound }) =>
      `The server listens on localhost${
        bound === undefined ? "" : `, port ${bound},`
      } only, where the platform cannot reach it.`,
    identity: [],
    remedies: ["service/bind-flags", "service/bind-code"],
    examples: [
      "==> Port scan timeout reached, no open ports detected on 0.0.0.0. Detected open ports on localhost -- did you mean to bind one of these to 0.0.0.0?",
      "Port scan timeout reached, no open ports detected on 0.0.0.0. Detected open ports on localhost",
    ],
  },
  {
    slug: "port-hardcoded",
    phases: START,
    severity: "consequence",
    redeployMayCure: false,
    signs: PORT_SIGNS,
    decide: onlyWhen("port-hardcoded", classifyPort),
    explain: ({ bound, port }) =>
      `The server listens on ${bound === undefined ? "a port of its own" : `port ${bound}`} instead of ${
        port === undefined ? "the PORT" : `the PORT ${port}`
      } that the platform gives it.`,
    identity: [],
    remedies: ["service/bind-flags", "service/bind-code"],
    examples: [
      "==> Port scan timeout reached, failed to detect open port 4500 from PORT environment variable",
      "heroku[web.1]: Error R11 (Bad bind) -> Process bound to port 8000, should be 10472 (see environment variable PORT)",
    ],
  },
  {
    slug: "health-check-path-wrong",
    phases: START,
    severity: "consequence",
    redeployMayCure: false,
    signs: HEALTH_SIGNS,
    decide: onlyWhen("health-check-path-wrong", classifyHealth),
    explain: ({ path }) => `The platform checks ${path}, which the service does not answer.`,
    identity: ["path"],
    remedies: ["service/health-path"],
    examples: [
      "==> Timed out after waiting for internal health check to return a successful response code at: x.onrender.com:10000 /healthz",
      "Waiting for internal health check to return a successful response code at: sentia.onrender.com:10000 /api/health",
    ],
  },
  reported(
    "health-check-auth-or-redirect",
    START,
    HEALTH_SIGNS,
    ({ path }) =>
      `The health path ${path} asks for a login or redirects: point the check at a route that does neither.`,
    [
      "==> Timed out after waiting for internal health check to return a successful response code at: x.onrender.com:10000 /",
      "Timed out after waiting for internal health check to return a successful response code",
    ],
    {
      severity: "consequence",
      identity: ["path"],
      decide: onlyWhen("health-check-auth-or-redirect", classifyHealth),
    },
  ),
  reported(
    "out-of-memory",
    ANY,
    [
      sign("ut of memory (used over", /[Oo]ut of memory \(used over (?<limit>[\w.]+)\)/, 0.95),
      sign("status 137", /Exited with status 137/, 0.85),
      sign("oomKilled", /oomKilled/, 0.9),
    ],
    ({ limit }) =>
      `The process used more memory than the plan gives${
        limit === undefined ? "" : ` (${limit})`
      }: use less or take a larger plan.`,
    ["==> Out of memory (used over 512Mi)", "Ran out of memory (used over 512MB) while running your code."],
  ),
  reported(
    "node-heap-exhausted",
    ANY,
    [
      sign("JavaScript heap out of memory", /JavaScript heap out of memory/, 0.93),
      sign("<--- Last few GCs --->", /<--- Last few GCs --->/, 0.9),
    ],
    () => "Node's heap is full: use less memory, or start the built output instead of a compiler.",
    [
      "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
      "<--- Last few GCs --->",
    ],
  ),
  reported(
    "git-repo-access-denied",
    ANY,
    [
      sign("could not read Username for", /could not read Username for '(?<host>[^']+)'/, 0.95),
      sign("Unable to clone", /==> Unable to clone (?<repository>\S+)/, 0.85),
    ],
    () =>
      "The platform may not read the repository any more: reconnect it to the git provider. Do not make it public.",
    [
      "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
      "==> Unable to clone https://github.com/o/r",
    ],
  ),
  reported(
    "pipeline-minutes-exhausted",
    ANY,
    [
      sign("run out of pipeline minutes", /run out of pipeline minutes/, 0.97),
      sign("pipeline_minutes_exhausted", /pipeline_minutes_exhausted/, 0.97),
    ],
    () =>
      "The workspace has no build minutes left: a person must raise the limit or wait for the next month.",
    ["==> Build blocked - your workspace has run out of pipeline minutes", "pipeline_minutes_exhausted"],
  ),
  reported(
    "static-publish-dir-wrong",
    BUILD,
    [sign("Publish directory", /Publish directory (?<directory>.+) does not exist!/, 0.9)],
    ({ directory }) => `The publish directory ${directory} is not what the build writes.`,
    ["==> Publish directory dist does not exist!", "==> Publish directory build does not exist!"],
    {
      identity: ["directory"],
      decide: (finding) => {
        const directory = finding.captures["directory"] ?? "";
        if (directory.includes(" ")) return reject("the publish directory is a command or a title");
        return accept(/^(?:\.\/)?(?:dist|build|public|_site|out)$/.test(directory) ? 0.88 : 0.5);
      },
    },
  ),
  reported(
    "wrong-service-type-static",
    BUILD,
    [sign("Publish directory", /Publish directory (?<directory>\S+ .*) does not exist!/, 0.85)],
    ({ directory }) =>
      `The publish directory is "${directory}": the program needs a web service, not a static site.`,
    [
      "==> Publish directory npm start does not exist!",
      "==> Publish directory node server.js does not exist!",
    ],
  ),
  reported(
    "build-script-not-executable",
    BUILD,
    [sign("Permission denied", /(?:ba)?sh: (?:line \d+: |\d+: )?(?<file>\.\/\S+): Permission denied/, 0.9)],
    ({ file }) => `${file} is not marked executable: git update-index --chmod=+x ${file}`,
    ["bash: line 1: ./mvnw: Permission denied", "bash: line 1: ./build.sh: Permission denied"],
    { identity: ["file"] },
  ),
  reported(
    "predeploy-command-not-shell",
    ["pre-deploy"],
    [sign(": &&: ", /: &&: (?:No such file|not found)/, 0.95)],
    () => "The pre-deploy command is not run by a shell: wrap it in sh -c.",
    ["chmod: &&: No such file or directory", "cat: &&: No such file or directory"],
  ),
];
