import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { run } from "../../process/run.ts";
import { adviceReport } from "../../reconciler/advising.ts";
import { adviceReportSchema } from "../../state/advice.ts";
import type { BuildFacts } from "../../state/build_facts.ts";
import { incidentSchema } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { startStatusServer } from "../../status/server.ts";
import { systemClock } from "../../base/clock.ts";
import {
  attempt,
  denoEnvironment,
  healed,
  inFolder,
  outcome,
  serviceRecord,
  START,
} from "../state/builders.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const BUILD: BuildFacts = {
  recipe: "dockerfile",
  file: "Dockerfile",
  installs: [{
    line: 4,
    text: "RUN pip install -r requirements.txt",
    program: "pip",
    isSystem: false,
    sourcesLine: 3,
    hasCacheMount: false,
    refusesCache: false,
    isLocked: false,
  }],
  lockfile: null,
  needsSources: null,
  hasIgnoreFile: true,
  dependencies: {
    hash: "12345678",
    manifests: ["requirements.txt"],
    packages: 1,
    loose: 0,
    listed: ["flask==3.0.0"],
  },
  phases: [{ name: "RUN pip install -r requirements.txt", seconds: 4.5 }],
};

async function main(folder: string, ...args: string[]) {
  const result = await run({
    command: [Deno.execPath(), "run", "-A", "--no-check", MAIN, "advise", ...args],
    cwd: folder,
    env: { ...denoEnvironment(), NO_COLOR: "1", EVENKEEL_DATA_DIR: join(folder, "data") },
    timeoutMs: 60_000,
  });
  assert(result.kind === "exited");
  return result;
}

async function remember(folder: string, incidents: number): Promise<void> {
  await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
  await store.record({ service: serviceRecord() });
  for (let number = 1; number <= incidents; number++) {
    await store.record({
      incident: { ...healed(number), attempts: [attempt({ status: "fixed", build: BUILD })] },
      outcome: outcome({ incidentId: `inc_${number}` }),
      performance: [{
        at: START,
        serviceId: "srv-1",
        deployId: `dep-${number}`,
        variant: "deps:12345678",
        seconds: 10 + number,
        detail: "1 packages of requirements.txt: flask==3.0.0",
      }],
    });
  }
}

Deno.test("advise says what it rests on from the third attempt on, the same at /advice, and before that when it begins", () =>
  inFolder(async (folder) => {
    await remember(folder, 2);
    const early = await main(folder);
    assertEquals([early.code, early.stderr], [0, ""]);
    assertStringIncludes(early.stdout, "advice begins after 3");
    await remember(folder, 3);
    const { stdout } = await main(folder);
    assertStringIncludes(stdout, "Keep set 12345678 of requirements.txt (1 package)");
    assertStringIncludes(stdout, "median to live 12 s");
    assertStringIncludes(stdout.replace(/\s+/g, " "), "run line 4 before line 3 copies the sources");
    assertStringIncludes(stdout, "median of the step 4.5 s");
    assertStringIncludes(
      stdout.replace(/\s+/g, " "),
      "failed 0 attempts, median to live 12 s, measured 3 deploys, compared 1 set",
    );
    // What is said of each kind begins in one column.
    const kinds = [...stdout.matchAll(/^ {2}((?:dependency-set|caching|build-order) +)/gm)].map(([, kind]) =>
      kind
    );
    assertEquals([kinds.length > 1, new Set(kinds.map((kind) => kind?.length)).size], [true, 1]);

    const report = adviceReportSchema.parse(
      JSON.parse((await main(folder, "-o", "json", "--service", "api")).stdout),
    );
    assertEquals(report.services.map(({ name, iterations }) => [name, iterations]), [["api", 3]]);
    const nobody = await main(folder, "--service", "nobody");
    assertEquals([nobody.code, nobody.stderr.trim()], [1, "Nothing is known of nobody"]);

    await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
    const server = await startStatusServer({
      store,
      port: 0,
      version: "0",
      clock: systemClock,
      readiness: () => Promise.resolve({ ready: true, reason: "" }),
      advice: () => adviceReport(store, { freeMemoryMiB: 4000, now: START }),
    });
    try {
      const answer = adviceReportSchema.parse(await (await fetch(`${server.url}/advice`)).json());
      assertEquals(answer.services, report.services);
    } finally {
      await server.stop();
    }
  }));

Deno.test("an incident that an older version stored is still read", () => {
  const { why: _why, build: _build, ...old } = attempt();
  const [read] = incidentSchema.parse({ ...healed(1), attempts: [old] }).attempts;
  assertEquals([read?.why, read?.build], [null, null]);
});
