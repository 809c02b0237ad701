import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { commitRaw, createFolder, exists, gitIn, namesIn } from "./hostile.ts";

Deno.test("cloneCheckout() gives the branch's files, their paths and their head, and leaves nothing behind", async () => {
  await using repository = await createBareRepository({ "app/main.py": "print(1)\n", "README": "hi\n" });
  await using folder = await createFolder();
  for (const url of [repository.url, `file://${repository.url}`]) {
    await using checkout = await cloneCheckout({ url, branch: "main", directory: join(folder.path, "work") });
    assertEquals(checkout.head, await repository.head());
    assertEquals(await checkout.paths(), ["README", "app/main.py"]);
    assertEquals(await checkout.read("app/main.py"), "print(1)\n");
    assertEquals([
      await checkout.read("app/none.py"),
      await checkout.read("README/x"),
      await checkout.read("app"),
    ], [
      null,
      null,
      null,
    ]);
    assertEquals(await namesIn(checkout.directory), ["README", "app"]);
  }
  assertEquals(await namesIn(folder.path), []);
});

Deno.test("cloneCheckout() gives a commit that is no longer the branch's head", async () => {
  await using repository = await createBareRepository({ "a": "1\n" });
  const second = await repository.commit({ "a": "2\n" }, "Two");
  await repository.commit({ "a": "3\n" }, "Three");
  await using folder = await createFolder();
  const options = { url: repository.url, branch: "main", directory: join(folder.path, "work") };
  await using checkout = await cloneCheckout({ ...options, commit: second });
  assertEquals([checkout.head, await checkout.read("a")], [second, "2\n"]);
  const missing = "0123456789012345678901234567890123456789";
  const other = { ...options, directory: join(folder.path, "other"), commit: missing };
  await assertRejects(() => cloneCheckout(other), EvenkeelError, `commit ${missing} is not on main`);
  assertEquals(await exists(other.directory), false);
});

Deno.test("nothing a repository or this machine's git configuration holds is run or followed by a checkout (promise 18)", async () => {
  await using folder = await createFolder();
  const canary = join(folder.path, "canary");
  const evil = `#!/bin/sh\ntouch ${canary}\n`;
  await using repository = await createBareRepository({
    "a.txt": "one $Id$\ntwo\n",
    "big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 5\n",
    ".lfsconfig": "[lfs]\n\turl = https://lfs.example.com\n",
    "hooks/post-checkout": evil,
    ".gitmodules": `[submodule "sub"]\n\tpath = sub\n\turl = ${folder.path}/nowhere\n`,
  });
  const attributes = "*.txt filter=evil text eol=crlf ident working-tree-encoding=UTF-16\n*.bin filter=lfs\n";
  await commitRaw(repository, [
    { path: ".gitattributes", mode: "100644", content: attributes },
    { path: "passwd", mode: "120000", content: "/etc/passwd" },
    { path: "up", mode: "120000", content: ".." },
    { path: "sub", mode: "160000", content: "0123456789012345678901234567890123456789" },
    { path: "run.sh", mode: "100755", content: evil },
  ]);
  // What a person's own settings could add is not read either.
  const hooks = join(folder.path, "hooks");
  await Deno.mkdir(hooks);
  for (const hook of ["post-checkout", "reference-transaction", "post-index-change"]) {
    await Deno.writeTextFile(join(hooks, hook), evil, { mode: 0o755 });
  }
  const settings = {
    GIT_CONFIG_COUNT: "3",
    GIT_CONFIG_KEY_0: "filter.evil.smudge",
    GIT_CONFIG_VALUE_0: `touch ${canary}; cat`,
    GIT_CONFIG_KEY_1: "core.hooksPath",
    GIT_CONFIG_VALUE_1: hooks,
    GIT_CONFIG_KEY_2: "core.fsmonitor",
    GIT_CONFIG_VALUE_2: join(hooks, "post-checkout"),
  };
  for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
  try {
    const directory = join(folder.path, "work");
    await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
    assertEquals(await checkout.read("a.txt"), "one $Id$\ntwo\n");
    assertStringIncludes(await checkout.read("big.bin") ?? "", "git-lfs");
    assertEquals((await Deno.lstat(join(directory, "passwd"))).isSymlink, false);
    assertEquals(await Deno.readTextFile(join(directory, "passwd")), "/etc/passwd");
    assertEquals(await namesIn(join(directory, "sub")), []);
    for (const path of ["passwd", "up"]) {
      await assertRejects(() => checkout.read(path), EvenkeelError, "symbolic link");
    }
  } finally {
    for (const name of Object.keys(settings)) Deno.env.delete(name);
  }
  assertEquals(await exists(canary), false);
});

Deno.test("what is written into the checkout's folder cannot make git run anything (promise 18)", async () => {
  await using folder = await createFolder();
  const canary = join(folder.path, "canary");
  await using repository = await createBareRepository({ "a": "1\n" });
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  // A repository of its own inside the folder, as a program that may write there could make it.
  await gitIn(directory, ["init", "-q"]);
  await gitIn(directory, ["config", "core.fsmonitor", `touch ${canary}`]);
  await gitIn(directory, ["config", "core.sshCommand", `touch ${canary}`]);
  await gitIn(directory, ["config", `url.ext::touch ${canary}.insteadOf`, repository.url]);
  const status = await checkout.gitOutput(["status", "--porcelain"], "look");
  assertEquals([status, await exists(canary)], ["", false]);
  const remote = await checkout.gitOutput(["ls-remote", repository.url], "look");
  assertStringIncludes(remote, checkout.head);
});

