/** The data folder that the commands about what is remembered look into, and its store. */
import { join } from "@std/path";
import { DEFAULT_DATA_DIRECTORY } from "../reconciler/environment.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import { refuseLost } from "../state/lost_store.ts";
import { STORE_FILE } from "../state/store_file.ts";
import type { SharedStore, Store } from "../state/store.ts";

export function dataDirectory(): string {
  return Deno.env.get("EVENKEEL_DATA_DIR") || DEFAULT_DATA_DIRECTORY;
}

/** Opens the store of a data folder, or begins one. @throws {EvenkeelError} when it is damaged or cannot be used */
export function openStoreIn(directory: string): Promise<SharedStore> {
  return openSqliteStore(join(directory, STORE_FILE));
}

/**
 * The store of a data folder; `null` where there is none, so that looking leaves nothing behind.
 * @throws {EvenkeelError} when it is damaged, or missing with its copy there
 */
export async function openExisting(directory: string): Promise<Store | null> {
  const path = join(directory, STORE_FILE);
  const isThere = await Deno.stat(path).then(({ isFile }) => isFile, () => false);
  refuseLost(path);
  return isThere ? await openSqliteStore(path) : null;
}
