import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { diagnose } from "../../../agents/analyzer/agent.ts";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { ENGINE_LIMITS } from "../../../agents/analyzer/engine.ts";
import { LiteralScanner } from "../../../agents/analyzer/literals.ts";
import { diagnosisSchema } from "../../../agents/messages.ts";
import type { AnalyzerInput, Phase } from "../../../agents/messages.ts";
import { SETTINGS } from "../sample_project.ts";

function read(log: string, phase: Phase | null = null, more: Partial<AnalyzerInput> = {}) {
  return diagnose({ log, phase, settings: null, repository: null, platformReason: null, ...more });
}

Deno.test("the scanner finds literals that overlap, nest and share endings, and nothing else", () => {
  const found = new Set<number>();
  new LiteralScanner(["he", "she", "hers", "xyz"]).scan("ushers é xy z", (index) => found.add(index));
  assertEquals([...found].sort(), [0, 1, 2]);
});

Deno.test("the first real error wins over what followed from it, and the chain says so", () => {
  const diagnosis = read(
    [
      "==> Build successful",
      "==> Running 'node index.js'",
      "Error: Cannot find module 'express'",
      "Require stack:",
      "- /opt/render/project/src/index.js",
      "==> Exited with status 1",
      "==> No open ports detected, continuing to scan...",
      "==> Timed Out",
      "FATAL ERROR: JavaScript heap out of memory",
    ].join("\n"),
  );
  assertEquals(diagnosis.cause, "node-module-missing");
  assertEquals(diagnosis.evidence, { line: 3, text: "Error: Cannot find module 'express'" });
  assertEquals(
    diagnosis.chain,
    ["node-module-missing", "app-unhandled-exception", "node-heap-exhausted"].filter((slug) =>
      diagnosis.chain.includes(slug)
    ),
  );
  assertStringIncludes(
    diagnosis.rejected.find(({ cause }) => cause === "node-heap-exhausted")?.why ?? "",
    "line 3",
  );
});

Deno.test("what a build printed before it succeeded is not the cause of a failed start", () => {
  const diagnosis = read(
    [
      "==> Running build command 'npm install'...",
      "npm error code ECONNRESET",
      "==> Build successful",
      "==> Running 'npm start'",
      'npm error Missing script: "start"',
    ].join("\n"),
  );
  assertEquals(diagnosis.cause, "npm-script-missing");
  assertEquals(diagnosis.phase, "start");
  assertStringIncludes(
    diagnosis.rejected.find(({ cause }) => cause === "network-transient")?.why ?? "",
    "succeeded",
  );
});

Deno.test("symptoms alone name no cause, and the lines that look like errors are shown", () => {
  const diagnosis = read(
    "==> Running 'node x.js'\nsomething odd failed\n==> Exited with status 1\n==> No open ports detected, continuing to scan...",
  );
  assertEquals(diagnosis.cause, "unknown");
  assertEquals(diagnosis.remedies, []);
  assertEquals(diagnosis.excerpt, [{ line: 2, text: "something odd failed" }]);
});

Deno.test("a failure told in plain words is shown by its last lines, not by the platform's", () => {
  const diagnosis = read("warming up\nthe frobnicator jammed\n==> Build failed");
  assertEquals(diagnosis.excerpt.map(({ text }) => text), ["warming up", "the frobnicator jammed"]);
});

Deno.test("lines keep their number in the log as it came, after escapes, redraws and a cut middle", () => {
  const noise = Array.from({ length: 60_000 }, (_, at) => `fetching ${at}`).join("\n");
  const diagnosis = read(
    `first\n${noise}\n\x1b[31mModuleNotFoundError: No module named 'flask'\x1b[0m\n==> Exited with status 1`,
  );
  assertEquals(diagnosis.cause, "python-module-missing");
  assertEquals(diagnosis.evidence, { line: 60_002, text: "ModuleNotFoundError: No module named 'flask'" });
});

Deno.test("Render's own words decide where the log is silent", () => {
  const reason =
    "Port scan timeout reached, no open ports detected on 0.0.0.0. Detected open ports on localhost -- did you mean to bind one of these to 0.0.0.0?";
  const diagnosis = read("==> Running 'node server.js'\nready", "start", { platformReason: reason });
  assertEquals(diagnosis.cause, "port-bound-localhost");
  assertEquals(diagnosis.evidence?.line, 3);
});

Deno.test("a fingerprint depends on cause and captures, never on wording, paths or time (promise 24)", () => {
  const one = read("2026-01-01T00:00:00Z Error: Cannot find module 'express'\nRequire stack:\n- /a/index.js");
  const two = read(
    "noise\nnode:internal/modules/cjs/loader:1\nError: Cannot find module 'express'\nRequire stack:\n- /b/server.js",
  );
  const other = read("Error: Cannot find module 'koa'\nRequire stack:\n- /a/index.js");
  assertEquals(one.fingerprint, two.fingerprint);
  assertNotEquals(one.fingerprint, other.fingerprint);
});

