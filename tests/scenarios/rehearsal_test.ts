/** A fix is rehearsed in drydock before it is published, where the policy says so. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openSqliteStore } from "../../state/sqlite.ts";
import { hasPython } from "../drydock/harbour.ts";
import { hasCell } from "../helpers/cell.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import { PYTHON, pythonApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

Deno.test({
  name:
    "a fix whose rehearsal fails as the deploy did is never pushed, and the next remedy heals (promise 17)",
  ignore: !await hasPython() || !await hasCell(),
  async fn() {
    await using index = await createPythonIndex([
      { name: "numpy", version: "1.26.4" },
      { name: "pandas", version: "2.1.4" },
    ]);
    await using stage = await Stage.open({ env: { ...index.env, SESSION_ID: "rehearsed" } });
    const app = "try:\n    import numpy\nexcept ImportError:\n    numpy = None";
    // Says what pip says where the newest version has no wheel, in a fraction of its time; only a build finds that out.
    const script =
      `if grep -q numpy requirements.txt; then echo "ERROR: Failed building wheel for numpy"; exit 1; fi\n`;
    const patient = await stage.patient(
      { ...pythonApp(app, "numpy\npandas==2.1.4\n"), "build.sh": script },
      {
        ...PYTHON,
        commands: {
          ...PYTHON.commands,
          buildCommand: "sh build.sh; exit $?; pip install -r requirements.txt",
        },
      },
    );
    await begin(patient, "build_failed");
    const policy = { rehearse: "build", riskMax: "high", mayChangeSettings: false };
    await stage.configure([patient], { policy });

    const { code, only } = await stage.once();
    assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only, null, 2));
    assertEquals((await health(patient)).status, 200);
    // What was rehearsed in vain is no attempt, and what came after it does not stand on it: pandas is still there.
    assertEquals(only.incident?.attempts.map(({ remedy, status }) => [remedy, status]), [
      ["python/smaller-set", "fixed"],
    ]);
    assertEquals((await theFix(patient)).files, ["requirements.txt"]);
    const requirements = await patient.repository.read("requirements.txt");
    assertEquals(requirements, "pandas==2.1.4\n");

    await using store = await openSqliteStore(`${stage.dataDirectory}/evenkeel.db`);
    const rehearsed = (await store.listEvents({ limit: 1000 })).filter(({ type }) => type === "Rehearsed");
    assertEquals(rehearsed.map(({ data }) => data).toReversed(), [
      { attempt: 1, remedy: "python/drop-unused", outcome: "failed" },
      { attempt: 1, remedy: "python/smaller-set", outcome: "built" },
    ]);
    const story = await stage.evenkeel(["session", "rehearsed"]);
    assertMatch(
      story.stdout.replaceAll(/\s+/g, " "),
      /python\/drop-unused: its build fails in drydock as it did on Render: .*numpy/,
    );
    assertStringIncludes(story.stdout.replaceAll(/\s+/g, " "), "It is not published");
  },
});
