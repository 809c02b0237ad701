import { assertEquals } from "@std/assert";
import { ResolutionMemory } from "../../../agents/tools/resolution_memory.ts";

Deno.test("a resolution answers the same lines and those pinned to what came out, for a while, and nothing else", () => {
  let now = 0;
  const memory = new ResolutionMemory(() => now);
  const resolved = [{ name: "alpha", version: "1.2" }, { name: "beta-lib", version: "3.0" }];
  memory.keep(["alpha>=1,<2 ; python_version > '3'", "beta_lib[x]==3.0"], "3.11", resolved);
  const ask = (first: string, second = "beta_lib[x]==3.0", python = "3.11") =>
    memory.recall([first, second], python);
  assertEquals(ask("alpha>=1,<2 ; python_version > '3'"), resolved);
  assertEquals(ask("alpha==1.2 ; python_version > '3'"), resolved);
  for (
    const [first, second, python] of [
      ["alpha==1.3 ; python_version > '3'"],
      ["alpha>=1.2 ; python_version > '3'"],
      ["alpha==1.2"],
      ["alpha==1.2 ; python_version > '3'", "beta_lib==3.0"],
      ["alpha==1.2 ; python_version > '3'", "gamma==3.0"],
      ["alpha==1.2 ; python_version > '3'", "beta_lib[x]==3.0", "3.12"],
    ] as const
  ) assertEquals(ask(first, second, python), undefined);
  assertEquals(memory.recall(["alpha==1.2 ; python_version > '3'"], "3.11"), undefined);
  now = 3_600_000;
  assertEquals(ask("alpha==1.2 ; python_version > '3'"), undefined);
});
