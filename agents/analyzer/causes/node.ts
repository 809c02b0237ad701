/** Causes of Node's own tools: the module loader, npm, yarn, pnpm and the bundlers. */
import { joinPath } from "../../code/commands.ts";
import { packageOf } from "../../code/node_names.ts";
import { hasPath, parsePackageJson } from "../../code/manifests.ts";
import { accept, onlyWhen, reject } from "../catalogue.ts";
import type { Cause, Classified, Context, Finding } from "../catalogue.ts";
import { classifyCommand, COMMAND_SIGNS } from "./commands.ts";
import { ANY, BUILD, linesFrom, reported, sign, START } from "./lines.ts";

const MODULE_SIGNS = [
  sign("Cannot find module", /Cannot find module ['"](?<request>[^'"]+)['"]/, 0.88),
  sign("Cannot find module", /Cannot find module (?<request>\.{3}\/[^\s'"]+)/, 0.7),
  sign("Cannot find package", /Cannot find package '(?<request>[^']+)' imported from/, 0.93),
  sign("Can't resolve", /Can't resolve '(?<request>[^']+)'/, 0.9),
  sign("failed to resolve import", /failed to resolve import "(?<request>[^"]+)"/i, 0.9),
];

/** Folders that a build writes: a file missing there was never built. */
const OUTPUT = /(?:^|\/)(?:dist|build|out|\.next|\.output|lib)\//;

export function classifyRequest(finding: Finding, context: Context): Classified {
  const request = finding.captures["request"] ?? "";
  const paths = context.repository?.paths;
  const line = context.lines[finding.at] ?? "";
  if (
    /^(?:\/|\.{3}\/|[A-Za-z]:\\)/.test(request) ||
    (/^\w[^@]*\.[cm]?js$/.test(request) && request.includes("/") &&
      packageOf(request) === request.split("/")[0] && OUTPUT.test(request))
  ) {
    if (line.includes("imported from") && !line.includes("imported from undefined")) {
      return { slug: "file-missing-or-wrong-path", confidence: 0.8, captures: { file: request } };
    }
    if (/node_modules/.test(request)) return { slug: null, why: "it lies inside an installed package" };
    const isEntry = linesFrom(finding, context, 16).some((each) => /requireStack: \[\]/.test(each)) ||
      !linesFrom(finding, context, 3).some((each) => each.startsWith("Require stack:"));
    if (!isEntry) return { slug: "file-missing-or-wrong-path", confidence: 0.8, captures: { file: request } };
    if (OUTPUT.test(request)) {
      return { slug: "build-output-missing", confidence: 0.9, captures: { file: request } };
    }
    return { slug: "entry-file-not-found", confidence: 0.93, captures: { file: request } };
  }
  if (request.startsWith(".")) {
    return { slug: "file-missing-or-wrong-path", confidence: 0.82, captures: { file: request } };
  }
  const name = packageOf(request);
  if (name === undefined) return { slug: null, why: `${request} is an alias or belongs to Node itself` };
  const manifest = parsePackageJson(context.repository?.files[joinPath(context.rootDir, "package.json")]);
  if (manifest !== undefined) {
    if (name in manifest.devDependencies && !(name in manifest.dependencies)) {
      return { slug: "node-devdeps-omitted", confidence: 0.9, captures: { package: name } };
    }
    if (name in manifest.dependencies) return { slug: null, why: `${name} is listed in package.json` };
    if (paths !== undefined && hasPath(paths, joinPath(context.rootDir, name))) {
      return { slug: "file-missing-or-wrong-path", confidence: 0.6, captures: { file: request } };
    }
  }
  return {
    slug: "node-module-missing",
    confidence: manifest === undefined ? 0.85 : 0.94,
    captures: { package: name },
  };
}

function classify(finding: Finding, context: Context): Classified {
  return finding.captures["program"] === undefined
    ? classifyRequest(finding, context)
    : classifyCommand(finding, context);
}

export const nodeCauses: readonly Cause[] = [
  {
    slug: "node-module-missing",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: [...MODULE_SIGNS, ...COMMAND_SIGNS],
    decide: onlyWhen("node-module-missing", classify),
    explain: ({ package: name }) => `The code uses the package ${name}, which package.json does not list.`,
    identity: ["package"],
    remedies: ["node/add-dependency"],
    examples: [
      "Error: Cannot find module 'leftpadx'",
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@scope/pkg' imported from /tmp/lab/n1/a.mjs",
    ],
  },
  {
    slug: "node-devdeps-omitted",
    phases: BUILD,
    severity: "cause",
    redeployMayCure: false,
    signs: [...COMMAND_SIGNS, ...MODULE_SIGNS],
    decide: onlyWhen("node-devdeps-omitted", classify),
    explain: ({ package: name }) =>
      `The build needs ${name} from devDependencies, which the install left out.`,
    identity: ["package"],
    remedies: ["node/include-dev"],
    examples: ["sh: 1: tsc: not found", "sh: 1: vite: not found"],
  },
  {
    slug: "npm-script-missing",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: [
      sign("issing script:", /[Mm]issing script:? "?(?<script>[\w:.-]+)"?/, 0.95),
      sign(
        "ERR_PNPM_NO_SCRIPT",
        /ERR_PNPM_NO_SCRIPT(?:_OR_SERVER)?\s+Missing script(?: start or file|:) (?<script>[\w:.-]+)/,
        0.95,
      ),
      sign('" not found.', /error Command "(?<script>[\w:.-]+)" not found\./, 0.9),
    ],
    explain: ({ script }) => `package.json has no script named ${script}, which the service runs.`,
    identity: ["script"],
    remedies: ["node/start-command", "node/add-script"],
    examples: ['npm error Missing script: "start"', 'error Command "build" not found.'],
  },
  {
    slug: "entry-file-not-found",
    phases: START,
    severity: "cause",
    redeployMayCure: false,
    signs: [...MODULE_SIGNS, sign("can't open file", /can't open file '(?<file>[^']+)': \[Errno 2\]/, 0.93)],
    decide: (finding, context) =>
      finding.captures["file"] === undefined
        ? onlyWhen("entry-file-not-found", classifyRequest)(finding, context)
        : accept(),
    explain: ({ file }) => `The start command runs ${file}, which does not exist.`,
    identity: ["file"],
    remedies: ["node/start-command", "python/start-file"],
    examples: [
      "Error: Cannot find module '/opt/render/project/src/server.js'",
      "python: can't open file '/opt/render/project/src/app.py': [Errno 2] No such file or directory",
    ],
  },
  {
    slug: "build-output-missing",
    phases: START,
    severity: "cause",
    redeployMayCure: false,
    signs: MODULE_SIGNS,
    decide: onlyWhen("build-output-missing", classifyRequest),
    explain: ({ file }) => `The start command runs ${file}, which the build did not write.`,
    identity: [],
    remedies: ["node/run-build"],
    examples: [
      "Error: Cannot find module '/opt/render/project/src/dist/main.js'",
      "Error: Cannot find module 'dist/server.js'",
    ],
  },
  reported(
    "file-missing-or-wrong-path",
    ANY,
    MODULE_SIGNS,
    ({ file }) => `The code loads ${file}, which is not in the commit at that path.`,
    [
      "Error: Cannot find module './nope'",
      "Module not found: Error: Can't resolve './Foo' in '/opt/render/project/src/components'",
    ],
    { identity: ["file"], decide: onlyWhen("file-missing-or-wrong-path", classifyRequest) },
  ),
  reported(
    "start-command-not-executable",
    START,
    COMMAND_SIGNS,
    ({ program }) => `The start command begins with ${program}, which is no program that can be run.`,
    ["bash: line 1: index.js: command not found", "bash: line 1: Yarn: command not found"],
    {
      identity: ["program"],
      decide: onlyWhen("start-command-not-executable", classifyCommand),
      remedies: ["node/start-command"],
    },
  ),
  reported(
    "command-not-found",
    ANY,
    COMMAND_SIGNS,
    ({ program }) => `The command ${program} is not installed.`,
    ["bash: line 1: hugo: command not found", "sh: 1: make: not found"],
    { identity: ["program"], decide: onlyWhen("command-not-found", classifyCommand) },
  ),
  reported(
    "lockfile-out-of-date",
    BUILD,
    [
      sign(
        "can only install packages when your package.json and package-lock.json",
        /can only install packages when your package\.json and package-lock\.json/,
        0.95,
      ),
      sign("ERR_PNPM_OUTDATED_LOCKFILE", /ERR_PNPM_OUTDATED_LOCKFILE/, 0.95),
      sign("Your lockfile needs to be updated", /Your lockfile needs to be updated/, 0.95),
      sign(
        "lockfile would have been modified by this install",
        /lockfile would have been modified by this install/,
        0.95,
      ),
    ],
    () => "The lock file does not fit the manifest: update it and commit it.",
    [
      "npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.",
      ' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile"',
    ],
  ),
  reported(
    "npm-peer-conflict",
    BUILD,
    [
      sign("ERESOLVE", /npm (?:ERR!|error) (?:code )?ERESOLVE/, 0.95),
      sign(
        "--legacy-peer-deps",
        /npm (?:ERR!|error) this command with --force.{0,20} --legacy-peer-deps/,
        0.9,
      ),
    ],
    () => "Packages ask for versions of a peer dependency that exclude each other: align their versions.",
    ["npm error code ERESOLVE", "npm error this command with --force or --legacy-peer-deps"],
  ),
  reported(
    "manifest-syntax-error",
    BUILD,
    [sign("EJSONPARSE", /npm (?:ERR!|error) code EJSONPARSE/, 0.95)],
    () => "package.json is not JSON: correct it.",
    ["npm error code EJSONPARSE", "npm ERR! code EJSONPARSE"],
  ),
  reported(
    "npm-client-error",
    BUILD,
    [sign("Exit handler never called", /Exit handler never called!/, 0.9)],
    () => "npm itself crashed; the same install may succeed when it is tried again.",
    ["npm error Exit handler never called!", "npm ERR! Exit handler never called!"],
    { redeployMayCure: true, remedies: ["network/redeploy"] },
  ),
  reported(
    "esm-cjs-mismatch",
    ANY,
    [
      sign("in ES module scope", /ReferenceError: (?<name>[\w$]+) is not defined in ES module scope/, 0.95),
      sign(
        "Cannot use import statement outside a module",
        /SyntaxError: Cannot use import statement outside a module/,
        0.92,
      ),
      sign("ERR_REQUIRE_ESM", /ERR_REQUIRE_ESM/, 0.9),
    ],
    () => "A file mixes ES modules and CommonJS: correct the import or the package type.",
    [
      "ReferenceError: __dirname is not defined in ES module scope",
      "SyntaxError: Cannot use import statement outside a module",
    ],
  ),
  reported(
    "node-ts-run-uncompiled",
    START,
    [sign('Unknown file extension ".ts"', /Unknown file extension "\.ts" for (?<file>\S+)/, 0.93)],
    ({ file }) => `Node is given the TypeScript file ${file}: start the compiled output.`,
    [
      'TypeError: Unknown file extension ".ts" for /opt/render/project/server/index.ts',
      'TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts" for /app/src/main.ts',
    ],
  ),
  reported(
    "app-compile-error",
    BUILD,
    [sign("error TS", /\berror (?<code>TS\d+): (?<detail>.*)/, 0.85)],
    ({ code, detail }) => `The project does not compile: ${code} ${detail}`,
    [
      "src/routes/jobs.ts(260,45): error TS2339: Property 'clientId' does not exist on type 'FirebaseJob'.",
      "src/a.ts:3:1 - error TS2304: Cannot find name 'foo'.",
    ],
    {
      identity: ["code"],
      decide: (finding, context) => {
        // TS2307 and TS7016 name a package that is not installed; the missing package is the cause then.
        if (!["TS2307", "TS7016", "TS2688"].includes(finding.captures["code"] ?? "")) return accept();
        const request = /Cannot find module '([^']+)'/.exec(context.lines[finding.at] ?? "")?.[1];
        return request !== undefined && packageOf(request) !== undefined
          ? reject("a package is missing")
          : accept(0.8);
      },
    },
  ),
];
