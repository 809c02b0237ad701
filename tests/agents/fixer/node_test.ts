import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createNpmRegistry } from "../../helpers/npm_registry.ts";
import { withDevDependencies } from "../../../agents/fixer/remedies/node.ts";
import { createProject, noTools } from "../sample_project.ts";
import { withRealTools } from "../tool_asker.ts";

const SERVER = 'require("node:http").createServer((q, s) => s.end("ok")).listen(process.env.PORT || 3000);\n';

Deno.test("a package that the code imports and package.json lacks is added, lock file included, and npm ci then starts it", async () => {
  await using registry = await createNpmRegistry([
    { name: "alpha", version: "1.0.0" },
    { name: "@scope/beta", version: "2.0.0" },
    { name: "@scope/beta", version: "2.1.0" },
  ]);
  await using project = await createProject({
    "package.json":
      '{\n\t"name": "t",\n\t"version": "1.0.0",\n\t"files": ["a", "b"],\n\t"dependencies": {\n\t\t"alpha": "^1.0.0"\n\t}\n}\n',
    "index.js": 'require("alpha");\nrequire("@scope/beta/package.json");\nconsole.log("started");\n',
  }, { buildCommand: "npm ci" });
  assertEquals((await project.shell("npm install", { env: registry.env })).result.kind, "exited");
  const { log } = await project.shell("node index.js");
  const diagnosis = await project.diagnose(log, "start");
  assertEquals([diagnosis.cause, diagnosis.captures["package"]], ["node-module-missing", "@scope/beta"]);

  await withRealTools(registry.env, async (ask) => {
    const changed = await project.apply(await project.propose(diagnosis, ask));
    assertEquals(changed, ["package.json", "package-lock.json"]);
  });
  assertEquals(
    await project.read("package.json"),
    '{\n\t"name": "t",\n\t"version": "1.0.0",\n\t"files": ["a", "b"],\n\t"dependencies": {\n\t\t"alpha": "^1.0.0",\n\t\t"@scope/beta": "^2.1.0"\n\t}\n}\n',
  );
  const { log: again } = await project.shell("npm ci && node index.js", { env: registry.env });
  assertStringIncludes(again, "started");
});

Deno.test("nothing is installed for a package that no file uses, that does not exist or that is listed already", async () => {
  await using project = await createProject({
    "package.json": '{"dependencies":{"listed":"1.0.0"}}',
    "index.js": 'require("nowhere")',
  });
  const read = (name: string) =>
    project.diagnose(`Error: Cannot find module '${name}'\nRequire stack:\n- /app/index.js`, "start");
  const unused = await project.propose(await read("left-pad"));
  assertEquals(unused, { kind: "none", why: "no file of the service uses left-pad" });
  const gone = await project.propose(
    await read("nowhere"),
    () => Promise.resolve({ exists: false, latest: null }),
  );
  assertEquals(gone, { kind: "none", why: "the registry has no package nowhere" });
  assertEquals((await read("listed")).cause === "node-module-missing", false);
});

Deno.test("relative paths, aliases and files inside packages are not taken for packages", async () => {
  await using project = await createProject({ "package.json": "{}", "index.js": 'require("./nope");' });
  const { log } = await project.shell("node index.js");
  assertEquals((await project.diagnose(log, "start")).cause, "file-missing-or-wrong-path");
  for (const request of ["@/lib/db", "~/x", "#internal", "/app/node_modules/x/dist/index.js"]) {
    const { cause } = await project.diagnose(
      `Error: Cannot find module '${request}'\nRequire stack:\n- /app/index.js`,
      "start",
    );
    assert(cause !== "node-module-missing", request);
  }
});

Deno.test("a build tool among devDependencies is installed by the build command, and the build then runs", async () => {
  await using registry = await createNpmRegistry([{ name: "alpha", version: "1.0.0" }, {
    name: "rimraf",
    version: "5.0.0",
  }]);
  await using project = await createProject({
    "package.json": JSON.stringify({
      name: "t",
      version: "1.0.0",
      scripts: { build: "tsc --version" },
      devDependencies: { typescript: "^5.0.0" },
    }),
  }, { buildCommand: "npm ci --omit=dev && npm run build" });
  const { log } = await project.shell("npm run build", { env: registry.env });
  const diagnosis = await project.diagnose(log, "build");
  assertEquals([diagnosis.cause, diagnosis.captures["package"]], ["node-devdeps-omitted", "typescript"]);
  await project.apply(await project.propose(diagnosis));
  assertEquals(project.settings.buildCommand, "npm ci --include=dev && npm run build");
});

Deno.test("npm really installs devDependencies under NODE_ENV=production with the changed command", async () => {
  await using registry = await createNpmRegistry([{ name: "alpha", version: "1.0.0" }]);
  await using project = await createProject({
    "package.json": JSON.stringify({
      name: "t",
      version: "1.0.0",
      scripts: { build: "node -e \"require('alpha')\"" },
      devDependencies: { alpha: "1.0.0" },
    }),
  }, { buildCommand: "npm install && npm run build" });
  const env = { ...registry.env, NODE_ENV: "production" };
  const { log } = await project.shell(project.settings.buildCommand, { env });
  const diagnosis = await project.diagnose(log, "build");
  assertEquals(diagnosis.cause, "node-devdeps-omitted");
  await project.apply(await project.propose(diagnosis));
  const { result } = await project.shell(project.settings.buildCommand, { env });
  assertEquals(result.kind === "exited" && result.code, 0);
});

