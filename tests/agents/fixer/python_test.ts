import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createPythonIndex } from "../../helpers/python_index.ts";
import { createProject } from "../sample_project.ts";
import { withRealTools } from "../tool_asker.ts";

const PYTHON = {
  runtime: "python",
  buildCommand: "pip install -r requirements.txt",
  startCommand: "python app.py",
};
/** What pip says and whether it would install, without the seconds that an environment takes. */
const tried = "python3 -m pip install --dry-run --ignore-installed -r requirements.txt";
/** Installs beside the program, which sees nothing else: an environment of its own takes seconds to make. */
const install = "python3 -m pip install --quiet --upgrade --target deps -r requirements.txt";
const start = "PYTHONPATH=deps python3 -S app.py";
const hasPython = await new Deno.Command("python3", { args: ["-m", "pip", "--version"] }).output().then(
  (out) => out.success,
  () => false,
);
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !hasPython, fn });

test("a module that no requirement brings is added in the file's own style, and the program then runs", async () => {
  await using index = await createPythonIndex([
    { name: "alpha", version: "1.0" },
    { name: "PyYAML", version: "6.0", files: { "yaml/__init__.py": "" } },
    { name: "PyYAML", version: "6.0.2", files: { "yaml/__init__.py": "" } },
  ]);
  await using project = await createProject({
    "requirements.txt": "# ours\r\nalpha==1.0  # needed\r\n",
    "app.py": "import yaml\nprint('running')\n",
  }, PYTHON);
  const { log: built } = await project.shell(install, { env: index.env });
  const { log } = await project.shell(start);
  const diagnosis = await project.diagnose(`${built}\n${log}`, "start");
  assertEquals([diagnosis.cause, diagnosis.captures["package"]], ["python-module-missing", "PyYAML"]);
  await withRealTools(index.env, async (ask) => {
    assertEquals(await project.apply(await project.propose(diagnosis, ask)), ["requirements.txt"]);
  });
  assertEquals(await project.read("requirements.txt"), "# ours\r\nalpha==1.0  # needed\r\nPyYAML==6.0.2\r\n");
  const { log: again } = await project.shell(`${install} && ${start}`, {
    env: index.env,
  });
  assertStringIncludes(again, "running");
});

test("a web server that is not installed is added to the file that a build script installs, without a pin where none is", async () => {
  await using index = await createPythonIndex([{ name: "gunicorn", version: "23.0.0" }, {
    name: "alpha",
    version: "1.0",
  }]);
  await using project = await createProject({
    "backend/requirements/prod.txt": "alpha",
    "backend/build.sh": "#!/bin/sh\npip install -r requirements/prod.txt\n",
    "backend/app.py": "",
  }, { ...PYTHON, rootDir: "backend", buildCommand: "./build.sh", startCommand: "gunicorn app:app" });
  const { log } = await project.shell("PATH=/usr/bin:/bin gunicorn app:app");
  const diagnosis = await project.diagnose(log, "start");
  assertEquals(diagnosis.cause, "python-server-missing");
  await withRealTools(index.env, async (ask) => {
    await project.apply(await project.propose(diagnosis, ask));
  });
  assertEquals(await project.read("backend/requirements/prod.txt"), "alpha\ngunicorn\n");
});

test("no distribution is added that the index lacks, that no file imports or that is listed", async () => {
  await using index = await createPythonIndex([{ name: "alpha", version: "1.0" }]);
  await using project = await createProject({
    "requirements.txt": "alpha==1.0\n",
    "app.py": "import inhouse\nimport alpha\n",
  }, PYTHON);
  const read = (module: string) =>
    project.diagnose(`ModuleNotFoundError: No module named '${module}'`, "start");
  await withRealTools(index.env, async (ask) => {
    assertEquals(await project.propose(await read("inhouse"), ask), {
      kind: "none",
      why: "the package index has no inhouse",
    });
    assertEquals(await project.propose(await read("evilpackage"), ask), {
      kind: "none",
      why: "no file of the service imports evilpackage",
    });
    assertEquals(await project.propose(await read("alpha"), ask), {
      kind: "none",
      why: "requirements.txt lists alpha already",
    });
  });
});

