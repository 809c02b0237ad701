/**
 * Scratch folders of runs in a data folder. While its run lives a lock on a file in it is held, which the kernel drops
 * with the process: so what a killed run left is told from what is in use, whoever leads.
 */
import { join } from "@std/path";
import { EvenkeelError } from "../base/errors.ts";
import { openTree, removeTree } from "../process/remove.ts";
import type { Removal } from "./removal.ts";
import { fileAt } from "./store_file.ts";

const LOCK_FILE = "in-use";
/** Folders that are made for a run before it gives up: each may be tidied away before it is held. */
const TRIES_MAX = 5;

export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

/**
 * A folder of its own for a run. Disposing of it removes it.
 * @param root the folder of all runs
 * @throws what the system says where it cannot be made
 */
export async function openScratch(root: string): Promise<Scratch> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const path = join(root, crypto.randomUUID());
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const lock = await hold(path).catch(async (error) => {
      if (error instanceof Deno.errors.NotFound) return null;
      await Deno.remove(path, { recursive: true }).catch(() => {});
      throw error;
    });
    if (lock === null) continue;
    // Who tidied before we held it has removed the file that we hold.
    if (fileAt(join(path, LOCK_FILE)) === null) {
      lock.close();
      continue;
    }
    return {
      path,
      async [Symbol.asyncDispose]() {
        await Deno.remove(path, { recursive: true }).catch(() => {});
        // A child that is being started holds a copy of the file until it runs; closing ours is not enough.
        await lock.unlock().catch(() => {});
        lock.close();
      },
    };
  }
  throw new EvenkeelError(`Cannot use ${root}: each folder in it was removed at once`, {
    hint: "Keep other programs out of it, or choose another folder with EVENKEEL_DATA_DIR",
  });
}

/**
 * Removes the folders that were written longest ago, except those of runs that live.
 * @param kept the newest so many stay
 */
export async function forgetScratch(root: string, kept: number, removal: Removal): Promise<void> {
  const found: { path: string; at: number }[] = [];
  for (const name of await Array.fromAsync(Deno.readDir(root), ({ name }) => name).catch(() => [])) {
    const path = join(root, name);
    const info = await Deno.lstat(path).catch(() => null);
    found.push({ path, at: info?.mtime?.getTime() ?? 0 });
  }
  for (const { path } of found.toSorted((a, b) => b.at - a.at).slice(kept)) {
    // Held until it is gone, so that no run begins in it meanwhile. What cannot be held is no run's.
    const lock = await hold(path).catch(() => undefined);
    if (lock === null) continue;
    // A build that was killed in its rehearsal may have left folders that are closed, or deeper than a stack goes.
    if (!await removeTree(path) && await openTree(path)) await removeTree(path);
    await removal.remove(path);
    lock?.close();
  }
}

/** @returns `null` when somebody else holds it */
async function hold(folder: string): Promise<Deno.FsFile | null> {
  const path = join(folder, LOCK_FILE);
  const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  if (await file.tryLock(true)) return file;
  file.close();
  return null;
}
