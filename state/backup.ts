/**
 * A copy of the store beside it, so that there is a last good state to go back to. A copy is made at most once a day,
 * replaces the one before as a whole, and only when every record in it is as it was written.
 */
import { dirname } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";
import { explain } from "./database.ts";
import { DamagedStore } from "./damaged.ts";
import { diskTrouble } from "./disk.ts";
import { syncDirectory } from "./files.ts";
import { copyOf, refuseEmptied } from "./lost_store.ts";
import { isIntact } from "./rows.ts";

/** Age at which a copy is replaced, in milliseconds. */
export const BACKUP_EVERY_MS = 24 * 3_600_000;
/** How long SQLite may copy, in milliseconds. */
const COPY_MS_MAX = 10 * 60_000;
/** Files that must be to be had at once before a thread is begun: its own module, both stores and their logs, and some. */
const HANDLES_MIN = 16;
/** How many records are read at a time; other work goes on between. */
const BATCH_RECORDS = 500;

/** When the file of a copy was put there, in milliseconds since the epoch; `null` when there is none, or an empty one. */
async function placedAt(path: string): Promise<number | null> {
  try {
    const { mtime, size } = await Deno.stat(copyOf(path));
    return size === 0 ? null : mtime?.getTime() ?? null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * When a copy was made, by what is in it: a file that was moved or touched has another time. In milliseconds since the
 * epoch, of its newest record where it was made without its time.
 * @param copy a copy of a store, of whatever schema
 */
export function copiedAt(copy: string): number {
  using database = closing(new DatabaseSync(copy));
  const sql = `SELECT max(at) AS newest FROM (SELECT at FROM probe UNION ALL
    SELECT max(updated_at) FROM services UNION ALL SELECT max(intended_at) FROM journal UNION ALL
    SELECT max(opened_at) FROM incidents)`;
  return Number(database.prepare(sql).get()?.["newest"] ?? 0);
}

/** What a probe would write into the copy, which nobody writes to any more. */
function stamp(copy: string, at: number): void {
  using database = closing(new DatabaseSync(copy));
  database.prepare("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)").run(Math.round(at));
}

/**
 * Copies a store that is in use, unless there is a copy that is young enough.
 * @returns whether a copy was made
 * @throws {EvenkeelError} when the store is damaged or the disk refuses; the copy that was there stays
 */
export async function backUp(path: string, clock: Clock): Promise<boolean> {
  const last = await placedAt(path);
  // A copy from the future is one from before the clock was set.
  if (last !== null && Math.abs(clock.now() - last) < BACKUP_EVERY_MS) return false;
  const fresh = `${copyOf(path)}.new`;
  await Deno.remove(fresh).catch(() => {});
  try {
    await copyInto(path, fresh);
    await Deno.chmod(fresh, 0o600);
    await checkRecords(fresh, path, clock);
    stamp(fresh, clock.now());
    using file = await Deno.open(fresh, { read: true, write: true });
    await file.sync();
    refuseEmptied(path, fresh);
    // By our time, by which its age is judged: the machine's clock may have been set.
    const madeAt = new Date(clock.now());
    await Deno.utime(fresh, madeAt, madeAt);
    await Deno.rename(fresh, copyOf(path));
    await syncDirectory(dirname(path));
    return true;
  } finally {
    await Deno.remove(fresh).catch(() => {});
  }
}

/** In a thread of its own, because SQLite copies in one go. */
async function copyInto(path: string, fresh: string): Promise<void> {
  checkHandles(path);
  const worker = new Worker(new URL("./copy_thread.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  worker.onmessage = ({ data }: MessageEvent<string | null>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`Cannot copy ${path}: ${event.message}`));
  };
  const late = new EvenkeelError(`Cannot copy ${path}: it took longer than ${COPY_MS_MAX / 60_000} min`, {
    hint: "Look after that disk: dmesg may say what ails it",
  });
  const timer = setTimeout(() => reject(late), COPY_MS_MAX);
  try {
    worker.postMessage({ from: path, to: fresh });
    const refusal = await promise;
    // An error loses its code on the way between threads.
    if (refusal !== null) {
      throw explain(path, "copy", Object.assign(new Error(refusal), { code: "ERR_SQLITE_ERROR" }));
    }
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

/** Of a thread that cannot begin the runtime itself tells, raw. @throws {DiskTrouble} where no more files may be opened */
function checkHandles(path: string): void {
  const { filename } = import.meta;
  if (filename === undefined) return;
  using handles = new DisposableStack();
  try {
    for (let count = 0; count < HANDLES_MIN; count++) handles.use(Deno.openSync(filename));
  } catch (error) {
    throw diskTrouble(`copy ${path}`, error) ?? error;
  }
}

/**
 * @param path what is said to be damaged where `copy` is
 * @throws {DamagedStore} when a record is not as it was written, or cannot be read
 */
export async function checkRecords(copy: string, path: string, clock: Clock): Promise<void> {
  try {
    await readRecords(copy, path, clock);
  } catch (error) {
    throw explain(path, "copy", error);
  }
}

async function readRecords(copy: string, path: string, clock: Clock): Promise<void> {
  using database = closing(new DatabaseSync(copy));
  for (const table of recordTables(database)) {
    const read = database.prepare(
      `SELECT rowid AS number, record FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?`,
    );
    for (let after = 0;;) {
      const rows = read.all(after, BATCH_RECORDS);
      for (const { number, record } of rows) {
        if (isIntact(String(record))) continue;
        throw new DamagedStore("copy", path, `row ${number} of ${table}`);
      }
      if (rows.length < BATCH_RECORDS) break;
      after = Number(rows.at(-1)?.["number"]);
      await clock.sleep(0);
    }
  }
}

function recordTables(database: DatabaseSync): string[] {
  const sql = `SELECT name FROM sqlite_schema WHERE type = 'table' AND EXISTS
    (SELECT 1 FROM pragma_table_info(sqlite_schema.name) AS field WHERE field.name = 'record')`;
  return database.prepare(sql).all().map(({ name }) => String(name));
}

/** A database that is closed at the end of its block. */
function closing(database: DatabaseSync): DatabaseSync & Disposable {
  return Object.assign(database, { [Symbol.dispose]: () => database.close() });
}