test("pins that conflict: one moves, to the closest version that resolves, and the rest of the file stays", async () => {
  await using index = await createPythonIndex([
    ...["1.0.0", "1.2.0", "1.5.0", "2.0.0"].map((version) => ({ name: "alpha", version })),
    { name: "beta", version: "2.0.0", requires: ["alpha>=1.2"] },
    { name: "gamma", version: "1.0.0" },
  ]);
  const requirements =
    "# web\nbeta==2.0.0\n\nalpha==1.0.0 ; python_version >= '3.8'  # keep in step\ngamma==1.0.0\n";
  await using project = await createProject({ "requirements.txt": requirements, "app.py": "" }, PYTHON);
  const { log } = await project.shell(tried, { env: index.env });
  const diagnosis = await project.diagnose(log, "build");
  assertEquals(diagnosis.cause, "python-dependency-conflict");
  assertStringIncludes(diagnosis.summary, "alpha");
  await withRealTools(index.env, async (ask) => {
    await project.apply(await project.propose(diagnosis, ask));
  });
  assertEquals(await project.read("requirements.txt"), requirements.replace("alpha==1.0.0", "alpha==1.2.0"));
  const { result } = await project.shell(tried, { env: index.env });
  assertEquals(result.kind === "exited" && result.code, 0);
});

test("a pin moves to the nearest version with which all resolves, far below the newest, by few questions to pip", async () => {
  const httpx = [
    "0.20.0",
    "0.21.0",
    "0.21.2",
    "0.22.0",
    "0.23.0",
    "0.23.3",
    "0.24.1",
    "0.25.2",
    "0.27.2",
    "0.28.1",
  ];
  await using index = await createPythonIndex([
    ...httpx.map((version) => ({ name: "httpx", version })),
    { name: "cohere", version: "5.5.8", requires: ["httpx>=0.21.2"] },
    { name: "openai", version: "1.40.0", requires: ["httpx<1,>=0.23.0"] },
    { name: "lower", version: "1.0", requires: ["core"] },
    // What is asked of httpx by way of another package, and not by all of its versions, is in no first report.
    { name: "core", version: "1.0", requires: ["httpx>=0.25"] },
    { name: "core", version: "2.0", requires: ["httpx>=0.24,!=0.24.1"] },
  ]);
  const heal = async (others: string) => {
    await using project = await createProject({
      "requirements.txt": `httpx==0.20.0\n${others}`,
      "app.py": "",
    }, PYTHON);
    const diagnosis = await project.diagnose((await project.shell(tried, { env: index.env })).log, "build");
    let asked = 0;
    await withRealTools(index.env, async (ask) => {
      const proposal = await project.propose(diagnosis, (name, input) => {
        if (name === "pip-resolve") asked++;
        return ask(name, input);
      });
      await project.apply(proposal);
    });
    return { requirements: await project.read("requirements.txt"), asked };
  };
  for (
    const [others, version, askedMax] of [
      ["cohere==5.5.8\nopenai==1.40.0\n", "0.23.0", 8],
      ["cohere==5.5.8\nlower==1.0\n", "0.25.2", 8],
    ] as const
  ) {
    const { requirements, asked } = await heal(others);
    assertEquals(requirements, `httpx==${version}\n${others}`);
    assert(asked <= askedMax, `${asked} questions for ${others}`);
  }
});

