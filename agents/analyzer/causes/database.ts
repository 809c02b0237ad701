/** Failures of the database and of the way to it: no commit mends them, and no remedy is tried. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { ANY, reported, sign, START } from "./lines.ts";

export const databaseCauses: readonly Cause[] = [
  reported(
    "db-host-unresolvable",
    ANY,
    [
      sign(
        "could not translate host name",
        /could not translate host name "(?<host>[^"]+)" to address/,
        0.85,
      ),
      sign("getaddrinfo ENOTFOUND", /getaddrinfo ENOTFOUND (?<host>\S+)/, 0.7),
      sign("Name or service not known", /gaierror: \[Errno -2\] Name or service not known/, 0.85),
    ],
    ({ host }) =>
      `The database host ${
        host ?? ""
      } does not resolve: look at the database's state and region. The code is not the cause.`,
    [
      'psycopg2.OperationalError: could not translate host name "db.internal" to address: Name or service not known',
      "socket.gaierror: [Errno -2] Name or service not known",
    ],
    {
      identity: ["host"],
      redeployMayCure: false,
      decide: (finding) =>
        /^(?:dpg-|red-)/.test(finding.captures["host"] ?? "")
          ? reject("the host is internal to another network")
          : accept(),
    },
  ),
  reported(
    "db-internal-url-used-externally",
    ANY,
    [
      sign(
        "could not translate host name",
        /could not translate host name "(?<host>dpg-[^"]*)" to address/,
        0.9,
      ),
      sign("getaddrinfo ENOTFOUND", /getaddrinfo ENOTFOUND (?<host>(?:dpg|red)-[\w-]+)/, 0.9),
    ],
    ({ host }) =>
      `${host} is a Render-internal name that does not resolve here: another region or workspace, or the datastore is gone.`,
    [
      'could not translate host name "dpg-abc-a" to address',
      "Error: getaddrinfo ENOTFOUND red-d418oemuk2gs738ukivg",
    ],
    { identity: ["host"] },
  ),
  reported(
    "db-url-localhost-or-unset",
    START,
    [
      sign(
        "ECONNREFUSED",
        /ECONNREFUSED (?<host>127\.0\.0\.1|::1|localhost):(?<port>5432|3306|27017|6379)/,
        0.88,
      ),
      sign(
        "Connection refused",
        /connection to server at "(?<host>localhost|127\.0\.0\.1|::1)".{0,200}port (?<port>\d+) failed: Connection refused/,
        0.9,
      ),
    ],
    ({ host, port }) => `The program looks for its database at ${host}:${port}: its address is not set.`,
    [
      "Error: connect ECONNREFUSED 127.0.0.1:5432",
      'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
    ],
    { identity: ["port"] },
  ),
  reported(
    "supabase-ipv6-unreachable",
    ANY,
    [
      sign("ENETUNREACH", /ENETUNREACH (?<address>[0-9a-f]{1,4}:[0-9a-fx:]+)/, 0.9),
      sign(
        "Network is unreachable",
        /connection to server at "(?<address>[^"]+\.supabase\.co)".*Network is unreachable/,
        0.9,
      ),
    ],
    () => "The database answers on IPv6 only, which the platform cannot reach: use its pooler address.",
    [
      "Error: connect ENETUNREACH 2406:da12:1:2:3:4:5:6:5432",
      'connection to server at "db.x.supabase.co" (2a05::1), port 5432 failed: Network is unreachable',
    ],
  ),
  reported(
    "mongo-atlas-ip-allowlist",
    ANY,
    [sign("MongoDB Atlas cluster", /Could not connect to any servers in your MongoDB Atlas cluster/, 0.92)],
    () => "MongoDB Atlas does not admit the platform's addresses: add them to its access list.",
    [
      "MongooseServerSelectionError: Could not connect to any servers in your MongoDB Atlas cluster.",
      "MongoDB connection error: Could not connect to any servers in your MongoDB Atlas cluster.",
    ],
  ),
  reported(
    "migrations-not-run",
    ANY,
    [
      sign("does not exist", /relation "(?<table>[\w.]+)" does not exist/, 0.9),
      sign("no such table", /no such table: (?<table>[\w.]+)/, 0.9),
      sign(
        "does not exist in the current database",
        /table [`'"](?<table>[\w.]+)[`'"] does not exist in the current database/,
        0.93,
      ),
    ],
    ({ table }) => `The table ${table} does not exist: run the project's migrations before the deploy.`,
    ['error: relation "stores" does not exist', "OperationalError: no such table: core_user"],
    { identity: ["table"] },
  ),
  reported(
    "sqlalchemy-postgres-scheme",
    ANY,
    [sign("sqlalchemy.dialects:postgres", /Can't load plugin: sqlalchemy\.dialects:postgres\b(?!ql)/, 0.96)],
    () => "The database address begins with postgres://, which SQLAlchemy dropped: it must be postgresql://.",
    [
      "sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres",
      "`sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres`",
    ],
  ),
  reported(
    "db-ssl-required",
    ANY,
    [
      sign("SSL/TLS required", /SSL\/TLS required/, 0.92),
      sign("no pg_hba.conf entry", /no pg_hba\.conf entry.{0,400}(?:SSL off|no encryption)/, 0.9),
    ],
    () => "The database admits encrypted connections only: set sslmode=require.",
    [
      "FATAL: SSL/TLS required",
      'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption',
    ],
  ),
  reported(
    "pgbouncer-prepared-statements",
    ANY,
    [
      sign("DuplicatePreparedStatementError", /DuplicatePreparedStatementError/, 0.93),
      sign("prepared statement", /prepared statement "[^"]+" already exists/, 0.9),
    ],
    () => "The connection pooler does not keep prepared statements apart: switch the statement cache off.",
    [
      'asyncpg.exceptions.DuplicatePreparedStatementError: prepared statement "__asyncpg_stmt_1__" already exists',
      'ERROR: prepared statement "s0" already exists',
    ],
  ),
];
