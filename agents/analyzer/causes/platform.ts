/** Causes that Render itself names: root directory, ports, health checks, memory, source access. */
import { accept, onlyWhen, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { ANY, BUILD, reported, sign, START } from "./lines.ts";
import { CD_SIGNS, classifyCd, classifyManifest, MANIFEST_SIGNS } from "./manifests.ts";
import { classifyHealth, classifyPort, HEALTH_SIGNS, PORT_SIGNS } from "./ports.ts";

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
