import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { analyzer } from "../../../agents/analyzer/agent.ts";
import { fixer } from "../../../agents/fixer/agent.ts";
import { createSubprocessRunner } from "../../../agents/runner.ts";
import { createProject } from "../sample_project.ts";

Deno.test("analyzer and fixer work shut in: no permission for the one, one folder to read for the other", async () => {
  await using project = await createProject({
    "package.json": "{}",
    "index.js": 'app.listen(3000, "localhost");\n',
  });
  await using outside = await createProject({ "secret.js": 'app.listen(1, "localhost");\n' });
  const runAgent = createSubprocessRunner({ scratchRoot: join(outside.directory, "scratch") });
  const log =
    "==> Port scan timeout reached, no open ports detected on 0.0.0.0. Detected open ports on localhost -- did you mean to bind one of these to 0.0.0.0?";
  const paths = await project.paths();
  const diagnosed = await runAgent(analyzer, {
    log,
    phase: "start",
    settings: project.settings,
    repository: { paths, files: { "index.js": await project.read("index.js") } },
    platformReason: null,
  }, { toolbox: {} });
  assert(diagnosed.kind === "answered", JSON.stringify(diagnosed));
  assertEquals(diagnosed.output.cause, "port-bound-localhost");
  const fixed = await runAgent(fixer, {
    remedy: "service/bind-code",
    diagnosis: diagnosed.output,
    settings: project.settings,
    directory: project.directory,
    paths: [...paths, "../secret.js"],
  }, { toolbox: {} });
  assert(fixed.kind === "answered", JSON.stringify(fixed));
  assertEquals(fixed.output, {
    kind: "patch",
    edits: [{ path: "index.js", content: 'app.listen(process.env.PORT || 3000, "0.0.0.0");\n' }],
    summary: "Listen on every interface and on the platform's port at index.js:1",
    risk: "low",
  });
});
