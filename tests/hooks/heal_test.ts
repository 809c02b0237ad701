import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { startGroup } from "../../process/group.ts";
import { run } from "../../process/run.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { until } from "../drydock/harbour.ts";
import { Bench, receiver } from "./fixtures.ts";
import type { Recorded } from "./fixtures.ts";
import { Patient } from "./patient.ts";

const RUN_TIMEOUT_MS = 240_000;

const named = (calls: readonly Recorded[]) =>
  calls.map(({ input }) => [input["hook"], input["level"], input["service"], input["file"]]);

Deno.test("a heal goes on beside a hook that hangs, and hooks see the session from its beginning to its end", async () => {
  await using bench = await Bench.open();
  await using patient = await Patient.admit(bench.folder);
  await using server = receiver(() => new Response());
  await bench.recorder();
  // Ends by itself only when the service has been healed: a heal that waited for it would never be.
  const healed = join(bench.folder, "healed");
  await bench.program("hang", `#!/bin/sh\nuntil [ -e '${healed}' ]; do sleep 0.1; done\n`);
  const recorder = { command: ["../recorder", "{message}"] };
  await patient.configure({
    "pre-task": { command: ["../hang"], deadline: "5m" },
    "post-edit": recorder,
    "post-task": { url: server.url },
    "notify": { command: ["../recorder"] },
    "session-end": recorder,
    "session-restore": recorder,
  });
  const once = { ...patient.evenkeel("once"), timeoutMs: RUN_TIMEOUT_MS };
  const named1 = { ...once, env: { ...once.env, SESSION_ID: "night-shift" } };
  const healing = run(named1);
  const fix = await until(async () => {
    const [live] = await patient.deploys();
    return live?.status === "live" ? live.commit?.id : undefined;
  });
  await Deno.writeTextFile(healed, "");
  const result = await healing;
  assertEquals(result.kind === "exited" && result.code, 0, result.stderr);
  assertEquals(await patient.repository.head(), fix);
  assertEquals(named(await bench.calls()), [
    ["notify", "warn", "my-api", null],
    ["post-edit", "info", "my-api", "server.js"],
    ["notify", "info", "my-api", null],
    ["session-end", "info", null, null],
  ]);
  const tasks = server.requests.map(({ body }) => JSON.parse(body));
  assertEquals(tasks.map(({ hook, attempt, success }) => [hook, attempt, success]), [["post-task", 1, true]]);
  assertEquals(
    new Set([...await bench.calls()].map(({ input }) => input["session"])),
    new Set(["night-shift"]),
  );

  await run(named1);
  assertEquals(named((await bench.calls()).slice(4)).map(([hook]) => hook), [
    "session-restore",
    "session-end",
  ]);

  // --check only looks, so it tells nobody.
  const check = await run({ ...once, ...patient.evenkeel("once", "--check") });
  assertEquals(check.kind === "exited" && check.code, 0, check.stderr);
  assertEquals((await bench.calls()).length, 6);

  await using daemon = startGroup(patient.evenkeel("reconcile", "--status-port", "0"));
  const errors = new Response(daemon.stderr).text();
  let said = "";
  for await (const text of daemon.stdout.pipeThrough(new TextDecoderStream())) {
    if (!said.includes("Looking after") && (said + text).includes("Looking after")) {
      Deno.kill(daemon.pid, "SIGTERM");
    }
    said += text;
  }
  assertEquals((await daemon.status).code, 0, said + await errors);
  const last = (await bench.calls()).at(-1);
  assertEquals([last?.input["hook"], last?.arguments], ["session-end", ["Stopped by a signal"]]);
});

const program = {
  command: ["sh", "-c", "command -v claude-flow"] as const,
  cwd: "/",
  env: toolEnvironment(),
};
const found = await run({ ...program, timeoutMs: 10_000 });

Deno.test({
  name: "a hook that cannot run is told in the output and kept with the events, and the heal succeeds",
  ignore: found.kind === "exited" && found.code === 0,
  fn: healWithoutPrograms,
});

async function healWithoutPrograms() {
  await using bench = await Bench.open();
  await using patient = await Patient.admit(bench.folder);
  await patient.configure({
    "preset": "claude-flow",
    "notify": { command: ["no-such-program-anywhere"] },
  });
  const result = await run({ ...patient.evenkeel("once"), timeoutMs: RUN_TIMEOUT_MS });
  assertEquals(result.kind === "exited" && result.code, 0, result.stderr);
  assert(result.stderr.includes("Hook notify (no-such-program-anywhere): there is no such program"));
  await using store = await openSqliteStore(join(bench.folder, "data", "evenkeel.db"));
  const events = (await store.listEvents({ limit: 1000 })).filter(({ type }) => type === "HookFailed");
  assertEquals(events.map(({ data }) => data).toReversed(), [
    { hook: "notify", reason: "NotInstalled" },
    { hook: "notify", reason: "NotInstalled" },
  ]);
}
