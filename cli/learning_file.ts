/** What `learned` and `forget` share: the store of the data folder, and the export that must agree with it. */
import { join } from "@std/path";
import { DEFAULT_DATA_DIRECTORY } from "../reconciler/environment.ts";
import { writeLearningState } from "../state/artifacts.ts";
import { FolderInUse, lockDataDirectory } from "../state/lock.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { Store } from "../state/store.ts";
import { STORE_FILE } from "../state/store_file.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine, sanitizeLog } from "../text/sanitize.ts";
import { secretVariables } from "./secrets.ts";

export function dataDirectory(): string {
  return Deno.env.get("EVENKEEL_DATA_DIR") || DEFAULT_DATA_DIRECTORY;
}

export function openLearning(directory: string): Promise<Store> {
  return openSqliteStore(join(directory, STORE_FILE));
}

/** Text from outside on one line, safe to store and to show. */
export function cleanLine(text: string): string {
  return sanitizeLine(redact(sanitizeLog(text)));
}

/**
 * Writes `artifacts/deploy_learning_state.json` again.
 * @returns `false` where a running Evenkeel holds the folder: it writes the file itself, at the latest when it ends
 */
export async function refreshExport(directory: string, store: Store): Promise<boolean> {
  try {
    await using _lock = await lockDataDirectory(directory);
    await writeLearningState(directory, store, { clean: (text) => redact(sanitizeLog(text)) });
    return true;
  } catch (error) {
    if (error instanceof FolderInUse) return false;
    throw error;
  }
}

function redact(text: string): string {
  return createRedactor(secretVariables())(text);
}
