/** The patterns that started this project, each on a real build of drydock with packages from a local index. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { causes } from "../../agents/analyzer/causes/all.ts";
import { failureClass } from "../../agents/analyzer/failure_class.ts";
import type { Outcome } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { hasPython } from "../drydock/harbour.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import type { PythonPackage } from "../helpers/python_index.ts";
import { outcome } from "../state/builders.ts";
import { PYTHON, pythonApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

const ignore = !await hasPython();
/** Fast enough that nothing here waits for Render's own periods. */
const SPEED = 450;

interface Case {
  packages: readonly PythonPackage[];
  files: Readonly<Record<string, string>>;
  commands?: Record<string, string>;
  /** How the first deploy ends. */
  ends: string;
  /** How long a build may take, in milliseconds. @default the platform's time at the stage's speed */
  buildMs?: number;
  policy?: Record<string, unknown>;
  /** What was verified in earlier incidents. */
  past?: readonly Outcome[];
}

/** Breaks a service, heals it by `once` and gives what was attempted and the stage's patient. */
async function heal({ packages, files, commands, ends, buildMs, policy = {}, past = [] }: Case) {
  await using index = await createPythonIndex(packages);
  await using stage = await Stage.open({
    env: index.env,
    ...(buildMs === undefined ? {} : { drydock: { speed: SPEED, limits: { buildMs } } }),
  });
  const patient = await stage.patient(files, {
    details: { runtime: "python" },
    commands: { ...PYTHON.commands, ...commands },
    envVars: index.env,
  });
  await begin(patient, ends);
  await stage.configure([patient], { policy });
  {
    await using store = await openSqliteStore(`${stage.dataDirectory}/evenkeel.db`);
    for (const one of past) await store.record({ outcome: one });
  }
  const { code, only } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only, null, 2));
  assertEquals((await health(patient)).status, 200);
  const attempts = only.incident?.attempts ?? [];
  const fix = attempts.some(({ kind }) => kind === "patch") ? await theFix(patient) : null;
  const requirements = await patient.repository.read("requirements.txt");
  return {
    attempts: attempts.map(({ cause, remedy, status }) => ({ cause, remedy, status })),
    fix,
    requirements,
    attempt: attempts[0],
  };
}

Deno.test({
  name: "a large package that cannot be built and that nothing imports is taken out, and nothing else is",
  ignore,
  async fn() {
    const { attempts, fix, requirements } = await heal({
      packages: [
        { name: "numpy", version: "1.24.4", source: "broken" },
        { name: "pandas", version: "2.1.4" },
        { name: "tiny-web", version: "1.0" },
      ],
      files: pythonApp(
        "import pandas\nimport tiny_web",
        "tiny-web==1.0\nnumpy==1.24.4  # for later\npandas==2.1.4\n",
      ),
      ends: "build_failed",
    });
    assertEquals(attempts, [{ cause: "heavy-dependencies", remedy: "python/drop-unused", status: "fixed" }]);
    assertEquals([fix?.files, requirements], [["requirements.txt"], "tiny-web==1.0\npandas==2.1.4\n"]);
  },
});

Deno.test({
  name: "a build that does not end for a large package that nothing imports ends without it",
  ignore,
  async fn() {
    const { attempts, requirements } = await heal({
      packages: [
        { name: "torch", version: "2.1.0", source: "endless" },
        { name: "tiny-web", version: "1.0" },
      ],
      files: pythonApp("import tiny_web", "torch==2.1.0\ntiny-web==1.0\n"),
      ends: "build_failed",
      // Long enough for the build that is healed, on a machine with much else to do.
      buildMs: 20_000,
    });
    assertEquals(attempts, [{ cause: "heavy-dependencies", remedy: "python/drop-unused", status: "fixed" }]);
    assertEquals(requirements, "tiny-web==1.0\n");
  },
});

