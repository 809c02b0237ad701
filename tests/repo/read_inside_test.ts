/** Files that are swapped between two looks at them: the folder is changed at the very moment between. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { readBytesInside, readInside } from "../../repo/read_inside.ts";
import type { Disk } from "../../repo/read_inside.ts";
import { createFolder } from "./hostile.ts";

const OUTSIDE = "canary of a file outside";

/** A checkout with `dir/a`, and beside it a folder that holds another `a`. */
async function createGround() {
  const folder = await createFolder();
  const inside = join(folder.path, "inside");
  const outside = join(folder.path, "outside");
  await Deno.mkdir(join(inside, "dir"), { recursive: true });
  await Deno.mkdir(outside);
  await Deno.writeTextFile(join(inside, "dir", "a"), "inside");
  await Deno.writeTextFile(join(outside, "a"), OUTSIDE);
  const [file, dir, away] = [join(inside, "dir", "a"), join(inside, "dir"), join(folder.path, "away")];
  return {
    inside,
    /** Another regular file takes the name. */
    replaceFile: async () => await Deno.rename(join(outside, "a"), file),
    linkFile: async () => {
      await Deno.rename(file, away);
      await Deno.symlink(join(outside, "a"), file);
    },
    linkFolder: async () => {
      await Deno.rename(dir, away);
      await Deno.symlink(outside, dir);
    },
    /** Takes either link away again. */
    restoreFile: async () => await Deno.rename(away, file),
    restoreFolder: async () => {
      await Deno.remove(dir);
      await Deno.rename(away, dir);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
type Ground = Awaited<ReturnType<typeof createGround>>;

type Moment = "first named" | "opened" | "resolved";
type Change = (ground: Ground) => Promise<void>;

/** The real disk, with changes just before a question is answered. */
function diskThat(changes: Partial<Record<Moment, () => Promise<void>>>): Disk {
  const pending = new Map(Object.entries(changes));
  const at = async (moment: Moment) => {
    const change = pending.get(moment);
    pending.delete(moment);
    await change?.();
  };
  return {
    lstat: async (path) => {
      await at("first named");
      return await Deno.lstat(path);
    },
    open: async (path, options) => {
      await at("opened");
      return await Deno.open(path, options);
    },
    realPath: async (path) => {
      await at("resolved");
      return await Deno.realPath(path);
    },
  };
}

const CASES: [name: string, changes: Partial<Record<Moment, Change>>, why: string][] = [
  ["another file before it is opened", { opened: (on) => on.replaceFile() }, "was replaced"],
  ["another file after it was opened", { resolved: (on) => on.replaceFile() }, "was replaced"],
  ["a link before it is opened", { opened: (on) => on.linkFile() }, "leads elsewhere"],
  ["a link for the opening alone", {
    opened: (on) => on.linkFile(),
    resolved: (on) => on.restoreFile(),
  }, "was replaced"],
  ["a linked folder before it is opened", { opened: (on) => on.linkFolder() }, "leads elsewhere"],
  ["a linked folder for the opening alone", {
    opened: (on) => on.linkFolder(),
    resolved: (on) => on.restoreFolder(),
  }, "was replaced"],
  ["a linked folder from the first look to the opening", {
    "first named": (on) => on.linkFolder(),
    resolved: (on) => on.restoreFolder(),
  }, "was replaced"],
];

Deno.test("a file that is swapped between the look at it and the reading is refused (promise 18)", async () => {
  for (const read of [readInside, readBytesInside]) {
    for (const [name, changes, why] of CASES) {
      await using ground = await createGround();
      const disk = diskThat(
        Object.fromEntries(Object.entries(changes).map(([moment, change]) => [moment, () => change(ground)])),
      );
      const error = await assertRejects(() => read(ground.inside, "dir/a", 1000, disk), EvenkeelError);
      assertStringIncludes(error.message, why, name);
      assertEquals(error.message.includes(OUTSIDE), false);
    }
  }
});

Deno.test("a file that nobody touches is read, as text or as bytes, and no more of it than was looked at", async () => {
  await using ground = await createGround();
  assertEquals(await readInside(ground.inside, "dir/a", 6), "inside");
  // It grows after it was measured.
  const disk: Disk = {
    ...diskThat({}),
    realPath: async (path) => {
      await Deno.writeTextFile(join(ground.inside, "dir", "a"), " and more", { append: true });
      return await Deno.realPath(path);
    },
  };
  const bytes = await readBytesInside(ground.inside, "dir/a", 6, disk);
  assertEquals(new TextDecoder().decode(bytes ?? new Uint8Array()), "inside");
});

/** What reads files that are no checkout's: a person's own evenkeel.yaml. */
const OTHERS = ["reconciler/config.ts"];

Deno.test("whoever works with a checkout reads its files in this way and no other (promise 18)", async () => {
  const root = new URL("../../", import.meta.url);
  const readers: string[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, root))) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else if (
        /\bDeno\.(?:open|read(?:Text)?File)|"node:fs/.test(await Deno.readTextFile(new URL(path, root)))
      ) {
        readers.push(path);
      }
    }
  };
  for (const folder of ["agents", "repo", "reconciler"]) await walk(folder);
  assertEquals(readers.sort(), OTHERS);
});
