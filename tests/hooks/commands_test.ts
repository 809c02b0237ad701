import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "@std/path";
import { Bench, command, SECRET } from "./fixtures.ts";
import { withPatience } from "../helpers/patience.ts";

/** More than any of these hooks needs. */
const DRAIN_MS = 30_000;
const facts = {
  message: "unhealthy: /healthz answered 500",
  service: "my-api",
  serviceId: "srv-1",
  incident: "inc_1",
};

Deno.test("a command gets its arguments as written, the payload on standard input and nothing of our environment", async () => {
  await using bench = await Bench.open();
  await bench.recorder();
  const hooks = bench.hooks({ notify: command("./recorder", "--text={message}", "{service}", "as is") });
  hooks.fire("notify", { ...facts, level: "warn", attempt: 2 });
  await hooks.drain(DRAIN_MS);

  const [call, ...more] = await bench.calls();
  assertEquals(more, []);
  assertEquals(call?.arguments, ["--text=unhealthy: /healthz answered 500", "my-api", "as is"]);
  assertEquals({ ...call?.input, at: "" }, {
    schemaVersion: 1,
    hook: "notify",
    at: "",
    session: "s1",
    level: "warn",
    message: facts.message,
    service: "my-api",
    serviceId: "srv-1",
    incident: "inc_1",
    attempt: 2,
    file: null,
    cause: null,
    remedy: null,
    success: null,
  });
  const names = call?.environment.map((line) => line.split("=")[0] ?? "") ?? [];
  assert(names.includes("EVENKEEL_HOOK") && names.includes("EVENKEEL_HOOK_MESSAGE"));
  assert(call?.environment.includes("EVENKEEL_HOOK_ATTEMPT=2"));
  assert(call?.environment.includes(`HOME=${join(bench.folder, "work")}`));
  assertEquals(call?.folder, join(bench.folder, "work"));
  assertEquals(names.filter((name) => /DENO|RENDER|TOKEN/.test(name)), []);
  assertEquals(bench.events, []);
});

Deno.test("a value with shell characters stays one argument and runs nothing", async () => {
  await using bench = await Bench.open();
  await bench.recorder();
  const hooks = bench.hooks({ notify: command("./recorder", "{message}", "{service}") });
  const message = "$(touch owned) `touch owned`; touch owned | 'a' \"b\" && * ~ > x {service} \\";
  hooks.fire("notify", { ...facts, message });
  await hooks.drain(DRAIN_MS);
  assertEquals((await bench.calls())[0]?.arguments, [message, "my-api"]);
  assertEquals(await Array.fromAsync(Deno.readDir(join(bench.folder, "work"))), []);
});

Deno.test("a value that begins with a dash never becomes a flag, and a path stays the same path", async () => {
  await using bench = await Bench.open();
  await bench.recorder();
  const target = command("./recorder", "{message}", "{file}", "--file={file}", "{cause}{message}", "-x");
  const hooks = bench.hooks({ "post-edit": target });
  hooks.fire("post-edit", { ...facts, message: "--rcfile=/tmp/x", file: "-rf" });
  await hooks.drain(DRAIN_MS);
  assertEquals((await bench.calls())[0]?.arguments, [
    " --rcfile=/tmp/x",
    "./-rf",
    "--file=-rf",
    " --rcfile=/tmp/x",
    "-x",
  ]);
});

Deno.test("secrets and control characters reach neither arguments nor environment nor payload", async () => {
  await using bench = await Bench.open();
  await bench.recorder();
  const hooks = bench.hooks({ notify: command("./recorder", "{message}", "{file}") });
  const key = `-----BEGIN RSA PRIVATE KEY-----\n${
    "MIIEowIBAAKCAQEAcanary".repeat(4)
  }\n-----END RSA PRIVATE KEY-----`;
  const message = `bad\x1b[31m key ${SECRET} postgres://me:canary99pass@db/x\u202e\r\n${key}\0 end`;
  hooks.fire("notify", { ...facts, message, file: `src/${SECRET}.txt`, service: `a${SECRET}` });
  await hooks.drain(DRAIN_MS);
  const [call] = await bench.calls();
  assertNotMatch(JSON.stringify(call), /canary/);
  assertEquals(
    call?.input["message"],
    "bad key [redacted] postgres://[redacted]@db/x [redacted] end",
  );
  assertEquals(call?.arguments[0], call?.input["message"]);
});

