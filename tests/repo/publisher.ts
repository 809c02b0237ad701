/**
 * Clones, changes a file and pushes, as a process of its own: its PATH can be another one than that of the tests.
 * Takes an address, a folder and a token; prints the commit and what the checkout shows of itself.
 */
import { cloneCheckout } from "../../repo/checkout.ts";
import { commitEdits } from "../../repo/commit.ts";
import { pushCommit } from "../../repo/push.ts";

const [url = "", directory = "", token = ""] = Deno.args;
await using checkout = await cloneCheckout({ url, branch: "main", directory, token });
const { commit } = await commitEdits(checkout, {
  edits: [{ path: "a", content: "2\n" }],
  author: { name: "Evenkeel", email: "evenkeel@example.com" },
  message: "Change a",
  atSeconds: 1_780_000_000,
});
const { kind } = await pushCommit(checkout, commit, "main");
const config = await checkout.gitOutput(["config", "--list", "--local"], "look");
const files: string[] = [];
for await (const path of filesBelow(directory)) files.push(await Deno.readTextFile(path));
for await (const path of filesBelow(`${directory}.git`)) files.push(await Deno.readTextFile(path));
console.log(
  JSON.stringify({
    commit,
    kind,
    url: checkout.url,
    shown: Deno.inspect(checkout, { depth: 9 }),
    config,
    files,
  }),
);

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(path);
    else if (entry.isFile) yield path;
  }
}
