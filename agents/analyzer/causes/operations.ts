/** Causes around a service rather than in it: its image, its instances, its database's reach, its toolchain's version. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { onPlatform } from "./container.ts";
import { ANY, BUILD, linesFrom, reported, sign, START } from "./lines.ts";

/** Whether nothing in the log fails once the platform says that the service is live. */
export function endsLive(context: Context): boolean {
  const last = context.lines.findLastIndex((line) => line.includes("Your service is live"));
  return last !== -1 &&
    !context.lines.slice(last).some((line) => /error|exception|failed|exited/i.test(line));
}

export const notContainer = (_finding: Finding, context: Context) =>
  context.docker === null ? accept() : reject("in a container build it has another name");

/** Whether the log is of a builder newer than the classic one, as platforms use it. */
function isRecentBuilder(context: Context): boolean {
  return context.lines.some((line) =>
    /failed to solve|did not complete successfully|^>>> |^Dockerfile:\d+$/.test(line)
  );
}

export const operationCauses: readonly Cause[] = [
  reported(
    "not-a-failure",
    ANY,
    [sign("Your service is live", /==> Your service is live/, 0.85)],
    () => "The service went live; what was printed before is no failure.",
    ["==> Your service is live", "2026-08-04T17:26:07Z ==> Your service is live 🎉"],
    {
      severity: "symptom",
      decide: (
        _finding,
        context,
      ) => (endsLive(context) ? accept() : reject("something failed after it went live")),
    },
  ),
  reported(
    "toolchain-version-mismatch",
    ANY,
    [
      sign(
        "but your Gemfile specified",
        /Your Ruby version is (?<have>[\d.]+), but your Gemfile specified (?<version>.+)/,
        0.95,
      ),
      sign("requires go >=", /requires go >= ?(?<version>[\d.]+) \(running go (?<have>[\d.]+)/, 0.95),
      sign("invalid go version", /invalid go version '(?<version>[\d.]+)'/, 0.92),
      sign("requires rustc", /requires rustc (?<version>[\d.]+)/, 0.93),
      sign(
        "No such version",
        /(?:[Nn]o such version|version not found|could not find version): (?<version>\S+)/,
        0.6,
      ),
    ],
    ({ version, have }) =>
      `The project asks for version ${version} of its language${
        have === undefined ? "" : `, the service uses ${have}`
      }.`,
    [
      "Your Ruby version is 3.4.4, but your Gemfile specified 3.4.2",
      "go: go.mod requires go >= 1.25.5 (running go 1.25.0; GOTOOLCHAIN=local)",
    ],
    { identity: ["version"], decide: onPlatform() },
  ),
  reported(
    "dockerfile-not-found",
    BUILD,
    [
      sign("failed to read dockerfile", /failed to read dockerfile: open (?<file>\S+?): no such file/, 0.95),
      sign(
        "Cannot locate specified Dockerfile",
        /Cannot locate (?:specified )?Dockerfile: (?<file>\S+)/,
        0.96,
      ),
      sign(
        "unable to evaluate symlinks in Dockerfile path",
        /unable to evaluate symlinks in Dockerfile path/,
        0.96,
      ),
    ],
    ({ file }) => `There is no Dockerfile at ${file ?? "the path that the service names"}.`,
    [
      "error: failed to solve: failed to read dockerfile: open docker/Dockerfile: no such file or directory",
      "unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat /src/Dockerfile: no such file or directory",
    ],
    {
      identity: ["file"],
      decide: (_finding, context) =>
        context.repository?.paths.some((path) => /(?:^|\/)Dockerfile/.test(path)) ?? true
          ? accept()
          : reject("the commit has no Dockerfile at all"),
    },
  ),
  reported(
    "wrong-runtime-selected",
    BUILD,
    [sign("failed to read dockerfile", /failed to read dockerfile: open Dockerfile: no such file/, 0.8)],
    () => "The service is built with Docker, and the commit has no Dockerfile.",
    [
      "error: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
      "Error: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
    ],
    {
      decide: (_finding, context) =>
        context.repository === null || context.repository.paths.length === 0
          ? accept(0.96)
          : context.repository.paths.some((path) => /(?:^|\/)Dockerfile/.test(path))
          ? reject("the commit has a Dockerfile elsewhere")
          : accept(0.96),
    },
  ),
  reported(
    "image-pull-failed",
    ANY,
    [
      sign("ImagePullBackOff", /ImagePullBackOff|ErrImagePull/, 0.95),
      sign("Failed to pull image", /Failed to pull (?:the )?image/i, 0.95),
      sign("==> Unable to pull image", /Unable to pull (?:the )?image/i, 0.95),
      sign("image not found or access denied", /image .*not found or .*(?:access|credential)/i, 0.9),
    ],
    () => "The platform cannot pull the service's image.",
    ['Failed to pull image "registry.example/app:v2": manifest unknown', "Error: ImagePullBackOff"],
    { decide: notContainer },
  ),
  reported(
    "git-lfs-quota",
    ANY,
    [
      sign("over its data quota", /This repository is over its data quota/, 0.97),
      sign("smudge filter lfs failed", /smudge filter lfs failed/, 0.8),
      sign("exceeded its LFS budget", /exceeded its LFS budget/, 0.97),
    ],
    () => "The repository's quota for large files (Git LFS) is used up.",
    [
      "batch response: This repository is over its data quota. Account responsible for LFS bandwidth should purchase more data packs",
      "batch response: This repository exceeded its LFS budget. The account responsible for the budget should increase it",
    ],
  ),
  reported(
    "docker-permission-in-build",
    BUILD,
    [
      sign(
        "changing permissions of",
        /chmod: (?:changing permissions of )?'?(?<file>[^':]+)'?: Operation not permitted/,
        0.9,
      ),
      sign(
        "chmod: ",
        /chmod: (?:changing permissions of )?'?(?<file>[^':]+)'?: (?:Operation not permitted|Permission denied)/,
        0.88,
      ),
    ],
    ({ file }) => `A step that does not run as root changes the rights of ${file}: copy it with --chmod.`,
    [
      "chmod: changing permissions of '/usr/local/bin/entrypoint.sh': Operation not permitted",
      "chmod: /app/start.sh: Operation not permitted",
    ],
    {
      identity: ["file"],
      decide: (
        _finding,
        context,
      ) => (context.docker !== null && isRecentBuilder(context)
        ? accept()
        : reject("another cause reads the line")),
    },
  ),
  reported(
    "docker-build-step-needs-runtime-env",
    BUILD,
    [
      sign("null given, called in", /must be of the type string, null given|null given, called in/, 0.8),
      sign("null given", /null given/, 0.78),
      sign(
        "Environment variable",
        /(?:Environment variable|environment variable) "?'?(?<name>[A-Z][A-Z0-9_]+)"?'? (?:not found|is (?:not set|missing|required|undefined))/,
        0.88,
      ),
      sign(
        "is not set",
        /\b(?<name>[A-Z][A-Z0-9_]{3,}) (?:environment variable )?is (?:not set|required|not defined|missing)/,
        0.85,
      ),
      sign("KeyError: '", /^KeyError: '(?<name>[A-Z][A-Z0-9_]+)'/, 0.85),
      sign(
        "The SECRET_KEY setting must not be empty",
        /The (?<name>SECRET_KEY) setting must not be empty/,
        0.9,
      ),
      sign("Invalid environment variables", /Invalid environment variables/, 0.85),
    ],
    ({ name }) =>
      `A step of the image's build needs ${
        name ?? "an environment variable"
      }, which exists only when the service runs.`,
    [
      "g, null given, called in /var/www/html/vendor/laravel/framework/src/Illumin",
      "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.",
    ],
    {
      identity: ["name"],
      decide: (finding, context) =>
        context.docker !== null && !/JAVA_HOME|GOPATH|GOROOT/.test(finding.captures["name"] ?? "") &&
          isRecentBuilder(context)
          ? accept()
          : reject("no image is built"),
    },
  ),
  reported(
    "entrypoint-not-executable",
    START,
    [
      sign("permission denied", /exec:? "?(?<file>[^"\s:]+)"?: permission denied/, 0.92),
      sign(
        "exec ",
        /exec (?<file>\/?\S+): (?:no such file or directory|permission denied|exec format error)/,
        0.88,
      ),
      sign(
        "exec user process caused",
        /exec user process caused:? "?(?:no such file or directory|permission denied)/,
        0.9,
      ),
    ],
    ({ file }) =>
      `The container's entry point ${file ?? ""} cannot be run: no execute bit, or Windows line ends.`,
    [
      'OCI runtime create failed: exec: "/entrypoint.sh": permission denied: unknown',
      "exec /usr/local/bin/docker-entrypoint.sh: no such file or directory",
    ],
    { identity: ["file"], decide: notContainer },
  ),
  reported(
    "node-bin-permission-denied",
    ANY,
    [
      sign("ermission denied", /sh: (?:\d+: |line \d+: )?(?<program>[\w.-]+): Permission denied/, 0.9),
      sign("ermission denied", /node_modules\/\.bin\/(?<program>[\w.-]+):? Permission denied/i, 0.93),
      sign("EACCES", /EACCES.*node_modules\/\.bin\/(?<program>[\w.-]+)/, 0.9),
    ],
    ({ program }) =>
      `node_modules was committed without rights to run ${program}: untrack it and install clean.`,
    ["sh: 1: vite: Permission denied", "sh: 1: /app/node_modules/.bin/tsc: Permission denied"],
    { identity: ["program"], decide: notContainer },
  ),
  reported(
    "node-modules-committed-or-corrupt",
    ANY,
    [
      sign(
        "Cannot find module '",
        /Cannot find module '(?<module>\.{1,2}\/[^']+|[^']*node_modules[^']*)'/,
        0.85,
      ),
      sign("invalid ELF header", /(?<module>\S*node_modules\S*|\S+\.node): invalid ELF header/, 0.95),
    ],
    ({ module }) =>
      `An installed package is incomplete (${module}): node_modules was committed or its cache is damaged.`,
    [
      "Error: /opt/render/project/src/node_modules/bcrypt/lib/binding/bcrypt_lib.node: invalid ELF header",
      "Error: Cannot find module '/opt/render/project/src/node_modules/express/lib/router/index.js'",
    ],
    {
      identity: ["module"],
      decide: (finding, context) => {
        if (context.docker !== null) return reject("in a container build it has another name");
        if (/ELF/.test(context.lines[finding.at]!)) return accept();
        const stack = linesFrom(finding, context, 8).join("\n");
        return /Require stack:\s*\n\s*- \S*node_modules\//.test(stack)
          ? accept(0.88)
          : reject("the project's own file asks for it");
      },
    },
  ),
  reported(
    "build-command-wrong",
    BUILD,
    [sign(
      "==> Running build command",
      /==> Running build command '(?<command>(?:npm (?:run )?start|node \S+|gunicorn .*|uvicorn .*|python3? (?:app|main|server|manage\.py runserver)\S*.*|flask run.*|streamlit run.*))'/,
      0.72,
    )],
    ({ command }) =>
      `The build command starts the server (${command}): install in the build, start in the start command.`,
    ["==> Running build command 'gunicorn app:app'...", "==> Running build command 'npm start'..."],
    { identity: ["command"], severity: "symptom" },
  ),
  reported(
    "wrong-repo-or-branch-connected",
    BUILD,
    [sign("Remote branch", /Remote branch (?<branch>\S+) not found in upstream origin/, 0.82)],
    ({ branch }) => `The service is connected to a branch, ${branch}, that the repository does not have.`,
    [
      "fatal: Remote branch main not found in upstream origin",
      "warning: Could not find remote branch; Remote branch master not found in upstream origin",
    ],
    { identity: ["branch"], decide: notContainer },
  ),
];