Deno.test("read() refuses what leaves the folder, is no regular file, no text, or too large (promise 18)", async () => {
  await using folder = await createFolder();
  await Deno.writeTextFile(join(folder.path, "secret"), "hidden");
  await using repository = await createBareRepository({
    "d/a": "1\n",
    "long": "x".repeat(2000),
    "bom": "\ufeffhi",
  });
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  await Deno.symlink("..", join(directory, "out"));
  await Deno.symlink(join(folder.path, "secret"), join(directory, "link"));
  await Deno.link(join(folder.path, "secret"), join(directory, "second"));
  await Deno.writeFile(join(directory, "raw"), new Uint8Array([0xff, 0xfe, 0x00]));
  await run({ command: ["mkfifo", "pipe"], cwd: directory, env: toolEnvironment(), timeoutMs: 5000 });
  for (
    const [path, why] of [
      ["../secret", "not one inside"],
      ["/etc/passwd", "not one inside"],
      ["d/../../secret", "not one inside"],
      [".git/config", "belongs to git"],
      ["out/secret", "symbolic link"],
      ["link", "symbolic link"],
      ["second", "second name"],
      ["raw", "not UTF-8"],
      ["pipe", "no regular file"],
    ] as const
  ) {
    const error = await assertRejects(() => checkout.read(path), EvenkeelError, why);
    assertEquals(error.message.includes("hidden"), false);
  }
  await assertRejects(
    () => checkout.read("long", 1999),
    EvenkeelError,
    "2000 bytes are more than the 1999 allowed",
  );
  assertEquals((await checkout.read("long", 2000))?.length, 2000);
  assertEquals(await checkout.read("bom"), "\ufeffhi");
});

Deno.test("a repository beyond the limits is refused before its files are written (promise 19)", async () => {
  await using folder = await createFolder();
  await using repository = await createBareRepository({
    "a": "1",
    "b": "0".repeat(3_000_000),
    "c/d/e/f": "x",
  });
  const clone = (limits: object) =>
    cloneCheckout({ url: repository.url, branch: "main", directory: join(folder.path, "work"), limits });
  await assertRejects(() => clone({ filesMax: 2 }), EvenkeelError, "it has 3 files, more than the 2 allowed");
  await assertRejects(() => clone({ bytesMax: 2_000_000 }), EvenkeelError, "more than the 2000000 allowed");
  await assertRejects(() => clone({ depthMax: 3 }), EvenkeelError, "more than 3 folders deep");
  // A history that does not pack well is stopped while it comes in.
  const noise = Array.from(crypto.getRandomValues(new Uint8Array(60_000)), (byte) => byte.toString(16)).join(
    "",
  );
  await repository.commit({ "noise": noise }, "Noise");
  await assertRejects(() => clone({ bytesMax: 40_000 }), EvenkeelError, "it is larger than 40000 bytes");
  assertEquals(await namesIn(folder.path), []);
});

Deno.test("a repository that cannot be cloned is named with git's reason, and nothing is left", async () => {
  await using folder = await createFolder();
  await using repository = await createBareRepository({ "a": "1" });
  const clone = (url: string, branch = "main") =>
    cloneCheckout({ url, branch, directory: join(folder.path, "work"), token: "ghp_canary4711" });
  const gone = await assertRejects(() => clone(`${folder.path}/none.git`), EvenkeelError);
  assertStringIncludes(gone.message, `Cannot clone ${folder.path}/none.git: `);
  assertStringIncludes(gone.message, "does not exist");
  assertEquals([gone.exitCode, gone.message.includes("\n")], [3, false]);
  const branch = await assertRejects(() => clone(repository.url, "release"), EvenkeelError);
  assertStringIncludes(branch.message, "Remote branch release not found");
  assertEquals(await namesIn(folder.path), []);

  await Deno.mkdir(join(folder.path, "work"));
  await Deno.writeTextFile(join(folder.path, "work", "mine"), "keep");
  await assertRejects(() => clone(repository.url), EvenkeelError, "the folder is not empty");
  assertEquals(await Deno.readTextFile(join(folder.path, "work", "mine")), "keep");
});

Deno.test("an aborted clone gives the caller's reason and leaves nothing", async () => {
  await using folder = await createFolder();
  await using repository = await createBareRepository({ "a": "1" });
  const signal = AbortSignal.abort(new Error("shutting down"));
  const options = { url: repository.url, branch: "main", directory: join(folder.path, "work"), signal };
  await assertRejects(() => cloneCheckout(options), Error, "shutting down");
  assertEquals(await namesIn(folder.path), []);
});

Deno.test("addresses and names that could mean something else to git are refused, without their password", async () => {
  await using folder = await createFolder();
  const clone = (url: string, branch = "main") =>
    cloneCheckout({ url, branch, directory: join(folder.path, "work") });
  for (
    const url of [
      "ext::sh -c id",
      "ext::sh",
      "-uevil",
      "--upload-pack=evil",
      "relative/path",
      "http://example.com/r.git",
      "git://example.com/r.git",
      "ftp://me:hidden@example.com/r",
      "http://me:hidden@example.com/r",
      "ssh://-oProxyCommand=evil/r",
      "me:hidden@-oProxyCommand=x:/r",
      "file://elsewhere/r",
      "",
    ]
  ) {
    const error = await assertRejects(() => clone(url), EvenkeelError, "Cannot use the repository address");
    assertEquals(error.message.includes("hidden"), false, error.message);
  }
  for (const branch of ["", "-f", "a..b", "a b", "x.lock", "a/", "@{-1}", "HEAD", "refs:heads", "a\nb"]) {
    await assertRejects(() => clone("/tmp/none", branch), EvenkeelError, "it is no branch name");
  }
  assert(!await exists(join(folder.path, "work")));
});
