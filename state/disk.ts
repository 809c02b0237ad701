/**
 * What a disk refuses: it is full, read-only, broken, or this process may open no more files. It passes without a
 * repair of ours, so it stops what would have to be written, and nothing else.
 */
import { EvenkeelError, messageOf } from "../base/errors.ts";

/** Nothing was written. Who acts only looks until it has passed. */
export class DiskTrouble extends EvenkeelError {
  override readonly name = "DiskTrouble";
}

const WRITABLE_HINT =
  "Give Evenkeel's user the right to write there, or choose another folder with EVENKEEL_DATA_DIR";
/** As Linux, Deno and SQLite say it, and what helps. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/no space left|file too large|quota exceeded|disk is full/i, "Free space on that disk"],
  [/too many open files/i, "Let it open more files: ulimit -n"],
  [/read-?only/i, "Mount it so that it can be written, or choose another folder with EVENKEEL_DATA_DIR"],
  [/input\/output error|disk I\/O error/i, "Look after that disk: dmesg may say what ails it"],
  [/unable to open database file/i, "Look whether its folder can be written, and ulimit -n"],
  [/permission denied|operation not permitted/i, WRITABLE_HINT],
];

/**
 * @param doing what was refused, after "Cannot": `write /data/evenkeel.db`
 * @returns `null` for any other error
 */
export function diskTrouble(doing: string, error: unknown): DiskTrouble | null {
  if (error instanceof DiskTrouble) return error;
  const message = messageOf(error);
  const hint = REFUSALS.find(([pattern]) => pattern.test(message))?.[1];
  return hint === undefined ? null : new DiskTrouble(`Cannot ${doing}: ${message}`, { hint, cause: error });
}

/** The same for an error that may come from anywhere: only the system's own words count, not those of a remote. */
export function systemTrouble(doing: string, error: unknown): DiskTrouble | null {
  if (error instanceof DiskTrouble) return error;
  const isSystems = !(error instanceof EvenkeelError) && /\(os error \d+\)/.test(messageOf(error));
  return isSystems ? diskTrouble(doing, error) : null;
}
