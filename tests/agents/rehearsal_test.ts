/** What the validator makes of a rehearsal, and what it is let have rehearsed. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { diagnose } from "../../agents/analyzer/agent.ts";
import { validatorAgent } from "../../agents/validator/agent.ts";
import { runInline } from "../../agents/inline.ts";
import { cleanRehearsal, createRehearsal } from "../../agents/tools/rehearsal.ts";
import type { Rehearsal } from "../../agents/tools/rehearsal.ts";
import { SETTINGS } from "./sample_project.ts";

const repository = { paths: ["requirements.txt"], files: { "requirements.txt": "numpy\n" } };
const settings = { ...SETTINGS, runtime: "python", buildCommand: "pip install -r requirements.txt" };
const failedBy = (name: string) =>
  `==> Using Python version 3.12.1 (default)
==> Running build command 'pip install -r requirements.txt'...
ERROR: Failed building wheel for ${name}
==> Exited with status 1`;

async function judge(rehearsal: Rehearsal, doubt: string | null = null) {
  const directory = await Deno.makeTempDir({ prefix: "evenkeel-judge-" });
  try {
    const { fingerprint } = diagnose({
      log: failedBy("numpy"),
      phase: "build",
      settings,
      repository,
      platformReason: null,
    });
    const tool = createRehearsal(
      cleanRehearsal(rehearsal, (text) => text.replaceAll("hunter2", "[redacted]")),
    );
    const input = { directory, edits: [], settings, rehearsal: { fingerprint, repository, doubt } };
    const run = await runInline(validatorAgent, input, { toolbox: { rehearse: tool } });
    if (run.kind === "failed") throw new Error(run.message);
    const [check, ...others] = run.output.checks;
    assertEquals(others, []);
    return { verdict: run.output.verdict, ...check };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the failure that a patch was to repair, seen again in its rehearsal, refuses the patch with the line", async () => {
  const { verdict, result, detail } = await judge({ kind: "failed", seconds: 7, log: failedBy("numpy") });
  assertEquals([verdict, result], ["fail", "fail"]);
  assertMatch(detail ?? "", /as it did on Render: heavy-dependencies, line 3: .*wheel for numpy \(7 s\)/);
});

Deno.test("a rehearsal that fails otherwise, may be wrong or was not to be had never blocks a patch, and is told", async () => {
  const again = { kind: "failed", seconds: 7, log: failedBy("numpy") } as const;
  const cases: [Rehearsal, string | null, RegExp][] = [
    [{ ...again, log: failedBy("pandas") }, null, /another failure, which is no proof: .*pandas/],
    [{ ...again, log: "it is broken" }, null, /another failure, which is no proof: line 1: it is broken/],
    [again, "without the service's own PIP_INDEX_URL", /again, but without the service's own PIP_INDEX_URL/],
    [
      { kind: "unknown", why: "no hunter2\u001b[2J here" },
      null,
      /could not be rehearsed: no \[redacted\] here/,
    ],
  ];
  for (const [rehearsal, doubt, said] of cases) {
    const { verdict, result, detail = "" } = await judge(rehearsal, doubt);
    assertEquals([verdict, result], ["pass", "skipped"], detail);
    assertMatch(detail, said);
  }
  const built = await judge({ kind: "built", seconds: 12 });
  assertEquals([built.verdict, built.result], ["pass", "pass"]);
  assertStringIncludes(built.detail ?? "", "it builds in drydock (12 s)");
});
