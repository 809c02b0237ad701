/**
 * The same failure in other words, at other lines, in other temp folders, on another day keeps its fingerprint; the same
 * words about another package have another. The logs are made here, so that this runs wherever the tests do.
 */
import { assert, assertEquals } from "@std/assert";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { createEngine } from "../../../agents/analyzer/engine.ts";

const diagnoseInput = createEngine(causes);
const diagnose = (log: string) =>
  diagnoseInput({ log, phase: null, settings: null, repository: null, platformReason: null });

/** What differs from run to run of one failure. */
interface Telling {
  /** A folder that is made anew in each run. */
  folder: string;
  /** A number of a line, a column, a process, a duration. */
  number: number;
  time: string;
  words: string;
}

const TELLINGS: readonly Telling[] = [
  {
    folder: "/tmp/build-a1b2c3",
    number: 7,
    time: "2026-01-01T00:00:00Z",
    words: "Collecting what is needed",
  },
  {
    folder: "/tmp/tmpx9_q0r8t",
    number: 4711,
    time: "2026-11-22T17:59:01.123Z",
    words: "Fetched from host-b",
  },
  {
    folder: "/var/tmp/pip-install-k3v_1/deeper/still",
    number: 300,
    time: "1999-12-31 23:59:59,999",
    words: "Something went badly wrong, dear reader; what follows is told at length by another tool",
  },
];

interface Case {
  cause: string;
  /** The name that identifies the failure, and others that must not be taken for it. */
  names: readonly [string, string, ...string[]];
  log(name: string, telling: Telling): string;
}

const CASES: readonly Case[] = [
  {
    cause: "python-module-missing",
    names: ["yaml", "requests"],
    log: (name, { folder, number, time, words }) =>
      `${time} ${words}
Traceback (most recent call last):
  File "${folder}/app/main.py", line ${number}, in <module>
    import ${name}
ModuleNotFoundError: No module named '${name}'`,
  },
  {
    cause: "node-module-missing",
    names: ["express", "koa"],
    log: (name, { folder, number, words }) =>
      `${words}
node:internal/modules/cjs/loader:${number}
  throw err;
Error: Cannot find module '${name}'
Require stack:
- ${folder}/index.js
    at Function.Module._resolveFilename (node:internal/modules/cjs/loader:${number}:15)`,
  },
  {
    cause: "python-dependency-conflict",
    names: ["flask", "django"],
    log: (name, { folder, number, words }) =>
      `${words}
Looking in links: ${folder}/wheels
ERROR: Cannot install -r requirements.txt (line ${number}) and ${name}==2.0.0 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested ${name}==2.0.0
    other 3.0.0 depends on ${name}>=3.0
ERROR: ResolutionImpossible: for help visit ${folder}`,
  },
  {
    cause: "pip-no-matching-distribution",
    names: ["numpy", "pandas"],
    log: (name, { folder, time, words }) =>
      `${words}
${time} ${folder}
ERROR: Could not find a version that satisfies the requirement ${name}==99.1.0 (from versions: 1.0, 2.0)
ERROR: No matching distribution found for ${name}==99.1.0`,
  },
  {
    cause: "npm-package-not-found",
    names: ["left-pat", "right-pat"],
    log: (name, { folder, time, words }) =>
      `${words}
npm error code E404
npm error 404 Not Found - GET https://registry.example/${name} - Not found
npm error 404
npm error 404  '${name}@^1.0.0' is not in this registry.
npm error A complete log of this run can be found in: ${folder}/_logs/${time.slice(0, 10)}-debug-0.log`,
  },
  {
    cause: "app-compile-error",
    names: ["TS2307", "TS2345"],
    log: (name, { number, words }) =>
      `${words}
src/index.ts(${number},5): error ${name}: Something is not as it should be.
Found 1 error in ${number} ms`,
  },
  {
    cause: "missing-header",
    names: ["libpq-fe.h", "mysql.h"],
    log: (name, { folder, number, words }) =>
      `${words}
  building 'x' extension
  gcc -c ${folder}/src/x.c -o build/x.o
  ${folder}/src/x.c:${number}:10: fatal error: ${name}: No such file or directory
  compilation terminated.
  error: command '/usr/bin/gcc' failed with exit code 1`,
  },
  {
    cause: "env-var-missing",
    names: ["DATABASE_URL", "SECRET_KEY"],
    log: (name, { folder, number, words }) =>
      `${words}
Traceback (most recent call last):
  File "${folder}/app.py", line ${number}, in <module>
    value = os.environ["${name}"]
  File "<frozen os>", line ${number}, in __getitem__
KeyError: '${name}'`,
  },
  {
    cause: "python-server-missing",
    names: ["gunicorn", "uvicorn"],
    log: (name, { number, words }) =>
      `${words}
==> Running '${name} app:app'
bash: line ${number}: ${name}: command not found`,
  },
];

for (const { cause, names, log } of CASES) {
  Deno.test(`${cause} keeps its fingerprint in other words, lines and temp folders, and has another for another name (promise 24)`, () => {
    const fingerprints = names.map((name) => {
      const told = TELLINGS.map((telling) => diagnose(log(name, telling)));
      assertEquals(told.map((one) => one.cause), TELLINGS.map(() => cause), name);
      const [first = "", ...others] = told.map((one) => one.fingerprint);
      assertEquals(others, others.map(() => first), name);
      return first;
    });
    assertEquals(new Set(fingerprints).size, names.length, `${names} are told apart: ${fingerprints}`);
  });
}

Deno.test("failures of different kinds about the same thing have different fingerprints (promise 24)", () => {
  const told = CASES.flatMap(({ cause, log }) =>
    TELLINGS.map((telling) => diagnose(log("requests", telling))).filter((one) => one.cause === cause)
  );
  const kinds = new Set(told.map((one) => one.cause));
  assert(kinds.size >= 6, [...kinds].join(" "));
  assertEquals(new Set(told.map((one) => one.fingerprint)).size, kinds.size);
});
