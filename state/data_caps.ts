/**
 * What of a data folder would grow for ever, kept small: the oldest goes first. The store keeps its own tables small
 * (state/sqlite.ts), a session its own logs (state/artifacts.ts). For the one that leads in the folder.
 */
import { join } from "@std/path";
import { capFolder } from "./folder_cap.ts";
import type { FolderCap } from "./folder_cap.ts";
import { forgetOldSessions } from "./sessions_kept.ts";
import { fileAt, KEPT, STORE_FILE } from "./store_file.ts";

const GIB = 1024 ** 3;
/** Of `cache/` and of `hooks/`, each. */
export const PROGRAM_FILES: FolderCap = { filesMax: 20_000, bytesMax: GIB };
/** Damaged stores that were put aside; the newest stays however large it is. */
export const DAMAGED_KEPT = 5;
export const DAMAGED_BYTES_MAX = 2 * GIB;
/** Scratch folders of runs that were killed. One that starts alone removes all. */
export const SCRATCH_KEPT = 16;
/** A store that was being made when its maker was killed is nobody's after so long, in milliseconds. */
const UNFINISHED_MS = 3_600_000;

/**
 * @param session the one that is being written
 * @param now milliseconds since the epoch
 */
export async function capDataFolder(directory: string, session: string, now: number): Promise<void> {
  await forgetOldSessions(directory, session);
  for (const name of ["cache", "hooks"]) await capFolder(join(directory, name), PROGRAM_FILES, now);
  await keepNewest(join(directory, "scratch"), (name) => name, { kept: SCRATCH_KEPT });
  await forgetDamaged(directory);
  await forgetUnfinished(directory, now);
}

/** A damaged store and its log go together. One that an interrupted restore still needs is the store itself. */
async function forgetDamaged(directory: string): Promise<void> {
  const store = fileAt(join(directory, STORE_FILE));
  const groupOf = (name: string) => {
    if (!name.startsWith(STORE_FILE + KEPT)) return null;
    const group = name.replace(/-(?:wal|shm)$/, "");
    return fileAt(join(directory, group)) === store ? null : group;
  };
  await keepNewest(directory, groupOf, {
    kept: DAMAGED_KEPT,
    bytesMax: DAMAGED_BYTES_MAX,
    // When it was put aside; the file itself is older.
    orderOf: (group) => Number(group.slice((STORE_FILE + KEPT).length)),
  });
}

async function forgetUnfinished(directory: string, now: number): Promise<void> {
  for (const { name, at } of await entriesOf(directory)) {
    const isOld = name.startsWith(`${STORE_FILE}.new-`) && at < now - UNFINISHED_MS;
    if (isOld) await Deno.remove(join(directory, name)).catch(() => {});
  }
}

interface Keep {
  kept: number;
  /** @default unlimited */
  bytesMax?: number;
  /** @default when it was written last */
  orderOf?: (group: string) => number;
}

/** Removes the oldest groups of entries until there are few enough; the newest stays. */
async function keepNewest(
  directory: string,
  groupOf: (name: string) => string | null,
  { kept, bytesMax = Infinity, orderOf }: Keep,
): Promise<void> {
  const groups = new Map<string, { names: string[]; at: number; bytes: number }>();
  for (const { name, at, bytes } of await entriesOf(directory)) {
    const group = groupOf(name);
    if (group === null) continue;
    const known = groups.get(group) ?? { names: [], at: 0, bytes: 0 };
    groups.set(group, {
      names: [...known.names, name],
      at: orderOf?.(group) ?? Math.max(known.at, at),
      bytes: known.bytes + bytes,
    });
  }
  let total = 0;
  for (const [place, { names, bytes }] of [...groups.values()].toSorted((a, b) => b.at - a.at).entries()) {
    total += bytes;
    if (place === 0 || (place < kept && total <= bytesMax)) continue;
    for (const name of names) await Deno.remove(join(directory, name), { recursive: true }).catch(() => {});
  }
}

async function entriesOf(directory: string): Promise<{ name: string; at: number; bytes: number }[]> {
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name).catch(() => []);
  return await Promise.all(names.map(async (name) => {
    const info = await Deno.lstat(join(directory, name)).catch(() => null);
    return { name, at: info?.mtime?.getTime() ?? 0, bytes: info?.size ?? 0 };
  }));
}
