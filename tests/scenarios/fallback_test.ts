import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import type { RunAgent } from "../../agents/agent.ts";
import type { AgentName } from "../../agents/messages.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { assemble } from "../../cli/assembly.ts";
import { loadConfiguration } from "../../reconciler/config.ts";
import { Controller } from "../../reconciler/controller.ts";
import { settle } from "../../reconciler/settle.ts";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";
import type { Patient } from "./stage.ts";

/** Heals a service with one agent's program replaced by `program`. */
async function healWith(stage: Stage, { name }: Patient, agent: AgentName, program: string) {
  const file = join(stage.folder, "saboteur.ts");
  await Deno.writeTextFile(file, program);
  const configuration = await loadConfiguration({
    file: join(stage.folder, "work", "evenkeel.yaml"),
    services: [name],
    environment: (variable) => stage.env[variable],
  });
  const [spec] = configuration.services;
  assert(spec !== undefined);
  await using assembly = await assemble(configuration);
  const real = assembly.parts.runAgent;
  const sabotaged = createSubprocessRunner({
    scratchRoot: join(stage.folder, "sabotage"),
    entry: () => toFileUrl(file),
  });
  const runAgent: RunAgent = (asked, input, options) =>
    asked.name === agent
      ? sabotaged({ ...asked, limits: { ...asked.limits, deadlineMs: 2_000 } }, input, options)
      : real(asked, input, options);
  const parts = { ...assembly.parts, runAgent };
  await using controller = new Controller(parts);
  const result = await settle(controller, parts, spec, {
    timeoutMs: 60_000,
    signal: new AbortController().signal,
  });
  const events = await parts.store.listEvents({ limit: 1000 });
  const log = join(stage.dataDirectory, "memory", "sessions", parts.sessionId, "fallback_output.log");
  return { result, events, fallbackLog: await Deno.readTextFile(log).catch(() => "") };
}

const saboteurs: [name: string, agent: AgentName, program: string, why: string][] = [
  ["crashes", "analyzer", "Deno.exit(7);", "crash"],
  ["never answers", "fixer", "setInterval(() => {}, 1000);", "deadline"],
  [
    "floods its output",
    "optimizer",
    `const line = JSON.stringify({ type: "log", message: "x".repeat(5000) });
for (;;) console.log(line);`,
    "output-cap",
  ],
  [
    "answers nonsense",
    "validator",
    `console.log('{"type":"result","output":{"verdict":"sure"}}');`,
    "bad-output",
  ],
];

for (const [how, agent, program, why] of saboteurs) {
  Deno.test(`when the ${agent} ${how}, the same attempt goes on in this process and heals once`, async () => {
    await using stage = await Stage.open();
    const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }));
    await begin(patient, "update_failed");
    await stage.configure([patient]);
    const { result, events, fallbackLog } = await healWith(stage, patient, agent, program);
    assertEquals([result.verdict, result.incident?.attempts.length], ["ready", 1]);
    assertEquals((await health(patient)).status, 200);
    const fix = await theFix(patient);
    assertEquals(fix.before.length, 1);
    const failed = events.filter((event) => event.type === "SwarmFailed");
    assertEquals(failed.length, 1);
    assertStringIncludes(failed[0]?.message ?? "", why);
    assertStringIncludes(fallbackLog, agent);
    // What announces the runs of the fallback comes before them.
    assertMatch(fallbackLog, /^\S+Z swarm attempt 1 of \S+ inc_\w+ failed: [^\n]*\n\S+Z monitor attempt 1 /);
    assertEquals((await stage.journal()).filter((entry) => entry.kind === "push").length, 1);
  });
}
