import { assertEquals } from "@std/assert";
import { createBareRepository } from "./repository.ts";

Deno.test("createBareRepository() pushes commits that change and delete files, and tells them back", async () => {
  await using repository = await createBareRepository({ "a.txt": "one\n", "b/c.txt": "two\n" });
  const sha = await repository.commit({ "a.txt": "three\n", "b/c.txt": null }, "Change a, drop c");
  assertEquals(await repository.head(), sha);
  assertEquals(await repository.read("a.txt"), "three\n");
  const [last, first, ...rest] = await repository.log();
  assertEquals(last, { sha, message: "Change a, drop c", files: ["a.txt", "b/c.txt"] });
  assertEquals([first?.message, first?.files, rest.length], ["First version", ["a.txt", "b/c.txt"], 0]);
});
