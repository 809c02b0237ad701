/** Failures of the program itself and of what it depends on: named so that no remedy is tried on them. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { ANY, framesAbove, isOwnFile, linesFrom, reported, sign, START } from "./lines.ts";

/** A variable's name; bounded, so that a line of capitals costs no more than its length. */
const UPPER = "[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,8}";

/** KeyError names any key; it is a variable's when the line above reads the environment. */
function decideKeyError(finding: Finding, context: Context) {
  if (finding.captures["key"] === undefined) return accept();
  const near = context.lines.slice(Math.max(0, finding.at - 6), finding.at).join("\n");
  return /environ|getenv|config\(/.test(near)
    ? accept(0.93)
    : reject("the key is not an environment variable's");
}

function decideOwnCode(finding: Finding, context: Context) {
  const frames = framesAbove(finding, context);
  if (frames.length > 0) return frames.some(isOwnFile) ? accept() : accept(0.5);
  const after = linesFrom(finding, context, 12).filter((line) => /^\s+at /.test(line));
  return after.length > 0 ? accept() : accept(0.5);
}

export const applicationCauses: readonly Cause[] = [
  reported(
    "env-var-missing",
    ANY,
    [
      sign("KeyError: '", new RegExp(`KeyError: '(?<key>${UPPER})'`), 0.85),
      sign(
        "nvironment variable",
        new RegExp(
          `[Ee]nvironment variables?:? ["'\`]?(?<variable>${UPPER})["'\`]?.{0,60}(?:not set|missing|required|must be|undefined|not defined|not found|is empty)`,
        ),
        0.9,
      ),
      sign(
        "issing",
        new RegExp(
          `[Mm]issing (?:required |mandatory )?(?:env(?:ironment)?|config(?:uration)?)?.{0,30}(?:var(?:iable)?s?|key|setting)?s?:? ["'\`]?(?<variable>${UPPER})\\b`,
        ),
        0.88,
      ),
      sign(
        "is required",
        new RegExp(
          `\\b(?<variable>${UPPER})(?: environment variable)? is (?:required|not set|missing|not defined)`,
        ),
        0.88,
      ),
      sign(
        "is not set",
        new RegExp(`\\b(?<variable>${UPPER})["'\`]?(?: environment variable)? (?:is not set|must be set)`),
        0.9,
      ),
      sign(
        "must be set",
        new RegExp(`\\b(?<variable>${UPPER})["'\`]?(?: environment variable)? must be set`),
        0.88,
      ),
      sign(": Required", new RegExp(`^\\s*(?:\\S+ )?(?<variable>${UPPER}): Required\\s*$`), 0.88),
      sign(
        "SECRET_KEY setting must not be empty",
        /The (?<variable>SECRET_KEY) setting must not be empty/,
        0.93,
      ),
      sign(
        "DefaultCredentialsError",
        /DefaultCredentialsError: (?:Your default credentials were not found|Could not automatically determine)/,
        0.85,
      ),
      sign(
        "Field required",
        /\[type=missing, input_value=.{0,300}Field required|Field required \[type=missing/,
        0.5,
      ),
      sign("nvironment configuration", /Invalid environment configuration/, 0.88),
      sign("Env inv", new RegExp(`Env inv\\S+: (?<variable>${UPPER})`), 0.85),
      sign("ausentes", new RegExp(`[Vv]ari\\S+ ausentes\\S*: (?<variable>${UPPER})`), 0.85),
    ],
    ({ key, variable }) =>
      `The environment variable ${
        variable ?? key ?? "that the program asks for"
      } is not set: a person must set it; its value is not ours to invent.`,
    ["KeyError: 'SECRET_KEY'", "Error: DATABASE_URL is not set"],
    { identity: ["key", "variable"], decide: decideKeyError },
  ),
  reported(
    "django-allowed-hosts",
    ANY,
    [sign("Invalid HTTP_HOST header", /Invalid HTTP_HOST header: '(?<host>[^']+)'/, 0.95)],
    ({ host }) => `Django refuses the host ${host}: add exactly this one to ALLOWED_HOSTS.`,
    [
      "Invalid HTTP_HOST header: 'shop.onrender.com'. You may need to add 'shop.onrender.com' to ALLOWED_HOSTS.",
      "django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: 'a.onrender.com'.",
    ],
    { identity: ["host"] },
  ),
  reported(
    "django-static-root",
    ANY,
    [sign("STATIC_ROOT", /without having set the STATIC_ROOT setting/, 0.95)],
    () => "collectstatic needs STATIC_ROOT in the settings.",
    [
      "django.core.exceptions.ImproperlyConfigured: You're using the staticfiles app without having set the STATIC_ROOT setting to a filesystem path.",
      "without having set the STATIC_ROOT setting to a filesystem path",
    ],
  ),
  reported(
    "worker-timeout",
    START,
    [sign("WORKER TIMEOUT", /WORKER TIMEOUT \(pid:\d+\)/, 0.85)],
    () => "A worker did not answer in time and was killed: find what blocks it.",
    [
      "[CRITICAL] WORKER TIMEOUT (pid:1183)",
      "[2025-01-01 00:00:00 +0000] [39] [CRITICAL] WORKER TIMEOUT (pid:41)",
    ],
  ),
  reported(
    "trust-proxy-missing",
    ANY,
    [sign("ERR_ERL_UNEXPECTED_X_FORWARDED_FOR", /ERR_ERL_UNEXPECTED_X_FORWARDED_FOR/, 0.95)],
    () => 'Express does not trust the platform\'s proxy: app.set("trust proxy", 1).',
    ["ValidationError: ERR_ERL_UNEXPECTED_X_FORWARDED_FOR", "code: 'ERR_ERL_UNEXPECTED_X_FORWARDED_FOR'"],
  ),
  reported(
    "disk-not-mounted",
    ANY,
    [sign("/var/data", /EACCES: permission denied, (?:mkdir|open) '(?<path>\/var\/data[^']*)'/, 0.9)],
    ({ path }) => `${path} cannot be written: no disk is mounted there.`,
    [
      "EACCES: permission denied, mkdir '/var/data'",
      "Error: EACCES: permission denied, open '/var/data/db.sqlite'",
    ],
  ),
  reported(
    "app-undefined-handler",
    START,
    [sign(
      " function but got a",
      /(?<route>(?:Route|Router)\.\w+\(\)) requires a (?:callback|middleware) function but got an? /,
      0.93,
    )],
    () => "A route is given a handler that is undefined: correct the export or the import.",
    [
      "Error: Route.get() requires a callback function but got a [object Undefined]",
      "TypeError: Router.use() requires a middleware function but got a Object",
    ],
  ),
  reported(
    "app-syntax-error",
    START,
    [
      sign("SyntaxError: ", /^\s*(?:\S+Z\s+)?(?:Uncaught )?(?<error>SyntaxError): (?<detail>.*)/, 0.85),
      sign("IndentationError: ", /(?<error>IndentationError): (?<detail>.*)/, 0.88),
      sign("TabError: ", /(?<error>TabError): (?<detail>.*)/, 0.88),
    ],
    ({ error, detail }) => `The program does not parse: ${error}: ${detail}`,
    ["SyntaxError: Unexpected end of input", "IndentationError: unexpected indent"],
    {
      identity: ["error"],
      decide: (finding, context) => {
        const detail = finding.captures["detail"] ?? "";
        if (
          /outside a module|ES module|does not provide an export|in JSON at position|is not valid JSON/.test(
            detail,
          )
        ) return reject("the file parses; its kind or its data is wrong");
        const before = context.lines.slice(Math.max(0, finding.at - 8), finding.at).join("\n");
        return /node_modules|site-packages/.test(before) ? accept(0.4) : accept();
      },
    },
  ),
  reported(
    "app-unhandled-exception",
    START,
    [
      sign(
        "Error: ",
        /^(?:\S+Z\s+)?(?:Uncaught )?(?<error>(?:[A-Z]\w*)?Error(?: \[\w+\])?): (?<detail>.*)/,
        0.62,
      ),
      sign("Exception: ", /^(?:\S+Z\s+)?(?<error>[\w.]*Exception): (?<detail>.*)/, 0.62),
      sign("Error: ", /^(?:\S+Z\s+)?(?<error>[a-z_][\w.]*\.\w*Error): (?<detail>.*)/, 0.62),
    ],
    ({ error, detail }) => `The program ended with ${error}: ${detail}`,
    ["TypeError: Cannot read properties of undefined (reading 'map')", "Error: boom"],
    { severity: "consequence", identity: ["error"], decide: decideOwnCode },
  ),
];
