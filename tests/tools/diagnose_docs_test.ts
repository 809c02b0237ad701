import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { causes } from "../../agents/analyzer/causes/all.ts";
import { remedies } from "../../agents/fixer/remedies/all.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { diagnoseDocument } from "../../tools/diagnose_docs.ts";

Deno.test("docs/diagnose.md is what tools/diagnose_docs.ts writes", async () => {
  const written = await Deno.readTextFile(new URL("../../docs/diagnose.md", import.meta.url));
  const formatted = await run({
    command: [Deno.execPath(), "fmt", "--ext", "md", "-"],
    cwd: fromFileUrl(new URL("../../", import.meta.url)),
    env: toolEnvironment(),
    input: diagnoseDocument(),
    timeoutMs: 30_000,
  });
  assertEquals(
    written,
    formatted.stdout,
    "run: deno run -A tools/diagnose_docs.ts > docs/diagnose.md && deno fmt docs/diagnose.md",
  );
});

Deno.test("every remedy's id is its own, and each repairs a cause of the catalogue", () => {
  const slugs = new Set(causes.map(({ slug }) => slug));
  assertEquals(new Set(remedies.map(({ id }) => id)).size, remedies.length);
  for (const { id, causes: repaired } of remedies) {
    assert(repaired.length > 0, id);
    for (const slug of repaired) {
      assert(slugs.has(slug), `${id} repairs ${slug}, which is no cause of the catalogue`);
    }
  }
});
