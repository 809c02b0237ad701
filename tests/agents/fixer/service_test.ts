import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bindEverywhere } from "../../../agents/code/bind_flags.ts";
import { createProject } from "../sample_project.ts";
import type { Project } from "../sample_project.ts";

const LOCALHOST =
  "==> Port scan timeout reached, no open ports detected on 0.0.0.0. Detected open ports on localhost -- did you mean to bind one of these to 0.0.0.0?";

async function fixPort(project: Project, log = LOCALHOST) {
  const diagnosis = await project.diagnose(log, "start");
  return { diagnosis, proposal: await project.propose(diagnosis) };
}

Deno.test("a Node server on 127.0.0.1 with a port of its own listens on every interface and on PORT: one line changes", async () => {
  const source = (listen: string) =>
    `const http = require("node:http");\n// listen(3000, "127.0.0.1") was here\nconst server = http.createServer((q, s) => s.end("ok"));\n${listen}\n`;
  const report = "() => { console.log(server.address().address, server.address().port); process.exit(0); }";
  await using project = await createProject({
    "package.json": "{}",
    "index.js": source(`server.listen(3999, "127.0.0.1", ${report});`),
  });
  const { diagnosis, proposal } = await fixPort(project);
  assertEquals(diagnosis.cause, "port-bound-localhost");
  assertEquals(await project.apply(proposal), ["index.js"]);
  assertEquals(
    await project.read("index.js"),
    source(`server.listen(process.env.PORT || 3999, "0.0.0.0", ${report});`),
  );
  const { log } = await project.shell("node index.js", { env: { PORT: "0" } });
  assert(log.startsWith("0.0.0.0 ") && !log.includes("3999"), log);
});

Deno.test("the ways in which code binds are each changed where the value stands", async () => {
  const cases: [path: string, before: string, after: string][] = [
    [
      "a.js",
      'const HOST = "localhost";\nconst PORT = 3000;\napp.listen(PORT, HOST, () => {});',
      'const HOST = "0.0.0.0";\nconst PORT = process.env.PORT || 3000;\napp.listen(PORT, HOST, () => {});',
    ],
    [
      "b.js",
      "const port = process.env.PORT || 3000;\napp.listen(port, 'localhost');",
      "const port = process.env.PORT || 3000;\napp.listen(port, '0.0.0.0');",
    ],
    [
      "c.ts",
      'server.listen({ port: 8080, host: "127.0.0.1" });',
      'server.listen({ port: process.env.PORT || 8080, host: "0.0.0.0" });',
    ],
    [
      "d.js",
      'const f = require("fastify")();\nf.listen({ port: 3000 });',
      'const f = require("fastify")();\nf.listen({ port: process.env.PORT || 3000, host: "0.0.0.0" });',
    ],
    [
      "e.py",
      '"""An app."""\nfrom __future__ import annotations\nimport uvicorn\nuvicorn.run(app, host="127.0.0.1", port=8000)\n',
      '"""An app."""\nfrom __future__ import annotations\nimport os\nimport uvicorn\nuvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", 8000)))\n',
    ],
    [
      "f.py",
      "from flask import Flask\nimport os\napp = Flask(__name__)\napp.run(debug=False)\n",
      'from flask import Flask\nimport os\napp = Flask(__name__)\napp.run(debug=False, host="0.0.0.0", port=int(os.environ.get("PORT", 5000)))\n',
    ],
    [
      "g.py",
      "from http.server import HTTPServer\nHTTPServer(('localhost', 8000), Handler).serve_forever()\n",
      "import os\nfrom http.server import HTTPServer\nHTTPServer(('0.0.0.0', int(os.environ.get(\"PORT\", 8000))), Handler).serve_forever()\n",
    ],
  ];
  for (const [path, before, after] of cases) {
    const isPython = path.endsWith(".py");
    await using project = await createProject({
      [path]: before,
      ...(isPython ? {} : { "package.json": "{}" }),
    }, {
      runtime: isPython ? "python" : "node",
      startCommand: isPython ? `python ${path}` : `node ${path}`,
    });
    const { proposal } = await fixPort(project);
    await project.apply(proposal);
    assertEquals(await project.read(path), after);
  }
});

Deno.test("two servers in one file, or none that could be told, are left alone", async () => {
  await using two = await createProject({
    "package.json": "{}",
    "index.js": 'a.listen(1000, "localhost");\nb.listen(2000, "localhost");\n',
  });
  const { proposal } = await fixPort(two);
  assertEquals(proposal, { kind: "none", why: "several lines could be the one: index.js:1, index.js:2" });
  await using none = await createProject({ "package.json": "{}", "index.js": "start();\n" });
  assertEquals((await fixPort(none)).proposal.kind, "none");
});

