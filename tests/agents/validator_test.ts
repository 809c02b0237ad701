import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import type { Settings, ValidatorOutput } from "../../agents/messages.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { createToolbox } from "../../agents/tools/toolbox.ts";
import { validatorAgent } from "../../agents/validator/agent.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { createPythonIndex } from "../helpers/python_index.ts";

const settings: Settings = {
  runtime: "node",
  plan: null,
  rootDir: "",
  buildCommand: "npm install",
  startCommand: "npm start",
  preDeployCommand: "",
  dockerfilePath: "",
  healthCheckPath: "",
  healthPath: "/healthz",
};

type Files = Readonly<Record<string, string>>;

/** Validates edits of a checkout of these files, in the validator's own process with real tools. */
async function validate(
  files: Files,
  edits: Files,
  options: { env?: Files; settings?: Partial<Settings>; toolless?: boolean } = {},
): Promise<ValidatorOutput> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-validator-" });
  try {
    const directory = join(folder, "checkout");
    for (const [path, text] of Object.entries({ ...files, ...edits })) {
      await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
      await Deno.writeTextFile(join(directory, path), text);
    }
    const scratchRoot = join(folder, "scratch");
    const environment = { ...toolEnvironment(), ...options.env };
    const toolbox = createToolbox({ cacheHome: join(folder, "home"), scratchRoot, environment });
    const input = {
      directory,
      edits: Object.entries(edits).map(([path, content]) => ({ path, content })),
      settings: { ...settings, ...options.settings },
    };
    const runAgent = createSubprocessRunner({ scratchRoot });
    const result = await runAgent(validatorAgent, input, {
      toolbox: options.toolless === true ? {} : toolbox,
    });
    assert(result.kind === "answered", JSON.stringify(result));
    assertEquals(await Array.fromAsync(Deno.readDir(scratchRoot)), []);
    return result.output;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const results = (output: ValidatorOutput) =>
  Object.fromEntries(output.checks.map(({ name, result }) => [name, result]));

Deno.test("the validator passes files that parse and fails the ones that do not, each by its own parser", async () => {
  const output = await validate({ "package.json": '{"type":"module"}' }, {
    "good.py": "x = 1\n",
    "bad.py": "x = = 1\n",
    "good.js": "import x from 'x';\n",
    "bad.js": "import x from;\n",
    "legacy/package.json": "{}",
    "legacy/good.js": "const x = require('x'); with (x) {}\n",
    "bad/package.json": '{"scripts": {"start": "node ."},}',
    "odd/package.json": '{"scripts": ["start"]}',
    "good.toml": 'a = "b"\n',
    "bad.toml": "a = b\n",
    "good.yaml": "a: [1, 2]\n---\nb: 1\n",
    "bad.yaml": "a: [1, 2\n",
    "tsconfig.json": "{} // fine\n",
    "Procfile": "web: node .\n",
  });
  assertEquals(output.verdict, "fail");
  assertEquals(
    results({ ...output, checks: output.checks.filter(({ name }) => name.startsWith("syntax")) }),
    {
      "syntax good.py": "pass",
      "syntax bad.py": "fail",
      "syntax good.js": "pass",
      "syntax bad.js": "fail",
      "syntax legacy/package.json": "pass",
      "syntax legacy/good.js": "pass",
      "syntax bad/package.json": "fail",
      "syntax odd/package.json": "fail",
      "syntax good.toml": "pass",
      "syntax bad.toml": "fail",
      "syntax good.yaml": "pass",
      "syntax bad.yaml": "fail",
      "syntax tsconfig.json": "skipped",
      "syntax Procfile": "skipped",
    },
  );
});

Deno.test("the validator proves that requirements resolve, their includes, constraints and the named Python counted in", async () => {
  await using index = await createPythonIndex([
    { name: "lib-a", version: "1.0", requires: ["lib-b<2"] },
    { name: "lib-b", version: "1.5" },
    { name: "lib-b", version: "2.0" },
    { name: "old", version: "1.0", requiresPython: "<3.11" },
  ]);
  const { env } = index;
  const [good, bad, included, older, gone, bound, binding] = await Promise.all([
    validate({}, { "requirements.txt": "# ours\nlib-a==1.0\nlib-b==1.5 \\\n  --hash=sha256:00\n" }, { env }),
    validate({}, { "requirements.txt": "lib-a==1.0\nlib-b==2.0\n" }, { env }),
    validate({ "base.txt": "lib-b==2.0\n" }, { "requirements.txt": "-r base.txt\nlib-a==1.0\n" }, { env }),
    validate({ "api/requirements.txt": "old==1.0\n" }, { "api/.python-version": "3.10\n" }, {
      env,
      settings: { rootDir: "api" },
    }),
    validate({}, { "requirements.txt": "lib-a ===\nnot a requirement\n" }, { toolless: true }),
    validate(
      { "constraints.txt": "lib-b>=2\n" },
      { "requirements.txt": "-c constraints.txt\nlib-a==1.0\n" },
      { env },
    ),
    validate(
      { "requirements.txt": "-c constraints.txt\nlib-a==1.0\n" },
      { "constraints.txt": "lib-b>=2\n" },
      { env },
    ),
  ]);
  assertEquals([bound.verdict, binding.verdict], ["fail", "fail"]);
  assertEquals([good.verdict, good.checks.at(-1)?.detail], ["pass", "resolves to 2 packages"]);
  assertEquals(bad.verdict, "fail");
  assertStringIncludes(bad.checks.at(-1)?.detail ?? "", "lib-b==2.0");
  assertEquals(included.verdict, "fail");
  assertEquals([older.verdict, older.checks.at(-1)?.detail], [
    "pass",
    "resolves to 1 packages for Python 3.10",
  ]);
  assertEquals(results(gone), {
    "syntax requirements.txt": "fail",
    "requirements requirements.txt": "skipped",
  });
});

Deno.test("the validator proves that package.json can be installed and that npm ci would take its lock file", async () => {
  await using registry = await createNpmRegistry([
    { name: "left", version: "1.0.0" },
    { name: "right", version: "2.0.0" },
  ]);
  const { env } = registry;
  const manifest = (dependencies: Files) => JSON.stringify({ name: "app", version: "1.0.0", dependencies });
  const lockOf = (dependencies: Files) =>
    JSON.stringify({
      name: "app",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: {
        "": { name: "app", version: "1.0.0", dependencies },
        ...Object.fromEntries(
          Object.entries(dependencies).map(([name, version]) => [`node_modules/${name}`, {
            version,
            resolved: `${registry.url}${name}/-/${version}.tgz`,
          }]),
        ),
      },
    });
  const both = { left: "1.0.0", right: "2.0.0" };
  const ci = { env, settings: { buildCommand: "npm ci" } };
  const [resolves, missing, locked, stale, tolerated] = await Promise.all([
    validate({}, { "package.json": manifest(both) }, { env }),
    validate({}, { "package.json": manifest({ "no-such-package": "1.0.0" }) }, { env }),
    validate({}, { "package.json": manifest(both), "package-lock.json": lockOf(both) }, ci),
    validate({ "package-lock.json": lockOf({ left: "1.0.0" }) }, { "package.json": manifest(both) }, ci),
    validate({ "package-lock.json": lockOf({ left: "1.0.0" }) }, { "package.json": manifest(both) }, { env }),
  ]);
  const last = (output: ValidatorOutput) => output.checks.at(-1);
  assertEquals([last(resolves)?.result, last(resolves)?.detail], ["pass", "resolves"]);
  assertEquals(last(missing)?.result, "fail");
  assertStringIncludes(last(missing)?.detail ?? "", "no-such-package");
  assertEquals([last(locked)?.result, last(locked)?.detail], [
    "pass",
    "resolves, and package-lock.json belongs to it",
  ]);
  assertEquals(last(stale)?.result, "fail");
  assertStringIncludes(last(stale)?.detail ?? "", "package-lock.json does not belong to package.json");
  assertEquals(last(tolerated)?.result, "pass");
});

Deno.test("a check whose tool is missing is skipped with the reason, never passed", async () => {
  const output = await validate({}, { "a.py": "x = 1\n", "package.json": "{}" }, { toolless: true });
  assertEquals(results(output), {
    "syntax a.py": "skipped",
    "syntax package.json": "pass",
    "dependencies package.json": "skipped",
  });
  assertStringIncludes(output.checks[0]?.detail ?? "", "there is no such tool here");
});

Deno.test("the validator reads no file outside the checkout and follows no link out of it", async () => {
  const output = await validate(
    {},
    { "requirements.txt": "-r ../../../../etc/passwd\n-r /etc/passwd\n" },
    {},
  );
  assertEquals(results(output), {
    "syntax requirements.txt": "pass",
    "requirements requirements.txt": "skipped",
  });
});
