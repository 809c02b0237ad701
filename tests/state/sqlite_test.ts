import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { EvenkeelError } from "../../base/errors.ts";
import {
  CLOSED_INCIDENTS_KEPT_PER_SERVICE,
  EVENTS_KEPT_PER_SERVICE,
  openSqliteStore,
} from "../../state/sqlite.ts";
import type { SharedStore, Store } from "../../state/store.ts";
import { event, healed, incident, inFolder, outcome, serviceRecord, START } from "./builders.ts";

function withStore(work: (store: SharedStore, path: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const path = join(folder, "data", "state.db");
    await using store = await openSqliteStore(path);
    await work(store, path);
  });
}

Deno.test("a store gives back after a restart what was recorded", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    {
      await using store = await openSqliteStore(path);
      await store.record({
        service: serviceRecord(),
        incident: incident(),
        events: [event(), event({ type: "AttemptBegun", data: { attempt: 1 } })],
        outcome: outcome(),
      });
    }
    await using store = await openSqliteStore(path);
    assertEquals(await store.getService("srv-1"), serviceRecord());
    assertEquals(await store.listServices(), [serviceRecord()]);
    assertEquals(await store.getActiveIncident("srv-1"), incident());
    assertEquals(await store.getIncident("inc_1"), incident());
    assertEquals((await store.listEvents()).map(({ type }) => type), ["AttemptBegun", "IncidentOpened"]);
    assertEquals(await store.listOutcomes(), [outcome()]);
    assertEquals([await store.getService("srv-2"), await store.getIncident("inc_2")], [null, null]);
    assertEquals(await store.getJournalEntry("nothing"), null);
  }));

Deno.test("a stalled incident stays the active one, and a healed one does not", () =>
  withStore(async (store) => {
    await store.record({ incident: incident({ status: "stalled" }) });
    assertEquals((await store.getActiveIncident("srv-1"))?.status, "stalled");
    await store.record({ incident: incident({ status: "healed", closedAt: START + 1 }) });
    assertEquals(await store.getActiveIncident("srv-1"), null);
  }));

Deno.test("record() writes all of a change or nothing of it", () =>
  withStore(async (store) => {
    await store.record({ incident: incident() });
    // A second active incident for the service breaks an invariant after the service row was written.
    await assertRejects(() =>
      store.record({ service: serviceRecord(), incident: incident({ id: "inc_2" }), events: [event()] })
    );
    assertEquals(await store.getService("srv-1"), null);
    assertEquals(await store.listEvents(), []);
    assertEquals((await store.getActiveIncident("srv-1"))?.id, "inc_1");
  }));

Deno.test("record() refuses what could not be read back", () =>
  withStore(async (store) => {
    await assertRejects(() => store.record({ service: serviceRecord({ updatedAt: Number.NaN }) }));
    assertEquals(await store.listServices(), []);
  }));

Deno.test("lists are newest first, filtered and limited", () =>
  withStore(async (store) => {
    for (let number = 1; number <= 5; number++) {
      const sessionId = number <= 2 ? "s1" : "s2";
      const other = number === 5 ? { serviceId: "srv-2" } : {};
      await store.record({
        incident: { ...healed(number), sessionId, ...other },
        events: [event({ incidentId: `inc_${number}`, message: String(number), ...other })],
      });
    }
    const ids = async (query: Parameters<Store["listIncidents"]>[0]) =>
      (await store.listIncidents(query)).map(({ id }) => id);
    assertEquals(await ids({}), ["inc_5", "inc_4", "inc_3", "inc_2", "inc_1"]);
    assertEquals(await ids({ sessionId: "s2", serviceId: "srv-1" }), ["inc_4", "inc_3"]);
    assertEquals(await ids({ limit: 2 }), ["inc_5", "inc_4"]);
    assertEquals((await ids({ limit: 0 })).length, 1);
    assertEquals((await store.listEvents({ incidentId: "inc_3" })).map(({ message }) => message), ["3"]);
    assertEquals((await store.listEvents({ serviceId: "srv-1", limit: 2 })).map(({ message }) => message), [
      "4",
      "3",
    ]);
  }));

Deno.test("outcomes are counted by cause and remedy, once for an attempt", () =>
  withStore(async (store) => {
    const kinds = ["healed", "healed", "no_effect", "worse"] as const;
    for (const [at, kind] of kinds.entries()) {
      await store.record({ outcome: outcome({ attempt: at + 1, outcome: kind }) });
    }
    await store.record({ outcome: outcome({ attempt: 1 }) });
    await store.record({ outcome: outcome({ incidentId: "inc_2", cause: "other" }) });
    const counted = {
      cause: "python-dependency-conflict",
      remedy: "unpin",
      healed: 2,
      noEffect: 1,
      worse: 1,
    };
    assertEquals(await store.countOutcomes("python-dependency-conflict"), [counted]);
    assertEquals((await store.countOutcomes()).length, 2);
    assertEquals((await store.listOutcomes({ limit: 1 })).map(({ cause }) => cause), ["other"]);
  }));

