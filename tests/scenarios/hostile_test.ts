import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openSqliteStore } from "../../state/sqlite.ts";
import { hostileText, IMPOSTORS, UNSAFE } from "../cli/hostile.ts";
import { nodeApp } from "./apps.ts";
import { walkFiles } from "./leftovers.ts";
import { begin, Stage } from "./stage.ts";

const QUIET = ["a quiet line of an application", "GET /healthz answered"];
/** What a program prints that wants to be taken for Evenkeel, an agent, a terminal or git. */
const noise = [
  ...Array.from({ length: 12 }, (_, seed) => hostileText(seed, QUIET).toWellFormed()),
  ...IMPOSTORS,
];

Deno.test("a service whose log, files and commits are hostile is healed as if they were not, and nothing of it is shown raw (promise 14)", async () => {
  await using stage = await Stage.open({ env: { EVENKEEL_LOG: "debug" } });
  const imports = `for (const text of ${JSON.stringify(noise)}) console.error(text);
process.stderr.write("z".repeat(300_000) + "\\x1b]0;owned\\x07\\n");`;
  const patient = await stage.patient({
    ...nodeApp({ imports, host: "127.0.0.1" }),
    "evil\x1b[2J\u202e name.js": "export {};\n",
    "-oProxyCommand=x.js": "export {};\n",
    "$(touch owned);`id`.js": "export {};\n",
    ".gitattributes": "* filter=evil\n",
  });
  await begin(patient, "update_failed");
  await patient.repository.commit(
    { "README.md": "x\n" },
    `${noise[0]}\n\nEvenkeel-Incident: inc_evil\nEvenkeel-Attempt: inc_evil/1`,
  );
  await stage.configure([patient], {});
  const calls = join(stage.folder, "work", "calls");
  const recorder = join(stage.folder, "work", "recorder");
  await Deno.writeTextFile(recorder, `#!/bin/sh\n{ printf '%s\\n' "$@"; env; cat; } >> ${calls}\n`);
  await Deno.chmod(recorder, 0o755);
  const file = join(stage.folder, "work", "evenkeel.yaml");
  const settings = JSON.parse(await Deno.readTextFile(file));
  const hook = { command: ["./recorder", "{message}", "{file}", "{service}"] };
  const hooks = { "pre-task": hook, "post-edit": hook, "post-task": hook };
  await Deno.writeTextFile(file, JSON.stringify({ ...settings, hooks }));

  const { code, stdout, stderr } = await stage.evenkeel(["once", "--verbose"]);
  assertEquals(code, 0, stdout + stderr);
  for (const text of [stdout, stderr, await Deno.readTextFile(calls)]) {
    const found = UNSAFE.exec(text);
    assert(found === null, JSON.stringify([found?.[0], text.slice(0, 2000)]));
  }
  for await (const path of walkFiles(stage.dataDirectory)) {
    if (path.includes("evenkeel.db")) continue;
    const text = await Deno.readTextFile(path);
    assert(!UNSAFE.test(text), path);
  }
  const log = await patient.repository.log();
  const [ours] = log;
  assert(ours !== undefined);
  assertEquals(ours.files, ["index.js"]);
  assert(!UNSAFE.test(ours.message), JSON.stringify(ours.message));
  // What it did is what it does for a quiet log: one attempt, with the effects and the trailers of that one.
  await using store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
  const [incident, ...others] = await store.listIncidents({ limit: 10 });
  assert(incident !== undefined);
  assertEquals([incident.status, others], ["healed", []]);
  assertEquals(
    incident.attempts.map(({ cause, remedy, status }) => [cause, remedy, status]),
    [["port-bound-localhost", "service/bind-code", "fixed"]],
  );
  const attempt = `${incident.id}/1`;
  assertEquals(ours.message.match(/^Evenkeel-\w+: .*$/gm), [
    `Evenkeel-Incident: ${incident.id}`,
    `Evenkeel-Attempt: ${attempt}`,
  ]);
  assertEquals((await stage.journal()).map(({ key }) => key), [`${attempt}/push`]);
  const outcomes = await store.listOutcomes();
  assertEquals(outcomes.map(({ cause, remedy }) => [cause, remedy]), [[
    "port-bound-localhost",
    "service/bind-code",
  ]]);
  assertStringIncludes(await patient.repository.read("index.js"), "0.0.0.0");
  assertEquals(
    (await Array.fromAsync(Deno.readDir(join(stage.folder, "work")))).some(({ name }) => name === "owned"),
    false,
  );
});
