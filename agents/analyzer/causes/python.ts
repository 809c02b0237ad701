/** Causes of Python's own tools: pip, the interpreter, WSGI and ASGI servers. */
import { PYTHON_SERVERS } from "../../code/python_names.ts";
import { accept, onlyWhen, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { classifyCommand, COMMAND_SIGNS } from "./commands.ts";
import { pythonHeavyCauses } from "./python_heavy.ts";
import { emptyArguments } from "./images.ts";
import { ANY, BUILD, reported, sign, START } from "./lines.ts";
import { classifyModule } from "./python_modules.ts";
import {
  classifyConflict,
  classifyIgnored,
  CONFLICT_SIGNS,
  decideTooNew,
  PYTHON_RANGE_SIGNS,
  TOO_NEW_SIGNS,
} from "./python_versions.ts";

/** What Python prints for a module it does not find; shared by every cause that this can be. */
const MODULE_SIGNS = [
  sign(
    "No module named",
    /(?:ModuleNotFoundError|ImportError): No module named '?(?<module>[A-Za-z_][\w.]*)'?/,
    0.85,
  ),
  sign("No module named", /(?<interpreter>python[\d.]*): No module named (?<module>[A-Za-z_][\w.]*)/, 0.85),
];

const explainConflict: Cause["explain"] = ({ packages }) =>
  packages === undefined
    ? "The pinned Python packages cannot be installed together."
    : `The versions asked of ${packages} cannot be installed together.`;

export const pythonCauses: readonly Cause[] = [
  ...pythonHeavyCauses,
  {
    slug: "python-dependency-conflict",
    phases: BUILD,
    severity: "cause",
    redeployMayCure: false,
    signs: CONFLICT_SIGNS,
    decide: onlyWhen("python-dependency-conflict", classifyConflict),
    explain: explainConflict,
    identity: ["packages"],
    remedies: ["python/move-pins"],
    examples: [
      "ERROR: Cannot install -r r.txt (line 2) and alpha==1.0.0 because these package versions have conflicting dependencies.",
      "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts",
    ],
  },
  {
    slug: "python-llm-provider-conflict",
    phases: BUILD,
    severity: "cause",
    redeployMayCure: false,
    signs: CONFLICT_SIGNS,
    decide: onlyWhen("python-llm-provider-conflict", classifyConflict),
    explain: explainConflict,
    identity: ["packages"],
    remedies: ["python/move-pins", "python/drop-providers"],
    examples: [
      "The conflict is caused by:",
      "ERROR: Cannot install openai==1.6.1 and langchain-openai==0.0.8 because these package versions have conflicting dependencies.",
    ],
  },
  {
    slug: "python-module-missing",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: MODULE_SIGNS,
    decide: onlyWhen("python-module-missing", classifyModule),
    explain: ({ module, package: name }) =>
      `The code imports ${module}, and ${name} is not among the installed requirements.`,
    identity: ["module"],
    remedies: ["python/add-requirement"],
    examples: ["ModuleNotFoundError: No module named 'widget_tweaks'", "ImportError: No module named yaml"],
  },
  {
    slug: "python-server-missing",
    phases: START,
    severity: "cause",
    redeployMayCure: false,
    signs: [...COMMAND_SIGNS, ...MODULE_SIGNS],
    decide: (finding, context) =>
      finding.captures["module"] === undefined
        ? onlyWhen("python-server-missing", classifyCommand)(finding, context)
        : onlyWhen("python-server-missing", classifyModule)(finding, context),
    explain: ({ program = "" }) =>
      `The start command runs ${program}, and ${
        PYTHON_SERVERS[program] ?? program
      } is not among the installed requirements.`,
    identity: ["program"],
    remedies: ["python/add-requirement"],
    examples: [
      "bash: line 1: gunicorn: command not found",
      "/opt/render/project/src/.venv/bin/python: No module named uvicorn",
    ],
  },
  {
    slug: "python-db-driver-missing",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: MODULE_SIGNS,
    decide: onlyWhen("python-db-driver-missing", classifyModule),
    explain: ({ module }) =>
      `The database address needs the driver ${module}, which is not among the installed requirements.`,
    identity: ["module"],
    remedies: ["python/add-requirement"],
    examples: [
      "ModuleNotFoundError: No module named 'psycopg2'",
      "ModuleNotFoundError: No module named 'asyncpg'",
    ],
  },
  {
    slug: "python-init-missing",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: MODULE_SIGNS,
    decide: onlyWhen("python-init-missing", classifyModule),
    explain: ({ module, folder }) =>
      `The folder ${folder} has no __init__.py, so the installed project lacks ${module}.`,
    identity: ["module"],
    remedies: ["python/add-init"],
    examples: [
      "ModuleNotFoundError: No module named 'shop.billing'",
      "ModuleNotFoundError: No module named 'pkg.sub'",
    ],
  },
  {
    slug: "placeholder-start-command",
    phases: START,
    severity: "cause",
    redeployMayCure: false,
    signs: MODULE_SIGNS,
    decide: onlyWhen("placeholder-start-command", classifyModule),
    explain: ({ target }) => `The start command is still Render's placeholder: there is no module ${target}.`,
    identity: [],
    remedies: ["python/start-target"],
    examples: [
      "ModuleNotFoundError: No module named 'your_application'",
      "ModuleNotFoundError: No module named 'your_application.wsgi'",
    ],
  },
  {
    slug: "python-wrong-wsgi-target",
    phases: START,
    severity: "cause",
    redeployMayCure: false,
    signs: [
      sign(
        "Failed to find attribute",
        /Failed to find attribute '(?<object>[\w.]+)' in '(?<target>[\w.]+)'/,
        0.93,
      ),
      sign(
        "Error loading ASGI app",
        /Error loading ASGI app\. Could not import module "(?<target>[\w.]+)"/,
        0.92,
      ),
      sign(
        "Error loading ASGI app",
        /Error loading ASGI app\. Attribute "(?<object>[\w.]+)" not found in module "(?<target>[\w.]+)"/,
        0.93,
      ),
      ...MODULE_SIGNS,
    ],
    decide: (finding, context) =>
      finding.captures["module"] === undefined
        ? accept()
        : onlyWhen("python-wrong-wsgi-target", classifyModule)(finding, context),
    explain: ({ target, object }) =>
      `The start command serves ${
        object === undefined ? `the module ${target}` : `${target}:${object}`
      }, which the repository does not have there.`,
    identity: ["target", "object"],
    remedies: ["python/start-target"],
    examples: [
      "gunicorn.errors.AppImportError: Failed to find attribute 'app' in 'app'.",
      'ERROR:    Error loading ASGI app. Could not import module "main".',
    ],
  },
  {
    slug: "python-run-from-wrong-directory",
    phases: START,
    severity: "cause",
    redeployMayCure: false,
    signs: MODULE_SIGNS,
    decide: onlyWhen("python-run-from-wrong-directory", classifyModule),
    explain: ({ module, found, started }) =>
      `The ${
        started === undefined ? `code imports ${module}` : `start command runs the module ${module}`
      }, which lies at ${found}: the program runs in another folder.`,
    identity: ["module"],
    remedies: ["python/start-directory"],
    examples: [
      "ModuleNotFoundError: No module named 'settings'",
      "ModuleNotFoundError: No module named 'models'",
    ],
  },
  reported(
    "python-wrong-import-path",
    ANY,
    MODULE_SIGNS,
    ({ module, holder }) =>
      `The code imports ${module}, which does not exist under ${holder}: correct the import.`,
    [
      "ModuleNotFoundError: No module named 'app.routers.routers'",
      "ModuleNotFoundError: No module named 'pkg.sub2'",
    ],
    { identity: ["module"], decide: onlyWhen("python-wrong-import-path", classifyModule) },
  ),
  reported(
    "setuptools-too-new",
    ANY,
    MODULE_SIGNS,
    () => "A package uses pkg_resources, which setuptools 81 dropped: pin setuptools below 81.",
    ["ModuleNotFoundError: No module named 'pkg_resources'", "ImportError: No module named pkg_resources"],
    { decide: onlyWhen("setuptools-too-new", classifyModule) },
  ),
  {
    slug: "python-too-new",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: [...PYTHON_RANGE_SIGNS, ...TOO_NEW_SIGNS, ...MODULE_SIGNS],
    decide: decideTooNew,
    explain: ({ package: name, python, range }) =>
      `${name ?? "A pinned package"} needs Python ${range}${
        python === undefined ? "" : `, and the service uses ${python}`
      }.`,
    identity: ["package", "range"],
    remedies: ["python/set-version"],
    examples: [
      "ERROR: Package 'oldpkg' requires a different Python: 3.13.4 not in '<3.13,>=3.9'",
      "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?",
    ],
  },
  {
    slug: "python-too-old",
    phases: ANY,
    severity: "cause",
    redeployMayCure: false,
    signs: PYTHON_RANGE_SIGNS,
    decide: onlyWhen("python-too-old", classifyIgnored),
    explain: ({ package: name, python, range }) =>
      `${name ?? "A pinned package"} needs Python ${range}${
        python === undefined ? "" : `, and the service uses ${python}`
      }.`,
    identity: ["package", "range"],
    remedies: ["python/set-version"],
    examples: [
      "ERROR: Package 'django' requires a different Python: 3.9.18 not in '>=3.10'",
      "ERROR: Ignored the following versions that require a different python version: 6.0 Requires-Python >=3.12",
    ],
  },
  reported(
    "pip-no-matching-distribution",
    BUILD,
    [sign(
      "No matching distribution found for",
      /No matching distribution found for (?<package>[A-Za-z0-9][\w.-]*)/,
      0.85,
    )],
    ({ package: name }) => `The package index has no ${name} that fits this platform and version.`,
    [
      "ERROR: No matching distribution found for nosuch==1",
      "ERROR: No matching distribution found for torch==1.4.0",
    ],
    {
      identity: ["package"],
      decide: (finding, context) => {
        const name = (finding.captures["package"] ?? "").toLowerCase();
        if (name.startsWith("pywin") || name === "win32") return reject("the package is for Windows");
        const before = context.lines.slice(Math.max(0, finding.at - 6), finding.at);
        if (before.some((line) => line.includes("require a different python version"))) {
          return reject("pip left versions out for the Python version");
        }
        if (context.docker !== null && emptyArguments(context.docker).length > 0) {
          return accept(0.7, {}, "symptom");
        }
        return before.some((line) => /Temporary failure|Connection|Read timed out/.test(line))
          ? reject("the index was not reached")
          : accept();
      },
    },
  ),
  reported(
    "python-windows-only-requirement",
    BUILD,
    [sign(
      "No matching distribution found for",
      /No matching distribution found for (?<package>py?win[\w.-]*)/i,
      0.92,
    )],
    ({ package: name }) =>
      `${name} exists for Windows only: append ; sys_platform == "win32" to its requirement.`,
    [
      "ERROR: No matching distribution found for pywin32==306",
      "ERROR: No matching distribution found for pywinpty==2.0.10",
    ],
    { identity: ["package"] },
  ),
  reported(
    "python-pg-config-missing",
    BUILD,
    [sign("pg_config executable not found", /pg_config executable not found/, 0.93)],
    () =>
      "psycopg2 is built from source and PostgreSQL's headers are missing: use psycopg2-binary at a version with a wheel.",
    ["Error: pg_config executable not found.", "#10 97.69       Error: pg_config executable not found."],
  ),
  reported(
    "python-llm-client-httpx-proxies",
    ANY,
    [sign("unexpected keyword argument 'proxies'", /unexpected keyword argument 'proxies'/, 0.93)],
    () =>
      "The API client is older than httpx 0.28, which dropped the argument proxies: pin httpx<0.28 or update the client.",
    [
      "TypeError: Client.__init__() got an unexpected keyword argument 'proxies'",
      "TypeError: AsyncClient.__init__() got an unexpected keyword argument 'proxies'",
    ],
  ),
  reported(
    "poetry-root-package",
    BUILD,
    [sign("No file/folder found for package", /No file\/folder found for package (?<package>[\w.-]+)/, 0.93)],
    ({ package: name }) => `Poetry tries to install the project itself as ${name}: set package-mode = false.`,
    [
      "Error: The current project could not be installed: No file/folder found for package traceflow",
      "No file/folder found for package web-app",
    ],
    { identity: ["package"] },
  ),
];
