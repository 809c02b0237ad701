import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { forgetOldSessions } from "../../state/sessions_kept.ts";
import { inFolder, namesIn } from "./builders.ts";

Deno.test("the files of the newest sessions stay, and nothing but sessions goes (promise 23)", () =>
  inFolder(async (folder) => {
    assertEquals(await forgetOldSessions(folder, "now", { kept: 3 }), 0);
    const sessions = join(folder, "memory", "sessions");
    const make = async (name: string, day: number) => {
      await Deno.mkdir(join(sessions, name), { recursive: true });
      await Deno.writeTextFile(join(sessions, name, "final_state.json"), name);
      await Deno.utime(join(sessions, name), day, day);
    };
    for (const [day, name] of ["now", "a", "b", "c", "d", "no session!"].entries()) await make(name, day);
    await Deno.mkdir(join(folder, "elsewhere"));
    await Deno.writeTextFile(join(folder, "elsewhere", "precious"), "");
    await Deno.symlink(join(folder, "elsewhere"), join(sessions, "a", "link"));
    await Deno.utime(join(sessions, "a"), 1, 1);
    await Deno.symlink(join(folder, "elsewhere"), join(sessions, "linked"));

    assertEquals(await forgetOldSessions(folder, "now", { kept: 3 }), 2);
    const left = await Array.fromAsync(Deno.readDir(sessions), ({ name }) => name);
    assertEquals(left.toSorted(), ["c", "d", "linked", "no session!", "now"]);
    assertEquals(await namesIn(join(folder, "elsewhere")), ["precious"]);
  }));
