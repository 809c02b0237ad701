/** Keeps the daily copy of the store. One that cannot be made is mentioned in the log and never stops a heal. */
import { messageWithHint } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { logOf } from "../base/log.ts";
import { backUp } from "../state/backup.ts";

/** When a copy that could not be made is tried again, in milliseconds. */
const COPY_AGAIN_MS = 3_600_000;
const log = logOf("files");

/** @returns makes a copy where there is none or it is a day old; to be called from time to time */
export function createCopyKeeper(path: string, clock: Clock): () => Promise<void> {
  let notBefore = -Infinity;
  return async () => {
    if (clock.monotonic() < notBefore) return;
    try {
      await backUp(path, clock);
    } catch (error) {
      log.warn(messageWithHint(error));
      notBefore = clock.monotonic() + COPY_AGAIN_MS;
    }
  };
}
