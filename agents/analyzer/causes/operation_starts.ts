/** Causes that show when a service starts: what it must reach, and the port that nobody opens. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { ANY, follows, reported, sign, START } from "./lines.ts";
import { endsLive, notContainer } from "./operations.ts";

export const operationStartCauses: readonly Cause[] = [
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
];
