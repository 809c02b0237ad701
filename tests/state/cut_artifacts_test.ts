import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { writeLearningState, writeSession } from "../../state/artifacts.ts";
import { parseImport } from "../../state/prior.ts";
import { FINAL_FILE, PLAN_FILE, readSessionFiles, sessionDirectory } from "../../state/sessions.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { inFull } from "../helpers/full.ts";
import { healed, incident, inFolder, outcome, serviceRecord, START } from "./builders.ts";

const options = { clean: (text: string) => text };
const SESSION = "s1";

/** The files of a session with two incidents, and what was learned. */
async function withFiles(work: (folder: string, write: () => Promise<void>) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "evenkeel.db"));
    await store.record({ service: serviceRecord(), incident: healed(1), outcome: outcome() });
    await store.record({ incident: incident({ id: "inc_2" }) });
    const write = async () => {
      await writeLearningState(folder, store, options);
      await writeSession(folder, SESSION, { store, startedAt: START }, options);
    };
    await write();
    await work(folder, write);
  });
}

Deno.test("the files of a session cut off at any byte are passed over whole, and written anew (promise 6)", () =>
  withFiles(async (folder, write) => {
    for (const [file, key] of [[PLAN_FILE, "plan"], [FINAL_FILE, "final"]] as const) {
      const path = join(sessionDirectory(folder, SESSION), file);
      const bytes = await Deno.readFile(path);
      const whole = await readSessionFiles(folder, SESSION);
      assert(whole[key] !== null);
      for (let length = 0; length < bytes.length; length += length > bytes.length - 9 ? 1 : inFull(1, 7)) {
        await Deno.writeFile(path, bytes.subarray(0, length));
        const read = (await readSessionFiles(folder, SESSION))[key];
        // Without the line's end it is whole still.
        assertEquals(read, length === bytes.length - 1 ? whole[key] : null, `${file} cut at ${length}`);
      }
      await write();
      assert((await readSessionFiles(folder, SESSION))[key] !== null);
    }
  }));

Deno.test("an export cut off at any byte teaches nothing (promise 6)", () =>
  withFiles(async (folder) => {
    const clean = (text: string) => text;
    const read = (bytes: Uint8Array<ArrayBuffer>) => parseImport("export.json", bytes, { now: START, clean });
    const bytes = await Deno.readFile(join(folder, "artifacts", "deploy_learning_state.json"));
    const whole = await read(bytes);
    assert(whole.fixes.length > 0);
    for (let length = 0; length < bytes.length - 1; length += inFull(1, 3)) {
      const error = await assertRejects(() => read(bytes.slice(0, length)), EvenkeelError);
      assert(error.message.startsWith("Cannot import export.json: it is no JSON"), error.message);
    }
    assertEquals((await read(bytes.slice(0, -1))).fixes, whole.fixes);
  }));
