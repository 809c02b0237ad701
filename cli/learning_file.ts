/** What `learned` and `forget` share: the export that must agree with the store. */
import { writeLearningState } from "../state/artifacts.ts";
import { FolderInUse, lockDataDirectory } from "../state/lock.ts";
import type { Store } from "../state/store.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine, sanitizeLog } from "../text/sanitize.ts";
import { secretVariables } from "./secrets.ts";

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
