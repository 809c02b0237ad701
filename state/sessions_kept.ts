/**
 * Folders of sessions, which a run every few minutes adds to for ever: the newest stay. Only folders with the name of
 * a session are touched, and nothing outside is reached through a link.
 */
import { join } from "@std/path";
import { isSessionId, SESSIONS_LISTED_MAX } from "./sessions.ts";

/** Sessions whose files are kept: as many as a list shows. */
export const SESSIONS_KEPT = SESSIONS_LISTED_MAX;

/**
 * Removes the files of the sessions that were written longest ago.
 * @param current a session that stays whatever its age
 * @param kept sessions that stay @default SESSIONS_KEPT
 * @returns how many went
 */
export async function forgetOldSessions(
  dataDir: string,
  current: string,
  kept: number = SESSIONS_KEPT,
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
  const old = found.toSorted((a, b) => b.at - a.at).slice(Math.max(0, kept - 1));
  for (const { name } of old) {
    await Deno.remove(join(folder, name), { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return old.length;
}