Deno.test("of several files only the one that the service starts is changed", async () => {
  await using project = await createProject({
    "package.json": '{"scripts":{"start":"node src/web.js"}}',
    "src/web.js": 'app.listen(3000, "127.0.0.1");\n',
    "src/other.js": 'app.listen(4000, "127.0.0.1");\n',
  }, { startCommand: "npm start" });
  assertEquals(await project.apply((await fixPort(project)).proposal), ["src/web.js"]);
});

Deno.test("a Node server with a hard-coded port reads PORT", async () => {
  await using project = await createProject({ "package.json": "{}", "index.js": "app.listen(4500);\n" });
  const { diagnosis, proposal } = await fixPort(
    project,
    "==> Port scan timeout reached, failed to detect open port 10000 from PORT environment variable",
  );
  assertEquals(diagnosis.cause, "port-hardcoded");
  await project.apply(proposal);
  assertEquals(await project.read("index.js"), "app.listen(process.env.PORT || 4500);\n");
});

Deno.test("flags of start commands bind on every interface and on $PORT, and right ones stay", () => {
  const cases: [string, string | undefined][] = [
    ["uvicorn main:app", "uvicorn main:app --host 0.0.0.0 --port $PORT"],
    [
      "uvicorn main:app --host 127.0.0.1 --port 8000 --workers 2",
      "uvicorn main:app --host 0.0.0.0 --port $PORT --workers 2",
    ],
    ["uvicorn main:app --host 0.0.0.0 --port $PORT", undefined],
    ["cd api && gunicorn app:app --bind 127.0.0.1:8000", "cd api && gunicorn app:app --bind 0.0.0.0:$PORT"],
    ["gunicorn app:app -b 0.0.0.0:8000", "gunicorn app:app -b 0.0.0.0:$PORT"],
    ["gunicorn app:app", undefined],
    ["python manage.py runserver", "python manage.py runserver 0.0.0.0:$PORT"],
    ["python manage.py runserver 127.0.0.1:8000", "python manage.py runserver 0.0.0.0:$PORT"],
    ["flask --app web run", "flask --app web run --host 0.0.0.0 --port $PORT"],
    ["npx vite preview", "npx vite preview --host 0.0.0.0 --port $PORT"],
    ["next start -H localhost", "next start -H 0.0.0.0"],
    ["node index.js", undefined],
    ["python app.py --port 8000", "python app.py --port $PORT"],
  ];
  for (const [command, wanted] of cases) assertEquals(bindEverywhere(command), wanted, command);
});

Deno.test("a start script with a local address is corrected in package.json, a development server is replaced by its build", async () => {
  await using preview = await createProject({
    "package.json": '{\n  "scripts": {"start": "vite preview --host 127.0.0.1"}\n}\n',
  }, { startCommand: "npm start" });
  await preview.apply((await fixPort(preview)).proposal);
  assertEquals(
    await preview.read("package.json"),
    '{\n  "scripts": {"start": "vite preview --host 0.0.0.0 --port $PORT"}\n}\n',
  );
  await using dev = await createProject(
    { "package.json": '{"scripts":{"dev":"vite","build":"vite build"}}' },
    { buildCommand: "npm install && npm run build", startCommand: "npm run dev" },
  );
  await dev.apply((await fixPort(dev)).proposal);
  assertEquals(dev.settings.startCommand, "npx vite preview --host 0.0.0.0 --port $PORT");
});

Deno.test("a root directory that is missing becomes the one folder with the manifest; several are not chosen between", async () => {
  await using project = await createProject({
    "backend/server/package.json": "{}",
    "backend/server/index.js": "",
    "README.md": "",
  }, { rootDir: "api" });
  const log = '==> Service Root Directory "/opt/render/project/src/api" is missing.';
  const diagnosis = await project.diagnose(log, "build");
  assertEquals(diagnosis.cause, "root-dir-missing-or-wrong");
  await project.apply(await project.propose(diagnosis));
  assertEquals(project.settings.rootDir, "backend/server");
  await using two = await createProject({ "web/package.json": "{}", "api/package.json": "{}" }, {
    rootDir: "app",
  });
  const answer = await two.propose(await two.diagnose(log, "build"));
  assertEquals(answer, { kind: "none", why: "several folders hold package.json: api, web" });
});

