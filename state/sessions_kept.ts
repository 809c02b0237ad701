/**
 * Folders of sessions, which a run every few minutes adds to for ever: the newest stay. Only folders with the name of
 * a session are touched, and nothing outside is reached through a link.
 */
import { join } from "@std/path";
import { Removal } from "./removal.ts";
import { isSessionId, SESSIONS_LISTED_MAX } from "./sessions.ts";

/** Sessions whose files are kept: as many as a list shows. */
export const SESSIONS_KEPT = SESSIONS_LISTED_MAX;
/** Bytes of all of them; the current one stays whatever it has. */
export const SESSIONS_BYTES_MAX = 1024 ** 3;

export interface SessionsKept {
  /** Sessions that stay. @default SESSIONS_KEPT */
  kept?: number;
  /** Bytes that stay. @default SESSIONS_BYTES_MAX */
  bytesMax?: number;
  /** Hears of what cannot be removed. @default one that tells nobody */
  removal?: Removal;
}

/**
 * Removes the files of the sessions that were written longest ago.
 * @param current a session that stays whatever its age
 * @returns how many went
 */
export async function forgetOldSessions(
  dataDir: string,
  current: string,
  { kept = SESSIONS_KEPT, bytesMax = SESSIONS_BYTES_MAX, removal = new Removal() }: SessionsKept = {},
): Promise<number> {
  const folder = join(dataDir, "memory", "sessions");
  const found: { name: string; at: number }[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory || !isSessionId(name) || name === current) continue;
      // Another process may be at the same work.
      const { mtime } = await Deno.lstat(join(folder, name)).catch(() => ({ mtime: null }));
      found.push({ name, at: mtime?.getTime() ?? 0 });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  let bytes = await bytesOf(join(folder, current));
  const old: typeof found = [];
  for (const [place, session] of found.toSorted((a, b) => b.at - a.at).entries()) {
    bytes += await bytesOf(join(folder, session.name));
    if (place >= kept - 1 || bytes > bytesMax) old.push(session);
  }
  let gone = 0;
  for (const { name } of old) if (await removal.remove(join(folder, name))) gone++;
  return gone;
}

/** Bytes of the files in a session's folder, which holds no others. */
async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name } of Deno.readDir(folder)) {
      bytes += (await Deno.lstat(join(folder, name)).catch(() => ({ size: 0 }))).size;
    }
  } catch {
    // Gone by now, or begun by nobody yet.
  }
  return bytes;
}
