import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { createPythonIndex } from "./python_index.ts";

Deno.test("createPythonIndex() serves wheels that pip installs and constraints that pip reports", async () => {
  await using index = await createPythonIndex([
    { name: "lib-a", version: "1.0", requires: ["lib.b<2"], scripts: { "say-a": "lib_a:main" } },
    { name: "lib.b", version: "1.5", files: { "lib_b.py": "name = 'b'\n" } },
    { name: "lib.b", version: "2.0" },
    { name: "lib.b", version: "1.9", requiresPython: "<3" },
  ]);
  const target = join(index.directory, "target");
  const pip = (...args: string[]) =>
    run({
      command: ["python3", "-m", "pip", "install", "--no-cache-dir", ...args],
      cwd: index.directory,
      env: { ...toolEnvironment(), HOME: index.directory, ...index.env },
      timeoutMs: 60_000,
    });
  const [good, bad] = await Promise.all([
    pip("--target", target, "lib-a"),
    pip("--dry-run", "lib-a==1.0", "lib-b==2.0"),
  ]);
  assert(good.kind === "exited" && good.code === 0, good.stderr);
  assertEquals(await Deno.readTextFile(join(target, "lib_b.py")), "name = 'b'\n");
  assertStringIncludes(await Deno.readTextFile(join(target, "bin", "say-a")), "lib_a");
  assert(bad.kind === "exited" && bad.code === 1);
  assertStringIncludes(bad.stderr, "ResolutionImpossible");
});
