/** Every table of the store is filled beyond its ceiling by hand; the next write of the product takes it back. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { CAPS } from "../soak/measure.ts";
import { event, healed, incident, inFolder, outcome, serviceRecord, START } from "./builders.ts";

/** Rows beyond the ceiling. */
const SURPLUS = 100;
/** Places that a ceiling leaves for what is under way. */
const FEW = 10;

interface Filled {
  /** Inserts one row; `?1` is its number. */
  insert: string;
  write: (store: Store) => Promise<unknown>;
}

/** Tables that hold more than one row for everybody. */
const FILLED: Readonly<Record<string, Filled>> = {
  events: {
    insert: "INSERT INTO events (service_id, incident_id, record) VALUES ('srv-1', NULL, ?1)",
    write: (store) => store.record({ events: [event()] }),
  },
  imports: {
    insert: "INSERT INTO imports (digest, record) VALUES (?1, '{}')",
    write: (store) =>
      store.addImport({ digest: "d", at: START, fixes: [], performance: [], failedDependencies: [] }),
  },
  incidents: {
    insert: `INSERT INTO incidents (incident_id, service_id, session_id, status, opened_at, record)
      VALUES ('old_' || ?1, 'srv-1', 's', 'healed', 0, '{}')`,
    write: async (store) => {
      await store.record({ incident: incident({ id: "inc_open" }) });
      await store.record({ incident: healed(1) });
    },
  },
  journal: {
    insert: `INSERT INTO journal (key, service_id, state, intended_at, record)
      VALUES ('inc_0/' || ?1 || '/push', 'srv-1', 'done', 0, '{}')`,
    write: (store) =>
      store.intend({
        key: "inc_1/1/push",
        serviceId: "srv-1",
        kind: "push",
        payload: null,
        intendedAt: START,
      }),
  },
  outcomes: {
    insert: `INSERT INTO outcomes (incident_id, attempt, cause, remedy, outcome, record)
      VALUES ('inc_0', ?1, 'c', 'r', 'healed', '{}')`,
    write: (store) => store.record({ outcome: outcome() }),
  },
  performance: {
    insert:
      "INSERT INTO performance (service_id, deploy_id, variant, record) VALUES ('srv-1', ?1, 'v', '{}')",
    write: (store) =>
      store.record({
        performance: [{ at: START, serviceId: "srv-1", deployId: "dep-1", variant: "v", seconds: 1 }],
      }),
  },
  services: {
    insert: "INSERT INTO services (service_id, updated_at, record) VALUES ('old-' || ?1, ?1, '{}')",
    write: (store) => store.record({ service: serviceRecord() }),
  },
  unknowns: {
    insert: `INSERT INTO unknowns (template, seen, first_seen_at, last_seen_at, example)
      VALUES ('line ' || ?1, 1, 0, 0, 'x')`,
    write: (store) => store.record({ unknowns: [{ template: "newest", example: "x", at: START }] }),
  },
};

/** One row for everybody, or one for each stalled incident, which the incidents' own ceiling covers. */
const SINGLE = ["lease", "probe", "resumes"];

Deno.test("every table of the store has a ceiling, and a write beyond it takes the oldest rows away (promise 23)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await using store = await openSqliteStore(path);
    using database = new DatabaseSync(path, { timeout: 5_000 });
    const count = (table: string) =>
      Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.["rows"]);
    const tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    ).all().map((row) => String(row["name"]));
    assertEquals(tables, [...Object.keys(FILLED), ...SINGLE].toSorted());
    for (const [table, { insert, write }] of Object.entries(FILLED)) {
      const ceiling = CAPS[table]?.rows ?? NaN;
      const row = database.prepare(insert);
      database.exec("BEGIN");
      for (let n = 1; n <= ceiling + SURPLUS; n++) row.run(n);
      database.exec("COMMIT");
      await write(store);
      const left = count(table);
      assert(left <= ceiling && left > ceiling - FEW, `${left} rows of ${table}, the ceiling is ${ceiling}`);
    }
  }));

Deno.test("what a store kept of a service goes with the service (promise 23)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await using store = await openSqliteStore(path);
    await store.record({
      service: serviceRecord({ serviceId: "srv-gone", updatedAt: 0 }),
      incident: { ...healed(1), serviceId: "srv-gone" },
      events: [event({ serviceId: "srv-gone" }), event({ serviceId: null })],
    });
    using database = new DatabaseSync(path, { timeout: 5_000 });
    const row = database.prepare("INSERT INTO services (service_id, updated_at, record) VALUES (?, 1, '{}')");
    database.exec("BEGIN");
    for (let n = 1; n <= (CAPS["services"]?.rows ?? 0); n++) row.run(`srv-${n}-other`);
    database.exec("COMMIT");
    await store.record({ service: serviceRecord({ serviceId: "srv-new" }) });
    assertEquals(await store.getService("srv-gone"), null);
    assertEquals(await store.listIncidents({ serviceId: "srv-gone" }), []);
    assertEquals(await store.listEvents({ serviceId: "srv-gone" }), []);
    assertEquals((await store.listEvents()).length, 1);
  }));
