/** Adversarial text costs the sanitizer and the redactor work in proportion to its length, and a bounded result. */
import { assertLessOrEqual } from "@std/assert";
import { cleanLog, createRedactor, REDACTED } from "../../text/redact.ts";
import { LOG_CHARS_MAX, LOG_LINE_CHARS_MAX, sanitizeLine, sanitizeLog } from "../../text/sanitize.ts";
import { assertGrowsInProportion } from "../helpers/growth.ts";

const repeated = (piece: string) => (chars: number) => piece.repeat(Math.ceil(chars / piece.length));
/** High enough that they hide nothing of the work. */
const NO_LIMITS = { charsMax: 100_000_000, linesMax: 100_000_000 };

/** What a pass over escapes, overwrites or lines could begin again at each place; no string of an escape ends. */
const ESCAPES = [
  ...[
    "a",
    "\x1b",
    "\x1b]",
    "\x1b]0;",
    "\x1bP",
    "\x9d",
    "\x90x",
    "\x1b[",
    "\x1b[1;",
    "\x1b[31m",
    "\x1b ",
    "\0",
  ],
  ...[
    "\r",
    "a\r",
    "aaaaaaaa\r",
    "\b",
    "a\b",
    "\x1b[K",
    "a\x1b[1K",
    "a\x1b[2K",
    "\x1b[G",
    "a\x1b[G",
    "\u200b",
  ],
  ...[
    "\u202e",
    "a\u202eb",
    "\u2066\u2069",
    "\u2028",
    "\ud800",
    "😀",
    "\n",
    "\r\n",
    "a\n",
    "[... ",
    "[... 5 ",
  ],
];

Deno.test("sanitizeLog() does work in proportion to a hostile log, whatever it is made of (promise 14)", () => {
  for (const piece of ESCAPES) {
    const name = JSON.stringify(piece);
    const input = repeated(piece);
    assertGrowsInProportion({ name, input, work: (text) => sanitizeLog(text, NO_LIMITS), chars: 60_000 });
  }
  // A line that never ends, and a log far beyond what is kept.
  const long = (chars: number) => `${"a".repeat(chars)}\x1b]0;`;
  assertGrowsInProportion({
    name: "one line",
    input: long,
    work: (text) => sanitizeLog(text),
    chars: 400_000,
  });
  const flood = repeated("\x1b[31m\0\x9dnoise \u202e\r\x1b]0;");
  assertGrowsInProportion({
    name: "a flood",
    input: flood,
    work: (text) => sanitizeLog(text),
    chars: 4_000_000,
  });
  assertGrowsInProportion({ name: "one to show", input: flood, work: sanitizeLineOf, chars: 200_000 });
  assertLessOrEqual(sanitizeLog("z".repeat(10_000_000), NO_LIMITS).length, LOG_LINE_CHARS_MAX + 40);
  assertLessOrEqual(sanitizeLog(flood(50_000_000)).length, LOG_CHARS_MAX + 100);
});
const sanitizeLineOf = (text: string) => sanitizeLine(text);

/** What a secret's shape could begin again at each place, and none of which is one. */
const ALMOST_SECRETS = [
  ...["a", " ", "eyJ", "eyJaaaaaaaa.", "-eyJaaaaaaaa", "glpat-", "sk-", "sk-proj-", "SG.", "xoxb-", "key-"],
  ...[
    "://",
    "://a",
    "://a:",
    "@",
    "postgres://",
    "postgres://a:",
    ":a@tcp(",
    "jdbc:oracle:thin:",
    "hooks.slack.com/",
  ],
  ...[
    "token=",
    'token="',
    "token='",
    "password: ",
    "passwordpassword",
    "authorization:   ",
    "bearer ",
    "cookie: a",
  ],
  ...[
    "-----BEGIN PRIVATE" + " KEY-----",
    "-----BEGIN PRIVATE" + " KEY-----x-",
    "-----END PRIVATE",
    "LS0tLS1CRUdJTi",
  ],
  ...[
    "curl -u ",
    "curl a:",
    " --token ",
    "login a password ",
    "mysql ",
    "redis-cli ",
    "docker login ",
    "&sig=",
  ],
  ...[
    "M" + "a".repeat(24) + ".",
    "0123456789abcdef",
    "0f1e2d3c",
    "\n",
    "A0a1+/".repeat(10) + "aaaa\n",
    '"auth": "',
  ],
  ...[`${REDACTED}a[... 5 characters]`, REDACTED, "[... 5 characters]a", "\\", '\\"', "1Q~"],
];
/** Known values that the pieces below almost spell. */
const KNOWN = [
  ...["a".repeat(11) + "b", "a".repeat(40) + "b", "b" + "a".repeat(40), "a".repeat(5000) + "b"],
  ...["ab".repeat(20) + "c", "ab".repeat(40), "c" + "ab".repeat(60), "postgres:/", "ab1", "a-b_c"],
];
const ALMOST_KNOWN = [
  "a",
  "ab",
  "aaaaaaaaaaa\n",
  `${"a".repeat(40)}\n`,
  `${"a".repeat(39)}...`,
  `${"ab".repeat(18)}\n`,
];

Deno.test("a redactor does work in proportion to a text full of what is almost a secret (promise 14)", () => {
  const byShape = createRedactor([]);
  for (const piece of ALMOST_SECRETS) {
    assertGrowsInProportion({
      name: JSON.stringify(piece),
      input: repeated(piece),
      work: byShape,
      chars: 40_000,
    });
  }
  const redact = createRedactor(KNOWN);
  for (const piece of ALMOST_KNOWN) {
    const name = `known: ${JSON.stringify(piece)}`;
    assertGrowsInProportion({ name, input: repeated(piece), work: redact, chars: 40_000 });
  }
  const both = repeated(`\x1b[31m${"a".repeat(38)}\r\n`);
  const clean = (text: string) => cleanLog(text, redact, NO_LIMITS);
  assertGrowsInProportion({ name: "both", input: both, work: clean, chars: 40_000 });
});
