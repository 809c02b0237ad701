import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { run } from "../../process/run.ts";
import { learningStateSchema } from "../../state/learning_state.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import {
  attempt,
  denoEnvironment,
  incident,
  inFolder,
  namesIn,
  outcome,
  serviceRecord,
} from "../state/builders.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const EXPORT = {
  failed_dependencies: ["numpy==1.24.4"],
  known_fixes: { "node-module-missing": "node/add-dependency", "numpy-build": "curl \u001b[31mx | sh" },
  performance_map: { slim: 93.5 },
};

async function main(folder: string, ...args: string[]) {
  const result = await run({
    command: [Deno.execPath(), "run", "-A", "--no-check", MAIN, ...args],
    cwd: folder,
    env: { ...denoEnvironment(), NO_COLOR: "1", EVENKEEL_DATA_DIR: join(folder, "data") },
    timeoutMs: 60_000,
  });
  assert(result.kind === "exited");
  return result;
}

/** Outcomes of today in the store of the data folder. */
async function remember(folder: string): Promise<void> {
  await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
  const common = { at: Date.now(), cause: "port-bound-localhost" };
  await store.record({ service: serviceRecord() });
  await store.record({ outcome: outcome({ ...common, remedy: "service/bind-flags" }) });
  const harm = { ...common, incidentId: "inc_2", remedy: "service/bind-code", outcome: "worse" as const };
  await store.record({ outcome: outcome(harm) });
}

Deno.test("learned shows counts, share, interval and quarantine, as text and as JSON", () =>
  inFolder(async (folder) => {
    const empty = await main(folder, "learned");
    assertEquals([empty.code, empty.stderr], [0, ""]);
    assertStringIncludes(empty.stdout, "Nothing is learned yet");
    await remember(folder);
    const { stdout } = await main(folder, "learned");
    assertMatch(stdout, /service\/bind-flags +1 of 1 +100 % +21 % to 100 %/);
    assertMatch(
      stdout,
      /service\/bind-code +0 of 1 .*made it worse\s+once,\s+in\s+quarantine\s+until \d{4}-/,
    );
    const json = JSON.parse(
      (await main(folder, "learned", "-o", "json", "--cause", "port-bound-localhost")).stdout,
    );
    assertEquals(
      json.remedies.map((row: Record<string, unknown>) => [row["remedy"], row["known"], row["worse"]]),
      [["service/bind-code", true, 1], ["service/bind-flags", true, 0]],
    );
  }));

Deno.test("learned shows by which failures a remedy was judged, where they have names", () =>
  inFolder(async (folder) => {
    await remember(folder);
    {
      await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
      const common = { at: Date.now(), cause: "node-module-missing", remedy: "node/add-dependency" };
      for (const [at, about] of ["lodash", "left-pad", "lodash"].entries()) {
        const judged = about === "lodash" ? "healed" as const : "worse" as const;
        const failureClass = { id: about, about };
        await store.record({
          outcome: outcome({ ...common, incidentId: `inc_of_${at}`, outcome: judged, failureClass }),
        });
      }
    }
    const { stdout } = await main(folder, "learned", "--cause", "node-module-missing");
    assertMatch(stdout, /node\/add-dependency +2 of 3/);
    assertMatch(stdout, /for lodash +2 of 2/);
    assertMatch(stdout, /for left-pad +0 of 1 .*made it worse\s+once,\s+in\s+quarantine\s+until/);
    {
      await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
      await store.forget({ kind: "cause", cause: "node-module-missing" });
      const failureClass = { id: "ms", about: "ms" };
      const only = { at: Date.now(), cause: "node-module-missing", remedy: "node/add-dependency" };
      await store.record({ outcome: outcome({ ...only, outcome: "healed", failureClass }) });
    }
    assertMatch((await main(folder, "learned")).stdout, /for ms +1 of 1/);
    assertEquals(
      (await main(folder, "forget", "node-module-missing", "node/add-dependency", "lodash")).code,
      1,
    );
    const { stdout: gone } = await main(folder, "forget", "node-module-missing", "node/add-dependency", "ms");
    assertEquals(gone, "Forgot 1 outcome\n");
    assertEquals(
      (await main(folder, "learned", "--cause", "port-bound-localhost")).stdout.includes("for "),
      false,
    );
  }));

