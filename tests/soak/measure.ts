/** Measures the process of a soak: memory after a collection, handles, the rows and bytes of its store. */
import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import {
  CLOSED_INCIDENTS_KEPT_PER_SERVICE,
  EVENTS_KEPT_PER_SERVICE,
  IMPORTS_KEPT,
  JOURNAL_KEPT_PER_SERVICE,
  OUTCOMES_KEPT,
  PERFORMANCE_KEPT,
  SERVICES_KEPT,
} from "../../state/sqlite.ts";
import { UNKNOWNS_KEPT } from "../../state/unknowns.ts";
import type { Sample, TableCap } from "./gates.ts";

/** Entries that are pending stay beside those that are kept; an attempt has one at a time. */
const PENDING_SLACK = 4;

/** The ceilings that state/sqlite.ts gives its tables. */
export const CAPS: Readonly<Record<string, TableCap>> = {
  events: { rows: EVENTS_KEPT_PER_SERVICE, perService: true },
  imports: { rows: IMPORTS_KEPT, perService: false },
  incidents: { rows: CLOSED_INCIDENTS_KEPT_PER_SERVICE + 1, perService: true },
  journal: { rows: JOURNAL_KEPT_PER_SERVICE + PENDING_SLACK, perService: true },
  lease: { rows: 1, perService: false },
  outcomes: { rows: OUTCOMES_KEPT, perService: false },
  performance: { rows: PERFORMANCE_KEPT, perService: false },
  probe: { rows: 1, perService: false },
  // A wish for each stalled incident, of which a service has one.
  resumes: { rows: SERVICES_KEPT, perService: false },
  services: { rows: SERVICES_KEPT, perService: false },
  unknowns: { rows: UNKNOWNS_KEPT, perService: false },
};

const nameSchema = z.object({ name: z.string() });
const countSchema = z.object({ count: z.number() });
const collectSchema = z.function({ input: [], output: z.unknown() });

export class Gauge implements Disposable {
  readonly #database: DatabaseSync;
  readonly #collect: () => unknown;

  /** @param path the store's file */
  constructor(private readonly path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    // The same as starting with --v8-flags=--expose-gc, which a test cannot.
    setFlagsFromString("--expose-gc");
    this.#collect = collectSchema.implement(runInNewContext("gc"));
  }

  measure(progress: Pick<Sample, "passes" | "wallMs" | "simulatedMs" | "queueKeys">): Sample {
    this.#collect();
    const { heapUsed, external, rss } = Deno.memoryUsage();
    const rows: Record<string, number> = {};
    const rowsOfOne: Record<string, number> = {};
    for (const table of this.#tables()) {
      rows[table] = this.#count(`SELECT count(*) AS count FROM "${table}"`);
      if (CAPS[table]?.perService !== true) continue;
      rowsOfOne[table] = this.#count(
        `SELECT ifnull(max(rows), 0) AS count FROM (SELECT count(*) AS rows FROM "${table}" GROUP BY service_id)`,
      );
    }
    return {
      ...progress,
      heapBytes: heapUsed + external,
      rssBytes: rss,
      handles: [...Deno.readDirSync("/proc/self/fd")].length,
      diskBytes: sizeOf(this.path),
      walBytes: sizeOf(`${this.path}-wal`),
      rows,
      rowsOfOne,
    };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #tables(): string[] {
    const sql =
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    return this.#database.prepare(sql).all().map((row) => nameSchema.parse(row).name);
  }

  #count(sql: string): number {
    return countSchema.parse(this.#database.prepare(sql).get()).count;
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
