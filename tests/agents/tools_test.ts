import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { createGate } from "../../agents/gate.ts";
import { createToolbox, toolNames } from "../../agents/tools/toolbox.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { createPythonIndex } from "../helpers/python_index.ts";

/** Asks tools as an agent would, and shows that no temp folder is left. */
async function withTools(
  env: Readonly<Record<string, string>>,
  use: (ask: (tool: string, input: unknown) => Promise<unknown>) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-tools-" });
  const scratchRoot = join(folder, "scratch");
  try {
    const environment = { ...toolEnvironment(), ...env };
    const toolbox = createToolbox({ cacheHome: join(folder, "home"), scratchRoot, environment });
    await using gate = createGate({ name: "validator", tools: toolNames }, toolbox);
    await use(gate.ask);
    assertEquals(await Array.fromAsync(Deno.readDir(scratchRoot)).catch(() => []), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("pip-resolve tells what fits together and what does not, for the Python that is asked about", async () => {
  await using index = await createPythonIndex([
    { name: "lib-a", version: "1.0", requires: ["lib-b<2"] },
    { name: "lib-b", version: "1.5" },
    { name: "lib-b", version: "2.0" },
    { name: "old", version: "1.0", requiresPython: "<3.11" },
  ]);
  await withTools(index.env, async (ask) => {
    const resolve = (requirements: string[], pythonVersion: string | null = null) =>
      ask("pip-resolve", { requirements, pythonVersion, mentionsOf: ["LIB_b"] });
    const lines = [
      "# ours",
      "lib-a==1.0  # pinned",
      "",
      "-r other.txt",
      "git+https://example.com/x.git",
      "./local",
    ];
    const [good, pins, unknown, tooNew, oldEnough] = await Promise.all([
      resolve(lines),
      resolve(["lib-a==1.0", "lib-b==2.0"]),
      resolve(["no-such-lib==1"]),
      resolve(["old==1.0"], "3.12.1"),
      resolve(["old==1.0"], "3.10"),
    ]);
    assertEquals(good, {
      ok: true,
      resolved: [{ name: "lib-a", version: "1.0" }, { name: "lib-b", version: "1.5" }],
      mentions: [{ by: "lib-a", of: "lib-b", extra: null }],
      skipped: ["-r other.txt", "git+https://example.com/x.git", "./local"],
    });
    assertEquals([Object(pins).ok, Object(unknown).ok, Object(tooNew).ok], [false, false, false]);
    assertStringIncludes(JSON.stringify(pins), "lib-b==2.0");
    assertStringIncludes(JSON.stringify(pins), "lib-a 1.0 depends on lib-b<2");
    assertStringIncludes(JSON.stringify(unknown), "No matching distribution found for no-such-lib==1");
    assertStringIncludes(JSON.stringify(tooNew), "No matching distribution found for old==1.0");
    assertEquals(oldEnough, {
      ok: true,
      resolved: [{ name: "old", version: "1.0" }],
      mentions: [],
      skipped: [],
    });
  });
});

Deno.test("pip-resolve judges nothing when the index does not answer or a package is only source", async () => {
  await using index = await createPythonIndex([{ name: "lib-a", version: "1.0" }]);
  const source = join(index.directory, "wheels", "only_source-1.0.tar.gz");
  await Deno.writeTextFile(source, "never opened");
  await Deno.mkdir(join(index.directory, "simple", "only-source"));
  await Deno.writeTextFile(
    join(index.directory, "simple", "only-source", "index.html"),
    '<!DOCTYPE html><a href="../../wheels/only_source-1.0.tar.gz">only_source-1.0.tar.gz</a>',
  );
  await withTools(index.env, async (ask) => {
    const input = { requirements: ["only-source==1.0"], pythonVersion: null };
    const error = await assertRejects(() => ask("pip-resolve", input), Error);
    assertStringIncludes(error.message, "sources are not built here");
  });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const gone = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  await withTools({ ...index.env, PIP_INDEX_URL: gone, PIP_EXTRA_INDEX_URL: gone }, async (ask) => {
    const input = { requirements: ["lib-z==1.0"], pythonVersion: null };
    const error = await assertRejects(() => ask("pip-resolve", input), Error);
    assertEquals(error.message, "Cannot ask the package index: it does not answer");
  });
});

Deno.test("pip-versions lists versions newest first, those that suit a Python", async () => {
  await using index = await createPythonIndex([
    { name: "lib-b", version: "1.5" },
    { name: "lib-b", version: "2.0" },
    { name: "lib-b", version: "2.10", requiresPython: "<3.11" },
  ]);
  await withTools(index.env, async (ask) => {
    const versions = (name: string, pythonVersion?: string) => ask("pip-versions", { name, pythonVersion });
    const [forNew, forOld, none] = await Promise.all([
      versions("lib_b", "3.12"),
      versions("Lib.B", "3.10"),
      versions("nope"),
    ]);
    assertEquals(forNew, { versions: ["2.0", "1.5"] });
    assertEquals(forOld, { versions: ["2.10", "2.0", "1.5"] });
    assertEquals(none, { versions: [] });
  });
});

Deno.test("no tool takes a name that a program would read as an option or a path", async () => {
  await withTools({}, async (ask) => {
    for (const name of ["--index-url=x", "-r", "../x", "a b", "", "a;b", "git+https://x"]) {
      await assertRejects(() => ask("pip-versions", { name }), Error, "Cannot run tool");
      await assertRejects(() => ask("npm-view", { name }), Error, "Cannot run tool");
    }
    await assertRejects(() => ask("pip-versions", { name: "a", pythonVersion: "3.12 --x" }), Error);
  });
});

Deno.test("npm-view tells whether a package exists and npm-lock locks what can be met", async () => {
  await using registry = await createNpmRegistry([
    { name: "left", version: "1.0.0" },
    { name: "left", version: "1.1.0" },
    { name: "@scope/right", version: "2.0.0", dependencies: { left: "^1.0.0" } },
    { name: "picky", version: "1.0.0", peerDependencies: { left: "^9.0.0" } },
  ]);
  await withTools(registry.env, async (ask) => {
    const lock = (dependencies: Record<string, string>, old: string | null = null) =>
      ask("npm-lock", {
        packageJson: JSON.stringify({ name: "app", version: "1.0.0", dependencies }),
        lock: old,
      });
    const [view, none, locked, missing, unmet, peers] = await Promise.all([
      ask("npm-view", { name: "left" }),
      ask("npm-view", { name: "no-such-package" }),
      lock({ "@scope/right": "^2.0.0" }),
      lock({ left: "^1.0.0", "no-such-package": "1" }),
      lock({ left: "^7.0.0" }),
      lock({ left: "^1.0.0", picky: "1.0.0" }),
    ]);
    assertEquals(view, { exists: true, latest: "1.1.0", versions: ["1.0.0", "1.1.0"] });
    assertEquals(none, { exists: false, latest: null, versions: [] });
    const text = Object(locked).lock;
    assertEquals(Object.keys(JSON.parse(text).packages), [
      "",
      "node_modules/@scope/right",
      "node_modules/left",
    ]);
    assertStringIncludes(Object(missing).conflict, "no-such-package");
    assertStringIncludes(Object(unmet).conflict, "left@^7.0.0");
    assertStringIncludes(Object(peers).conflict, "ERESOLVE");
    assertEquals(await lock({ "@scope/right": "^2.0.0" }, text), { lock: text });
    for (const range of ["file:/etc", "git+ssh://git@example.com/x.git", "someone/somewhere", "../up"]) {
      await assertRejects(() => lock({ left: range }), Error, "left is not from the registry");
    }
  });
});

Deno.test("npm's tools judge nothing when the registry does not answer", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const npm_config_registry = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  await withTools({ npm_config_registry, NPM_CONFIG_REGISTRY: npm_config_registry }, async (ask) => {
    const packageJson = JSON.stringify({ dependencies: { left: "1" } });
    const [view, lock] = await Promise.all([
      assertRejects(() => ask("npm-view", { name: "left" }), Error),
      assertRejects(() => ask("npm-lock", { packageJson, lock: null }), Error),
    ]);
    assertStringIncludes(view.message, "ECONNREFUSED");
    assertStringIncludes(lock.message, "ECONNREFUSED");
  });
});

Deno.test("python-syntax and node-syntax find the line that does not parse, and run nothing", async () => {
  await withTools({}, async (ask) => {
    const [good, bad, ran] = await Promise.all([
      ask("python-syntax", { path: "a.py", text: "# größe\ndef f(x: int) -> int:\n    return x\n" }),
      ask("python-syntax", { path: "a.py", text: "x = 1\ndef f(:\n" }),
      ask("python-syntax", { path: "a.py", text: "import os\nos._exit(9)\n" }),
    ]);
    assertEquals([good, ran], [{ ok: true, message: "" }, { ok: true, message: "" }]);
    assertEquals(bad, { ok: false, message: "line 2: invalid syntax" });
    const node = (path: string, text: string, moduleType: string | null = null) =>
      ask("node-syntax", { path, text, moduleType }).then((result) => Object(result).ok);
    const asModule = "import x from './x.js';\nexport default await x;\n";
    const asCommonJs = "const x = require('x');\nif (x) return;\nwith (x) {}\n";
    assertEquals(
      await Promise.all([
        node("a.js", asModule),
        node("a.js", asCommonJs),
        node("a.js", asCommonJs, "module"),
        node("a.js", asModule, "commonjs"),
        node("a.cjs", asCommonJs, "module"),
        node("a.mjs", asModule, "commonjs"),
        node("a.js", "process.exit(3"),
      ]),
      [true, true, false, false, true, true, false],
    );
    assertEquals(await ask("node-syntax", { path: "a.js", text: "let x;\nlet y = ;\n" }), {
      ok: false,
      message: "line 2: SyntaxError: Unexpected token ';'",
    });
    assert(
      await assertRejects(
        () => ask("node-syntax", { path: "a.tsx", text: "" }),
        Error,
        "not a JavaScript file",
      ),
    );
  });
});
