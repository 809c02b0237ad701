/**
 * The way back from a damaged store: its copy takes its place, with what the damaged file still says whole about
 * services, incidents and effects, which is newer. The damaged file is kept. A kill between any two lines leaves the
 * damaged store in its place or the restored one, never none: a damaged one whose log was already taken away is refused
 * by who opens it, and gets it back from the next restore.
 */
import { dirname } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import type { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";
import { checkRecords, copiedAt } from "./backup.ts";
import { DamagedStore } from "./damaged.ts";
import { syncDirectory } from "./files.ts";
import { copyOf, isEmptied } from "./lost_store.ts";
import { incidentSchema, journalEntrySchema, serviceRecordSchema } from "./records.ts";
import type { Incident } from "./records.ts";
import { decode, isIntact } from "./rows.ts";
import { openSqliteStore } from "./sqlite.ts";
import { fileAt, firstBytes, keptAt, readHeader, setAside } from "./store_file.ts";
import type { Store } from "./store.ts";

/** What was the matter with a store; an empty one remembers nothing where its copy does. */
export type Ailment = "damaged" | "missing" | "empty";

export interface Restored {
  was: Ailment;
  /** When the copy was made, in milliseconds since the epoch. */
  copiedAt: number;
  /** Where the damaged file is now; `null` when there was none. */
  kept: string | null;
  /** Records that the damaged file still had whole. */
  rescued: number;
  /** Whether the damaged file could be read to its end: nothing of these tables is forgotten then. */
  isComplete: boolean;
  /** Keys of effects whose end is not known: the world is asked for each before anything is done. */
  pending: string[];
}

/**
 * Puts the copy of a store in its place. The caller holds the folder's lock.
 * @throws {EvenkeelError} when the store is not damaged, cannot be used for another reason such as that a newer version
 *   wrote it, or there is no copy that is whole; nothing is changed then
 */
export async function restoreStore(path: string, clock: Clock): Promise<Restored> {
  if (fileAt(copyOf(path)) === null) {
    throw new EvenkeelError(`Cannot restore ${path}: there is no copy ${copyOf(path)}`, {
      hint: `Start without memory: ${aside(path)} && rm -f ${path}-wal ${path}-shm`,
    });
  }
  await bringBackLog(path);
  const was = await ailmentOf(path, clock);
  if (was === null) {
    throw new EvenkeelError(`Cannot restore ${path}: it is not damaged`, { hint: "Nothing has to be done" });
  }
  const fresh = `${path}.restored`;
  try {
    await takeCopy(path, fresh, clock);
    const at = copiedAt(fresh);
    const { fencing, ...found } = await readDamaged(path, `${path}.reading`);
    raiseFencing(fresh, fencing);
    {
      await using store = await openSqliteStore(fresh, { clock });
      await bringOver(store, found);
      await store.record({
        events: [{
          at: clock.now(),
          serviceId: null,
          incidentId: null,
          type: "StoreRestored",
          message: `The store was ${was}; its copy of ${new Date(at).toISOString()} took its place`,
          data: null,
        }],
      });
    }
    const pending = pendingIn(fresh);
    const kept = await replace(path, fresh, was, clock);
    const rescued = found.services.length + found.incidents.length + found.journal.length;
    return { was, copiedAt: at, kept, rescued, isComplete: found.isComplete && was !== "empty", pending };
  } finally {
    await removeDatabase(fresh);
  }
}

/** The command that moves a file out of the way. */
function aside(path: string): string {
  return `mv ${path} ${path}.damaged`;
}

/** @returns `null` for a store that is whole and has not lost what its copy remembers */
async function ailmentOf(path: string, clock: Clock): Promise<Ailment | null> {
  if (fileAt(path) === null) return "missing";
  if (!await isWhole(path, clock)) return "damaged";
  // One that is whole and remembers nothing was begun where another one was lost.
  return isEmptied(path, copyOf(path)) ? "empty" : null;
}

/**
 * Makes of the copy a store of the newest schema.
 * @throws {EvenkeelError} when the copy is damaged as well
 */
async function takeCopy(path: string, fresh: string, clock: Clock): Promise<void> {
  const copy = copyOf(path);
  await removeDatabase(fresh);
  try {
    await Deno.copyFile(copy, fresh);
    await (await openSqliteStore(fresh, { clock }))[Symbol.asyncDispose]();
    await checkRecords(fresh, fresh, clock);
  } catch (error) {
    if (!(error instanceof DamagedStore)) throw error;
    const lost = fileAt(path) === null ? "" : `${aside(path)} && `;
    throw new EvenkeelError(`Cannot restore ${path}: its copy ${copy} is damaged: ${error.why}`, {
      hint: `Start without memory: ${lost}${aside(copy)} && rm -f ${path}-wal ${path}-shm`,
      cause: error,
    });
  }
}

/** @returns where the damaged file is kept; `null` when there was nothing to keep */
async function replace(path: string, fresh: string, was: Ailment, clock: Clock): Promise<string | null> {
  const kept = keptAt(path, clock.now());
  const hasLog = fileAt(`${path}-wal`) !== null;
  // A store that is missing is an empty one, so that there is something to tell whose log was taken away.
  (await Deno.open(path, { create: true, append: true, mode: 0o600 })).close();
  await Deno.link(path, kept);
  // The log of the damaged file would be played into the restored one.
  await Deno.rename(`${path}-wal`, `${kept}-wal`).catch(ignoreMissing);
  await Deno.remove(`${path}-shm`).catch(ignoreMissing);
  await Deno.rename(fresh, path);
  const isNothing = was === "missing" && !hasLog;
  if (isNothing) await Deno.remove(kept);
  await syncDirectory(dirname(path));
  return isNothing ? null : kept;
}

/** A restore was killed after it took the log away and before the copy was in its place. */
async function bringBackLog(path: string): Promise<void> {
  const kept = await setAside(path);
  if (kept === null) return;
  await Deno.rename(`${kept}-wal`, `${path}-wal`);
  await Deno.remove(kept);
}

async function isWhole(path: string, clock: Clock): Promise<boolean> {
  try {
    await using _store = await openSqliteStore(path, { clock });
    await checkRecords(path, path, clock);
    return true;
  } catch (error) {
    if (error instanceof DamagedStore) return false;
    // A disk that refuses, a lock, a newer version's store or another program's: nothing that a copy would mend.
    throw error;
  }
}

interface Found {
  services: z.infer<typeof serviceRecordSchema>[];
  incidents: Incident[];
  journal: z.infer<typeof journalEntrySchema>[];
  isComplete: boolean;
}

/**
 * What a damaged file still says, record by record, each whole by its sum.
 * @param aside where it is copied to and read: reading plays its log into it
 */
async function readDamaged(path: string, aside: string): Promise<Found & { fencing: number }> {
  await removeDatabase(aside);
  try {
    for (const end of ["", "-wal"]) await Deno.copyFile(path + end, aside + end).catch(ignoreMissing);
    const header = await readHeader(copyOf(path));
    if (header !== null) await mendHeader(aside, firstBytes(header));
    return readRecords(aside);
  } finally {
    await removeDatabase(aside);
  }
}

/** Without its first bytes, which are the same in every store, SQLite reads nothing of a file. */
async function mendHeader(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  await file.write(bytes);
}

function readRecords(path: string): Found & { fencing: number } {
  let isComplete = true;
  const attempted = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch {
      isComplete = false;
      return otherwise;
    }
  };
  const database = attempted(() => new DatabaseSync(path), null);
  const read = <T>(table: string, schema: z.ZodType<T>, keyOf: (record: T) => string): T[] => {
    const records = new Map<string, T>();
    // What lies behind a damaged page is reached from the other end. Row by row: an iterator ends at a damaged page as
    // if it were the last one.
    for (const next of ["> ?1 ORDER BY rowid ASC", "< ?1 ORDER BY rowid DESC"]) {
      attempted(() => {
        const sql = `SELECT rowid AS number, record FROM ${table} WHERE rowid ${next} LIMIT 1`;
        const statement = database?.prepare(sql);
        let at = next.startsWith(">") ? -1 : Number.MAX_SAFE_INTEGER;
        for (let row = statement?.get(at); row !== undefined; row = statement?.get(at)) {
          at = Number(row["number"]);
          const text = String(row["record"]);
          const record = isIntact(text) ? attempted(() => decode(schema, text, path), null) : null;
          if (record === null) isComplete = false;
          else records.set(keyOf(record), record);
        }
      }, undefined);
    }
    return [...records.values()];
  };
  const services = read("services", serviceRecordSchema, ({ serviceId }) => serviceId);
  const incidents = read("incidents", incidentSchema, ({ id }) => id);
  const journal = read("journal", journalEntrySchema, ({ key }) => key);
  const lease = attempted(() => database?.prepare("SELECT fencing FROM lease").get(), undefined);
  attempted(() => database?.close(), undefined);
  return { services, incidents, journal, isComplete, fencing: Number(lease?.["fencing"] ?? 0) };
}

