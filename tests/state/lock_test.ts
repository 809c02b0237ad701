import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { startGroup } from "../../process/group.ts";
import { FolderInUse, lockDataDirectory } from "../../state/lock.ts";
import { denoEnvironment, inFolder } from "./builders.ts";

const LOCK = new URL("../../state/lock.ts", import.meta.url).href;
const HOLDER = `import { lockDataDirectory } from ${JSON.stringify(LOCK)};
await lockDataDirectory(Deno.args[0]);
console.log("held");
setInterval(() => {}, 1000);`;

Deno.test("a data folder is locked by one, until it lets go", () =>
  inFolder(async (folder) => {
    const directory = join(folder, "new", "data");
    {
      await using _held = await lockDataDirectory(directory);
      const error = await assertRejects(() => lockDataDirectory(directory), FolderInUse);
      assertEquals(error.message, `Cannot use ${directory}: another Evenkeel (pid ${Deno.pid}) is using it`);
      assertEquals(error.hint, `Stop it: kill ${Deno.pid}`);
    }
    const again = await lockDataDirectory(directory);
    await again[Symbol.asyncDispose]();
    await again[Symbol.asyncDispose]();
    assertEquals(await Deno.readTextFile(join(directory, "evenkeel.lock")), `${Deno.pid}\n`);
  }));

Deno.test("the lock of another process holds, and goes when that process is killed", () =>
  inFolder(async (folder) => {
    const script = join(folder, "holder.ts");
    await Deno.writeTextFile(script, HOLDER);
    const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
    await using group = startGroup({
      command: [Deno.execPath(), "run", "-A", "--cached-only", "--config", config, script, folder],
      cwd: folder,
      env: denoEnvironment(),
    });
    const errors = new Response(group.stderr).text();
    const reader = group.stdout.getReader();
    const first = await reader.read();
    assert(first.value !== undefined, first.done ? await errors : "");
    assertMatch(new TextDecoder().decode(first.value), /held/);
    await assertRejects(
      () => lockDataDirectory(folder),
      EvenkeelError,
      `another Evenkeel (pid ${group.pid})`,
    );
    await group.end();
    while (!(await reader.read()).done);
    await using _mine = await lockDataDirectory(folder);
    assertEquals(await Deno.readTextFile(join(folder, "evenkeel.lock")), `${Deno.pid}\n`);
  }));

Deno.test("a data folder that cannot be made is named with what to do", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const error = await assertRejects(
      () => lockDataDirectory(join(folder, "file")),
      EvenkeelError,
      "Cannot use ",
    );
    assert(error.hint !== undefined);
  }));
