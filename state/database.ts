/**
 * One SQLite file, opened so that it is ours, whole and of a version we know, or not at all. Writes are
 * transactions that reach the disk before they return. Waiting for another process blocks the event loop, so
 * it is short, and repeated a bounded number of times with pauses between.
 */
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";
import { DamagedStore } from "./damaged.ts";
import { DiskTrouble, diskTrouble } from "./disk.ts";
import { APPLICATION_ID, migrate, MIGRATIONS, schemaVersion } from "./migrations.ts";
import { checkFile, fileAt, makeFile } from "./store_file.ts";

/** How long SQLite itself waits for a lock, in milliseconds; the event loop stands still meanwhile. */
export const BUSY_TIMEOUT_MS = 250;
/** How often a locked database is tried before giving up. */
export const BUSY_TRIES_MAX = 20;
/** Pause between the tries, in milliseconds. */
export const BUSY_PAUSE_MS = 50;

/** What is said of a store that was not to be had for all that time. */
export const LOCKED = "another process keeps it locked";

/** A store that ends with its process, for simulations: the same database without a file. */
export const IN_MEMORY = ":memory:";

/** What SQLite needs beside its file to begin with. */
const PROBE_BYTES = 64 * 1024;
/** The store, its log and the index of that, and one to spare. */
const PROBE_HANDLES = 4;

export class Database implements Disposable {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #file: number | null;
  /** Prepared once; the texts are constants of this folder, so there are few. */
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, database: DatabaseSync, clock: Clock) {
    this.path = path;
    this.#database = database;
    this.#clock = clock;
    this.#file = path === IN_MEMORY ? null : fileAt(path);
  }

  /** False when another file has come into its place, as `restore` does: what is written here nobody reads again. */
  isInPlace(): boolean {
    return this.path === IN_MEMORY || fileAt(this.path) === this.#file;
  }

  /**
   * @throws {EvenkeelError} when the file cannot be used; one that is no database of SQLite's stays untouched with its
   * log, into any other SQLite may play its log
   */
  static async open(path: string, clock: Clock): Promise<Database> {
    if (path !== IN_MEMORY) {
      await makeFile(path);
      await checkFile(path);
    }
    const open = patiently(path, "open", clock, () => {
      const opened = connect(path);
      try {
        if (path !== IN_MEMORY) check(path, opened);
        opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        migrate(opened);
        if (schemaOf(opened) !== expectedSchema()) {
          throw new DamagedStore("open", path, "its schema is another");
        }
        return opened;
      } catch (error) {
        opened.close();
        throw error;
      }
    });
    const database = await open.catch(async (error) => {
      if (error instanceof DiskTrouble) await checkWritable(path);
      throw error;
    });
    return new Database(path, database, clock);
  }

  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  read<T>(work: () => T): Promise<T> {
    return patiently(this.path, "read", this.#clock, work);
  }

  /** Runs `work` in one transaction; what it throws undoes all of it. `work` may run again after a conflict. */
  write<T>(work: () => T): Promise<T> {
    return patiently(this.path, "write", this.#clock, () => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** SQLite does not say why it cannot open a file; the system does. */
async function checkWritable(path: string): Promise<void> {
  if (path === IN_MEMORY) return;
  const probe = `${path}.probe`;
  try {
    await Deno.writeFile(probe, new Uint8Array(PROBE_BYTES), { mode: 0o600 });
    using files = new DisposableStack();
    for (let count = 0; count < PROBE_HANDLES; count++) files.use(await Deno.open(probe));
  } catch (error) {
    throw diskTrouble(`open ${path}`, error) ?? error;
  } finally {
    await Deno.remove(probe).catch(() => {});
  }
}

function connect(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
}

function check(path: string, database: DatabaseSync): void {
  const applicationId = Number(database.prepare("PRAGMA application_id").get()?.["application_id"]);
  const version = schemaVersion(database);
  if (applicationId !== APPLICATION_ID) {
    const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
    throw isEmpty && version === 0
      ? new DamagedStore("open", path, "it is empty")
      : new EvenkeelError(`Cannot open ${path}: it is the database of another program`, {
        hint: "Choose another folder with EVENKEEL_DATA_DIR",
      });
  }
  if (version > MIGRATIONS.length) {
    throw new EvenkeelError(
      `Cannot open ${path}: a newer Evenkeel wrote it (schema ${version}, this one knows ${MIGRATIONS.length})`,
      { hint: "Start that version, or choose another folder with EVENKEEL_DATA_DIR" },
    );
  }
  const problem = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
  if (problem !== "ok") throw new DamagedStore("open", path, String(problem).replace(/\s+/g, " "));
}

/** The text of the schema is not checked by SQLite: a damaged one is another schema that may well be sound. */
function schemaOf(database: DatabaseSync): string {
  const sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
  return JSON.stringify(database.prepare(sql).all());
}

let expected: string | undefined;

function expectedSchema(): string {
  if (expected !== undefined) return expected;
  const database = new DatabaseSync(IN_MEMORY);
  migrate(database);
  expected = schemaOf(database);
  database.close();
  return expected;
}

async function patiently<T>(
  path: string,
  verb: "open" | "read" | "write",
  clock: Clock,
  work: () => T,
): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw explain(path, verb, error);
      if (tries >= BUSY_TRIES_MAX) {
        throw new EvenkeelError(`Cannot ${verb} ${path}: ${LOCKED}`, {
          hint: `Find it with: fuser ${path}`,
          cause: error,
        });
      }
      await clock.sleep(BUSY_PAUSE_MS);
    }
  }
}

/** By message: `errcode` is missing from some errors of Deno 2.9. */
function isBusy(error: unknown): boolean {
  return isSqlite(error) && /database (?:table |schema )?is locked/.test(error.message);
}

function isSqlite(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}

/** Turns what the disk or the file did to us into an error for people; a defect of ours stays what it is. */
export function explain(path: string, verb: string, error: unknown): unknown {
  if (!isSqlite(error)) return error;
  const { message } = error;
  if (/not a database|malformed|corrupt|encrypted/i.test(message)) {
    return new DamagedStore("open", path, message, error);
  }
  // Statements that fit every sound store of ours do not fit this one.
  const otherwise = verb === "open" ? new DamagedStore("open", path, message, error) : error;
  return diskTrouble(`${verb} ${path}`, error) ?? otherwise;
}
