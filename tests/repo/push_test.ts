import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import type { Checkout } from "../../repo/checkout.ts";
import { commitEdits } from "../../repo/commit.ts";
import { pushCommit, remoteContains, remoteHead } from "../../repo/push.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { createFolder, gitIn } from "./hostile.ts";
import { serveRepository } from "./http_remote.ts";

const TOKEN = "ghp_canary4711canary4711canary4711";

function edit(checkout: Checkout, content: string) {
  return commitEdits(checkout, {
    edits: [{ path: "a", content }],
    author: { name: "Evenkeel", email: "evenkeel@example.com" },
    message: "Change a",
    atSeconds: 1_780_000_000,
  });
}

Deno.test("pushCommit() puts one commit on the branch, and knows it again after a restart", async () => {
  await using repository = await createBareRepository({ "a": "1\n", "b": "1\n" });
  await using folder = await createFolder();
  const clone = (name: string) =>
    cloneCheckout({ url: repository.url, branch: "main", directory: join(folder.path, name) });
  await using checkout = await clone("one");
  const { commit } = await edit(checkout, "2\n");
  assertEquals(await remoteContains(repository.url, "main", commit), false);
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "pushed" });
  assertEquals([await repository.head(), await repository.read("a")], [commit, "2\n"]);
  assertEquals((await repository.log())[0]?.files, ["a"]);
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "already-there" });
  // Somebody builds on it: it is still there, and is still not pushed a second time.
  const next = await repository.commit({ "b": "2\n" }, "Build on it");
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "already-there" });
  assertEquals(await remoteContains(repository.url, "main", commit), true);
  assertEquals([await repository.head(), (await repository.log()).length], [next, 3]);
});

Deno.test("a commit that somebody pushed in between survives, and is told (promise 25)", async () => {
  await using repository = await createBareRepository({ "a": "1\n" });
  await using folder = await createFolder();
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  const { commit } = await edit(checkout, "2\n");
  const foreign = await repository.commit({ "a": "theirs\n" }, "A person's fix");
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "moved", head: foreign });
  assertEquals([await repository.head(), await repository.read("a")], [foreign, "theirs\n"]);
  assertEquals((await repository.log()).length, 2);
});

Deno.test("a commit that is pushed between the look and the push survives as well (promise 25)", async () => {
  await using repository = await createBareRepository({ "a": "1\n" });
  await using folder = await createFolder();
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  const { commit } = await edit(checkout, "2\n");
  let foreign = "";
  const racing: Checkout = {
    ...checkout,
    git: async (args, options) => {
      if (args[0] === "push") foreign = await repository.commit({ "a": "theirs\n" }, "A person's fix");
      return await checkout.git(args, options);
    },
  };
  assertEquals(await pushCommit(racing, commit, "main"), { kind: "moved", head: foreign });
  assertEquals([await repository.head(), await repository.read("a")], [foreign, "theirs\n"]);
});

Deno.test("a branch that was put back or deleted meanwhile is not restored by a push (promise 25)", async () => {
  await using repository = await createBareRepository({ "a": "0\n" });
  const first = await repository.head();
  await repository.commit({ "a": "1\n" }, "One");
  await using folder = await createFolder();
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  const { commit } = await edit(checkout, "2\n");
  await gitIn(repository.url, ["update-ref", "refs/heads/main", first]);
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "moved", head: first });
  await gitIn(repository.url, ["branch", "keep", first]);
  await gitIn(repository.url, ["update-ref", "-d", "refs/heads/main"]);
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "moved", head: null });
  assertEquals(await remoteHead(repository.url, "main"), null);
});

Deno.test("a remote that says no is a refusal with its reason; one that is gone is an error", async () => {
  await using repository = await createBareRepository({ "a": "1\n" });
  await using folder = await createFolder();
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  const { commit } = await edit(checkout, "2\n");
  const before = await repository.head();
  const hook = join(repository.url, "hooks", "pre-receive");
  await Deno.mkdir(join(repository.url, "hooks"), { recursive: true });
  await Deno.writeTextFile(hook, "#!/bin/sh\nprintf 'error: \\033[31mbranch is frozen\\n' >&2\nexit 1\n", {
    mode: 0o755,
  });
  const refused = await pushCommit(checkout, commit, "main");
  assert(refused.kind === "refused");
  assertEquals(refused.reason, "pre-receive hook declined: branch is frozen");
  assertEquals(await repository.head(), before);
  await Deno.rename(repository.url, `${repository.url}.away`);
  const error = await assertRejects(() => pushCommit(checkout, commit, "main"), EvenkeelError);
  assertStringIncludes(error.message, `Cannot ask ${repository.url} for main: `);
  await Deno.rename(`${repository.url}.away`, repository.url);
});

