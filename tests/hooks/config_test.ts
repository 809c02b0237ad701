import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { HOOK_DEADLINE_MS, HOOK_MEANINGS, hookNames } from "../../hooks/settings.ts";
import { ConfigurationError, loadDesired } from "../../reconciler/config.ts";

async function load(text: string) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-hooks-" });
  try {
    const file = join(folder, "evenkeel.yaml");
    await Deno.writeTextFile(file, text);
    return await loadDesired({ file, environment: () => undefined });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("without hooks in the file there are none, and the preset is off", async () => {
  assertEquals((await load("services: [{service: a}]\n")).hooks, undefined);
  const { hooks } = await load("services: [{service: a}]\nhooks: {}\n");
  assertEquals(hooks, { preset: "none", targets: {} });
});

Deno.test("the hooks of the example file are ones that the loader takes", async () => {
  const example = await Deno.readTextFile(new URL("../../evenkeel.example.yaml", import.meta.url));
  const lines = example.split("\n");
  const from = lines.indexOf("# hooks:");
  const hooks = lines.slice(from, lines.indexOf("", from)).map((line) => line.replace("# ", ""));
  assertEquals((await load(`services: [{service: a}]\n${hooks.join("\n")}\n`)).hooks, {
    preset: "claude-flow",
    targets: {
      "notify": { kind: "command", command: ["./tell-us", "--text={message}"], deadlineMs: HOOK_DEADLINE_MS },
      "post-task": { kind: "http", url: "http://127.0.0.1:9000/evenkeel", deadlineMs: HOOK_DEADLINE_MS },
    },
  });
});

Deno.test("every mistake in a hook is told with line, field, value and what is allowed", async () => {
  const error = await assertRejects(
    () =>
      load(`services: [{service: a}]
hooks:
  preset: claude
  notify: echo hi
  pre-task: {command: "echo hi"}
  post-task: {url: "https://me:hunter2hunter2@host/x"}
  post-edit: {command: [x, "{flie}"]}
  session-end: {command: [x, "--{message}"], deadline: soon}
  session-restore: {command: []}
  pretask: {}
`),
    ConfigurationError,
  );
  const expected = [
    /:3: hooks\.preset is "claude", allowed is one of none, claude-flow$/,
    /:4: hooks\.notify is "echo hi", allowed is one of \{command, deadline\}, \{url, deadline\}$/,
    /:5: hooks\.pre-task\.command is "echo hi", allowed is a list$/,
    /:6: hooks\.post-task\.url is ".*\[redacted\]@host\/x", allowed is an http or https address without a password/,
    /:7: hooks\.post-edit\.command\[1\] is "\{flie\}", allowed is text whose placeholders are among .*\{file\}/,
    /:8: hooks\.session-end\.command\[1\] is "--\{message\}", allowed is a flag with .* equals sign/,
    /:8: hooks\.session-end\.deadline is "soon", allowed is a duration from 100 ms to 5m/,
    /:9: hooks\.session-restore\.command is an empty list, allowed is .* at least 1$/,
    /:10: there is no field hooks\.pretask, did you mean pre-task\?$/,
  ];
  assertEquals(error.problems.length, expected.length, error.problems.join("\n"));
  expected.forEach((pattern, at) => assertMatch(error.problems[at]!, pattern));
});

Deno.test("docs/hooks.md names every hook", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/hooks.md", import.meta.url));
  assertEquals(Object.keys(HOOK_MEANINGS), [...hookNames]);
  assertEquals(hookNames.filter((name) => !text.includes(`\`${name}\``)), []);
});
