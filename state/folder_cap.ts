/**
 * A folder that programs write into as they like, kept to a number of files and of bytes: what was used longest ago goes
 * first. Nothing outside is reached through a link, and what cannot be looked over goes as a whole.
 */
import { join } from "@std/path";

export interface FolderCap {
  filesMax: number;
  bytesMax: number;
}

/** Files and folders that are looked over; a folder with more goes as a whole. */
const ENTRIES_MAX = 200_000;
/** A folder that is empty for so long goes, in milliseconds: before, somebody may be about to write into it. */
const EMPTY_MS = 3_600_000;

interface Entry {
  path: string;
  /** When it was used last, in milliseconds since the epoch. */
  at: number;
  bytes: number;
}

/**
 * @param now milliseconds since the epoch
 * @returns how many files went
 */
export async function capFolder(folder: string, cap: FolderCap, now: number): Promise<number> {
  const found = await lookOver(folder);
  if (found === null) {
    await remove(folder);
    return ENTRIES_MAX;
  }
  const { files, folders } = found;
  files.sort((a, b) => a.at - b.at);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let gone = 0;
  while (gone < files.length && (files.length - gone > cap.filesMax || bytes > cap.bytesMax)) {
    const { path, bytes: size } = files[gone++]!;
    await remove(path);
    bytes -= size;
  }
  // The innermost first. Only an empty one lets itself be removed so.
  for (const { path, at } of folders.toReversed()) {
    if (at < now - EMPTY_MS) await Deno.remove(path).catch(() => {});
  }
  return gone;
}

/** Everything below a folder, each folder before what it holds; `null` when that is too much. */
async function lookOver(folder: string): Promise<{ files: Entry[]; folders: Entry[] } | null> {
  const files: Entry[] = [];
  const folders: Entry[] = [];
  const open = [folder];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    // What is gone by now, or closed to us, is none of ours to remove.
    const names = await Array.fromAsync(Deno.readDir(at), ({ name }) => name).catch(() => []);
    for (const name of names) {
      const path = join(at, name);
      const info = await Deno.lstat(path).catch(() => null);
      if (info === null) continue;
      const used = Math.max(info.mtime?.getTime() ?? 0, info.atime?.getTime() ?? 0);
      if (info.isDirectory) {
        folders.push({ path, at: info.mtime?.getTime() ?? 0, bytes: 0 });
        open.push(path);
      } else files.push({ path, at: used, bytes: info.size });
      if (files.length + folders.length > ENTRIES_MAX) return null;
    }
  }
  return { files, folders };
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
