/** Causes around a service rather than in it: its image, its instances, its database's reach, its toolchain's version. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { onPlatform } from "./container.ts";
import { ANY, BUILD, follows, linesFrom, reported, sign, START } from "./lines.ts";

/** Whether nothing in the log fails once the platform says that the service is live. */
function endsLive(context: Context): boolean {
  const last = context.lines.findLastIndex((line) => line.includes("Your service is live"));
  return last !== -1 &&
    !context.lines.slice(last).some((line) => /error|exception|failed|exited/i.test(line));
}

const notContainer = (_finding: Finding, context: Context) =>
  context.docker === null ? accept() : reject("in a container build it has another name");

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
    "redis-unreachable-or-unset",
    START,
    [
      sign(
        ":6379",
        /(?:ECONNREFUSED|Connection refused|Error connecting to|Error \d+ connecting to|ENOTFOUND|timed? ?out).*:6379/,
        0.93,
      ),
      sign(
        "redis",
        /(?:redis\.exceptions\.(?:ConnectionError|TimeoutError)|\[ioredis\] Unhandled error event|RedisConnectionException|Redis::CannotConnectError)/,
        0.92,
      ),
      sign(
        "Redis",
        /(?:Redis::CannotConnectError|RedisConnectionException|Redis connection (?:error|failed|refused|to \S+ failed))/i,
        0.9,
      ),
    ],
    () => "The program does not reach its Redis: its address is not set, or the instance is down.",
    [
      "Error: connect ECONNREFUSED 127.0.0.1:6379",
      "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
    ],
    { decide: notContainer },
  ),
  reported(
    "database-url-malformed",
    ANY,
    [
      sign("Could not parse SQLAlchemy URL", /Could not parse (?:rfc1738|SQLAlchemy) URL/, 0.95),
      sign("rfc1738 URL", /Could not parse rfc1738 URL/, 0.95),
      sign(
        "Error parsing connection string",
        /[Ee]rror parsing (?:the )?(?:connection|database) (?:string|URL)/i,
        0.93,
      ),
      sign("P1013", /P1013/, 0.95),
      sign("the URL must start with the protocol", /the URL must start with the protocol/, 0.95),
      sign(
        "invalid port",
        /(?:invalid (?:dsn|connection option|port number)|Invalid URL).*(?:postgres|mysql|mongodb|database)?/i,
        0.7,
      ),
      sign("Invalid scheme, expected connection string", /Invalid scheme, expected connection string/, 0.95),
      sign("invalid dsn", /invalid dsn: /, 0.93),
      sign("URI malformed", /MongoParseError: /, 0.9),
      sign("MongoParseError", /MongoParseError: /, 0.92),
    ],
    () => "The database's address is malformed.",
    [
      "sqlalchemy.exc.ArgumentError: Could not parse SQLAlchemy URL from string ''",
      'MongoParseError: Invalid scheme, expected connection string to start with "mongodb://"',
    ],
    { decide: notContainer },
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
    "duplicate-instance-conflict",
    START,
    [
      sign("terminated by other getUpdates request", /terminated by other getUpdates request/, 0.97),
      sign("409", /(?:telegram|Telegram).*(?:409|Conflict)/, 0.88),
      sign("lock file", /(?:another|other) instance (?:is )?(?:already )?running/i, 0.8),
      sign("instance is running", /(?:another|other) (?:bot )?instance is running/i, 0.85),
      sign("Conflict: ", /Conflict: .*(?:getUpdates|one bot instance)/, 0.95),
    ],
    () => "Two instances run at once where only one may.",
    [
      "telegram.error.Conflict: Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
      "ETELEGRAM: 409 Conflict: terminated by other getUpdates request",
    ],
  ),
  reported(
    "read-only-or-ephemeral-filesystem",
    START,
    [
      sign(
        "Read-only file system",
        /(?:\[Errno 30\] |EROFS.*|: )[Rr]ead-only file system:? ?'?(?<path>[^'\n]*)/,
        0.9,
      ),
      sign("EROFS", /EROFS: read-only file system, \w+ '(?<path>[^']+)'/, 0.93),
      sign("attempt to write a readonly database", /attempt to write a readonly database/, 0.88),
    ],
    ({ path }) =>
      `The program writes to ${
        path === undefined || path === "" ? "a path" : path
      } that cannot be written: point it at the mounted disk.`,
    [
      "OSError: [Errno 30] Read-only file system: '/data/db'",
      "Error: EROFS: read-only file system, open '/var/data/x.json'",
    ],
    { identity: ["path"] },
  ),
  reported(
    "migration-command-fails",
    ANY,
    [
      sign("alembic.util.exc.CommandError", /alembic\.util\.exc\.CommandError: (?<detail>.*)/, 0.92),
      sign("P3009", /Error: P3009/, 0.95),
      sign("P3018", /Error: P3018/, 0.95),
      sign("P3005", /Error: P3005/, 0.95),
      sign(
        "Can't locate revision identified by",
        /Can't locate revision identified by '(?<detail>[^']+)'/,
        0.95,
      ),
      sign(
        "An error has occurred, ",
        /An error has occurred, (?:this and )?all later migrations canceled/,
        0.93,
      ),
      sign("InconsistentMigrationHistory", /InconsistentMigrationHistory/, 0.95),
      sign("Conflicting migrations detected", /Conflicting migrations detected/, 0.93),
      sign("release: ", /^release: \S+/, 0.4),
    ],
    ({ detail }) =>
      `The command that migrates the database fails${detail === undefined ? "" : `: ${detail}`}.`,
    ["alembic.util.exc.CommandError: Can't locate revision identified by 'ab12'", "Error: P3009"],
  ),
  reported(
    "db-connect-blocks-startup",
    START,
    [sign(
      "MongooseServerSelectionError",
      /MongooseServerSelectionError: (?:connection|Server selection) timed out/,
      0.75,
    )],
    () => "The program waits for its database before it opens a port.",
    [
      "MongooseServerSelectionError: Server selection timed out after 30000 ms",
      "MongooseServerSelectionError: connection timed out",
    ],
    {
      severity: "consequence",
      decide: (
        finding,
        context,
      ) => (follows(finding, context, "open port", 60)
        ? accept()
        : reject("nothing shows that the port is missing")),
    },
  ),
  reported(
    "db-access-at-import-before-network-ready",
    START,
    [sign(
      "could not translate host name",
      /could not translate host name "(?<host>[^"]+)" to address: (?:Temporary failure|Name or service not known)/,
      0.6,
    )],
    ({ host }) => `A module reaches ${host} while it is imported, before the network is there.`,
    [
      'could not translate host name "dpg-a" to address: Temporary failure in name resolution',
      'could not translate host name "db" to address: Name or service not known',
    ],
    { identity: ["host"], severity: "symptom" },
  ),
  reported(
    "slow-startup-before-bind",
    START,
    [
      sign(
        "No open ports detected, continuing to scan",
        /==> No open ports detected, continuing to scan/,
        0.62,
      ),
    ],
    () => "The program works for a long time before it opens a port.",
    [
      "==> No open ports detected, continuing to scan...",
      "2025-07-21T00:19:46Z ==> No open ports detected, continuing to scan...",
    ],
    {
      severity: "symptom",
      decide: (finding, context) => {
        if (context.facts.isLive || endsLive(context)) return reject("the service went live");
        const own = context.lines.slice(finding.at + 1).filter((line) =>
          !line.includes("==>") &&
          /\b(?:generat|load|warm|migrat|index|train|download|build|compil|initiali[sz]|seed|cach|import|fetch|process)\w*\b|\d+ ?ms\b/i
            .test(line) &&
          !/error|exception|traceback/i.test(line)
        );
        return own.length > 0 ? accept() : reject("nothing shows that it is still at work");
      },
    },
  ),
  reported(
    "health-check-depends-on-database",
    START,
    [sign("/health", /"(?:GET|HEAD) \/\S*health\S* HTTP\/[\d.]+" 50[03]/, 0.7)],
    () => "The health path answers with an error as long as its database does not.",
    ['127.0.0.1 - "GET /health HTTP/1.1" 503', '10.0.0.1 - "GET /api/healthz HTTP/1.1" 500'],
    {
      severity: "symptom",
      decide: (_finding, context) =>
        context.lines.some((line) =>
            /database|postgres|mongo|mysql|sqlalchemy|ECONNREFUSED|connection refused/i.test(line)
          )
          ? accept()
          : reject("nothing says that a database is down"),
    },
  ),
  reported(
    "port-not-opened-crash-before-bind",
    START,
    [sign("==> Exited with status", /==> Exited with status (?<status>[1-9]\d*)/, 0.52)],
    ({ status }) =>
      `The program ended with status ${status} before it opened a port, and its own log is not there.`,
    ["==> Exited with status 1", "==> Exited with status 3"],
    {
      severity: "symptom",
      decide: (_finding, context) => {
        const own = context.lines.filter((line) => line.trim() !== "" && !line.includes("==>"));
        return own.length === 0 && context.lines.some((line) => /[Nn]o open ports detected/.test(line))
          ? accept()
          : reject("the program's own log says more, or nothing about a port");
      },
    },
  ),
  reported(
    "worker-deployed-as-web-service",
    START,
    [
      sign("Bind your service to at least one port", /Bind your service to at least one port/, 0.6),
      sign("no open ports detected", /Port scan timeout reached, no open ports detected/, 0.6),
    ],
    () => "No part of the program listens on a port: it is a worker, not a web service.",
    [
      "Bind your service to at least one port. If you don't need to receive traffic on any port, create a background worker instead.",
      "==> Port scan timeout reached, no open ports detected. Bind your service to at least one port.",
    ],
    {
      severity: "symptom",
      decide: (_finding, context) => {
        const files = Object.values(context.repository?.files ?? {}).join("\n");
        const serves =
          /listen\(|uvicorn|gunicorn|runserver|app\.run\(|http\.server|ListenAndServe|express\(|fastify|flask|Hono|EXPOSE|--port/i;
        if (serves.test(files) || serves.test(context.startCommand)) return reject("something in it listens");
        const bot =
          context.lines.some((line) =>
            /discord|telegram|polling|bot |worker|celery|scheduler|consumer|queue/i.test(line)
          ) ||
          /bot|worker|celery|cron|schedul|consumer/i.test(context.startCommand);
        return bot ? accept(0.78) : accept(0.55);
      },
    },
  ),
  reported(
    "backing-service-missing",
    ANY,
    [
      sign(
        "RABBITMQ",
        /(?:ECONNREFUSED|[Cc]onnection refused|Unable to connect).*(?::5672|:9092|:9200|:11211|:27017)/,
        0.6,
      ),
      sign("ECONNREFUSED", /ECONNREFUSED \S+:(?<port>5672|9092|9200|11211)/, 0.88),
      sign(
        "onnection refused",
        /(?::|port )(?<port>5672|9092|9200|11211).*[Cc]onnection refused|[Cc]onnection refused.*:(?<port2>5672|9092|9200|11211)/,
        0.88,
      ),
    ],
    ({ port }) => `The program needs a service on port ${port} that does not exist here.`,
    ["Error: connect ECONNREFUSED 127.0.0.1:5672", "Error: connect ECONNREFUSED 10.0.0.3:9092"],
    { identity: ["port"], decide: notContainer },
  ),
  reported(
    "dev-server-in-production",
    START,
    [
      sign("VITE v", /VITE v(?<version>[\d.]+)\s+ready in/, 0.75),
      sign(
        "webpack-dev-server",
        /(?:\[webpack-dev-server\]|webpack-dev-server) .*(?:running|Project is running|Starting)/i,
        0.75,
      ),
      sign("react-scripts start", /react-scripts start/, 0.78),
      sign("Starting the development server", /Starting the development server/, 0.8),
      sign("Angular Live Development Server", /Angular Live Development Server is listening/, 0.82),
    ],
    () => "The start command runs a development server: serve the build's output.",
    ["  VITE v5.0.0  ready in 512 ms", "Starting the development server..."],
    {
      severity: "consequence",
      decide: (
        _finding,
        context,
      ) => (context.docker === null && !endsLive(context) ? accept() : reject("nothing fails of it")),
    },
  ),
  reported(
    "port-not-opened-startup-script",
    START,
    [sign("==> No open ports detected", /==> No open ports detected/, 0.5)],
    () => "A wrapper script stands between the start command and the server, and never starts it.",
    [
      "==> No open ports detected, continuing to scan...",
      "==> No open ports detected on 0.0.0.0, continuing to scan...",
    ],
    {
      severity: "symptom",
      decide: (_finding, context) =>
        /\.sh\b/.test(context.startCommand) &&
          context.lines.some((line) => /waiting for|wait-for|not ready, (?:sleeping|retrying)/i.test(line))
          ? accept(0.7)
          : reject("no script waits"),
    },
  ),
  reported(
    "start-command-wrong-process",
    START,
    [
      sign("standalone", /"next start" does not work with "output: standalone" configuration/, 0.92),
      sign("output: export", /"next start" does not work with "output: export"/, 0.92),
    ],
    () => "The start command runs another process than the one that serves the built program.",
    [
      '"next start" does not work with "output: standalone" configuration. Use "node .next/standalone/server.js" instead.',
      '"next start" does not work with "output: export" configuration.',
    ],
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

/** Whether the log is of a builder newer than the classic one, as platforms use it. */
function isRecentBuilder(context: Context): boolean {
  return context.lines.some((line) =>
    /failed to solve|did not complete successfully|^>>> |^Dockerfile:\d+$/.test(line)
  );
}
