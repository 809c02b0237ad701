import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { migrate, MIGRATIONS } from "../../state/migrations.ts";
import { performanceMap } from "../../state/performance.ts";
import { CLASS_OUTCOMES_READ, recallClass, recallTallies } from "../../state/recall.ts";
import type { Outcome } from "../../state/records.ts";
import { IMPORTS_KEPT, openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { attempt, healed, incident, inFolder, outcome, serviceRecord, START } from "./builders.ts";

const NONE = { outcomes: 0, imported: 0, performance: 0, incidents: 0 };
const deploy = (id: string, seconds: number, variant = "remedy:unpin", serviceId = "srv-1") => ({
  at: START,
  serviceId,
  deployId: id,
  variant,
  seconds,
});
const imported = (digest: string, at = START) => ({
  digest,
  at,
  fixes: [{ cause: "c", remedy: "r1" }, { cause: "c", remedy: "r2" }, { cause: "d", remedy: "r1" }],
  failedDependencies: ["numpy"],
  performance: [{ variant: "slim", seconds: 90 }],
});

function withStore(work: (store: Store, path: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const path = join(folder, "state.db");
    await using store = await openSqliteStore(path);
    await work(store, path);
  });
}

Deno.test("a store of the first version keeps its outcomes and learns to keep the rest", () =>
  inFolder(async (folder) => {
    const path = join(folder, "old.db");
    const old = new DatabaseSync(path);
    migrate(old, MIGRATIONS.slice(0, 1));
    old.prepare(
      "INSERT INTO outcomes (incident_id, attempt, cause, remedy, outcome, record) VALUES (?, ?, ?, ?, ?, ?)",
    ).run("inc_1", 1, "python-dependency-conflict", "unpin", "healed", JSON.stringify(outcome()));
    old.close();
    await using store = await openSqliteStore(path);
    const [tally] = await recallTallies(store, START);
    assertEquals([tally?.remedy, tally?.healed, tally?.agedHealed], ["unpin", 1, 1]);
    assertEquals([await store.listPerformance(), await store.listImports()], [[], []]);
    await store.record({ performance: [deploy("dep-1", 60)] });
    assertEquals(await store.addImport(imported("a")), null);
  }));

Deno.test("attempts without a verified outcome teach nothing (promise 22)", () =>
  withStore(async (store) => {
    const statuses = [
      "running",
      "failed",
      "no_effect",
      "rolled_back",
      "abandoned",
      "suggested",
      "fixed",
    ] as const;
    const attempts = statuses.map((status, at) => attempt({ number: at + 1, status }));
    await store.record({ service: serviceRecord(), incident: incident({ attempts }) });
    assertEquals(await recallTallies(store, START), []);
    await store.record({ outcome: outcome({ attempt: 7 }) });
    assertEquals((await recallTallies(store, START)).map(({ healed, noEffect }) => [healed, noEffect]), [[
      1,
      0,
    ]]);
  }));

Deno.test("a flood of outcomes in one class of failures pushes none of another out of what is recalled (promise 22)", async () => {
  await using store = await openSqliteStore(":memory:");
  const record = (id: string, count: number, fields: Partial<Outcome>) =>
    Promise.all(Array.from({ length: count }, (_, at) => {
      const failureClass = { id, about: id };
      return store.record({ outcome: outcome({ incidentId: `${id}-${at}`, failureClass, ...fields }) });
    }));
  // Of before there were classes.
  await store.record({ outcome: outcome({ incidentId: "old", fingerprint: "scarce" }) });
  await record("scarce", 2, { outcome: "no_effect" });
  await record("flooded", 1200, { outcome: "healed", at: START + 1 });
  const { cause } = outcome();
  const recalled = async (id: string) =>
    (await recallClass(store, START, cause, id)).map(({ healed, noEffect }) => [healed, noEffect]);
  assertEquals(await recalled("scarce"), [[1, 2]]);
  assertEquals(await recalled("flooded"), [[CLASS_OUTCOMES_READ, 0]]);
});

Deno.test("a cause is recalled with the incidents it came up in, and counted alone", () =>
  withStore(async (store) => {
    const first = { cause: "first", fingerprint: "a", remedy: "r", outcome: "no_effect" as const };
    await store.record({ outcome: outcome(first) });
    await store.record({ outcome: outcome({ attempt: 2, cause: "second", fingerprint: "b" }) });
    await store.record({ outcome: outcome({ ...first, incidentId: "inc_2" }) });
    const [tally, ...others] = await recallTallies(store, START, "first");
    assertEquals([tally?.cause, tally?.noEffect, others], ["first", 1, []]);
    assertEquals((await recallTallies(store, START)).map(({ cause }) => cause), ["first", "second"]);
  }));

