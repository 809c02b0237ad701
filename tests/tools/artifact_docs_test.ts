import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { artifactsDocument } from "../../tools/artifact_docs.ts";

Deno.test("docs/artifacts.md is what tools/artifact_docs.ts writes from the schemas", async () => {
  const formatted = await run({
    command: [Deno.execPath(), "fmt", "--ext", "md", "-"],
    cwd: fromFileUrl(new URL("../../", import.meta.url)),
    env: toolEnvironment(),
    input: artifactsDocument(),
    timeoutMs: 30_000,
  });
  const written = await Deno.readTextFile(new URL("../../docs/artifacts.md", import.meta.url));
  const advice = "run: deno run -A tools/artifact_docs.ts > docs/artifacts.md && deno fmt docs/artifacts.md";
  assertEquals(written, formatted.stdout, advice);
});
