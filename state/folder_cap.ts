/**
 * A folder that programs write into as they like, kept to a number of files and of bytes: what was used longest ago goes
 * first. Nothing outside is reached through a link, and what cannot be looked over goes as a whole.
 */
import { join } from "@std/path";
import type { Removal } from "./removal.ts";

export interface FolderCap {
  filesMax: number;
  bytesMax: number;
  /** Files and folders that are looked over; a folder with more goes as a whole. @default ENTRIES_MAX */
  entriesMax?: number;
}

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
 * @param now milliseconds since the epoch, by the clock that dates files: the machine's
 * @param removal what it cannot remove counts on, and what is younger goes in its place
 */
export async function capFolder(
  folder: string,
  { filesMax, bytesMax, entriesMax = ENTRIES_MAX }: FolderCap,
  now: number,
  removal: Removal,
): Promise<void> {
  const found = await lookOver(folder, entriesMax);
  if (found === null) {
    await removal.remove(folder);
    return;
  }
  const { files, folders } = found;
  let left = files.length;
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files.toSorted((a, b) => a.at - b.at)) {
    if (left <= filesMax && bytes <= bytesMax) break;
    if (!await removal.remove(file.path)) continue;
    left--;
    bytes -= file.bytes;
  }
  // The innermost first. Only an empty one lets itself be removed so.
  for (const { path, at } of folders.toReversed()) {
    if (at < now - EMPTY_MS) await Deno.remove(path).catch(() => {});
  }
}

/** Everything below a folder, each folder before what it holds; `null` when that is more than `entriesMax`. */
async function lookOver(
  folder: string,
  entriesMax: number,
): Promise<{ files: Entry[]; folders: Entry[] } | null> {
  const files: Entry[] = [];
  const folders: Entry[] = [];
  const open = [folder];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    try {
      for await (const { name } of Deno.readDir(at)) {
        if (files.length + folders.length >= entriesMax) return null;
        const path = join(at, name);
        const info = await Deno.lstat(path).catch(() => null);
        if (info === null) continue;
        const used = Math.max(info.mtime?.getTime() ?? 0, info.atime?.getTime() ?? 0);
        if (info.isDirectory) {
          folders.push({ path, at: info.mtime?.getTime() ?? 0, bytes: 0 });
          open.push(path);
        } else files.push({ path, at: used, bytes: info.size });
      }
    } catch {
      // What is gone by now, or closed to us, is none of ours to remove.
    }
  }
  return { files, folders };
}
