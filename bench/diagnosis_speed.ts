/** How fast the engine reads, on one core, beside `grep -E` with as many patterns on the same logs. */
import { diagnose } from "../agents/analyzer/agent.ts";
import { causes } from "../agents/analyzer/causes/all.ts";
import type { LabelledCase } from "./diagnosis_cases.ts";

/** Times the logs are read; the fastest counts. */
const ROUNDS = 3;

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

const INSIDE: Readonly<Record<string, string>> = { w: "[:alnum:]_", s: "[:space:]", d: "0-9", t: " ", n: "" };
const OUTSIDE: Readonly<Record<string, string>> = { d: "[0-9]", t: " ", n: " ", r: " " };

/** The pattern as POSIX writes it, without what it cannot say (look-arounds, laziness): near enough for its cost. */
function asExtended({ source }: RegExp): string {
  let text = "";
  let isInside = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!;
    if (character === "\\") {
      const next = source[++at]!;
      if (isInside) text += INSIDE[next] ?? (/\w/.test(next) ? "" : next.replace(/[\]^-]/, ""));
      else text += OUTSIDE[next] ?? (/[wsWSbB.[\](){}*+?|^$\\]/.test(next) ? `\\${next}` : next);
    } else if (isInside) {
      isInside = character !== "]";
      text += character === "[" ? "" : character;
    } else if (character === "[") {
      isInside = true;
      text += character;
      if (source[at + 1] === "^") text += source[++at];
    } else if (/^\(\?<?[=!]/.test(source.slice(at, at + 4))) at = closing(source, at);
    else if (source.startsWith("(?:", at)) {
      text += "(";
      at += 2;
    } else if (source.startsWith("(?<", at)) {
      text += "(";
      at = source.indexOf(">", at);
    } else if (character === "?" && /[*+?}]/.test(source[at - 1] ?? "")) continue;
    else text += character;
  }
  return text;
}

/** Index of the parenthesis that closes the one at an index. */
function closing(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "[") at = source.indexOf("]", at + 1);
    else if (source[at] === "(") depth++;
    else if (source[at] === ")" && --depth === 0) return at;
  }
  return source.length;
}