Deno.test("the seconds of a variant are the median of its deploys, and an import's only where none was measured", () =>
  withStore(async (store) => {
    await store.record({ performance: [deploy("dep-1", 60), deploy("dep-2", 90), deploy("dep-3", 70)] });
    await store.record({ performance: [deploy("dep-3", 999), deploy("dep-3", 5, "topology:mesh")] });
    await store.addImport({
      ...imported("a"),
      performance: [{ variant: "slim", seconds: 90 }, { variant: "remedy:unpin", seconds: 1 }],
    });
    assertEquals(performanceMap(await store.listPerformance(), await store.listImports()), {
      "remedy:unpin": 70,
      "slim": 90,
      "topology:mesh": 5,
    });
  }));

Deno.test("a file is taken in once, the newest imports stay (promise 23)", () =>
  withStore(async (store) => {
    assertEquals(await store.addImport(imported("a")), null);
    assertEquals(await store.addImport(imported("a", START + 9)), START);
    assertEquals((await recallTallies(store, START, "c")).map(({ agedPrior }) => agedPrior), [1, 1]);
    for (let at = 0; at < IMPORTS_KEPT; at++) await store.addImport(imported(`b${at}`));
    const left = await store.listImports();
    assertEquals([left.length, left[0]?.digest, left.at(-1)?.digest], [IMPORTS_KEPT, "b19", "b0"]);
  }));

Deno.test("forget() deletes a remedy, a cause, or all imports, and nothing else", () =>
  withStore(async (store) => {
    for (const [at, [cause, remedy]] of [["c", "r1"], ["c", "r2"], ["d", "r1"]].entries()) {
      await store.record({ outcome: outcome({ attempt: at + 1, cause: cause!, remedy: remedy! }) });
    }
    await store.addImport(imported("a"));
    const rows = async () =>
      (await recallTallies(store, START)).map(({ cause, remedy }) => `${cause} ${remedy}`);
    assertEquals(await store.forget({ kind: "cause", cause: "c", remedy: "r1" }), {
      ...NONE,
      outcomes: 1,
      imported: 1,
    });
    assertEquals(await rows(), ["c r2", "d r1"]);
    assertEquals(await store.forget({ kind: "cause", cause: "c" }), { ...NONE, outcomes: 1, imported: 1 });
    assertEquals(await rows(), ["d r1"]);
    assertEquals(await store.forget({ kind: "cause", cause: "' OR 1=1 --" }), NONE);
    assertEquals(await store.addImport(imported("a")), START);
    assertEquals(await store.forget({ kind: "imported" }), { ...NONE, imported: 1 });
    assertEquals([await rows(), await store.addImport(imported("a"))], [["d r1"], null]);
  }));

Deno.test("forget() lets one class of a cause's failures out of quarantine and keeps what the others know", () =>
  withStore(async (store) => {
    const classes = [{ id: "i1", about: "ms" }, { id: "i2", about: "lodash" }, { id: "i3", about: "" }];
    for (const [at, failureClass] of classes.entries()) {
      const one = { incidentId: `inc_${at}`, cause: "c", remedy: "r1", outcome: "worse" as const };
      await store.record({ outcome: outcome({ ...one, failureClass }) });
    }
    await store.addImport(imported("a"));
    const about = async () =>
      (await recallTallies(store, START, "c")).flatMap(({ remedy, classes }) =>
        remedy === "r1" ? classes.map((one) => one.about) : []
      ).toSorted();
    assertEquals(await store.forget({ kind: "class", cause: "c", remedy: "r2", about: "ms" }), NONE);
    assertEquals(await store.forget({ kind: "class", cause: "d", remedy: "r1", about: "ms" }), NONE);
    assertEquals(await store.forget({ kind: "class", cause: "c", remedy: "r1", about: "ms" }), {
      ...NONE,
      outcomes: 1,
    });
    assertEquals(await about(), ["", "lodash"]);
    assertEquals((await store.forget({ kind: "class", cause: "c", remedy: "r1", about: "i2" })).outcomes, 1);
    assertEquals((await store.forget({ kind: "class", cause: "c", remedy: "r1", about: "" })).outcomes, 1);
    assertEquals([await about(), (await store.listImports())[0]?.fixes.length], [[], 3]);
  }));

Deno.test("forget() takes what one service taught, and leaves what safety rests on", () =>
  withStore(async (store) => {
    await store.record({ service: serviceRecord(), incident: healed(1), performance: [deploy("dep-1", 60)] });
    await store.record({ outcome: outcome(), incident: incident({ id: "inc_9" }) });
    await store.record({
      incident: { ...healed(2), serviceId: "srv-2" },
      outcome: outcome({ incidentId: "inc_2", serviceId: "srv-2" }),
      performance: [deploy("dep-9", 60, "remedy:unpin", "srv-2")],
    });
    assertEquals(await store.forget({ kind: "service", serviceId: "srv-1" }), {
      outcomes: 1,
      imported: 0,
      performance: 1,
      incidents: 1,
    });
    assertEquals((await store.listIncidents()).map(({ id }) => id).sort(), ["inc_2", "inc_9"]);
    assertEquals((await store.listOutcomes()).map(({ serviceId }) => serviceId), ["srv-2"]);
    assertEquals((await store.listPerformance()).map(({ serviceId }) => serviceId), ["srv-2"]);
    assertEquals((await store.getService("srv-1"))?.provenDeploys, []);
  }));
