/** How fast the engine reads, on one core, beside `grep -E` with as many patterns on the same logs. */
import { diagnose } from "../agents/analyzer/agent.ts";
import { causes } from "../agents/analyzer/causes/all.ts";
import { run } from "../process/run.ts";
import type { LabelledCase } from "./diagnosis_cases.ts";

/** Times the logs are read; the fastest counts. */
const ROUNDS = 3;
/** Logs that grep is given: with this many alternatives it reads some kilobytes a second. */
const GREP_LOGS_MAX = 40;
const GREP_TIMEOUT_MS = 90_000;

export async function measureSpeed(cases: readonly LabelledCase[]): Promise<string[]> {
  const signs = causes.flatMap(({ signs }) => signs);
  const some = cases.filter((_, at) => at % Math.ceil(cases.length / GREP_LOGS_MAX) === 0);
  const rows = [
    row(`engine, ${signs.length} signs`, cases, fastest(() => cases.forEach(({ input }) => diagnose(input)))),
    row(
      "engine, the logs that grep reads",
      some,
      fastest(() => some.forEach(({ input }) => diagnose(input))),
    ),
  ];
  const patterns = [...new Set(signs.map(({ pattern }) => asExtended(pattern)))];
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-bench-" });
  try {
    await Deno.writeTextFile(`${folder}/logs`, some.map(({ input }) => input.log).join("\n"));
    await Deno.writeTextFile(`${folder}/patterns`, patterns.join("\n"));
    const started = performance.now();
    const result = await run({
      command: ["grep", "-a", "-c", "-E", "-f", `${folder}/patterns`, `${folder}/logs`],
      cwd: folder,
      env: { PATH: Deno.env.get("PATH") ?? "", LC_ALL: "C" },
      timeoutMs: GREP_TIMEOUT_MS,
    });
    const name = `grep -E, ${patterns.length} patterns, LC_ALL=C`;
    rows.push(
      result.kind === "exited" && result.code <= 1
        ? row(name, some, performance.now() - started)
        : `${name}: ${
          result.kind === "exited" ? result.stderr.slice(0, 200) : `not done in ${GREP_TIMEOUT_MS / 1000} s`
        }`,
    );
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
    rows.push(row(name, [{ id: name, label: "", input }], fastest(() => diagnose(input))));
  }
  return rows;
}

function row(name: string, cases: readonly LabelledCase[], milliseconds: number): string {
  const bytes = cases.reduce((sum, { input }) => sum + input.log.length, 0);
  const lines = cases.reduce((sum, { input }) => sum + input.log.split("\n").length, 0);
  return `${name.padEnd(40)} ${(bytes / 1e6).toFixed(1).padStart(6)} MB ${
    lines.toLocaleString("en").padStart(8)
  } lines ${milliseconds.toFixed(0).padStart(7)} ms ${
    (bytes / 1e3 / milliseconds).toFixed(2).padStart(8)
  } MB/s ${Math.round(lines / milliseconds * 1000).toLocaleString("en").padStart(10)} lines/s`;
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
      // POSIX takes a closing bracket literally in the first place only.
      if (isInside && next === "]") text = text.replace(/(\[\^?)((?:(?!\[\^?).)*)$/, "$1]$2");
      else if (isInside) text += INSIDE[next] ?? (/\w/.test(next) ? "" : next.replace(/[\]^-]/, ""));
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
