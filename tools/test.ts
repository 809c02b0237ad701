/**
 * Runs the tests and ends with one line that programs can read: `N passed, N failed`, counted from the report
 * that `deno test` writes, not from what tests print. Arguments are handed on to `deno test`.
 *
 *     deno task test [files, --filter, ...]
 */

/** What `deno test` reports of each test; steps are named `test > step` and counted with their test. */
export interface Counts {
  passed: number;
  failed: number;
  ignored: number;
}

/** Counts tests in a JUnit report. */
export function countTests(report: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, ignored: 0 };
  for (const [, suite = ""] of report.matchAll(/<testsuite\b[^>]*>([^]*?)<\/testsuite>/g)) {
    const cases = [...suite.matchAll(/<testcase\b[^>]*\bname="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g)];
    const names = new Set(cases.map(([, name]) => name));
    for (const [, name = "", body = ""] of cases) {
      const parts = name.split(" &gt; ");
      if (parts.some((_, at) => at > 0 && names.has(parts.slice(0, at).join(" &gt; ")))) continue;
      if (/<(failure|error)\b/.test(body)) counts.failed++;
      else if (/<skipped\b/.test(body)) counts.ignored++;
      else counts.passed++;
    }
  }
  return counts;
}

async function runTests(args: readonly string[]): Promise<number> {
  const report = await Deno.makeTempFile({ prefix: "evenkeel-test-", suffix: ".xml" });
  try {
    const paths = args.some((arg) => !arg.startsWith("-") && arg.includes("/")) ? [] : ["tests/"];
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--parallel", `--junit-path=${report}`, ...args, ...paths],
      stdin: "null",
    }).spawn().status;
    const counts = countTests(await Deno.readTextFile(report).catch(() => ""));
    // A module that cannot be loaded or does not type check has no line of its own in the report.
    const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed;
    if (counts.ignored > 0) console.log(`${counts.ignored} ignored`);
    console.log(`${counts.passed} passed, ${failed} failed`);
    if (failed > 0) return code === 0 ? 1 : code;
    return counts.passed > 0 ? 0 : 1;
  } finally {
    await Deno.remove(report).catch(() => {});
  }
}

if (import.meta.main) {
  const args = Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args;
  Deno.exit(await runTests(args));
}
