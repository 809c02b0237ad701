/** The founding patterns where a whole platform would say nothing more: what stays, what is told apart, what is proposed. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createPythonIndex } from "../../helpers/python_index.ts";
import { createProject } from "../sample_project.ts";
import { withRealTools } from "../tool_asker.ts";

const PYTHON = {
  runtime: "python",
  buildCommand: "pip install -r requirements.txt",
  startCommand: "python app.py",
};
const hasPython = await new Deno.Command("python3", { args: ["-m", "pip", "--version"] }).output().then(
  (out) => out.success,
  () => false,
);
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !hasPython, fn });
const UNBUILT =
  "Collecting numpy==1.24.4\nCollecting pandas==2.1.4\n  ERROR: Failed building wheel for numpy\n";

test("a large package stays that is imported anywhere, named in a file, or that another may use", async () => {
  await using index = await createPythonIndex([
    { name: "openai", version: "1.6.1", requires: ["numpy>=1 ; extra == 'datalib'"] },
    { name: "seaborn", version: "0.13.0", requires: ["matplotlib"] },
    { name: "matplotlib", version: "3.8.2" },
    { name: "tiny-web", version: "1.0", requires: ["scipy ; extra == 'test'"] },
  ]);
  const cases: [string, Record<string, string>, string, RegExp][] = [
    [
      "in a function of a test",
      { "tests/test_x.py": "def test():\n    import numpy.linalg\n" },
      "numpy",
      /numpy is used in tests\/test_x.py line 2/,
    ],
    [
      "by a name in a string",
      { "app.py": "from importlib import import_module\nimport_module('numpy')\n" },
      "numpy",
      /numpy is used in app.py line 2/,
    ],
    [
      "by a name that is computed",
      { "app.py": "from importlib import import_module\nimport_module(NAME)\n" },
      "numpy",
      /app.py imports modules by names that are not written/,
    ],
    [
      "in a notebook",
      { "x.ipynb": '{"source": ["import numpy as np\\n"]}' },
      "numpy",
      /numpy is used in x.ipynb/,
    ],
    ["in settings", { "app.py": "ENGINE = 'numpy.random'\n" }, "numpy", /numpy is used in app.py/],
    ["as an extra", { "app.py": "import openai\n" }, "numpy\nopenai==1.6.1", /openai may use numpy/],
    [
      "as a dependency",
      { "app.py": "import seaborn\n" },
      "matplotlib\nseaborn",
      /seaborn may use matplotlib/,
    ],
  ];
  await withRealTools(index.env, async (ask) => {
    for (const [, files, requirements, why] of cases) {
      await using project = await createProject(
        { "requirements.txt": `${requirements}\n`, ...files },
        PYTHON,
      );
      const diagnosis = await project.diagnose(UNBUILT, "build");
      assertEquals(diagnosis.cause, "heavy-dependencies");
      const answer = await project.propose(diagnosis, ask, "python/drop-unused");
      assert(answer.kind === "none" && why.test(answer.why), JSON.stringify(answer));
    }
    // What only a package's own tests use does not keep it.
    await using project = await createProject({
      "requirements.txt": "scipy\ntiny-web\n",
      "app.py": "import tiny_web\n",
    }, PYTHON);
    const answer = await project.propose(await project.diagnose(UNBUILT, "build"), ask, "python/drop-unused");
    assert(answer.kind === "patch");
    assertEquals(answer.edits, [{ path: "requirements.txt", content: "tiny-web\n" }]);
  });
});

test("what no module imports is dropped and what is imported moves to a wheel, in one change where neither heals alone", async () => {
  await using index = await createPythonIndex([
    { name: "numpy", version: "1.24.4", source: "broken" },
    { name: "numpy", version: "1.26.4" },
    { name: "pandas", version: "2.1.4", source: "broken", requires: ["numpy"] },
    { name: "pandas", version: "2.0.0", requires: ["numpy"] },
    { name: "scipy", version: "1.10.0", source: "broken" },
    { name: "scipy", version: "1.11.0" },
    { name: "tiny-stats", version: "1.0", requires: ["scipy ; extra == 'fast'"] },
  ]);
  const app = "import numpy\nimport tiny_stats\n";
  await withRealTools(index.env, async (ask) => {
    await using mixed = await createProject(
      { "requirements.txt": "numpy==1.24.4\npandas==2.1.4\n", "app.py": "import numpy\n" },
      PYTHON,
    );
    const diagnosis = await mixed.diagnose(UNBUILT, "build");
    const answer = await mixed.propose(diagnosis, ask, "python/drop-unused");
    assert(answer.kind === "patch", JSON.stringify(answer));
    assertEquals(answer.edits, [{ path: "requirements.txt", content: "numpy==1.26.4\n" }]);
    assertStringIncludes(answer.summary, "Take out pandas, which no file");
    assertStringIncludes(answer.summary, "; move numpy from 1.24.4 to 1.26.4, which has a wheel");
    // What another package may use stays, and moves with the imported ones; each file is changed in place.
    await using split = await createProject({
      "requirements.txt": "-r more.txt\npandas==2.1.4\ntiny-stats==1.0\n",
      "more.txt": "numpy==1.24.4\nscipy==1.10.0\n",
      "app.py": app,
    }, PYTHON);
    const both = await split.propose(diagnosis, ask, "python/drop-unused");
    assert(both.kind === "patch", JSON.stringify(both));
    assertEquals(both.edits.toSorted((a, b) => a.path < b.path ? -1 : 1), [
      { path: "more.txt", content: "numpy==1.26.4\nscipy==1.11.0\n" },
      { path: "requirements.txt", content: "-r more.txt\ntiny-stats==1.0\n" },
    ]);
  });
});

test("what a Dockerfile installs is looked at like what a build command installs", async () => {
  await using index = await createPythonIndex([{ name: "tiny-web", version: "1.0" }]);
  await using project = await createProject({
    "Dockerfile":
      "FROM python:3.11-slim\nWORKDIR /app\nCOPY deploy/requirements.txt .\nRUN pip install -r /app/requirements.txt\nCOPY . .\n",
    "deploy/requirements.txt": "numpy==1.24.4\ntiny-web==1.0\n",
    "app.py": "import tiny_web\n",
  }, { runtime: "docker" });
  await withRealTools(index.env, async (ask) => {
    const diagnosis = await project.diagnose(UNBUILT, "build");
    assertEquals(diagnosis.cause, "heavy-dependencies");
    const answer = await project.propose(diagnosis, ask, "python/drop-unused");
    assert(answer.kind === "patch", JSON.stringify(answer));
    assertEquals(answer.edits, [{ path: "deploy/requirements.txt", content: "tiny-web==1.0\n" }]);
  });
});

test("a smaller set is a proposal of high risk, which the policy does not apply by itself", async () => {
  await using project = await createProject({
    "requirements.txt": "opencv-python==4.9.0.80\ntorch==2.1.0\n",
    "app.py": "import cv2\n\ndef embed():\n    import torch\n",
  }, PYTHON);
  const diagnosis = await project.diagnose(
    "Collecting torch==2.1.0\n==> Out of memory (used over 8Gi)",
    "build",
  );
  assertEquals([diagnosis.cause, diagnosis.captures["why"]], ["heavy-dependencies", "memory"]);
  const answer = await project.propose(diagnosis, undefined, "python/smaller-set");
  assert(answer.kind === "patch" && answer.risk === "high");
  assertEquals(answer.edits, [{ path: "requirements.txt", content: "opencv-python-headless==4.9.0.80\n" }]);
});

test("a core provider and one that the program cannot start without are never dropped; which ones are core can be said", async () => {
  await using index = await createPythonIndex([
    { name: "together", version: "1.0.1", requires: ["aiohttp>=3.9.3"] },
    { name: "cohere", version: "4.40", requires: ["aiohttp<3"] },
    { name: "aiohttp", version: "2.9.0" },
    { name: "aiohttp", version: "3.9.5" },
  ]);
  const log =
    "ERROR: Cannot install cohere==4.40 and together==1.0.1 because these package versions have conflicting dependencies.";
  const requirements = "together==1.0.1\ncohere==4.40\n";
  await withRealTools(index.env, async (ask) => {
    await using hard = await createProject(
      { "requirements.txt": requirements, "app.py": "import cohere\n" },
      PYTHON,
    );
    const diagnosis = await hard.diagnose(log, "build");
    assertEquals(diagnosis.cause, "python-llm-provider-conflict");
    assertEquals(await hard.propose(diagnosis, ask), {
      kind: "none",
      why: "no provider can be done without: together is a core provider; cohere is needed by app.py line 1",
    });
    await using raising = await createProject({
      "requirements.txt": requirements,
      "app.py": "try:\n    import cohere\nexcept ImportError:\n    raise SystemExit('cohere is needed')\n",
    }, PYTHON);
    assertEquals((await raising.propose(diagnosis, ask)).kind, "none");
    await using lazy = await createProject({
      "requirements.txt": requirements,
      "app.py": "def ask():\n    from together import Together\n\ndef other():\n    import cohere\n",
    }, PYTHON);
    const answer = await lazy.propose(diagnosis, ask);
    assert(answer.kind === "patch");
    assertEquals(answer.edits, [{ path: "requirements.txt", content: "together==1.0.1\n" }]);
    const other = await lazy.propose(diagnosis, ask, "python/drop-providers", { coreProviders: ["Cohere"] });
    assert(other.kind === "patch");
    assertEquals(other.edits, [{ path: "requirements.txt", content: "cohere==4.40\n" }]);
  });
});

test("a build that takes too long makes the wheels of its large packages beside those of the rest, and keeps them", async () => {
  await using index = await createPythonIndex([
    { name: "numpy", version: "1.24.4" },
    { name: "numpy-financial", version: "1.0" },
    { name: "tiny-web", version: "1.0" },
  ]);
  const pip = "python3 -m pip install --quiet --no-cache-dir --upgrade --target deps";
  const requirements =
    `tiny-web==1.0\nNumPy==1.24.4  # large\n--extra-index-url ${index.indexUrl}\nnumpy-financial==1.0\n`;
  await using project = await createProject({ "requirements.txt": requirements }, {
    ...PYTHON,
    buildCommand: `echo start && ${pip} -r requirements.txt && echo end`,
  });
  const diagnosis = await project.diagnose("==> Running build command 'x'...\n==> Timed Out", "build");
  assertEquals([diagnosis.cause, diagnosis.redeployMayCure], ["build-timeout", true]);
  await project.apply(await project.propose(diagnosis, undefined, "python/split-install"));
  const wheel = "python3 -m pip wheel";
  assertEquals(
    project.settings.buildCommand,
    [
      "echo start &&",
      `{ grep -iE "^([ \t]*-|(NumPy)([^A-Za-z0-9._-]|$))" requirements.txt |`,
      `${wheel} -w .wheels --quiet -r /dev/stdin &`,
      `grep -viE "^(NumPy)([^A-Za-z0-9._-]|$)" requirements.txt |`,
      `${wheel} --no-deps -w .wheels --quiet -r /dev/stdin &&`,
      "wait $! && python3 -m pip install --find-links .wheels --quiet --upgrade --target deps -r requirements.txt",
      "&& rm -r .wheels; }",
      "&& echo end",
    ].join(" "),
  );
  const { log, result } = await project.shell(`${project.settings.buildCommand} && ls deps`, {
    env: index.env,
  });
  assertEquals(result.kind === "exited" && result.code, 0, log);
  for (const line of ["start", "end", "numpy", "numpy_financial", "tiny_web"]) {
    assertStringIncludes(log, `${line}\n`);
  }
  // A phase that fails fails the build, the one in the background too.
  for (const [good, bad] of [["NumPy==1.24.4", "NumPy==7"], ["tiny-web==1.0", "tiny-web==7"]] as const) {
    await project.write({ "requirements.txt": requirements.replace(good, bad) });
    const { result, log } = await project.shell(project.settings.buildCommand, { env: index.env });
    assert(result.kind === "exited" && result.code !== 0 && !log.includes("end\n"), log);
  }
  assertEquals(await project.propose(diagnosis, undefined, "python/split-install"), {
    kind: "none",
    why: "the build command installs in two phases already",
  });
});

test("an installation that cannot be read in parts, or would need more memory, is not split", async () => {
  const why = async (requirements: string, buildCommand = PYTHON.buildCommand, log = "==> Timed Out") => {
    await using project = await createProject({ "requirements.txt": requirements }, {
      ...PYTHON,
      buildCommand,
    });
    const diagnosis = await project.diagnose(`==> Running build command 'x'...\n${log}`, "build");
    const answer = await project.propose(diagnosis, undefined, "python/split-install");
    return answer.kind === "none" ? answer.why : answer.summary;
  };
  assertStringIncludes(await why("numpy\nx\n-r base.txt\n"), "read in parts: -r base.txt");
  assertStringIncludes(await why("numpy==1.0 \\\n --hash=sha256:0\nx\n"), "read in parts: numpy==1.0");
  assertStringIncludes(await why("x==1\ny==2\n"), "no large package");
  assertStringIncludes(await why("numpy==1\n"), "no large package that the rest could be told from");
  assertStringIncludes(await why("numpy==1\ntorch==2\n"), "Make the wheels of numpy and those of the rest");
  assertStringIncludes(await why("numpy\nx\n", "pip install numpy -r requirements.txt"), "pip is told numpy");
  assertStringIncludes(await why("numpy\nx\n", "pip install -r a.txt -r requirements.txt"), "several");
  assertStringIncludes(
    await why("numpy\nx\n", undefined, "Collecting numpy\n==> Out of memory (used over 8GB)"),
    "need more memory, not less",
  );
});

test("a Dockerfile that takes too long gets a layer for the large packages and a stage for the rest", async () => {
  const before = `# syntax=docker/dockerfile:1
FROM --platform=linux/amd64 python:3.11-slim
WORKDIR /app
# What the project needs
COPY requirements.txt .
RUN apt-get update && apt-get install -y gcc
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
`;
  await using project = await createProject(
    { "Dockerfile": before, "requirements.txt": "tiny-web==1.0\nnumpy==1.24.4\ntorch==2.1.0 # cpu\n" },
    { runtime: "docker" },
  );
  const diagnosis = await project.diagnose(
    "#9 120.1 Downloading torch-2.1.0-cp311-none.whl (619.9 MB)\n==> Timed Out",
    "build",
  );
  assertEquals([diagnosis.cause, diagnosis.captures["why"]], ["heavy-dependencies", "time"]);
  await project.apply(await project.propose(diagnosis, undefined, "python/split-layers"));
  assertEquals(await project.read("requirements.txt"), "-r requirements-heavy.txt\ntiny-web==1.0\n");
  assertEquals(await project.read("requirements-heavy.txt"), "numpy==1.24.4\ntorch==2.1.0 # cpu\n");
  assertEquals(
    await project.read("Dockerfile"),
    `# syntax=docker/dockerfile:1
FROM --platform=linux/amd64 python:3.11-slim AS base
WORKDIR /app
# What the project needs
RUN apt-get update && apt-get install -y gcc

FROM base AS other-packages
COPY requirements.txt ./
RUN touch requirements-heavy.txt && pip wheel --no-deps -w /wheels --no-cache-dir -r requirements.txt

FROM base
COPY requirements-heavy.txt ./
RUN pip install --no-cache-dir -r requirements-heavy.txt
COPY requirements.txt .
COPY --from=other-packages /wheels /wheels
RUN pip install --find-links /wheels --no-cache-dir -r requirements.txt
COPY . .
`,
  );
});

test("a Dockerfile whose steps cannot be moved apart is not split", async () => {
  const why = async (dockerfile: string) => {
    await using project = await createProject(
      { "Dockerfile": dockerfile, "requirements.txt": "tiny-web==1.0\nnumpy==1.24.4\n" },
      { runtime: "docker" },
    );
    const diagnosis = await project.diagnose("#9 1.1 Building wheel for x\n==> Timed Out", "build");
    const answer = await project.propose(diagnosis, undefined, "python/split-layers");
    return answer.kind === "none" ? answer.why : answer.summary;
  };
  const file = (middle: string, end = "CMD true\n") =>
    `FROM python:3.11 AS build\nWORKDIR /a\nCOPY . .\n${middle}RUN pip install -r requirements.txt\n${end}`;
  assertStringIncludes(await why(file("RUN make\n")), "between line 3 and line 5 may need requirements.txt");
  assertStringIncludes(await why(file("RUN pip install -e .\n")), "may need requirements.txt");
  assertStringIncludes(await why(file("", "FROM x\nCOPY --from=0 /a /a\n")), "names stages by number");
  assertStringIncludes(
    await why("FROM python:3.11\nRUN pip install numpy\n"),
    "installs no requirements file",
  );
  assertStringIncludes(await why(file("RUN pip install -U pip\n")), "Install numpy in a layer of its own");
});

Deno.test("of a module that is not found it is told whose it is: a package's, the repository's elsewhere, or a folder's", async () => {
  await using project = await createProject({
    "requirements.txt": "gunicorn==21.2.0\nPillow==10.0.0\n",
    "wsgi.py": "import utils\nimport PIL\nimport sklearn\n",
    "backend/app.py": "import models\nfrom backend.shop import cart\n",
    "backend/models.py": "",
    "backend/shop/__init__.py": "",
    "backend/shop/cart.py": "",
    "tests/helpers.py": "",
  }, { ...PYTHON, startCommand: "gunicorn backend.app:app" });
  const trace = (file: string) =>
    `Traceback (most recent call last):\n  File "/opt/render/project/src/${file}", line 1, in <module>\n`;
  const read = async (module: string, file = "backend/app.py") => {
    const { cause, captures } = await project.diagnose(
      `${trace(file)}ModuleNotFoundError: No module named '${module}'`,
      "start",
    );
    return [cause, captures["package"] ?? captures["found"] ?? captures["holder"] ?? captures["target"]];
  };
  // Third party: the distribution's name is not the module's.
  assertEquals(await read("sklearn.cluster", "wsgi.py"), ["python-module-missing", "scikit-learn"]);
  assertEquals(await read("cv2"), ["python-module-missing", "opencv-python-headless"]);
  assertEquals(await read("google.cloud.pubsub_v1"), ["python-module-missing", "google-cloud-pubsub"]);
  // Ours, beside the program and not on its path; a distribution of that name may well exist.
  assertEquals(await read("models"), ["python-run-from-wrong-directory", "backend/models.py"]);
  // Ours, and not in there: nothing to install.
  assertEquals(await read("backend.shop.basket"), ["python-wrong-import-path", "backend/shop"]);
  // Only tests have a module of this name: that is not the one that is meant.
  assertEquals(await read("helpers", "wsgi.py"), ["python-module-missing", "helpers"]);
  // The start command's own target.
  project.settings.startCommand = "gunicorn backend.main:app";
  const { cause } = await project.diagnose("ModuleNotFoundError: No module named 'backend.main'", "start");
  assertEquals(cause, "python-wrong-wsgi-target");
});

Deno.test("a server is told the folder of its program, unless the program is a package", async () => {
  const files = { "backend/app.py": "import models\napp = None\n", "backend/models.py": "" };
  const log =
    'Traceback (most recent call last):\n  File "/opt/render/project/src/backend/app.py", line 1, in <module>\n' +
    "ModuleNotFoundError: No module named 'models'";
  const healed = async (startCommand: string, more: Record<string, string> = {}) => {
    await using project = await createProject({ ...files, ...more }, { ...PYTHON, startCommand });
    const diagnosis = await project.diagnose(log, "start");
    assertEquals(diagnosis.cause, "python-run-from-wrong-directory");
    await project.apply(await project.propose(diagnosis));
    return project.settings.startCommand;
  };
  assertEquals(
    await healed("gunicorn backend.app:app --workers 2"),
    "gunicorn --chdir backend app:app --workers 2",
  );
  assertEquals(
    await healed("uvicorn backend.app:app --port $PORT"),
    "uvicorn --app-dir backend app:app --port $PORT",
  );
  assertEquals(
    await healed("gunicorn backend.app:app", {
      "backend/__init__.py": "",
      "backend/x.py": "from backend import models\n",
    }),
    "PYTHONPATH=backend gunicorn backend.app:app",
  );
  assertEquals(await healed("python -m backend.app"), "PYTHONPATH=backend python -m backend.app");
});

Deno.test("a program whose module lies in one folder below is started from there, and never one of two", async () => {
  const LOG = {
    module: (name: string) => `/opt/render/project/src/.venv/bin/python: No module named ${name}`,
    specification:
      "/usr/bin/python: Error while finding module specification for 'app.run' (ModuleNotFoundError: No module named 'app')",
    uvicorn: (name: string) => `ERROR:    Error loading ASGI app. Could not import module "${name}".`,
    gunicorn: (name: string) =>
      'Traceback (most recent call last):\n  File "/opt/render/project/src/.venv/lib/python3.11/site-packages/gunicorn/util.py", ' +
      `line 371, in import_app\nModuleNotFoundError: No module named '${name}'`,
  };
  const healed = async (startCommand: string, log: string, files: Record<string, string>) => {
    await using project = await createProject({ "requirements.txt": "", ...files }, {
      ...PYTHON,
      startCommand,
    });
    const proposal = await project.propose(await project.diagnose(log, "start"));
    if (proposal.kind === "none") return proposal.why;
    await project.apply(proposal);
    return project.settings.startCommand;
  };
  const app = "app = make()\n";
  const cases: [string, string, Record<string, string>, string][] = [
    ["python -m app", LOG.module("app"), { "src/app.py": "" }, "PYTHONPATH=src python -m app"],
    [
      "python -u -m app --port 1",
      LOG.module("app"),
      { "svc/app.py": "import models", "svc/models.py": "" },
      "PYTHONPATH=svc python -u -m app --port 1",
    ],
    ["python -m app -c app", LOG.module("app"), {
      "svc/app.py": "from .models import x",
      "svc/models.py": "",
    }, "python -m svc.app -c app"],
    [
      "python -m app",
      LOG.module("app"),
      { "svc/app.py": "from svc import models", "svc/models.py": "" },
      "python -m svc.app",
    ],
    [
      "python -m app",
      LOG.module("app"),
      { "svc/app/__main__.py": "from . import x", "svc/app/x.py": "" },
      "PYTHONPATH=svc python -m app",
    ],
    [
      "python -m app.run",
      LOG.specification,
      { "svc/app/run.py": "" },
      "PYTHONPATH=svc python -m app.run",
    ],
    [
      "cd web && python3 -m app",
      LOG.module("app"),
      { "web/x.txt": "", "svc/app.py": "" },
      'cd web && PYTHONPATH="$PWD/../svc" python3 -m app',
    ],
    [
      "python -m app",
      LOG.module("app"),
      { "a/app.py": "", "b/app.py": "" },
      "app lies in a and in b, and which is meant is not known",
    ],
    [
      "python -m app",
      LOG.module("app"),
      { "a/app.py": "", "tests/app.py": "" },
      "PYTHONPATH=a python -m app",
    ],
    [
      "uvicorn app:app --port 1",
      LOG.uvicorn("app"),
      { "svc/app.py": app },
      "uvicorn --app-dir svc app:app --port 1",
    ],
    [
      "uvicorn app:app",
      LOG.uvicorn("app"),
      { "svc/app.py": `from .x import y\n${app}`, "svc/x.py": "" },
      "uvicorn svc.app:app",
    ],
    [
      "gunicorn -w 2 app:app",
      LOG.gunicorn("app"),
      { "src/app.py": app },
      "gunicorn -w 2 --chdir src app:app",
    ],
    // The object decides between two modules of one name; where both have it nothing is guessed.
    [
      "gunicorn app:app",
      LOG.gunicorn("app"),
      { "a/app.py": app, "b/app.py": "x = 1\n" },
      "gunicorn --chdir a app:app",
    ],
    [
      "gunicorn app:app",
      LOG.gunicorn("app"),
      { "a/app.py": app, "b/app.py": app },
      "app:app lies in a and in b, and which is meant is not known",
    ],
    ["hypercorn app:app", LOG.gunicorn("app"), { "svc/app.py": app }, "PYTHONPATH=svc hypercorn app:app"],
    [
      "gunicorn web.wsgi:app",
      LOG.gunicorn("web"),
      { "svc/web/wsgi.py": app },
      "gunicorn --chdir svc web.wsgi:app",
    ],
  ];
  for (const [command, log, files, expected] of cases) {
    assertEquals(await healed(command, log, files), expected, `${command} with ${Object.keys(files)}`);
  }
});
