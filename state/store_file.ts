/**
 * The file of a store, as the system sees it: made complete or not at all, checked before SQLite opens it, and what an
 * interrupted restore has left of it.
 */
import { basename, dirname, join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { DamagedStore } from "./damaged.ts";
import { diskTrouble } from "./disk.ts";
import { syncDirectory } from "./files.ts";
import { refuseLost } from "./lost_store.ts";
import { migrate } from "./migrations.ts";

/** The store in a data folder. */
export const STORE_FILE = "evenkeel.db";

const HEADER_BYTES = 100;
const MAGIC: readonly number[] = [...new TextEncoder().encode("SQLite format 3\0")];
/** With a write-ahead log to write and to read, nothing reserved in a page, and three fixed fractions. */
const AFTER_PAGE_SIZE = [2, 2, 0, 64, 32, 32];
/** What stands between the name of a store and the time at which it was put aside as damaged. */
export const KEPT = ".damaged-";

/** Which file lies at a path; `null` when there is none. */
export function fileAt(path: string): number | null {
  try {
    return Deno.statSync(path).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * A new store is made beside its place and put there complete, so that an empty or half file at that place is
 * always damage, never a beginning. Only its owner may read it.
 */
export async function makeFile(path: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (await exists(path)) return;
    // Its newest state lies in the log; a new store would have that played into it.
    if (await sizeOf(`${path}-wal`) > 0) {
      throw new DamagedStore("open", path, "it is missing, and its log is there");
    }
    refuseLost(path);
    const fresh = `${path}.new-${crypto.randomUUID()}`;
    try {
      (await Deno.open(fresh, { createNew: true, write: true, mode: 0o600 })).close();
      const database = new DatabaseSync(fresh);
      try {
        migrate(database);
      } finally {
        database.close();
      }
      // Unlike a rename, a link never replaces a store that another process made meanwhile.
      await Deno.link(fresh, path).catch((error: unknown) => {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      });
      await syncDirectory(dirname(path));
    } finally {
      await Deno.remove(fresh).catch(() => {});
      await Deno.remove(`${fresh}-journal`).catch(() => {});
    }
  } catch (error) {
    if (error instanceof EvenkeelError) throw error;
    const trouble = diskTrouble(`create ${path}`, error);
    if (trouble !== null) throw trouble;
    throw new EvenkeelError(`Cannot create ${path}: ${messageOf(error)}`, {
      hint: "Choose a folder you may write to with EVENKEEL_DATA_DIR",
      cause: error,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Before SQLite touches it: SQLite plays the log of a file it does not know into it, and removes the log. It reads what
 * is missing at the end of a file as zeros; a file without a log is as long as its header says, with one its end may
 * still be in there.
 * @throws {DamagedStore} when the file is damaged
 */
export async function checkFile(path: string): Promise<void> {
  if (await setAside(path) !== null) {
    throw new DamagedStore("open", path, "putting back its copy was interrupted");
  }
  const header = await readHeader(path);
  if (header === null) throw new DamagedStore("open", path, "it is shorter than a header");
  if (MAGIC.some((byte, at) => header[at] !== byte)) {
    throw new DamagedStore("open", path, "it does not begin as a database");
  }
  if (await sizeOf(`${path}-wal`) > 0) return;
  const expected = pageBytes(header) * new DataView(header.buffer).getUint32(28);
  const actual = await sizeOf(path);
  // A log that has appeared meanwhile means that another process is at work here.
  if (actual < expected && await sizeOf(`${path}-wal`) === 0) {
    throw new DamagedStore("open", path, `it has ${actual} of ${expected} bytes`);
  }
}

/** @returns bytes of a page. SQLite file format: two bytes at offset 16, where 1 stands for 65536 */
function pageBytes(header: Uint8Array<ArrayBuffer>): number {
  const stored = new DataView(header.buffer).getUint16(16);
  return stored === 1 ? 65_536 : stored;
}

/** Where a restore keeps the damaged file, whose log is beside it. @param at milliseconds since the epoch */
export function keptAt(path: string, at: number): string {
  return `${path}${KEPT}${at}`;
}

/**
 * What an interrupted restore has kept: the file that is still in its place, with the log that was already taken from
 * it. `null` when there was none.
 */
export async function setAside(path: string): Promise<string | null> {
  const file = await Deno.stat(path).catch(() => null);
  // What is kept is a second name of the file.
  if (file === null || file.nlink === 1) return null;
  for await (const { name } of Deno.readDir(dirname(path))) {
    const kept = join(dirname(path), name);
    if (!name.startsWith(basename(path) + KEPT) || fileAt(kept) !== file.ino) continue;
    if (fileAt(`${kept}-wal`) !== null) return kept;
  }
  return null;
}

/** The first bytes of any store of ours, whose pages are as large as those of `header`. SQLite file format, 1.3. */
export function firstBytes(header: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...MAGIC, ...header.subarray(16, 18), ...AFTER_PAGE_SIZE]);
}

export async function readHeader(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    using file = await Deno.open(path);
    const header = new Uint8Array(HEADER_BYTES);
    return await file.read(header) === HEADER_BYTES ? header : null;
  } catch (error) {
    const trouble = diskTrouble(`open ${path}`, error);
    if (trouble !== null) throw trouble;
    throw new EvenkeelError(`Cannot open ${path}: ${messageOf(error)}`, {
      hint: "Choose a folder you may read and write with EVENKEEL_DATA_DIR",
      cause: error,
    });
  }
}

/** Bytes of a file; 0 when there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