Deno.test("the journal keeps the first intent, its end, and what is pending", () =>
  withStore(async (store) => {
    const intent = {
      key: "inc_1/1/push",
      serviceId: "srv-1",
      kind: "push" as const,
      payload: { a: 1 },
      intendedAt: START,
    };
    const first = await store.intend(intent);
    assertEquals(first, { ...intent, state: "intended", result: null, finishedAt: null });
    assertEquals(await store.intend({ ...intent, payload: { a: 2 }, intendedAt: START + 9 }), first);
    await store.intend({ ...intent, key: "inc_1/1/deploy", kind: "deploy", intendedAt: START + 1 });
    assertEquals((await store.listPending("srv-1")).map(({ key }) => key), [
      "inc_1/1/push",
      "inc_1/1/deploy",
    ]);
    await store.finish("inc_1/1/push", { state: "done", result: { commit: "c1" }, at: START + 2 });
    assertEquals((await store.listPending("srv-1")).map(({ key }) => key), ["inc_1/1/deploy"]);
    assertEquals((await store.intend(intent)).result, { commit: "c1" });
    assertEquals(await store.countEffects("srv-1", START), 2);
    assertEquals(await store.countEffects("srv-1", START + 1), 1);
    assertEquals((await store.listJournal({ serviceId: "srv-1" })).length, 2);
  }));

Deno.test("an end in the journal is final, and an effect that was never intended cannot end", () =>
  withStore(async (store) => {
    const intent = {
      key: "k",
      serviceId: "srv-1",
      kind: "restart" as const,
      payload: null,
      intendedAt: START,
    };
    await store.intend(intent);
    await store.finish("k", { state: "done", result: 1, at: START });
    await store.finish("k", { state: "done", result: 2, at: START });
    assertEquals((await store.getJournalEntry("k"))?.result, 1);
    await assertRejects(() => store.finish("k", { state: "failed", result: null, at: START }));
    await assertRejects(() => store.finish("unknown", { state: "done", result: null, at: START }));
  }));

Deno.test("collections stay within their ceilings, and what is active stays (promise 23)", () =>
  withStore(async (store) => {
    const over = 20;
    const many = Array.from(
      { length: EVENTS_KEPT_PER_SERVICE + over },
      (_, at) => event({ message: String(at) }),
    );
    await store.record({ events: [event({ serviceId: null, message: "kept" }), ...many] });
    assertEquals((await store.listEvents({ limit: 1000 })).at(-1)?.message, String(over));
    await store.record({ incident: incident({ id: "inc_active", openedAt: START - 1 }) });
    for (let number = 1; number <= CLOSED_INCIDENTS_KEPT_PER_SERVICE + 3; number++) {
      await store.record({ incident: healed(number) });
    }
    const left = await store.listIncidents({ limit: 1000 });
    assertEquals(left.length, CLOSED_INCIDENTS_KEPT_PER_SERVICE + 1);
    assertEquals([left.at(-1)?.id, left.at(-2)?.id], ["inc_active", "inc_4"]);
  }));

Deno.test("a row damaged by hand is refused, and one without a sum is named with its field", () =>
  withStore(async (store, path) => {
    await store.record({ service: serviceRecord() });
    const database = new DatabaseSync(path);
    database.exec(`UPDATE services SET record = json_set(record, '$.generation', 'many')`);
    const refused = async (why: RegExp) => {
      const error = await assertRejects(() => store.getService("srv-1"), EvenkeelError);
      assertMatch(error.message, why);
      assertMatch(error.hint ?? "", /evenkeel restore/);
    };
    await refused(/^Cannot read .*state\.db: the file is damaged: a record is not as it was written$/);
    database.exec(`UPDATE services SET record = json_remove(record, '$."#"')`);
    await refused(/^Cannot read .*state\.db: the file is damaged: generation: /);
    database.exec(`UPDATE services SET record = json_set(record, '$.generation', 2)`);
    assertEquals((await store.getService("srv-1"))?.generation, 2);
    database.exec(`UPDATE services SET record = 'nonsense'`);
    await refused(/a record is not as it was written$/);
    database.close();
  }));

Deno.test("a store that another process keeps locked is waited for", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    const other = { database: undefined as DatabaseSync | undefined, sleeps: 0, letGoAfter: 2 };
    const clock = {
      now: () => START,
      monotonic: () => 0,
      sleep: async () => {
        if (++other.sleeps === other.letGoAfter) other.database?.exec("ROLLBACK");
      },
    };
    await using store = await openSqliteStore(path, { clock });
    other.database = new DatabaseSync(path);
    other.database.exec("BEGIN IMMEDIATE");
    await store.record({ service: serviceRecord() });
    assertEquals((await store.listServices()).length, 1);
    other.database.close();
  }));

Deno.test("whyUnwritable() tells why a write would not succeed", () =>
  withStore(async (store, path) => {
    assertEquals(await store.whyUnwritable(), null);
    const database = new DatabaseSync(path);
    database.exec("DROP TABLE probe");
    database.close();
    assertMatch((await store.whyUnwritable())?.message ?? "", /probe/);
  }));

Deno.test("only the owner may read a store", () =>
  withStore(async (store, path) => {
    await store.record({ service: serviceRecord() });
    for (const name of [path, `${path}-wal`]) assertEquals(((await Deno.stat(name)).mode ?? 0) & 0o077, 0);
  }));
