import { assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { commitEdits } from "../../repo/commit.ts";
import type { Edit } from "../../repo/commit.ts";
import { renderCommitMessage } from "../../repo/message.ts";
import type { BareRepository } from "../helpers/repository.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { commitRaw, createFolder, gitIn } from "./hostile.ts";

const by = {
  author: { name: "Evenkeel", email: "evenkeel@example.com" },
  message: "Pin flask\n\nEvenkeel-Attempt: inc_1/1\n",
  atSeconds: 1_780_000_000,
};

async function withCheckout(repository: BareRepository) {
  const folder = await createFolder();
  const directory = join(folder.path, "work");
  const checkout = await cloneCheckout({ url: repository.url, branch: repository.branch, directory });
  return { checkout, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

Deno.test("commitEdits() changes, adds and deletes exactly the edited files and keeps their modes", async () => {
  await using repository = await createBareRepository({
    "old.py": "x\n",
    "other.txt": "keep \n",
    ".gitattributes": "*.txt text eol=lf\n",
  });
  await commitRaw(repository, [
    { path: "run.sh", mode: "100755", content: "#!/bin/sh\n" },
    { path: "requirements.txt", mode: "100644", content: "flask==1\r\n" },
  ]);
  await using made = await withCheckout(repository);
  const { checkout } = made;
  // What lies about in the work tree is not part of the commit.
  await Deno.writeTextFile(join(checkout.directory, "other.txt"), "scribbled");
  await Deno.writeTextFile(join(checkout.directory, "stray.txt"), "stray");
  const edits = [
    { path: "run.sh", content: "#!/bin/sh\nexec python app.py\n" },
    { path: "requirements.txt", content: "flask==2\r\n" },
    { path: "pkg/__init__.py", content: "" },
    { path: 'odd "name" é.txt', content: "odd" },
    { path: "old.py", content: null },
  ];
  const { commit, diff, files } = await commitEdits(checkout, { ...by, edits });
  assertEquals(files.toSorted(), [
    'odd "name" é.txt',
    "old.py",
    "pkg/__init__.py",
    "requirements.txt",
    "run.sh",
  ]);
  assertStringIncludes(diff, "-flask==1\r\n+flask==2\r\n");
  const show = (args: string[]) => checkout.gitOutput(args, "look");
  assertEquals(await show(["show", `${commit}:requirements.txt`]), "flask==2\r\n");
  assertStringIncludes(await show(["ls-tree", commit, "run.sh"]), "100755");
  assertEquals(await show(["show", `${commit}:other.txt`]), "keep \n");
  assertEquals((await show(["rev-parse", `${commit}^@`])).trim(), checkout.head);
  assertEquals(
    await show(["log", "-1", "--format=%an|%ae|%cn|%at|%ct|%B", commit]),
    `Evenkeel|evenkeel@example.com|Evenkeel|${by.atSeconds}|${by.atSeconds}|${by.message}\n`,
  );
});

Deno.test("the same parent, edits, author, message and time make the same commit, in any process", async () => {
  await using repository = await createBareRepository({ "a": "1\n", "b": "1\n" });
  const edits: Edit[] = [{ path: "a", content: "2\n" }, { path: "b", content: "2\n" }];
  await using first = await withCheckout(repository);
  await using second = await withCheckout(repository);
  const one = await commitEdits(first.checkout, { ...by, edits });
  const again = await commitEdits(first.checkout, { ...by, edits });
  const two = await commitEdits(second.checkout, { ...by, edits: edits.toReversed() });
  assertEquals([again.commit, two.commit], [one.commit, one.commit]);
  const later = await commitEdits(first.checkout, { ...by, edits, atSeconds: by.atSeconds + 1 });
  assertNotEquals(later.commit, one.commit);
});

Deno.test("commitEdits() refuses an edit that may not be made, and says which and why", async () => {
  await using repository = await createBareRepository({ "app/a.py": "1\n", "same": "1\n" });
  await commitRaw(repository, [
    { path: "link", mode: "120000", content: "/etc/passwd" },
    { path: "dir", mode: "120000", content: "/etc" },
    { path: "sub", mode: "160000", content: "0123456789012345678901234567890123456789" },
  ]);
  await using made = await withCheckout(repository);
  const refused = (path: string, why: string, more: object = {}, content: string | null = "x") =>
    assertRejects(
      () => commitEdits(made.checkout, { ...by, edits: [{ path, content }], ...more }),
      EvenkeelError,
      why,
    );
  await refused("../out", "no path inside");
  await refused("/etc/passwd", "no path inside");
  await refused("a//b", "no path inside");
  await refused("", "no path inside");
  for (
    const path of [".git/config", "sub2/.GIT/hooks/x", ".git./config", "git~1/config", ".g\u200cit/config"]
  ) {
    await refused(path, "belongs to git");
  }
  await refused("a\nM 100644 inline b", "control character");
  await refused("link", "symbolic link");
  await refused("dir/passwd", "dir is no folder");
  await refused("app/a.py/b", "app/a.py is no folder");
  await refused("sub", "submodule");
  await refused("app", "it is a folder");
  await refused("none", "no such file to delete", {}, null);
  await refused("same", "the edits change nothing (same)", {}, "1\n");
  await refused("app/a.py", "not among the allowed paths (*.txt)", { allowedPaths: ["*.txt"] });
  await refused("app/a.py", "among the denied paths (app/**)", { deniedPaths: ["app/**"] });
  await refused("big", "more than", {}, "é".repeat(3_000_000));
  await refused("broken", "not valid Unicode", {}, "\ud800");
  await assertRejects(() => commitEdits(made.checkout, { ...by, edits: [] }), EvenkeelError, "0 edits");
  const author = { name: "A\nparent x", email: "a@b" };
  await assertRejects(
    () => commitEdits(made.checkout, { ...by, author, edits: [{ path: "n", content: "x" }] }),
    EvenkeelError,
    "no such author",
  );
  const allowed = { ...by, allowedPaths: ["**/*.py"], edits: [{ path: "app/a.py", content: "2\n" }] };
  assertEquals((await commitEdits(made.checkout, allowed)).files, ["app/a.py"]);
});

Deno.test("renderCommitMessage() says cause, evidence and remedy, with trailers that git finds", async () => {
  const message = renderCommitMessage({
    title: "List requests in requirements.txt",
    cause: "python/missing-package",
    evidence:
      "\x1b[31mModuleNotFoundError: No module named 'requests'\x1b[0m\n\nEvenkeel-Attempt: inc_9/9\nSigned-off-by: x",
    remedy: "add requests to requirements.txt",
    incident: "inc_1",
    attempt: 2,
  });
  assertEquals(
    message,
    [
      "List requests in requirements.txt",
      "",
      "Cause: python/missing-package",
      "Evidence: ModuleNotFoundError: No module named 'requests' Evenkeel-Attempt: inc_9/9 Signed-off-by: x",
      "Remedy: add requests to requirements.txt",
      "",
      "Evenkeel-Incident: inc_1",
      "Evenkeel-Attempt: inc_1/2",
      "",
    ].join("\n"),
  );
  await using folder = await createFolder();
  const trailers = await gitIn(folder.path, ["interpret-trailers", "--parse"], message);
  assertEquals(trailers, "Evenkeel-Incident: inc_1\nEvenkeel-Attempt: inc_1/2\n");
});

Deno.test("evidence can neither skip the deploy, close an issue, call a person nor show a secret (promise 14)", () => {
  const message = renderCommitMessage({
    title: "Fix",
    cause: "c",
    evidence:
      "[skip render] [Render Skip] [ci skip] fixes #12 GH-7 @octocat @types/node db://u:hunter2xyz@h key=canary4711 " +
      "x".repeat(5000),
    remedy: "r",
    incident: "inc_1",
    attempt: 1,
  }, ["canary4711"]);
  const evidence = message.split("\n").find((line) => line.startsWith("Evidence")) ?? "";
  assertStringIncludes(
    evidence,
    "(skip render) (Render Skip) (ci skip) fixes # 12 GH- 7 @ octocat @types/node",
  );
  assertEquals([evidence.includes("hunter2xyz"), evidence.includes("canary4711"), evidence.length < 350], [
    false,
    false,
    true,
  ]);
});
