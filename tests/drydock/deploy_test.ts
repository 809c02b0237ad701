import { assert, assertEquals } from "@std/assert";
import { Harbour, nodeRepository } from "./harbour.ts";

Deno.test("a service made from a bare repository is built, goes live and answers at its url", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { commands: { buildCommand: "echo building here" } });
  await berth.isLive();
  const { version, path } = await berth.answer("/hello?a=1");
  assertEquals([version, path], ["one", "/hello?a=1"]);
  const log = await berth.log();
  for (
    const line of [
      `==> Cloning from ${repository.url}`,
      `==> Checking out commit ${await repository.head()} in branch main`,
      "==> Running build command 'echo building here'...",
      "building here",
      "==> Build successful 🎉",
      "==> Deploying...",
      "==> Running 'node index.js'",
      "==> Your service is live 🎉",
    ]
  ) assert(log.includes(line), `${line} is missing in:\n${log.join("\n")}`);
});