Deno.test("hooks of the checkout do not run at a push", async () => {
  await using repository = await createBareRepository({ "a": "1\n" });
  await using folder = await createFolder();
  const directory = join(folder.path, "work");
  await using checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  const hooks = join(`${directory}.git`, "hooks");
  await Deno.mkdir(hooks, { recursive: true });
  for (const name of ["pre-push", "reference-transaction", "pre-commit"]) {
    await Deno.writeTextFile(join(hooks, name), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  }
  const { commit } = await edit(checkout, "2\n");
  assertEquals(await pushCommit(checkout, commit, "main"), { kind: "pushed" });
});

Deno.test("a token opens an http remote and shows nowhere: no file, argument or error holds it", async () => {
  await using repository = await createBareRepository({ "a": "1\n" });
  await using server = serveRepository(repository.url, TOKEN);
  await using folder = await createFolder();
  const clone = (name: string, token: string, url = server.url) =>
    cloneCheckout({ url, branch: "main", directory: join(folder.path, name), token });
  const { commit, kind, url, ...told } = await publishWatched(folder.path, server.url);
  assertEquals([kind, url, commit], ["pushed", server.url, await repository.head()]);
  const argumentsSeen = await Deno.readTextFile(join(folder.path, "arguments"));
  assertStringIncludes(argumentsSeen, "push");
  assert(told.files.length > 5);
  for (const text of [argumentsSeen, told.config, told.shown, ...told.files]) {
    for (const secret of [TOKEN, btoa(`x-access-token:${TOKEN}`)]) assert(!text.includes(secret), text);
  }
  assertEquals(await remoteHead(server.url, "main", TOKEN), commit);

  // The same with the credential inside the address.
  const address = server.url.replace("://", `://x-access-token:${TOKEN}@`);
  await using other = await clone("other", "", address);
  assertEquals([other.url, other.head], [server.url, commit]);

  const wrong = "ghp_wrong0000wrong0000wrong0000wrong0000";
  const error = await assertRejects(() => clone("none", wrong), EvenkeelError);
  assertStringIncludes(error.message, `Cannot clone ${server.url}: `);
  assertStringIncludes(error.hint ?? "", "GITHUB_TOKEN");
  assertEquals(Deno.inspect(error, { depth: 9 }).includes(wrong), false);
});

Deno.test("a token is for GitHub and this machine; other hosts get none", async () => {
  const { parseRemote } = await import("../../repo/remote.ts");
  assert(parseRemote("https://github.com/o/r.git", TOKEN).authorization() !== undefined);
  assertEquals(parseRemote("https://gitlab.example.com/o/r.git", TOKEN).authorization(), undefined);
  assertEquals(parseRemote("https://github.com.example.com/o/r.git", TOKEN).authorization(), undefined);
  assertEquals(parseRemote("git@github.com:o/r.git", TOKEN).authorization(), undefined);
});

const publishedSchema = z.object({
  commit: z.string(),
  kind: z.string(),
  url: z.string(),
  shown: z.string(),
  config: z.string(),
  files: z.array(z.string()),
});

/**
 * Runs publisher.ts with a git on its PATH that writes its arguments to `<folder>/arguments` and is git otherwise. In a
 * process of its own, because tests of other files share the environment of this one.
 */
async function publishWatched(folder: string, url: string): Promise<z.infer<typeof publishedSchema>> {
  const real = (await gitIn("/", ["--exec-path"])).trim();
  const programs = join(folder, "programs");
  await Deno.mkdir(programs);
  const script = `#!/bin/sh\nprintf '%s\\n' "$*" >> '${folder}/arguments'\nexec '${real}/git' "$@"\n`;
  await Deno.writeTextFile(join(programs, "git"), script, { mode: 0o755 });
  const publisher = new URL("publisher.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", publisher, url, join(folder, "work"), TOKEN],
    env: { PATH: `${programs}:${Deno.env.get("PATH")}` },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  return publishedSchema.parse(JSON.parse(text));
}
