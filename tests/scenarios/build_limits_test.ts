/**
 * Builds that go beyond a limit of the platform, and what heals them: phases at the same time for one that runs out
 * of time, by a build command and by a Dockerfile; fewer packages for one that runs out of memory.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasPython, until } from "../drydock/harbour.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import { PYTHON, pythonApp } from "./apps.ts";
import { skippingClock } from "./skipping_clock.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient, PatientOptions } from "./stage.ts";

const ignore = !await hasPython();
const SPEED = 450;
/** Render's own time for a build; the clock skips what is only waiting. */
const BUILD_MS = 120 * 60_000;

interface Run {
  stage: Stage;
  patient: Patient;
  attempts: string[];
  learned: string;
}

/** Lets a build run out of time twice, the second time without a change, and has it healed. */
async function healTimeout(
  files: Readonly<Record<string, string>>,
  options: PatientOptions,
  check: (run: Run) => Promise<void>,
) {
  await using index = await createPythonIndex([
    { name: "torch", version: "2.1.0", source: "paired" },
    { name: "slow-codec", version: "1.0", source: "paired" },
    { name: "tiny-web", version: "1.0" },
    { name: "tiny-web", version: "1.1" },
  ]);
  await using stage = await Stage.open({
    env: index.env,
    drydock: {
      speed: SPEED,
      limits: { buildMs: BUILD_MS },
      clock: skippingClock(index.stuck),
      containerEngine: "none",
    },
  });
  const names = Object.keys(index.env);
  const patient = await stage.patient({
    ...pythonApp("import tiny_web, torch, slow_codec", "tiny-web==1.0\ntorch==2.1.0\nslow-codec==1.0\n"),
    ...Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path, text.replace("ARGS", `ARG ${names.join(" ")}`)]),
    ),
  }, { ...options, envVars: index.env });
  const { berth } = patient;
  await begin(patient, "build_failed");
  await berth.deployUntil("build_failed");
  const log = await berth.log();
  assertEquals(log.filter((line) => line === "==> Timed Out").length, 2, log.join("\n"));
  assert(!log.some((line) => line.includes("Created wheel")), log.join("\n"));

  await stage.configure([patient]);
  const { code, only } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only, null, 2));
  assertEquals((await health(patient)).status, 200);
  const attempts = only.incident?.attempts ?? [];
  await check({
    stage,
    patient,
    attempts: attempts.map(({ cause, remedy, status }) => `${cause}: ${remedy} ${status}`),
    learned: (await stage.evenkeel(["learned"])).stdout,
  });
}

Deno.test({
  name:
    "a build command that runs out of time, deployed again too, gets through with two phases at the same time",
  ignore,
  fn: () =>
    healTimeout({}, { details: { runtime: "python" }, commands: PYTHON.commands }, async (run) => {
      const { attempts, patient: { berth, repository }, learned } = run;
      assertEquals(attempts, ["heavy-dependencies: python/split-install fixed"]);
      assert(/python\/split-install.*1 of 1/.test(learned), learned);
      // The large package is kept apart from the rest: made again it would wait for the other one, which is kept too.
      await repository.commit(
        { "requirements.txt": "tiny-web==1.1\ntorch==2.1.0\nslow-codec==1.0\n" },
        "Move",
      );
      const moved = await until(async () =>
        (await berth.deploys()).find((one) => one.trigger === "new_commit")
      );
      await berth.reaches(moved.id, "live");
    }),
});

Deno.test({
  name:
    "a Dockerfile that runs out of time, built again too, gets through with a stage beside the large packages",
  ignore,
  fn: () =>
    healTimeout(
      {
        "Dockerfile": `FROM python:3-slim
ARGS
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
CMD ["python", "app.py"]
`,
      },
      { details: { runtime: "docker" }, commands: {} },
      async (run) => {
        const { attempts, patient, learned } = run;
        assertEquals(attempts, ["heavy-dependencies: python/split-layers fixed"]);
        assert(/python\/split-layers.*1 of 1/.test(learned), learned);
        const { files } = await theFix(patient);
        assertEquals(files.toSorted(), ["Dockerfile", "requirements-heavy.txt", "requirements.txt"]);
        assertEquals(await patient.repository.read("requirements-heavy.txt"), "torch==2.1.0\n");
      },
    ),
});

Deno.test({
  name: "a build that is killed for memory by a large package that nothing imports gets through without it",
  ignore: ignore || Deno.build.os !== "linux",
  async fn() {
    await using index = await createPythonIndex([
      { name: "torch", version: "2.1.0", source: "greedy" },
      { name: "tiny-web", version: "1.0" },
    ]);
    await using stage = await Stage.open({
      env: index.env,
      drydock: { speed: SPEED, buildMemoryMiB: 320 },
    });
    const patient = await stage.patient(
      pythonApp("import tiny_web", "torch==2.1.0\ntiny-web==1.0\n"),
      { details: { runtime: "python" }, commands: PYTHON.commands, envVars: index.env },
    );
    const { berth } = patient;
    await begin(patient, "build_failed");
    const [ended] = await berth.events("build_ended");
    assertEquals(ended?.details["reason"], {
      failure: { evicted: false, oomKilled: { memoryLimit: "320Mi" } },
    });
    assert((await berth.log()).includes("==> Out of memory (used over 320Mi)"));

    await stage.configure([patient]);
    const { code, only } = await stage.once();
    assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only, null, 2));
    const [attempt, ...more] = only.incident?.attempts ?? [];
    assertEquals([attempt?.cause, attempt?.remedy, attempt?.status, more], [
      "heavy-dependencies",
      "python/drop-unused",
      "fixed",
      [],
    ]);
    assertStringIncludes(String(attempt?.["summary"]), "needs more memory or disk than there is");
    assertEquals(await patient.repository.read("requirements.txt"), "tiny-web==1.0\n");
    assertEquals((await health(patient)).status, 200);
  },
});
