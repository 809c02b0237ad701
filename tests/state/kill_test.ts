import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { startGroup } from "../../process/group.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { denoEnvironment, inFolder } from "./builders.ts";

const WRITER = fromFileUrl(new URL("./writer.ts", import.meta.url));
const KILLS = 4;

/** Starts the writer, kills it after some finished writes, and gives the number of the last it finished. */
async function writeAndKill(path: string, from: number, writes: number): Promise<number> {
  const command: [string, ...string[]] = [
    Deno.execPath(),
    "run",
    "-A",
    "--cached-only",
    WRITER,
    path,
    String(from),
  ];
  await using group = startGroup({ command, cwd: "/", env: denoEnvironment() });
  const errors = new Response(group.stderr).text();
  let output = "";
  for await (const chunk of group.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    if (output.split("\n").length > writes) group.signal("SIGKILL");
  }
  await group.end();
  const last = output.split("\n").at(-2);
  assert(last !== undefined && last !== "", await errors);
  return Number(last);
}

Deno.test("a store whose writer was killed holds every finished write, and each whole", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    let last = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      last = await writeAndKill(path, last + 2, 5 + kill * 7);
      await using store = await openSqliteStore(path);
      const generation = (await store.getService("srv-1"))?.generation ?? 0;
      assert(generation === last || generation === last + 1, `${generation} after ${last}`);
      // What one call wrote is there as one: service, incident and both events, or none of them.
      assertEquals((await store.listIncidents({ limit: 1 }))[0]?.id, `inc_${generation}`);
      const events = (await store.listEvents({ limit: 3 })).map(({ message }) => Number(message));
      assertEquals([events[0], events[1]], [generation, generation]);
      assert(events[2] !== generation);
      const done = await store.getJournalEntry(`inc_${last}/1/push`);
      assertEquals([done?.state, done?.result], ["done", { number: last }]);
      // At most the one effect that was under way is pending, besides those of earlier kills.
      assert((await store.listPending("srv-1")).length <= kill + 1);
    }
  }));
