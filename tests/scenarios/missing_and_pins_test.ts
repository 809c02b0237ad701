/** One incident, one commit: several missing packages, and large pins of which one is used and one is not. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { hasPython } from "../drydock/harbour.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import type { PythonPackage } from "../helpers/python_index.ts";
import { PYTHON, pythonApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

const ignore = !await hasPython();

/** Breaks a service, heals it by `once` with one commit, and gives what was done. */
async function healAtOnce(packages: readonly PythonPackage[], files: Record<string, string>, ends: string) {
  await using index = await createPythonIndex(packages);
  await using stage = await Stage.open({ env: index.env });
  const patient = await stage.patient(files, { ...PYTHON, envVars: index.env });
  await begin(patient, ends);
  await stage.configure([patient]);
  const { code, only, stderr } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only, null, 2));
  assertEquals((await health(patient)).status, 200);
  const fix = await theFix(patient);
  return {
    attempts: only.incident?.attempts.map(({ cause, remedy, status }) => [cause, remedy, status]),
    deploys: (await patient.berth.deploys()).map(({ status }) => status),
    requirements: await patient.repository.read("requirements.txt"),
    message: fix.message.replaceAll(/\s+/g, " "),
    stderr,
  };
}

Deno.test({
  name:
    "several packages that no requirement brings are added in one commit, each named with the place that imports it",
  ignore,
  async fn() {
    const { attempts, deploys, requirements, message, stderr } = await healAtOnce(
      [
        { name: "flask", version: "3.0", requires: ["jinja2"] },
        { name: "jinja2", version: "3.1" },
        { name: "PyYAML", version: "6.0.2", files: { "yaml/__init__.py": "" } },
        { name: "requests", version: "2.32.3" },
        { name: "Pillow", version: "11.0", files: { "PIL/__init__.py": "", "PIL/Image.py": "" } },
        { name: "boto3", version: "1.35" },
      ],
      {
        ...pythonApp("import flask\nimport jinja2\nimport yaml\nimport pictures", "flask==3.0\n"),
        "pictures.py":
          "import requests\nfrom PIL import Image\n\ntry:\n    import boto3\nexcept ImportError:\n    boto3 = None\n",
      },
      "update_failed",
    );
    assertEquals(attempts, [["python-module-missing", "python/add-requirement", "fixed"]]);
    assertEquals(deploys, ["live", "update_failed"]);
    assertEquals(requirements, "flask==3.0\nPyYAML==6.0.2\nrequests==2.32.3\nPillow==11.0\n");
    const also = "requests==2.32.3 (pictures.py line 1), Pillow==11.0 (pictures.py line 2)";
    assertStringIncludes(message, `imports and no requirement brings: ${also}`);
    assertStringIncludes(stderr.replaceAll(/\s+/g, " "), also);
  },
});

Deno.test({
  name:
    "of large pins without a wheel the imported one moves to a version with one and the other is taken out, in one incident",
  ignore,
  async fn() {
    const { attempts, deploys, requirements, message } = await healAtOnce(
      [
        { name: "numpy", version: "1.21.0", source: "broken" },
        ...["1.22.4", "1.26.4", "2.1.0"].map((version) => ({ name: "numpy", version })),
        { name: "pandas", version: "1.3.0", source: "broken" },
        { name: "pandas", version: "2.1.4" },
        { name: "tiny-web", version: "1.0" },
      ],
      pythonApp("import numpy\nimport tiny_web", "tiny-web==1.0\nnumpy==1.21.0  # arrays\npandas==1.3.0\n"),
      "build_failed",
    );
    assertEquals(attempts, [["heavy-dependencies", "python/drop-unused", "fixed"]]);
    assertEquals(deploys, ["live", "build_failed"]);
    assertEquals(requirements, "tiny-web==1.0\nnumpy==1.22.4  # arrays\n");
    assertStringIncludes(message, "Take out pandas");
    assertStringIncludes(message, "move numpy from 1.21.0 to 1.22.4");
  },
});

Deno.test({
  name:
    "what is only likely is added alone, and until the incident is healed the attempt before is told as being proven",
  ignore,
  async fn() {
    await using index = await createPythonIndex([
      { name: "tiny-one", version: "1.0" },
      { name: "tiny-two", version: "1.0" },
    ]);
    await using stage = await Stage.open({ env: index.env });
    const patient = await stage.patient(pythonApp("import tiny_one\nimport tiny_two", "\n"), {
      ...PYTHON,
      envVars: index.env,
    });
    await begin(patient, "update_failed");
    await stage.configure([patient]);
    const { code, only, stderr } = await stage.once();
    assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only, null, 2));
    assertEquals(only.incident?.attempts.map(({ status, why }) => [status, why]), [
      ["fixed", "the only remedy: never tried"],
      [
        "fixed",
        "the only remedy: attempt 1 with it is being proven",
      ],
    ]);
    assertEquals(stderr.includes("0 of 1"), false, stderr);
  },
});