Deno.test("only the install of a build command changes, for each package manager in its own words", () => {
  const cases: [string, string | undefined][] = [
    ["cd web && npm i --production && npm run build", "cd web && npm i --include=dev && npm run build"],
    ["yarn && yarn build", "yarn --production=false && yarn build"],
    [
      "yarn install --frozen-lockfile; yarn build",
      "yarn install --frozen-lockfile --production=false; yarn build",
    ],
    ["pnpm install --prod && pnpm build", "pnpm install --prod=false && pnpm build"],
    ["npm ci --include=dev && npm run build", undefined],
    ["make", undefined],
  ];
  for (const [command, wanted] of cases) assertEquals(withDevDependencies(command), wanted);
});

Deno.test("a missing start script is added for the one file that listens, in the file's own indentation", async () => {
  await using project = await createProject({
    "package.json": '{\n    "name": "t",\n    "scripts": {}\n}',
    "src/app.js": SERVER,
    "src/util.js": "module.exports = 1;\n",
    "test/app.test.js": SERVER,
  }, { startCommand: "npm start" });
  const { log } = await project.shell("npm start");
  const diagnosis = await project.diagnose(log, "start");
  assertEquals(diagnosis.cause, "npm-script-missing");
  await project.apply(await project.propose(diagnosis));
  assertEquals(
    await project.read("package.json"),
    '{\n    "name": "t",\n    "scripts": {\n        "start": "node src/app.js"\n    }\n}',
  );
});

Deno.test("a script that exists under another name is run by the service instead", async () => {
  await using project = await createProject({
    "package.json": '{"scripts":{"start:prod":"node -e \\"console.log(1)\\""}}',
  }, { startCommand: "npm start" });
  const { log } = await project.shell(project.settings.startCommand);
  await project.apply(await project.propose(await project.diagnose(log, "start")));
  assertEquals(project.settings.startCommand, "npm run start:prod");
  const { result } = await project.shell(project.settings.startCommand);
  assertEquals(result.kind === "exited" && result.code, 0);
});

Deno.test("a build script that nothing needs is left out, one that something needs is not invented", async () => {
  await using plain = await createProject({ "package.json": "{}", "index.js": SERVER }, {
    buildCommand: "npm install && npm run build",
  });
  const { log } = await plain.shell("npm run build");
  await plain.apply(await plain.propose(await plain.diagnose(log, "build")));
  assertEquals(plain.settings.buildCommand, "npm install");
  await using vite = await createProject({ "package.json": "{}", "vite.config.js": "export default {}" }, {
    buildCommand: "npm install && npm run build",
  });
  const answer = await vite.propose(await vite.diagnose(log, "build"));
  assertEquals(answer.kind, "none");
});

Deno.test("a start command that names a file that is not there starts the file that listens, and the server answers", async () => {
  await using project = await createProject({
    "package.json": '{"main":"server.js"}',
    "server.js":
      'require("node:http").createServer().listen(0, () => { console.log("listening"); process.exit(0); });\n',
  }, { startCommand: "node --enable-source-maps src/index.js" });
  const { log } = await project.shell(project.settings.startCommand);
  const diagnosis = await project.diagnose(log, "start");
  assertEquals(diagnosis.cause, "entry-file-not-found");
  await project.apply(await project.propose(diagnosis));
  assertEquals(project.settings.startCommand, "node --enable-source-maps server.js");
  assertStringIncludes((await project.shell(project.settings.startCommand)).log, "listening");
});

Deno.test("a wrong file inside a script is corrected in package.json; two servers are not chosen between", async () => {
  await using project = await createProject({
    "package.json": '{\n  "scripts": { "start": "node index.js" }\n}\n',
    "server.js": SERVER,
  }, { startCommand: "npm start" });
  const { log } = await project.shell("npm start");
  const diagnosis = await project.diagnose(log, "start");
  await project.apply(await project.propose(diagnosis));
  assertEquals(await project.read("package.json"), '{\n  "scripts": { "start": "node server.js" }\n}\n');
  await project.write({ "other.js": SERVER, "package.json": '{"scripts":{"start":"node index.js"}}' });
  const answer = await project.propose(diagnosis, noTools, "node/start-command");
  assertEquals(answer, { kind: "none", why: "several files listen on a port: other.js, server.js" });
});

Deno.test("build output that was never built is built by the script that the project has", async () => {
  await using project = await createProject({
    "package.json": JSON.stringify({ scripts: { build: "mkdir -p dist && cp main.js dist/main.js" } }),
    "main.js": 'console.log("built");\n',
  }, { buildCommand: "npm install", startCommand: "node dist/main.js" });
  const { log } = await project.shell(project.settings.startCommand);
  const diagnosis = await project.diagnose(log, "start");
  assertEquals(diagnosis.cause, "build-output-missing");
  await project.apply(await project.propose(diagnosis, noTools));
  const { log: again } = await project.shell(
    `${project.settings.buildCommand} && ${project.settings.startCommand}`,
  );
  assertStringIncludes(again, "built");
});

Deno.test("a file name and a misspelt program as start command become a command that runs", async () => {
  await using project = await createProject({
    "package.json": "{}",
    "index.js": 'require("http").createServer().listen(0, () => process.exit(0))',
  }, { startCommand: "index.js" });
  const { log } = await project.shell("index.js");
  const diagnosis = await project.diagnose(log, "start");
  assertEquals(diagnosis.cause, "start-command-not-executable");
  await project.apply(await project.propose(diagnosis));
  assertEquals(project.settings.startCommand, "node index.js");
});
