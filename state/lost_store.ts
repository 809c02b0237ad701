/**
 * A store that was lost is not taken for one that begins. A missing file with a copy beside it is refused, and a store
 * that remembers nothing never replaces a copy that does: it may be what was begun in the place of the lost one.
 */
import { DatabaseSync } from "node:sqlite";
import { EvenkeelError } from "../base/errors.ts";
import { RESTORE_HINT } from "./damaged.ts";

/** Where the copy of a store is. */
export function copyOf(path: string): string {
  return `${path}.bak`;
}

/** @throws {EvenkeelError} when the store is missing and its copy is there */
export function refuseLost(path: string): void {
  // In this order: another process that begins the store makes the file first, and the copy of it later.
  if (!isFile(copyOf(path)) || isFile(path)) return;
  throw new EvenkeelError(`Cannot open ${path}: it is missing, and its copy ${copyOf(path)} is there`, {
    hint: `${RESTORE_HINT}; to start without memory, move the copy away`,
  });
}

/** Whether a store that is whole remembers no incident and no effect, and its copy does. */
export function isEmptied(path: string, copy: string): boolean {
  if (!isFile(copy) || remembers(path)) return false;
  try {
    return remembers(copy);
  } catch {
    // A copy that cannot be read is none.
    return false;
  }
}

/** @throws {EvenkeelError} when `fresh`, a copy just made of a store, remembers nothing and the one before it does */
export function refuseEmptied(path: string, fresh: string): void {
  if (!isEmptied(fresh, copyOf(path))) return;
  throw new EvenkeelError(
    `Cannot copy ${path}: it holds no incident and no effect, and ${copyOf(path)} does`,
    {
      hint: `${RESTORE_HINT}; to go on without memory, move the copy away`,
    },
  );
}

function remembers(path: string): boolean {
  const database = new DatabaseSync(path);
  try {
    const sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM incidents) OR EXISTS (SELECT 1 FROM journal)";
    return database.prepare(sql).get() !== undefined;
  } finally {
    database.close();
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
