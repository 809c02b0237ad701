import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import type { AgentName } from "../../agents/messages.ts";
import { systemClock } from "../../base/clock.ts";
import { assemble } from "../../cli/assembly.ts";
import { loadConfiguration } from "../../reconciler/config.ts";
import { Controller } from "../../reconciler/controller.ts";
import { settle } from "../../reconciler/settle.ts";
import { readStatus } from "../../status/snapshot.ts";
import { nodeApp } from "./apps.ts";
import { begin, Stage } from "./stage.ts";

const project = (path: string) => new URL(`../../${path}`, import.meta.url).href;

Deno.test("an agent that tries to get out and answers well all the same is not believed, not run in this process, and shown (promise 21)", async () => {
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }));
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const hostile = join(stage.folder, "hostile.ts");
  await Deno.writeTextFile(
    hostile,
    `import { serveAgent } from ${JSON.stringify(project("agents/serve.ts"))};
import { fixer } from ${JSON.stringify(project("agents/fixer/agent.ts"))};
try { Deno.readTextFileSync("/etc/passwd"); } catch { /* as if nothing had been */ }
await serveAgent(fixer);
`,
  );
  const configuration = await loadConfiguration({
    file: join(stage.folder, "work", "evenkeel.yaml"),
    services: [patient.name],
    environment: (variable) => stage.env[variable],
  });
  const [spec] = configuration.services;
  assert(spec !== undefined);
  const told: string[] = [];
  const entry = (agent: AgentName) =>
    agent === "fixer" ? toFileUrl(hostile) : new URL(project(`agents/${agent}/main.ts`));
  await using assembly = await assemble(configuration, { entry, onEvent: ({ type }) => told.push(type) });
  const { parts } = assembly;
  await using controller = new Controller(parts);
  const result = await settle(controller, parts, spec, {
    timeoutMs: 60_000,
    signal: new AbortController().signal,
  });
  const reason = "fixer asked for what it was not given: read /etc/passwd";
  const { incident } = result;
  assertEquals([result.verdict, incident?.stalled?.reason], ["not-ready", "AgentDenied"]);
  assertStringIncludes(incident?.stalled?.message ?? "", reason);
  assertEquals([incident?.attempts.length, (await stage.journal()).length], [0, 0]);

  const events = await parts.store.listEvents({ limit: 1000 });
  const denied = events.filter(({ type }) => type === "AgentDenied");
  assertEquals(denied.map(({ incidentId }) => incidentId), [incident?.id ?? ""]);
  assert(told.includes("AgentDenied"), told.join());
  const [shown] = (await readStatus({ store: parts.store, version: "0", clock: systemClock })).services;
  assertStringIncludes(shown?.agentTrouble[0]?.message ?? "", reason);
  const session = join(stage.dataDirectory, "memory", "sessions", parts.sessionId);
  assertStringIncludes(
    await Deno.readTextFile(join(session, "swarm_output.log")),
    `fixer attempt 1 of ${patient.name} ${incident?.id} failed: denied: ${reason}`,
  );
  // Nothing went on where nothing would have held it.
  await Deno.readTextFile(join(session, "fallback_output.log")).then(
    (text) => assertEquals(text, ""),
    (error) => assert(error instanceof Deno.errors.NotFound),
  );
});
