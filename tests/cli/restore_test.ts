import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { systemClock } from "../../base/clock.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { backUp } from "../../state/backup.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { healed, incident, inFolder, serviceRecord, START } from "../state/builders.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));

async function evenkeel(folder: string, ...args: string[]) {
  const denoDir = Deno.env.get("DENO_DIR");
  const result = await run({
    command: [Deno.execPath(), "run", "-A", "--no-check", MAIN, ...args],
    cwd: folder,
    env: {
      ...toolEnvironment(),
      HOME: Deno.env.get("HOME") ?? folder,
      ...(denoDir === undefined ? {} : { DENO_DIR: denoDir }),
      EVENKEEL_DATA_DIR: folder,
    },
    timeoutMs: 30_000,
  });
  assert(result.kind === "exited", result.stderr);
  return { code: result.code, stdout: result.stdout, stderr: result.stderr };
}

Deno.test("a damaged store ends a command with its name and the way back, which leads back (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    {
      await using store = await openSqliteStore(path);
      await store.record({ service: serviceRecord(), incident: healed(1) });
      await backUp(path, systemClock);
      const key = "inc_2/1/push";
      await store.record({ incident: incident({ id: "inc_2" }) });
      await store.intend({ key, serviceId: "srv-1", kind: "push", payload: null, intendedAt: START });
    }
    const whole = await Deno.readFile(path);
    const refused = await evenkeel(folder, "restore");
    assertEquals(refused.code, 2);
    assertMatch(refused.stderr, /^Cannot restore .*evenkeel\.db: it is not damaged/);

    await Deno.writeFile(path, whole.subarray(0, whole.length - 4096));
    const damaged = await evenkeel(folder, "sessions");
    assertEquals([damaged.code, damaged.stdout], [2, ""]);
    assertMatch(
      damaged.stderr,
      /^Cannot open .*evenkeel\.db: the file is damaged: .*\n {2}deno task evenkeel restore /,
    );

    const restored = await evenkeel(folder, "restore");
    assertEquals(restored.code, 0, restored.stderr);
    assertMatch(restored.stdout, /Put back the copy that is .* old, and \d+ newer or equal records/);
    assertMatch(restored.stdout, /The damaged store is kept as .*evenkeel\.db\.damaged-\d+/);
    const after = await evenkeel(folder, "sessions");
    assertEquals(after.code, 0, after.stderr);
    assertMatch(after.stdout, /s1/);

    await Deno.remove(path);
    const missing = await evenkeel(folder, "sessions");
    assertEquals([missing.code, missing.stdout], [2, ""]);
    assertMatch(
      missing.stderr,
      /^Cannot open .*evenkeel\.db: it is missing, and its copy .*evenkeel\.db\.bak is there\n {2}deno task evenkeel restore /,
    );
    const found = await evenkeel(folder, "restore");
    assertEquals(found.code, 0, found.stderr);
    assertMatch(found.stdout, /^Put back the copy that is .* old, for the store was missing\n/);
    assertEquals(found.stdout.includes("kept as"), false);
    assertMatch((await evenkeel(folder, "sessions")).stdout, /s1/);
  }));
