import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { systemClock } from "../../base/clock.ts";
import { backUp, BACKUP_EVERY_MS } from "../../state/backup.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { inFolder } from "./builders.ts";

Deno.test("a copy is a day old by the time of day of whoever made it, wherever the machine's clock stands (promise 4)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await using _ = await openSqliteStore(path);
    for (const offMs of [3 * BACKUP_EVERY_MS, 6 * BACKUP_EVERY_MS]) {
      const clock = { ...systemClock, now: () => systemClock.now() + offMs };
      assertEquals([await backUp(path, clock), await backUp(path, clock)], [true, false]);
    }
  }));
