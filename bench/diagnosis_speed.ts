/** How fast the engine reads, on one core, beside `grep -E` with as many patterns on the same logs. */
import { diagnose } from "../agents/analyzer/agent.ts";
import { causes } from "../agents/analyzer/causes/all.ts";
import type { LabelledCase } from "./diagnosis_cases.ts";

/** Times the logs are read; the fastest counts. */
const ROUNDS = 5;

export async function measureSpeed(cases: readonly LabelledCase[]): Promise<string[]> {
  const bytes = cases.reduce((sum, { input }) => sum + new TextEncoder().encode(input.log).length, 0);
  const lines = cases.reduce((sum, { input }) => sum + input.log.split("\n").length, 0);
  const row = (name: string, milliseconds: number) =>
    `${name.padEnd(44)} ${milliseconds.toFixed(0).padStart(7)} ms  ${
      (bytes / 1e3 / milliseconds).toFixed(1).padStart(7)
    } MB/s  ${Math.round(lines / milliseconds * 1000).toLocaleString("en").padStart(10)} lines/s`;
  const engine = fastest(() => cases.forEach(({ input }) => diagnose(input)));
  const patterns = [
    ...new Set(causes.flatMap(({ signs }) => signs.map(({ pattern }) => asExtended(pattern)))),
  ];
  const rows = [
    `${cases.length} logs, ${(bytes / 1e6).toFixed(1)} MB, ${lines.toLocaleString("en")} lines`,
    row(`engine, ${causes.flatMap(({ signs }) => signs).length} signs`, engine),
  ];
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-bench-" });
  try {
    await Deno.writeTextFile(`${folder}/logs`, cases.map(({ input }) => input.log).join("\n"));
    await Deno.writeTextFile(`${folder}/patterns`, patterns.join("\n"));
    for (const locale of ["C", "C.UTF-8"]) {
      const grep = fastest(() => {
        const { code, stderr } = new Deno.Command("grep", {
          args: ["-a", "-c", "-E", "-f", `${folder}/patterns`, `${folder}/logs`],
          env: { LC_ALL: locale },
        }).outputSync();
        if (code > 1) throw new Error(`Cannot run grep: ${new TextDecoder().decode(stderr).slice(0, 300)}`);
      });
      rows.push(row(`grep -E, ${patterns.length} patterns, LC_ALL=${locale}`, grep));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const long = "ModuleNotFoundError: No module named Cannot find module '".repeat(180_000);
  const noise = "npm http fetch GET 200 package 12ms (cache hit) requires something not found maybe\n".repeat(
    600_000,
  );
  for (
    const [name, log] of [["one line of 10 MB", long], ["600,000 lines, 50 MB of noise", noise]] as const
  ) {
    const input = { log, phase: null, settings: null, repository: null, platformReason: null };
    rows.push(`${name.padEnd(44)} ${fastest(() => diagnose(input)).toFixed(0).padStart(7)} ms`);
  }
  return rows;
}

function fastest(work: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    work();
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

/** The pattern as POSIX writes it, near enough to cost grep the same work. */
function asExtended({ source }: RegExp): string {
  return source
    .replace(/\(\?<\w+>/g, "(")
    .replace(/\(\?:/g, "(")
    .replace(/\(\?<?[=!][^()]*(?:\([^()]*\)[^()]*)*\)/g, "")
    .replace(/([*+?}])\?/g, "$1")
    .replace(/\\d/g, "[0-9]")
    .replace(/\\t/g, " ")
    .replace(/\\([/'"<>-])/g, "$1")
    .replace(/\[([^\]]*)\\w([^\]]*)\]/g, "[$1[:alnum:]_$2]")
    .replace(/\[([^\]]*)\\s([^\]]*)\]/g, "[$1[:space:]$2]");
}
