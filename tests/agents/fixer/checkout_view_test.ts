import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { createCheckoutView, FILE_BYTES_MAX } from "../../../agents/fixer/checkout_view.ts";
import { propose } from "../../../agents/fixer/agent.ts";
import { createProject, noTools } from "../sample_project.ts";

Deno.test("a path that leads out of the checkout, by dots or by a link, is not there", async () => {
  await using project = await createProject({ "repo/a.txt": "inside", "secret.txt": "outside" });
  const directory = join(project.directory, "repo");
  await Deno.symlink("../secret.txt", join(directory, "link.txt"));
  await Deno.symlink("..", join(directory, "up"));
  const paths = ["a.txt", "link.txt", "up/secret.txt", "../secret.txt", "/etc/passwd", "a/../../secret.txt"];
  const view = createCheckoutView(directory, paths);
  const texts = await Promise.all(paths.map((path) => view.read(path)));
  assertEquals(texts, ["inside", null, null, null, null, null]);
});

Deno.test("a file that is too large, no text, or not of the commit is not read", async () => {
  await using project = await createProject({ "large.txt": "x".repeat(FILE_BYTES_MAX + 1), "other.txt": "" });
  await Deno.writeFile(join(project.directory, "binary"), new Uint8Array([0xff, 0xfe, 0x00]));
  const view = createCheckoutView(project.directory, ["large.txt", "binary", "missing"]);
  assertEquals(
    await Promise.all(["large.txt", "binary", "missing", "other.txt"].map((path) => view.read(path))),
    [null, null, null, null],
  );
});

Deno.test("a remedy that does not repair the cause, or that fails, says so instead of throwing", async () => {
  await using project = await createProject({ "package.json": "{}", "index.js": 'require("alpha")' });
  const diagnosis = await project.diagnose(
    "Error: Cannot find module 'alpha'\nRequire stack:\n- /a/index.js",
    "start",
  );
  const input = {
    diagnosis,
    settings: project.settings,
    directory: project.directory,
    paths: await project.paths(),
  };
  assertEquals((await propose({ ...input, remedy: "network/redeploy" }, noTools)).kind, "none");
  assertEquals((await propose({ ...input, remedy: "no/such" }, noTools)).kind, "none");
  const failed = await propose({ ...input, remedy: "node/add-dependency" }, noTools);
  assertEquals(failed, {
    kind: "none",
    why: "node/add-dependency could not be worked out: npm-view is not at hand in this test",
  });
});