Deno.test("learned tells an attempt of an open incident as being proven and counts nothing of it yet", () =>
  inFolder(async (folder) => {
    {
      await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
      const unread = attempt({ status: "failed", deployId: "dep-1" });
      const open = incident({ attempts: [unread, attempt({ number: 2, remedy: "node/add-dependency" })] });
      const { id: incidentId, serviceId } = open;
      const { cause, remedy } = unread;
      await store.record({
        service: serviceRecord(),
        incident: open,
        outcome: outcome({
          at: Date.now(),
          incidentId,
          serviceId,
          attempt: 1,
          cause,
          remedy,
          outcome: "no_effect",
        }),
      });
    }
    const { stdout } = await main(folder, "learned");
    assertEquals(/0 of 1/.test(stdout), false, stdout);
    assertMatch(stdout, /Being proven, not counted yet\n +\S+ +for \S+, attempt 1 of the open incident of/);
    const json = JSON.parse((await main(folder, "learned", "-o", "json")).stdout);
    assertEquals(json.being_proven.map((one: Record<string, unknown>) => one["attempt"]), [1, 2]);
  }));

Deno.test("learned --import takes in an earlier export once, as prior knowledge, and keeps aside what it does not know", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "old.json"), JSON.stringify(EXPORT));
    const first = await main(folder, "learned", "--import", "old.json");
    assertEquals([first.code, first.stderr], [0, ""]);
    assertStringIncludes(
      first.stdout,
      "2 fixes (1 kept aside: not in the catalogue), 1 failed dependency, 1 duration\n",
    );
    assertMatch(first.stdout, /node\/add-dependency +0 of 0 .*known from an import/);
    assert(!first.stdout.includes("\x1b"));
    const again = await main(folder, "learned", "--import", "old.json", "-o", "json");
    const { imported, remedies } = JSON.parse(again.stdout);
    assertEquals(typeof imported.alreadyAt, "string");
    assertEquals(remedies.length, 2);
    const file = await Deno.readTextFile(join(folder, "data", "artifacts", "deploy_learning_state.json"));
    const state = learningStateSchema.parse(JSON.parse(file));
    assertEquals(state.known_fixes, {});
    assertEquals([state.performance_map, state.imported_failed_dependencies], [{ slim: 93.5 }, [
      "numpy==1.24.4",
    ]]);
  }));

Deno.test("learned --import refuses what is no export, with exit 2 and nothing left behind", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "bad.json"), '{"known_fixes": 7}');
    for (const file of ["bad.json", "missing.json", "/dev/zero", "."]) {
      const { code, stdout, stderr } = await main(folder, "learned", "--import", file);
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, /^Cannot import /);
    }
    assertEquals(await namesIn(folder), ["bad.json"]);
  }));

Deno.test("forget deletes a remedy or what a service taught, and says when there was nothing", () =>
  inFolder(async (folder) => {
    await remember(folder);
    const one = await main(folder, "forget", "port-bound-localhost", "service/bind-code");
    assertEquals([one.code, one.stdout], [0, "Forgot 1 outcome\n"]);
    const again = await main(folder, "forget", "port-bound-localhost", "service/bind-code");
    assertEquals([again.code, again.stdout], [
      1,
      "Nothing to forget: nothing is known of service/bind-code as a remedy of port-bound-localhost\n",
    ]);
    const service = await main(folder, "forget", "--service", "api", "-o", "json");
    assertEquals([service.code, JSON.parse(service.stdout).forgotten.outcomes], [0, 1]);
    assertEquals((await main(folder, "forget")).code, 2);
    assertStringIncludes((await main(folder, "learned")).stdout, "Nothing is learned");
  }));

Deno.test("forget says that a stalled incident stays, and how to go on with it", () =>
  inFolder(async (folder) => {
    await remember(folder);
    {
      await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
      const resume = "deno task resume --service stuck";
      const stalled = {
        at: 1,
        reason: "UnknownCause",
        message: "No cause is known",
        evidence: [],
        resume,
        worldHash: "x",
      };
      const fields = { serviceId: "srv-9", serviceName: "stuck", attempts: [], stalled };
      await store.record({
        service: serviceRecord({ serviceId: "srv-9", name: "stuck" }),
        incident: incident({ ...fields, status: "stalled" }),
      });
    }
    const { code, stdout } = await main(folder, "forget", "--service", "stuck");
    assertEquals([code, stdout], [
      1,
      "Nothing to forget: nothing was learned\n" +
      "The stalled incident of stuck stays; to go on with it: deno task resume --service stuck\n",
    ]);
  }));
