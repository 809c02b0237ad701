import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createBareRepository } from "../helpers/repository.ts";
import { Harbour, hasPython, pythonApp } from "./harbour.ts";

const ignore = !await hasPython();
const source = pythonApp;
const details = { runtime: "python" };

Deno.test({
  name: "a Python service is built and run in its own virtual environment",
  ignore,
  async fn() {
    await using repository = await createBareRepository({ "app.py": source });
    await using harbour = await Harbour.open();
    const commands = {
      buildCommand: "pip --version && python -c 'import sys; print(sys.prefix)'",
      startCommand: "python app.py",
    };
    const berth = await harbour.create(repository, { details, commands });
    await berth.isLive();
    const { word, cwd } = await berth.answer();
    assertEquals(word, `${cwd}/.venv`);
    const log = await berth.log();
    assert(log.includes("/opt/render/project/src/.venv"), log.join("\n"));
    assert(
      log.some((line) => /^==> Using Python version 3\.\d+\.\d+ \(default\)$/.test(line)),
      log.join("\n"),
    );
  },
});

Deno.test("a two-part PYTHON_VERSION is refused with Render's line", async () => {
  await using repository = await createBareRepository({ "app.py": source });
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, {
    details,
    envVars: [{ key: "PYTHON_VERSION", value: "3.11" }],
  });
  await berth.reaches(berth.firstDeployId, "build_failed");
  assertStringIncludes(
    (await berth.log()).join("\n"),
    "==> The PYTHON_VERSION must provide a major, minor, and patch version, e.g. 3.8.1. You have requested 3.11.",
  );
});

Deno.test("a Python version that is not installed fails the build and says so", async () => {
  await using repository = await createBareRepository({ "app.py": source, ".python-version": "3.2\n" });
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { details });
  await berth.reaches(berth.firstDeployId, "build_failed");
  assertStringIncludes(
    (await berth.log()).join("\n"),
    "==> Drydock: Python 3.2 is not installed on this machine",
  );
});
