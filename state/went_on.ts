/**
 * Which sessions went on with an incident that another had left. The store holds an incident once, as its last session
 * left it; what an earlier one saw of it stands in that one's own files only. Reads only, and decides nothing but what
 * is shown.
 */
import { readSessionFiles } from "./sessions.ts";
import type { Ending } from "./sessions.ts";

/** @returns of each incident the sessions whose files list it */
export async function readEndings(
  dataDir: string,
  sessionIds: readonly string[],
): Promise<Map<string, Ending[]>> {
  const endings = new Map<string, Ending[]>();
  for (const session of sessionIds) {
    const { final } = await readSessionFiles(dataDir, session);
    if (final === null) continue;
    const { startedAt, writtenAt } = final;
    for (const { id } of final.incidents) {
      endings.set(id, [...endings.get(id) ?? [], { session, startedAt, writtenAt }]);
    }
  }
  return endings;
}