Deno.test({
  name:
    "a large package that is imported, be it optionally, moves to the nearest version with a wheel, whatever a smaller set has healed and the policy allows",
  ignore,
  async fn() {
    const heavy = causes.find(({ slug }) => slug === "heavy-dependencies");
    assert(heavy !== undefined);
    const past = [1, 2, 3].map((number) =>
      outcome({
        at: Date.now() - 60_000,
        serviceId: `srv-${number}`,
        incidentId: `inc_${number}`,
        cause: heavy.slug,
        failureClass: failureClass(heavy, { packages: "numpy" }),
        remedy: "python/smaller-set",
      })
    );
    const { attempts, requirements } = await heal({
      past,
      policy: { riskMax: "high", mayChangeSettings: false },
      packages: [
        { name: "numpy", version: "1.21.0", source: "broken" },
        ...["1.22.3", "1.22.4", "1.26.4", "2.1.0"].map((version) => ({ name: "numpy", version })),
      ],
      files: pythonApp(
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "numpy==1.21.0\n",
      ),
      ends: "build_failed",
    });
    assertEquals(attempts, [{ cause: "heavy-dependencies", remedy: "python/use-wheels", status: "fixed" }]);
    assertEquals(requirements, "numpy==1.22.4\n");
  },
});

Deno.test({
  name:
    "of model providers that no versions bring together, the one the code can do without is dropped, and that is said",
  ignore,
  async fn() {
    const { attempts, fix, requirements } = await heal({
      packages: [
        { name: "openai", version: "1.6.1" },
        { name: "together", version: "1.0.1", requires: ["aiohttp>=3.9.3"] },
        { name: "cohere", version: "4.40", requires: ["aiohttp<3"] },
        { name: "aiohttp", version: "2.9.0" },
        { name: "aiohttp", version: "3.9.5" },
      ],
      files: pythonApp(
        "import openai\nimport together\n\ntry:\n    import cohere\nexcept ImportError:\n    cohere = None",
        "openai==1.6.1\ntogether==1.0.1\ncohere==4.40\n",
      ),
      ends: "build_failed",
    });
    assertEquals(attempts, [
      { cause: "python-llm-provider-conflict", remedy: "python/drop-providers", status: "fixed" },
    ]);
    assertEquals(requirements, "openai==1.6.1\ntogether==1.0.1\n");
    assertStringIncludes(
      fix?.message.replaceAll(/\s+/g, " ") ?? "",
      "Drop cohere (optional in app.py line 9)",
    );
  },
});

Deno.test({
  name: "a program that does not find the modules beside it is started where they lie",
  ignore,
  async fn() {
    const app = pythonApp("import models", "")["app.py"] ?? "";
    const { attempts, attempt } = await heal({
      packages: [],
      files: {
        "requirements.txt": "",
        "backend/__init__.py": "",
        "backend/app.py": app,
        "backend/models.py": "NAME = 'models'\n",
      },
      commands: { startCommand: "python -m backend.app" },
      ends: "update_failed",
    });
    assertEquals(attempts, [
      { cause: "python-run-from-wrong-directory", remedy: "python/start-directory", status: "fixed" },
    ]);
    assertStringIncludes(attempt?.diff ?? "", "PYTHONPATH=backend python -m backend.app");
  },
});

Deno.test({
  name: "a package folder that the installed program lacks gets its __init__.py",
  // The setuptools that builds it comes with every virtual environment before Python 3.12.
  ignore: ignore || !await isBefore312(),
  async fn() {
    const server = pythonApp("from shop.billing import invoice", "")["app.py"] ?? "";
    const { attempts, fix } = await heal({
      packages: [],
      files: {
        "requirements.txt": "",
        "setup.py": `from setuptools import find_packages, setup

setup(name="shop", version="1.0", packages=find_packages(), entry_points={"console_scripts": ["shop-server = shop.server:main"]})
`,
        "shop/__init__.py": "",
        "shop/server.py": `def main():\n${server.replace(/^(?=.)/gm, "    ")}`,
        "shop/billing/invoice.py": "TOTAL = 0\n",
      },
      commands: { buildCommand: "python setup.py -q install", startCommand: "shop-server" },
      ends: "update_failed",
    });
    assertEquals(attempts, [{ cause: "python-init-missing", remedy: "python/add-init", status: "fixed" }]);
    assertEquals(fix?.files, ["shop/billing/__init__.py"]);
  },
});

async function isBefore312(): Promise<boolean> {
  const { success } = await new Deno.Command("python3", {
    args: ["-c", "import sys; sys.exit(sys.version_info >= (3, 12))"],
  }).output().catch(() => ({ success: false }));
  return success;
}
