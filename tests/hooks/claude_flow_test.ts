import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { callClaudeFlow, CLAUDE_FLOW } from "../../hooks/claude_flow.ts";
import { systemClock } from "../../base/clock.ts";
import { payloadOf } from "../../hooks/payload.ts";
import type { HookFacts } from "../../hooks/payload.ts";
import type { CallContext } from "../../hooks/perform.ts";
import type { HookName } from "../../hooks/settings.ts";
import { run } from "../../process/run.ts";
import { Bench } from "./fixtures.ts";

const facts = { message: "-d $(id) a=b", service: "my-api", incident: "inc_1", attempt: 2, file: "-rf" };

function payload(name: HookName, more: Partial<HookFacts> = {}) {
  return payloadOf(name, { ...facts, ...more }, { session: "s1", at: 0, redact: (text) => text });
}

/** Calls with a stand-in for the program, found on PATH as the real one would be. */
function contextOf(bench: Bench): CallContext {
  return {
    clock: systemClock,
    run: (options) => run({ ...options, env: { ...options.env, PATH: `${bench.folder}:/usr/bin:/bin` } }),
    fetch,
    folder: join(bench.folder, "work"),
    programFolder: bench.folder,
    signal: new AbortController().signal,
  };
}

Deno.test("the preset calls each hook of claude-flow with values that cannot be taken for flags", async () => {
  await using bench = await Bench.open();
  await bench.recorder(CLAUDE_FLOW.program);
  const context = contextOf(bench);
  const calls: [HookName, Partial<HookFacts>][] = [
    ["session-restore", {}],
    ["pre-task", {}],
    ["post-edit", { success: true }],
    ["notify", { level: "error" }],
    ["post-task", { success: false }],
    ["session-end", {}],
  ];
  for (const [name, more] of calls) {
    assertEquals(await callClaudeFlow(payload(name, more), context), null);
  }
  const recorded = await bench.calls(CLAUDE_FLOW.program);
  assertEquals(recorded.map((call) => call.arguments), [
    ["hooks", "session-restore", "--session-id=s1"],
    ["hooks", "pre-task", "--task-id=inc_1-2", "--description=-d $(id) a=b"],
    ["hooks", "post-edit", "--file=-rf", "--success=true"],
    ["hooks", "notify", "--message=-d $(id) a=b", "--level=error", "--channel=evenkeel"],
    ["hooks", "post-task", "--task-id=inc_1-2", "--success=false"],
    ["hooks", "session-end", "--save-state=true"],
  ]);
  const [first] = recorded;
  assertEquals(first?.folder, join(bench.folder, "work", "claude-flow"));
  for (
    const line of [
      `HOME=${join(bench.folder, "work", "claude-flow", "home")}`,
      "RUFLO_DAEMON_AUTOSTART=0",
      "CLAUDE_FLOW_AUTO_UPDATE=false",
    ]
  ) {
    assertStringIncludes(first?.environment.join("\n") ?? "", line);
  }
});

Deno.test("the preset does not look at the exit code of claude-flow", async () => {
  await using bench = await Bench.open();
  await bench.program(CLAUDE_FLOW.program, "#!/bin/sh\nexit 1\n");
  assertEquals(await callClaudeFlow(payload("session-end"), contextOf(bench)), null);
});

Deno.test("where claude-flow is not installed the preset says once what to install", async () => {
  await using bench = await Bench.open();
  const hooks = bench.hooks({}, {
    preset: "claude-flow",
    run: (options) => run({ ...options, command: ["no-such-claude-flow", ...options.command.slice(1)] }),
  });
  for (const name of ["pre-task", "notify", "session-end"] as const) hooks.fire(name, facts);
  await hooks.drain(30_000);
  assertEquals(bench.failures, ["pre-task NotInstalled"]);
  assertStringIncludes(
    bench.events[0]?.message ?? "",
    "npm install --global --omit=optional --ignore-scripts claude-flow@3.43.0",
  );
});
