import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { reportError } from "../../cli/dispatch.ts";
import { run } from "../../process/run.ts";
import { toolEnvironment } from "../../process/environment.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));

/** Runs `main.ts` in an empty folder with exactly these variables. */
async function main(args: string[], variables: Record<string, string> = {}) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-cli-" });
  try {
    const denoDir = Deno.env.get("DENO_DIR") ?? "";
    const result = await run({
      command: [Deno.execPath(), "run", "-A", "--no-check", MAIN, ...args],
      cwd: folder,
      env: {
        ...toolEnvironment(),
        HOME: Deno.env.get("HOME") ?? folder,
        ...(denoDir === "" ? {} : { DENO_DIR: denoDir }),
        ...variables,
      },
      timeoutMs: 30_000,
    });
    assert(result.kind === "exited");
    return result;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("main.ts without a command, with help or with --help lists the commands", async () => {
  const [bare, flag] = await Promise.all([main([]), main(["--help"])]);
  assertEquals([bare.code, bare.stdout], [0, flag.stdout]);
  for (const [name, { summary }] of Object.entries(COMMANDS)) {
    assertMatch(bare.stdout, new RegExp(`  ${name} +${summary}`));
  }
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const own = Object.keys(COMMANDS).filter((name) => Object.hasOwn(tasks, name));
  assert(bare.stdout.endsWith(`tasks of their own:\n${own.join(", ")}.\n`), bare.stdout);
});

Deno.test("an unknown command and an unknown flag are refused with the nearest known one and exit 2", async () => {
  const [command, flag] = await Promise.all([main(["polcy"]), main(["policy", "--", "--sevice", "a"])]);
  assertEquals([command.code, command.stdout], [2, ""]);
  assertStringIncludes(command.stderr, 'Cannot run "polcy": there is no such command, did you mean policy?');
  assertEquals(flag.code, 2);
  assertStringIncludes(flag.stderr, "there is no flag --sevice, did you mean --service?");
});

Deno.test("a configuration with three errors ends with three lines, exit 2 and no stack trace", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-cli-" });
  try {
    const file = join(folder, "evenkeel.yaml");
    await Deno.writeTextFile(file, "services:\n  - service: 7\n    mod: push\n    interval: never\n");
    const result = await main(["policy", "--config", file]);
    assertEquals(result.code, 2);
    assertEquals(result.stderr.split("\n").filter((line) => line.includes("evenkeel.yaml:")).length, 3);
    assertNotMatch(result.stderr, /\.ts:\d/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("policy shows the guardrails that file and environment leave in force", async () => {
  const result = await main(["policy", "--service", "my-api", "-o", "json"], { MAX_ITERATIONS: "4" });
  assertEquals(result.code, 0);
  assertEquals(JSON.parse(result.stdout).services[0].policy.attemptsMax, 4);
});

Deno.test("schema prints JSON and nothing else", async () => {
  const result = await main(["schema"]);
  assertEquals([result.code, JSON.parse(result.stdout).title], [0, "evenkeel.yaml"]);
});

Deno.test("reportError() tells a person's error, a remote's and a defect apart, without stack or secret", () => {
  const lines: string[] = [];
  const original = console.error;
  console.error = (line: string) => lines.push(line);
  const report = (error: unknown) => {
    lines.length = 0;
    return { code: reportError(error), text: lines.join("\n") };
  };
  try {
    const own = report(new EvenkeelError("Cannot sail: no wind", { hint: "Wait", exitCode: 3 }));
    assertEquals(own, { code: 3, text: "Cannot sail: no wind\n  Wait" });
    const remote = Object.assign(new Error("Render refused: 401"), { name: "RenderRefused" });
    assertEquals(report(remote), { code: 3, text: "Render refused: 401" });
    const defect = report(new TypeError("x is not a function postgres://me:hunter2hunter2@db \x1b[2J"));
    assertEquals(defect.code, 1);
    assertStringIncludes(defect.text, "Unexpected error: x is not a function");
    assertStringIncludes(defect.text, "EVENKEEL_DEBUG=1");
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    assertNotMatch(defect.text, /hunter2|\x1b|\.ts:\d/);
  } finally {
    console.error = original;
  }
});

Deno.test("with -o json an error is JSON on standard output too, and text on standard error", async () => {
  const { code, stdout, stderr } = await main(["once", "-o", "json"]);
  assertEquals(code, 2);
  const report = JSON.parse(stdout);
  assertEquals([report.exitCode, report.schemaVersion], [2, 1]);
  assertStringIncludes(report.error.message, "RENDER_API_KEY");
  assertStringIncludes(stderr, "RENDER_API_KEY");
});