Deno.test("secrets in an evidence line and in captures are redacted", () => {
  const diagnosis = read(
    'psycopg2.OperationalError: could not translate host name "db.example" to address: postgres://u:hunter2secret@db.example/x',
  );
  assertEquals(diagnosis.cause, "db-host-unresolvable");
  assert(!JSON.stringify(diagnosis).includes("hunter2secret"));
});

Deno.test("a transient failure that the tool itself got over is no cause", () => {
  assertEquals(
    read(
      "npm warn tarball ECONNRESET\nWARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError(Read timed out.)'\nSuccessfully installed flask-3.0.0",
    ).cause,
    "unknown",
  );
  assertEquals(read("npm error code ECONNRESET\nnpm error network aborted").cause, "network-transient");
  assertEquals(read("npm error code ECONNRESET").redeployMayCure, true);
});

Deno.test("causes without a remedy are told apart so that nothing is tried on them", () => {
  const cases: Record<string, string> = {
    "env-var-missing":
      'Traceback (most recent call last):\n  File "/app/a.py", line 1, in <module>\n    key = os.environ["SECRET_KEY"]\nKeyError: \'SECRET_KEY\'',
    "db-host-unresolvable": "socket.gaierror: [Errno -2] Name or service not known",
    "app-syntax-error":
      "/opt/render/project/src/index.js:609\nSyntaxError: Unexpected end of input\n    at wrapSafe (node:internal/modules/cjs/loader:1)",
    "out-of-memory": "==> Out of memory (used over 512Mi)",
    "git-repo-access-denied":
      "fatal: could not read Username for 'https://github.com': terminal prompts disabled\n==> Unable to clone https://github.com/o/r",
    "pipeline-minutes-exhausted": "==> Build blocked - your workspace has run out of pipeline minutes",
    "db-url-localhost-or-unset":
      "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap.afterConnect",
  };
  for (const [slug, log] of Object.entries(cases)) {
    const diagnosis = read(log);
    assertEquals(diagnosis.cause, slug);
    assertEquals(diagnosis.remedies, []);
    assert(diagnosis.confidence >= 0.8, slug);
  }
});

Deno.test("the standard library and Node's built-in modules are never called missing packages", () => {
  for (
    const line of [
      "ModuleNotFoundError: No module named 'sqlite3'",
      "Error: Cannot find module 'fs'",
      "Error: Cannot find module 'node:test'",
    ]
  ) {
    const { cause } = read(line);
    assert(!["python-module-missing", "node-module-missing"].includes(cause), `${line} -> ${cause}`);
  }
});

Deno.test("a health path is wrong only when the code answers another one", () => {
  const line =
    "==> Timed out after waiting for internal health check to return a successful response code at: x.onrender.com:10000 /health";
  const settings = { ...SETTINGS, healthCheckPath: "/health" };
  const view = (text: string) => ({ paths: ["index.js"], files: { "index.js": text } });
  assertEquals(
    read(line, "start", { settings, repository: view('app.get("/healthz", ok)') }).cause,
    "health-check-path-wrong",
  );
  assertEquals(
    read(line, "start", { settings, repository: view('app.get("/health", ok)') }).cause,
    "unknown",
  );
});

/** Deterministic noise: the same mutations on every run. */
function createRandom(seed: number) {
  return () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
}

Deno.test("mutated logs never throw and every answer fits its schema and its limits", () => {
  const random = createRandom(7);
  const lines = causes.flatMap((cause) => [...cause.examples]);
  const junk = [
    "\x1b[31m",
    "\r",
    "\u202e",
    "\0",
    "'",
    '"',
    "%s",
    "A".repeat(5000),
    "🎉",
    "==> ",
    'File "',
    "(".repeat(400),
    "\n\n",
    "${HOME}",
    "__proto__",
    "constructor",
  ];
  for (let round = 0; round < 300; round++) {
    const picked = Array.from({ length: 1 + Math.floor(random() * 30) }, () => {
      const line = lines[Math.floor(random() * lines.length)]!;
      const at = Math.floor(random() * line.length);
      return random() < 0.5 ? line : line.slice(0, at) + junk[Math.floor(random() * junk.length)] +
        line.slice(at + Math.floor(random() * 9));
    });
    const diagnosis = read(picked.join("\n"), random() < 0.5 ? null : "start", { settings: SETTINGS });
    diagnosisSchema.parse(diagnosis);
    assert(
      diagnosis.chain.length <= ENGINE_LIMITS.chainMax &&
        diagnosis.rejected.length <= ENGINE_LIMITS.rejectedMax,
    );
    assert(diagnosis.summary.length <= 600);
  }
});

Deno.test("one line of 10 MB and 50 MB of noise are read without harm", () => {
  const repeated = "ModuleNotFoundError: No module named Cannot find module '".repeat(180_000);
  diagnosisSchema.parse(read(repeated));
  const noise = "npm http fetch GET 200 package 12ms (cache hit) requires something not found maybe\n".repeat(
    600_000,
  );
  assertEquals(read(`${noise}npm error Missing script: "start"`).cause, "npm-script-missing");
});
