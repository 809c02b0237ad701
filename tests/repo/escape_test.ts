import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { commitTree, writeBlob, writeTree } from "./bombs.ts";
import type { NamedObject } from "./bombs.ts";
import { createFolder, exists, gitIn, namesIn } from "./hostile.ts";

/** Names that some file system takes for `.git`, or for a folder above. */
const NAMES = [
  ".git",
  ".GIT",
  ".Git",
  ".git ",
  ".git.",
  ".git::$INDEX_ALLOCATION",
  ".git:stream",
  "git~1",
  "GIT~1",
  ".g\u200cit",
  ".\u200dgit",
  ".gi\u206at\ufeff",
  ".git\\config",
  "..",
  ".",
];

Deno.test("no name in a repository that could be taken for .git or for a folder above is checked out (promise 18)", async () => {
  await using folder = await createFolder();
  await using repository = await createBareRepository({ "a": "1" });
  const id = await writeBlob(repository, "[core]\n\tfsmonitor = touch canary\n");
  const inner = await writeTree(repository, [{ mode: "100644", name: "config", id }]);
  const directory = join(folder.path, "work");
  for (const name of NAMES) {
    const entry: NamedObject = name === ".git\\config"
      ? { mode: "100644", name, id }
      : { mode: "040000", name, id: inner };
    await commitTree(repository, await writeTree(repository, [entry]));
    const clone = () => cloneCheckout({ url: repository.url, branch: "main", directory });
    const error = await assertRejects(clone, EvenkeelError);
    assert(/invalid path|not one inside/.test(error.message), `${JSON.stringify(name)}: ${error.message}`);
    assertEquals(await namesIn(folder.path), []);
  }
});

Deno.test("a link that stands where a folder should be leads no file out of the checkout (promise 18)", async () => {
  await using folder = await createFolder();
  await using repository = await createBareRepository({ "a": "1" });
  const outside = join(folder.path, "outside");
  await Deno.mkdir(outside);
  const text = await writeBlob(repository, "planted");
  const inner = await writeTree(repository, [{ mode: "100644", name: "file", id: text }]);
  const link = await writeBlob(repository, outside);
  const directory = join(folder.path, "work");
  const trees: NamedObject[][] = [
    // The same name twice, and names that are the same where case does not count.
    [{ mode: "120000", name: "d", id: link }, { mode: "040000", name: "d", id: inner }],
    [{ mode: "120000", name: "D", id: link }, { mode: "040000", name: "d", id: inner }],
    [{ mode: "120000", name: "d", id: link }, { mode: "160000", name: "d", id: "1".repeat(40) }],
  ];
  for (const entries of trees) {
    await commitTree(repository, await writeTree(repository, entries));
    try {
      await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
      for (const name of await namesIn(directory)) {
        assertEquals((await Deno.lstat(join(directory, name))).isSymlink, false);
      }
      await assertRejects(() => checkout.read("D"), EvenkeelError, "symbolic link").catch(async () => {
        assertEquals(await checkout.read("D"), null);
      });
    } catch (error) {
      if (!(error instanceof EvenkeelError)) throw error;
    }
    assertEquals(await namesIn(outside), []);
  }
});

Deno.test("a repository that is configured to run programs or to borrow objects does neither at a checkout (promise 18)", async () => {
  await using folder = await createFolder();
  const canary = join(folder.path, "canary");
  await using repository = await createBareRepository({ "a.txt": "1\n", "sub/b": "2\n" });
  const settings = join(folder.path, "included");
  const touch = `touch ${canary}; cat`;
  await Deno.writeTextFile(
    settings,
    `[filter "evil"]\n\tsmudge = ${touch}\n\tclean = ${touch}\n\trequired = true\n`,
  );
  for (
    const [key, value] of [
      ["include.path", settings],
      ["includeIf.gitdir:/**.path", settings],
      ["core.fsmonitor", touch],
      ["core.sshCommand", touch],
      ["core.pager", touch],
      ["core.alternateRefsCommand", touch],
      ["uploadpack.packObjectsHook", touch],
      ["filter.lfs.process", touch],
      ["diff.external", touch],
      ["credential.helper", `!${touch}`],
      ["core.symlinks", "true"],
    ] as const
  ) await gitIn(repository.url, ["config", key, value]);
  const hook = `#!/bin/sh\ntouch ${canary}\n`;
  await Deno.mkdir(join(repository.url, "hooks"), { recursive: true });
  for (
    const name of [
      "post-checkout",
      "pre-push",
      "reference-transaction",
      "post-index-change",
      "fsmonitor-watchman",
    ]
  ) {
    await Deno.writeTextFile(join(repository.url, "hooks", name), hook, { mode: 0o755 });
  }
  // Objects of another repository, borrowed by a line in a file.
  await using other = await createBareRepository({ "secret": "canary of another repository" });
  await Deno.writeTextFile(join(repository.url, "objects", "info", "alternates"), `${other.url}/objects\n`);
  await repository.commit({
    ".gitattributes": "* filter=evil\n*.txt filter=lfs diff=lfs merge=lfs -text\n",
    ".gitconfig": `[core]\n\tfsmonitor = ${touch}\n`,
    ".gitmodules":
      `[submodule "s"]\n\tpath = s\n\turl = ext::sh -c touch% ${canary}\n\tupdate = !touch ${canary}\n`,
    ".lfsconfig": `[lfs]\n\turl = ext::sh -c touch% ${canary}\n`,
  }, "Hostile");
  await Deno.remove(canary).catch(() => {});
  const directory = join(folder.path, "work");
  {
    await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
    assertEquals(await checkout.read("a.txt"), "1\n");
    assertEquals(await checkout.gitOutput(["status", "--porcelain"], "look"), "");
    // Nothing is shared with the origin: no borrowed object, no second name of one of its files.
    assertEquals(await exists(`${directory}.git/objects/info/alternates`), false);
    for await (const path of files(folder.path)) assertEquals((await Deno.lstat(path)).nlink, 1, path);
    const config = await Deno.readTextFile(`${directory}.git/config`);
    assertEquals(/evil|touch|include|fsmonitor|sshCommand/.test(config), false, config);
  }
  assertEquals(await exists(canary), false);
});

async function* files(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* files(path);
    else yield path;
  }
}
