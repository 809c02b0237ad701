import { assertEquals, assertStringIncludes } from "@std/assert";
import { hasPython } from "../drydock/harbour.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import { nodeApp, PYTHON, pythonApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

for (const agents of ["subprocess", "off"]) {
  Deno.test(`once lists a package that is imported and not listed, with agents ${agents}`, async () => {
    await using registry = await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]);
    await using stage = await Stage.open({ env: { npm_config_registry: registry.url } });
    const files = nodeApp({ imports: `import ms from "tiny-ms";\nconsole.log(ms);` });
    const patient = await stage.patient(files, { envVars: registry.env });
    await begin(patient, "update_failed");
    await stage.configure([patient]);

    const { code, only } = await stage.once(["--agents", agents]);
    assertEquals([code, only.verdict, only.incident?.status], [0, "ready", "healed"]);
    const fix = await theFix(patient);
    assertEquals(fix.files, ["package.json"]);
    assertEquals(fix.before.length, 1);
    const manifest = JSON.parse(await patient.repository.read("package.json"));
    assertEquals(manifest, { ...JSON.parse(files["package.json"]!), dependencies: { "tiny-ms": "^2.1.3" } });
    const [live] = await patient.berth.deploys();
    assertEquals([live?.status, live?.commit?.id, live?.id], [
      "live",
      fix.sha,
      only.incident?.attempts[0]?.deployId,
    ]);
    assertEquals(await health(patient), { status: 200, body: '{"status":"ok"}' });
    assertEquals(stage.gate.writes, []);
  });
}

Deno.test("once makes a server that listens on 127.0.0.1 listen for everyone", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }));
  await begin(patient, "update_failed");
  await stage.configure([patient]);

  const { code, only } = await stage.once();
  assertEquals([code, only.verdict], [0, "ready"]);
  const fix = await theFix(patient);
  assertEquals(fix.files, ["index.js"]);
  assertEquals(await patient.repository.read("index.js"), nodeApp()["index.js"]);
  assertEquals((await health(patient)).status, 200);
});

Deno.test({
  name: "once loosens the pins of requirements.txt that conflict and touches no other line",
  ignore: !await hasPython(),
  async fn() {
    await using index = await createPythonIndex([
      { name: "web-kit", version: "1.0", requires: ["tiny-core<2"] },
      { name: "tiny-core", version: "1.5" },
      { name: "tiny-core", version: "2.0" },
      { name: "other", version: "3.1" },
    ]);
    await using stage = await Stage.open({ env: index.env });
    const files = pythonApp(
      "import other\nimport tiny_core\nimport web_kit",
      "other==3.1\nweb-kit==1.0\ntiny-core==2.0\n",
    );
    const patient = await stage.patient(files, { ...PYTHON, envVars: index.env });
    await begin(patient, "build_failed");
    await stage.configure([patient]);

    const { code, only } = await stage.once();
    assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only.incident, null, 2));
    const fix = await theFix(patient);
    assertEquals(fix.files, ["requirements.txt"]);
    const requirements = await patient.repository.read("requirements.txt");
    assertStringIncludes(requirements, "other==3.1\nweb-kit==1.0\n");
    assertEquals((await health(patient)).status, 200);
  },
});
