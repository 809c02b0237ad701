import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createRedactor, REDACTED } from "../../text/redact.ts";

const byShape = createRedactor([]);
/** Made up here so that no scanner takes this file for a leak. */
const chars = (count: number) => "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zZ".repeat(8).slice(0, count);
const upper = (count: number) => chars(count).toUpperCase();
const rest = chars(40);

Deno.test("a redactor removes tokens that can be known by their shape", () => {
  const tokens = [
    "AKIA" + upper(16),
    ...["p", "o", "u", "s", "r"].map((kind) => `gh${kind}_${chars(36)}`),
    "github_pat_" + chars(22) + "_" + chars(59),
    "glpat-" + chars(20),
    "xoxb-" + "123456789012-" + chars(24),
    "xapp-" + "1-A123-" + chars(20),
    "sk_live_" + chars(24),
    "rk_test_" + chars(24),
    "whsec_" + chars(32),
    "AIza" + chars(35),
    "npm_" + chars(36),
    "rnd_" + chars(28),
    "sk-proj-" + chars(40),
    "SG." + chars(22) + "." + chars(43),
    `eyJ${chars(30)}.eyJ${chars(40)}.${chars(43)}`,
  ];
  for (const token of tokens) {
    for (const text of [token, `x ${token} y`, `("${token}")`, `key:${token}\n`]) {
      const clean = byShape(text);
      assert(!clean.includes(token) && !clean.includes(token.slice(-12)), clean);
      assertStringIncludes(clean, REDACTED);
    }
  }
});

Deno.test("a redactor removes private keys, also cut off ones and ones with a prefix on each line", () => {
  const kind = "RSA PRIVATE" + " KEY";
  const body = [chars(64), chars(60), chars(40) + "=="];
  const whole = [`-----BEGIN ${kind}-----`, ...body, `-----END ${kind}-----`];
  assertEquals(byShape(`a\n${whole.join("\n")}\nb`), `a\n${REDACTED}\nb`);
  assertEquals(byShape(`k="${whole.join("\\n")}"`), `k="${REDACTED}"`);
  assert(!byShape(whole.map((line) => `12:00:01 ==> ${line}`).join("\n")).includes(chars(40)));
  assertEquals(byShape(whole.slice(0, -1).join("\n") + ": error: exit 1"), `${REDACTED}: error: exit 1`);
  assertStringIncludes(byShape(`expected -----BEGIN ${kind}-----, got nothing`), ", got nothing");
});

Deno.test("a redactor takes the credentials out of an address and leaves scheme and host", () => {
  const cases: [string, string][] = [
    ["git clone https://user:hunter2@git.example/a.git", `git clone https://${REDACTED}@git.example/a.git`],
    ["https://sometoken@git.example/a", `https://${REDACTED}@git.example/a`],
    ["postgres://u:p%40ss@db.example:5432/app", `postgres://${REDACTED}@db.example:5432/app`],
    ["postgresql+asyncpg://u:p/s@s@db.example/app", `postgresql+asyncpg://${REDACTED}@db.example/app`],
    ["redis://:hunter2@cache:6379", `redis://${REDACTED}@cache:6379`],
    ["mongodb+srv://u:p@c.example/x", `mongodb+srv://${REDACTED}@c.example/x`],
    ["ssh://git@git.example/a", "ssh://git@git.example/a"],
    ["GET http://localhost:4873/@scope/name", "GET http://localhost:4873/@scope/name"],
    ["https://hooks.slack.com/services/T00/B00/abcdefgh", `https://hooks.slack.com/${REDACTED}`],
    [
      "https://x.example/?access_token=abc123def&page=2",
      `https://x.example/?access_token=${REDACTED}&page=2`,
    ],
  ];
  for (const [raw, expected] of cases) assertEquals(byShape(raw), expected);
});

