/**
 * What of a data folder would grow for ever, kept small: the oldest goes first. The store keeps its own tables small
 * (state/sqlite.ts), a session its own logs (state/artifacts.ts). For the one that leads in the folder.
 */
import { join } from "@std/path";
import { capFolder } from "./folder_cap.ts";
import type { FolderCap } from "./folder_cap.ts";
import { Removal } from "./removal.ts";
import { forgetScratch } from "./scratch.ts";
import { forgetOldSessions } from "./sessions_kept.ts";
import { fileAt, KEPT, STORE_FILE } from "./store_file.ts";

const GIB = 1024 ** 3;
/** Of `cache/` and of `hooks/`, each. */
export const PROGRAM_FILES: FolderCap = { filesMax: 20_000, bytesMax: GIB };
/** Damaged stores that were put aside; the newest stays however large it is. */
export const DAMAGED_KEPT = 5;
export const DAMAGED_BYTES_MAX = 2 * GIB;
/** Scratch folders of runs that were killed, the newest. One that starts alone removes all. */
export const SCRATCH_KEPT = 16;
/** A store that was being made when its maker was killed is nobody's after so long, in milliseconds. */
const UNFINISHED_MS = 3_600_000;

/**
 * What cannot be removed is told with its path, and holds up nothing else.
 * @param session the one that is being written
 * @param now milliseconds since the epoch, by the clock that dates files: the machine's
 */
export async function capDataFolder(directory: string, session: string, now: number): Promise<void> {
  const removal = new Removal();
  await removal.part(() => forgetOldSessions(directory, session, { removal }));
  for (const name of ["cache", "hooks"]) {
    await removal.part(() => capFolder(join(directory, name), PROGRAM_FILES, now, removal));
  }
  await removal.part(() => forgetScratch(join(directory, "scratch"), SCRATCH_KEPT, removal));
  await removal.part(() => forgetDamaged(directory, removal));
  await removal.part(() => forgetUnfinished(directory, now, removal));
  removal.tell();
}

/**
 * The oldest go until there are few enough; the newest stays. A damaged store and its log go together. One that an
 * interrupted restore still needs is the store itself.
 */
async function forgetDamaged(directory: string, removal: Removal): Promise<void> {
  const store = fileAt(join(directory, STORE_FILE));
  const groups = new Map<string, { names: string[]; bytes: number }>();
  for (const { name, bytes } of await entriesOf(directory)) {
    if (!name.startsWith(STORE_FILE + KEPT)) continue;
    const group = name.replace(/-(?:wal|shm)$/, "");
    if (fileAt(join(directory, group)) === store) continue;
    const known = groups.get(group) ?? { names: [], bytes: 0 };
    groups.set(group, { names: [...known.names, name], bytes: known.bytes + bytes });
  }
  // When it was put aside; the file itself is older.
  const asideAt = (group: string) => Number(group.slice((STORE_FILE + KEPT).length));
  const newestFirst = [...groups].toSorted(([a], [b]) => asideAt(b) - asideAt(a));
  let total = 0;
  for (const [place, [, { names, bytes }]] of newestFirst.entries()) {
    total += bytes;
    if (place === 0 || (place < DAMAGED_KEPT && total <= DAMAGED_BYTES_MAX)) continue;
    for (const name of names) await removal.remove(join(directory, name));
  }
}

async function forgetUnfinished(directory: string, now: number, removal: Removal): Promise<void> {
  for (const { name, at } of await entriesOf(directory)) {
    const isOld = name.startsWith(`${STORE_FILE}.new-`) && at < now - UNFINISHED_MS;
    if (isOld) await removal.remove(join(directory, name));
  }
}

async function entriesOf(directory: string): Promise<{ name: string; at: number; bytes: number }[]> {
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name).catch(() => []);
  return await Promise.all(names.map(async (name) => {
    const info = await Deno.lstat(join(directory, name)).catch(() => null);
    return { name, at: info?.mtime?.getTime() ?? 0, bytes: info?.size ?? 0 };
  }));
}