test("where pip leaves lines out of account, they are named instead of saying that the requirements resolve", async () => {
  await using index = await createPythonIndex([
    { name: "alpha", version: "1.0" },
    { name: "beta", version: "1.0", requires: ["alpha>=1"] },
  ]);
  const log =
    "ERROR: Cannot install alpha==1.0 and beta==1.0 because these package versions have conflicting " +
    "dependencies.\n\nThe conflict is caused by:\n    The user requested alpha==1.0\n    beta 1.0 depends on alpha>=2\n";
  const resolves = "the requirements resolve here";
  const without = `${resolves} without what pip was not asked about`;
  await withRealTools(index.env, async (ask) => {
    for (
      const [first, why] of [
        ["./corelib\n-e .\n", `${without}: ./corelib in requirements.txt, -e . in requirements.txt`],
        [
          "-r missing.txt\n-c gone.txt\n",
          `${without}: -r missing.txt in requirements.txt, -c gone.txt in requirements.txt`,
        ],
        [
          "--extra-index-url https://me:secret@index.example/simple\n",
          `${without}: --extra-index-url (an address) in requirements.txt`,
        ],
        ["# ours\n-r more.txt\n-c fits.txt\n", `${resolves}: the conflict is not in the commit's files`],
      ] as const
    ) {
      await using project = await createProject({
        "requirements.txt": `${first}alpha==1.0\nbeta==1.0\n`,
        "more.txt": "alpha\n",
        "fits.txt": "alpha<2\n",
        "app.py": "",
      }, PYTHON);
      const diagnosis = await project.diagnose(log, "build");
      assertEquals(await project.propose(diagnosis, ask, "python/move-pins"), { kind: "none", why });
    }
  });
});

test("constraints are part of the question to pip: what they pin moves in their file, and what is left out is said", async () => {
  await using index = await createPythonIndex([
    ...["1.0.0", "1.2.0", "2.0.0"].map((version) => ({ name: "alpha", version })),
    { name: "beta", version: "1.0.0", requires: ["alpha>=1.1"] },
    { name: "gamma", version: "1.0.0" },
  ]);
  const build = "python3 -m pip install --dry-run --ignore-installed -r requirements.txt";
  const failing = async (requirements: string, command: string) => {
    const project = await createProject({
      "requirements.txt": requirements,
      "base.txt": "# all of it\n-c pins/constraints.txt\nbeta\n",
      "pins/constraints.txt": "alpha==1.0.0  # by hand\nbeta==1.0.0\n",
      "app.py": "",
    }, { ...PYTHON, buildCommand: command });
    const { log } = await project.shell(command, { env: index.env });
    return { project, diagnosis: await project.diagnose(log, "build") };
  };
  await withRealTools(index.env, async (ask) => {
    const { project, diagnosis } = await failing("-r base.txt\nalpha\ngamma==1.0.0\n", build);
    await using _project = project;
    assertEquals(diagnosis.cause, "python-dependency-conflict");
    assertEquals(await project.apply(await project.propose(diagnosis, ask)), ["pins/constraints.txt"]);
    assertEquals(await project.read("pins/constraints.txt"), "alpha==1.2.0  # by hand\nbeta==1.0.0\n");
    const { result } = await project.shell(build, { env: index.env });
    assertEquals(result.kind === "exited" && result.code, 0);

    // Given on the command line, beside a line that would run code.
    const command = `${build} -c pins/constraints.txt`;
    const other = await failing("alpha\nbeta\n", command);
    await using _other = other.project;
    await other.project.write({ "requirements.txt": "alpha\nbeta\n-e ./corelib\n" });
    const proposal = await other.project.propose(other.diagnosis, ask);
    assertEquals(
      proposal.kind === "patch" && proposal.summary,
      "Move alpha from ==1.0.0 to ==1.2.0 in pins/constraints.txt, so that the requirements can be installed together; " +
        "pip was not asked about -e ./corelib in requirements.txt",
    );
  });
});