Deno.test("a redactor removes what is assigned to a name that says secret", () => {
  const cases: [string, string][] = [
    ["Authorization: Bearer abc.def-123", `Authorization: Bearer ${REDACTED}`],
    ['"authorization": "Basic dXNlcjpwYXNz"', `"authorization": "Basic ${REDACTED}"`],
    [`curl -H 'X: bearer ${chars(20)}'`, `curl -H 'X: bearer ${REDACTED}'`],
    ["DB_PASSWORD=hunter two", `DB_PASSWORD=${REDACTED} two`],
    ["password='hunter two'", `password='${REDACTED}'`],
    ['{"api_key": "abcdef", "a": 1}', `{"api_key": "${REDACTED}", "a": 1}`],
    ["api-key: k12345", `api-key: ${REDACTED}`],
    ["SECRET_KEY_BASE=deadbeefcafe", `SECRET_KEY_BASE=${REDACTED}`],
    [`AWS_SECRET_ACCESS_KEY=${rest}`, `AWS_SECRET_ACCESS_KEY=${REDACTED}`],
    ["host=db user=app password=hunter2 port=5432", `host=db user=app password=${REDACTED} port=5432`],
    ["Server=db;AccountKey=abc123==;X=1", `Server=db;AccountKey=${REDACTED};X=1`],
    ["Password: hunter", `Password: ${REDACTED}`],
    [`curl -H "Cookie: a=b; c=d" https://x.example`, `curl -H "Cookie: a=${REDACTED}" https://x.example`],
    ["Set-Cookie: sid=abc123; HttpOnly", `Set-Cookie: sid=${REDACTED}`],
  ];
  for (const [raw, expected] of cases) assertEquals(byShape(raw), expected);
  assert(
    !byShape(JSON.stringify({ body: JSON.stringify({ token: "abc123secret" }) })).includes("abc123secret"),
  );
});

Deno.test("a redactor leaves what a diagnosis needs", () => {
  const lines = [
    "SyntaxError: Unexpected token: punc (})",
    '    "jsonwebtoken": "^9.0.2",',
    "tokenizers==0.13.3",
    "The conflict is caused by: flask 2.0.1 depends on Werkzeug>=2.0",
    "password=os.environ['DB_PASSWORD']",
    "DB_PASSWORD=$PGPASSWORD",
    "const token = getToken();",
    "PWD=/opt/render/project/src",
    "max_tokens=4096",
    "passwd: password expiry information changed.",
    "user ALL=(ALL) NOPASSWD: ALL",
    "FSharp.Core, PublicKeyToken=b03f5f7f11d50a3a",
    "FATAL: password authentication failed for user app",
    "No open ports detected on 0.0.0.0, continuing to scan...",
    "RENDER_API_KEY=... before the command",
    "npm_config_registry=http://localhost:4873/",
    "https://render.com/docs/web-services#port-binding",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
  ];
  for (const line of lines) assertEquals(byShape(line), line);
});

Deno.test("a redactor removes known values in the spellings they turn up in, and no plain ones", () => {
  const redact = createRedactor([
    "s3cr3t/with+signs&",
    "line one of a key file\nline two of a key file",
    "postgres://app:known-pass@db.example/app",
    ...["true", "production", "8080", "10000", "3.11.4", "/opt/render", "https://api.example", "abc12", ""],
  ]);
  assertEquals(redact("value s3cr3t/with+signs& end"), `value ${REDACTED} end`);
  assertEquals(redact(`?x=${encodeURIComponent("s3cr3t/with+signs&")}`), `?x=${REDACTED}`);
  assertEquals(redact(btoa("s3cr3t/with+signs&")), REDACTED);
  assertEquals(redact("12:00 line two of a key file"), `12:00 ${REDACTED}`);
  assertEquals(redact("known-pass"), REDACTED);
  assertEquals(redact("postgres://app:known-pass@db.example/app"), `postgres://${REDACTED}@db.example/app`);
  const plain = "true production 8080 10000 python 3.11.4 /opt/render https://api.example abc12";
  assertEquals(redact(plain), plain);
});

Deno.test("a redactor prefers the longest known value and may run twice", () => {
  const redact = createRedactor(["abcdef", "abcdefghi"]);
  assertEquals(redact("abcdefghi abcdef"), `${REDACTED} ${REDACTED}`);
  const text = `password=abcdefghi https://u:p@h/x Authorization: Bearer ${chars(20)}`;
  assertEquals(redact(redact(text)), redact(text));
});

// Quadratic work on these would take hours, so that finishing is the assertion.
Deno.test("a redactor gets through hostile input of megabytes", () => {
  const redact = createRedactor(["aaaaaaaaaaab", "postgres:/"]);
  const pieces = [
    "a",
    " ",
    "eyJ",
    "eyJaaaaaaaa.",
    "-eyJaaaaaaaa",
    "glpat-",
    "sk-",
    "sk-proj-",
    "SG.",
    "://",
    "://a",
    "://a:",
    "@",
    "postgres://",
    "postgres://a:",
    "token=",
    'token="',
    "token='",
    "password: ",
    "authorization:   ",
    "bearer ",
    "cookie: a",
    "-----BEGIN PRIVATE" + " KEY-----",
    "-----BEGIN PRIVATE" + " KEY-----x-",
    "-----END PRIVATE",
    "xoxb-",
  ];
  for (const piece of pieces) redact(piece.repeat(Math.ceil(1_000_000 / piece.length)));
});