Deno.test("a command that hangs or floods is ended with all its children at its deadline", async () => {
  assert(await withPatience(1_000, hangAndFlood, (isBegun) => isBegun));
});

/** @returns whether the program that hangs had begun when it was ended */
async function hangAndFlood(deadlineMs: number): Promise<boolean> {
  await using bench = await Bench.open();
  const hang = await bench.program("hang", "#!/bin/sh\nsleep 1000 &\necho $! > pid\nsleep 1000\n");
  const flood = await bench.program("flood", "#!/bin/sh\nwhile :; do echo canary canary canary; done\n");
  await bench.recorder();
  const short = (program: string) => ({ ...command(program), deadlineMs });
  const hooks = bench.hooks({
    "notify": short(hang),
    "pre-task": short(flood),
    "post-task": command("./recorder"),
  });
  for (const name of ["notify", "pre-task", "post-task"] as const) hooks.fire(name, facts);
  await hooks.drain(DRAIN_MS + 2 * deadlineMs);
  assertEquals(bench.failures, ["notify DeadlineExceeded", "pre-task DeadlineExceeded"]);
  const told = new RegExp(`^Hook notify \\(.*hang\\): it did not end within ${deadlineMs / 1000}s\\.`);
  assertMatch(bench.events[0]?.message ?? "", told);
  assertEquals((await bench.calls()).length, 1);
  const child = (await Deno.readTextFile(join(bench.folder, "work", "pid")).catch(() => "")).trim();
  if (child === "") return false;
  const state = await Deno.readTextFile(`/proc/${child}/stat`).catch(() => "gone");
  assertMatch(state, /^gone$|\) Z /);
  return true;
}

Deno.test("failures are told once for each hook and reason, without what the hook said", async () => {
  await using bench = await Bench.open();
  const bad = await bench.program("bad", "#!/bin/sh\necho canary\necho canary >&2\nexit 3\n");
  await Deno.writeTextFile(join(bench.folder, "no-program"), "text");
  const hooks = bench.hooks({
    "notify": command(bad),
    "post-task": command(bad),
    "pre-task": command("no-such-program-anywhere"),
    "post-edit": command("./no-program"),
    "session-end": command("sh", "-c", "kill -9 $$"),
  });
  for (const _ of [1, 2]) {
    for (const name of ["notify", "post-task", "pre-task", "post-edit", "session-end"] as const) {
      hooks.fire(name, facts);
    }
  }
  await hooks.drain(DRAIN_MS);
  assertEquals(bench.failures, [
    "notify ExitCode",
    "post-task ExitCode",
    "pre-task NotInstalled",
    "post-edit CannotStart",
    "session-end Killed",
  ]);
  assertNotMatch(JSON.stringify(bench.events), /canary/);
  const [first] = bench.events;
  assertEquals([first?.type, first?.serviceId, first?.incidentId], ["HookFailed", "srv-1", "inc_1"]);
});

Deno.test("a full queue drops its oldest calls and says so once (promise 23)", async () => {
  await using bench = await Bench.open();
  await bench.recorder();
  const hooks = bench.hooks({ notify: command("./recorder", "{message}") }, { queuedMax: 2 });
  for (const message of ["1", "2", "3", "4", "5"]) hooks.fire("notify", { ...facts, message });
  await hooks.drain(DRAIN_MS);
  // The first was being called already.
  assertEquals((await bench.calls()).map((call) => call.arguments[0]), ["1", "4", "5"]);
  assertEquals(bench.failures, ["notify Dropped"]);
});

Deno.test("drain() ends what hangs at its limit, drops the rest and says both", async () => {
  await using bench = await Bench.open();
  const hang = await bench.program("hang", "#!/bin/sh\nsleep 1000\n");
  await bench.recorder();
  const hooks = bench.hooks({ "notify": command(hang), "session-end": command("./recorder") });
  hooks.fire("notify", facts);
  hooks.fire("session-end", facts);
  await hooks.drain(200);
  assertEquals(bench.failures.toSorted(), ["notify Stopped", "session-end Dropped"]);
  hooks.fire("session-end", facts);
  await hooks.drain(DRAIN_MS);
  assertEquals(await bench.calls(), []);
});