/** The number of a leader never falls, also not by going back to an older store. */
function raiseFencing(fresh: string, seen: number): void {
  const database = new DatabaseSync(fresh);
  try {
    database.prepare("UPDATE lease SET fencing = max(fencing, ?) + 1, holder = NULL").run(seen);
  } finally {
    database.close();
  }
}

async function bringOver(store: Store, { services, incidents, journal }: Found): Promise<void> {
  for (const service of services) await store.record({ service });
  // A service has one incident that is not over: the old one must be so before the new one comes.
  const over = incidents.filter(({ status }) => status === "healed");
  for (const incident of [...over, ...incidents.filter((one) => !over.includes(one))]) {
    await store.record({ incident }).catch(() => {});
  }
  for (const { state, result, finishedAt, ...entry } of journal) {
    const known = await store.intend(entry);
    if (state === "intended" || known.state !== "intended") continue;
    await store.finish(entry.key, { state, result, at: finishedAt ?? entry.intendedAt });
  }
}

/** Asked of the journal: an effect may belong to no service that is known, as that on a webhook does. */
function pendingIn(path: string): string[] {
  const database = new DatabaseSync(path);
  try {
    const sql = "SELECT key FROM journal WHERE state = 'intended' ORDER BY id";
    return database.prepare(sql).all().map(({ key }) => String(key));
  } finally {
    database.close();
  }
}

async function removeDatabase(path: string): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await Deno.remove(path + end).catch(() => {});
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