Deno.test("blanks and letter case of a root directory are mended before any other folder is taken", async () => {
  await using blank = await createProject({ "server/package.json": "{}", "web/package.json": "{}" }, {
    rootDir: " server",
  });
  await blank.apply(
    await blank.propose(
      await blank.diagnose(
        '==> Service Root Directory "/opt/render/project/src/ server" is missing.',
        "build",
      ),
    ),
  );
  assertEquals(blank.settings.rootDir, "server");
  await using cased = await createProject({ "Server/package.json": "{}", "web/package.json": "{}" }, {
    rootDir: "server",
  });
  await cased.apply(
    await cased.propose(
      await cased.diagnose(
        '==> Service Root Directory "/opt/render/project/src/server" is missing.',
        "build",
      ),
    ),
  );
  assertEquals(cased.settings.rootDir, "Server");
});

Deno.test("npm in an empty root directory, with the only package.json below, builds there after the repair", async () => {
  await using project = await createProject({ "app/package.json": '{"name":"t","version":"1.0.0"}' });
  const { log } = await project.shell("npm install");
  const diagnosis = await project.diagnose(log, "build");
  assertEquals(diagnosis.cause, "root-dir-missing-or-wrong");
  await project.apply(await project.propose(diagnosis));
  const { result } = await project.shell("npm install");
  assertEquals(result.kind === "exited" && result.code, 0);
});

Deno.test("a missing requirements file is a wrong runtime in a Node repository and a missing file elsewhere", async () => {
  const log =
    "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'";
  await using node = await createProject({ "package.json": "{}" }, { runtime: "python" });
  assertEquals((await node.diagnose(log, "build")).cause, "wrong-runtime-selected");
  await using bare = await createProject({ "app.py": "" }, { runtime: "python" });
  const { cause, remedies } = await bare.diagnose(log, "build");
  assertEquals([cause, remedies], ["file-missing-or-wrong-path", []]);
});

Deno.test("a cd into the folder that is the root directory already is left out", async () => {
  await using project = await createProject({ "backend/package.json": '{"name":"t","version":"1.0.0"}' }, {
    rootDir: "backend",
    buildCommand: "cd backend && npm install",
    startCommand: "cd backend && node x.js",
  });
  const { log } = await project.shell(project.settings.buildCommand);
  const diagnosis = await project.diagnose(log, "build");
  assertEquals(diagnosis.cause, "root-dir-double-cd");
  await project.apply(await project.propose(diagnosis));
  assertEquals([project.settings.buildCommand, project.settings.startCommand], ["npm install", "node x.js"]);
});

Deno.test("the health check goes to the path that the spec asks about or to the only health route", async () => {
  const log =
    "==> Timed out after waiting for internal health check to return a successful response code at: x.onrender.com:10000 /health";
  const settings = { healthCheckPath: "/health", healthPath: "/api/status" };
  await using spec = await createProject({
    "package.json": "{}",
    "index.js": 'app.get("/api/status", ok);\napp.get("/healthz", ok);\n',
  }, settings);
  await spec.apply(await spec.propose(await spec.diagnose(log, "start")));
  assertEquals(spec.settings.healthCheckPath, "/api/status");
  await using only = await createProject({
    "package.json": "{}",
    "index.js": 'if (req.url === "/healthz") ok();\nif (req.url === "/users") ok();\n',
  }, settings);
  await only.apply(await only.propose(await only.diagnose(log, "start")));
  assertEquals(only.settings.healthCheckPath, "/healthz");
  await using python = await createProject({ "main.py": '@app.get("/livez")\ndef live(): ...\n' }, {
    ...settings,
    runtime: "python",
  });
  await python.apply(await python.propose(await python.diagnose(log, "start")));
  assertEquals(python.settings.healthCheckPath, "/livez");
  await using two = await createProject({
    "package.json": "{}",
    "index.js": 'app.get("/healthz", ok);\napp.get("/ping", ok);\n',
  }, settings);
  const answer = await two.propose(await two.diagnose(log, "start"));
  assert(answer.kind === "none" && answer.why.includes("/healthz, /ping"));
});

Deno.test("a transient failure is answered by the same commit once more", async () => {
  await using project = await createProject({ "package.json": "{}" });
  const diagnosis = await project.diagnose(
    "npm error code ETIMEDOUT\nnpm error network request failed",
    "build",
  );
  const proposal = await project.propose(diagnosis);
  assert(proposal.kind === "redeploy" && !proposal.clearCache);
  assertStringIncludes(proposal.summary, "same commit");
});