test("a pin that others hold down moves down when nothing above fits, also in a file that is included", async () => {
  await using index = await createPythonIndex([
    { name: "alpha", version: "1.9.0" },
    { name: "alpha", version: "3.0.0" },
    { name: "beta", version: "2.0.0", requires: ["alpha<2"] },
  ]);
  await using project = await createProject({
    "requirements.txt": "-r base.txt\nbeta==2.0.0\n",
    "base.txt": "alpha==3.0.0\n",
  }, PYTHON);
  const { log } = await project.shell(tried, { env: index.env });
  const diagnosis = await project.diagnose(log, "build");
  await withRealTools(index.env, async (ask) => {
    const proposal = await project.propose(diagnosis, ask);
    assertEquals(proposal.kind === "patch" && proposal.risk, "medium");
    assertEquals(await project.apply(proposal), ["base.txt"]);
  });
  assertEquals(await project.read("base.txt"), "alpha==1.9.0\n");
});

test("a conflict that no two pins can resolve is left alone", async () => {
  await using index = await createPythonIndex([
    { name: "alpha", version: "1.0" },
    { name: "beta", version: "1.0", requires: ["alpha>5"] },
  ]);
  await using project = await createProject({ "requirements.txt": "alpha==1.0\nbeta==1.0\n" }, PYTHON);
  const { log } = await project.shell(tried, { env: index.env });
  const diagnosis = await project.diagnose(log, "build");
  await withRealTools(index.env, async (ask) => {
    const proposal = await project.propose(diagnosis, ask);
    assertEquals(proposal.kind, "none");
  });
  assertEquals(await project.read("requirements.txt"), "alpha==1.0\nbeta==1.0\n");
});

test("a package that excludes this Python gets an older one in .python-version, which resolves", async () => {
  await using index = await createPythonIndex([
    { name: "oldpkg", version: "1.0.0", requiresPython: "<3.11" },
    { name: "oldpkg", version: "0.9.0", requiresPython: "<3.10" },
  ]);
  await using project = await createProject({ "requirements.txt": "oldpkg==1.0.0\n" }, PYTHON);
  const { log } = await project.shell(tried, { env: index.env });
  const { result } = await project.shell("python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'");
  if (result.kind !== "exited" || result.code !== 0) return;
  const diagnosis = await project.diagnose(`==> Using Python version 3.13.4 (default)\n${log}`, "build");
  assertEquals([diagnosis.cause, diagnosis.captures["range"]], ["python-too-new", "<3.11"]);
  await withRealTools(index.env, async (ask) => {
    await project.apply(await project.propose(diagnosis, ask));
  });
  assertEquals(await project.read(".python-version"), "3.10.14\n");
});

test("a Python that an environment variable decides is not fought with a file", async () => {
  await using project = await createProject({ "requirements.txt": "" }, PYTHON);
  const diagnosis = await project.diagnose(
    "==> Using Python version 3.13.4 via environment variable PYTHON_VERSION\nERROR: Package 'x' requires a different Python: 3.13.4 not in '<3.13,>=3.9'",
    "build",
  );
  assertEquals(diagnosis.cause, "python-too-new");
  assertEquals(await project.propose(diagnosis), {
    kind: "none",
    why: "the environment variable PYTHON_VERSION decides: set it to 3.12.11",
  });
});

test("a package folder that the installed project lacks gets its __init__.py, and the installed project then imports it", async () => {
  await using project = await createProject({
    "setup.py":
      "from setuptools import find_packages, setup\nsetup(name='shop', version='1', packages=find_packages(include=['shop', 'shop.*']))\n",
    "shop/__init__.py": "",
    "shop/billing/invoice.py": "print('billing')\n",
  }, { ...PYTHON, buildCommand: "pip install .", startCommand: "python -m shop.billing.invoice" });
  // What `pip install .` puts into site-packages, without asking an index for setuptools.
  const installed =
    "python3 -c \"from setuptools import find_packages; print(find_packages(include=['shop', 'shop.*']))\"";
  assertEquals((await project.shell(installed)).log.trim(), "['shop']");
  const diagnosis = await project.diagnose(
    "Traceback (most recent call last):\n  File \"/opt/render/project/src/.venv/bin/shop\", line 5, in <module>\n    from shop.billing import invoice\nModuleNotFoundError: No module named 'shop.billing'",
    "start",
  );
  assertEquals(diagnosis.cause, "python-init-missing");
  assertEquals(await project.apply(await project.propose(diagnosis)), ["shop/billing/__init__.py"]);
  assertEquals((await project.shell(installed)).log.trim(), "['shop', 'shop.billing']");
});

test("a submodule that does not exist, or exists and is a namespace package, needs no __init__.py", async () => {
  await using project = await createProject({
    "shop/__init__.py": "",
    "shop/data/x.py": "",
    "requirements.txt": "",
  }, PYTHON);
  for (const module of ["shop.nowhere", "shop.data"]) {
    const { cause, remedies } = await project.diagnose(
      `ModuleNotFoundError: No module named '${module}'`,
      "start",
    );
    assertEquals([cause, remedies], ["python-wrong-import-path", []]);
  }
});

test("a placeholder start command serves the application object that the repository has", async () => {
  await using django = await createProject({
    "backend/manage.py": "",
    "backend/blood/__init__.py": "",
    "backend/blood/wsgi.py":
      "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
    "backend/blood/asgi.py":
      "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n",
    "requirements.txt": "Django==5.0\ngunicorn==23.0.0\n",
  }, { ...PYTHON, startCommand: "gunicorn your_application.wsgi" });
  const log =
    "==> Running 'gunicorn your_application.wsgi'\nModuleNotFoundError: No module named 'your_application'";
  const diagnosis = await django.diagnose(log, "start");
  assertEquals(diagnosis.cause, "placeholder-start-command");
  await django.apply(await django.propose(diagnosis));
  assertEquals(django.settings.startCommand, "gunicorn --chdir backend blood.wsgi:application");

  await using fastapi = await createProject({
    "src/api/main.py": "from fastapi import FastAPI\n\napi = FastAPI()\n",
    "src/api/__init__.py": "",
    "requirements.txt": "fastapi\nuvicorn[standard]\n",
  }, { ...PYTHON, startCommand: "gunicorn your_application.wsgi" });
  await fastapi.apply(await fastapi.propose(await fastapi.diagnose(log, "start")));
  assertEquals(
    fastapi.settings.startCommand,
    "uvicorn --app-dir src api.main:api --host 0.0.0.0 --port $PORT",
  );
});

test("a wrong target keeps its flags and gets the only object; two objects are not chosen between", async () => {
  await using project = await createProject({
    "wsgi.py": "from flask import Flask\napp = Flask(__name__)\n",
    "requirements.txt": "flask\ngunicorn\n",
    "tests/test_app.py": "from flask import Flask\napp = Flask('t')\n",
  }, { ...PYTHON, startCommand: "gunicorn app:app --workers 2 --timeout 60" });
  const diagnosis = await project.diagnose(
    "ModuleNotFoundError: No module named 'app'\n==> Running 'gunicorn app:app --workers 2 --timeout 60'",
    "start",
  );
  assertEquals(diagnosis.cause, "python-wrong-wsgi-target");
  await project.apply(await project.propose(diagnosis));
  assertEquals(project.settings.startCommand, "gunicorn wsgi:app --workers 2 --timeout 60");
  await project.write({ "admin.py": "from flask import Flask\nsite = Flask('admin')\n" });
  const answer = await project.propose(diagnosis);
  assert(answer.kind === "none" && answer.why.includes("admin:site"));
});

test("a start file that does not exist is replaced by the only file that opens a port", async () => {
  await using project = await createProject({
    "server.py":
      "from http.server import HTTPServer, BaseHTTPRequestHandler\nprint('up')\nHTTPServer(('', 0), BaseHTTPRequestHandler).server_close()\n",
  }, PYTHON);
  const { log } = await project.shell("python3 app.py");
  const diagnosis = await project.diagnose(log, "start");
  assertEquals(diagnosis.cause, "entry-file-not-found");
  await project.apply(await project.propose(diagnosis));
  assertEquals(project.settings.startCommand, "python server.py");
});
