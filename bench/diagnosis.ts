/**
 * Measures the diagnosis on real failures of services: `deno run -A bench/diagnosis.ts [FILE]`. Prints coverage,
 * accuracy and confident mistakes for all cases and for those whose cause is in the catalogue.
 */
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { diagnose } from "../agents/analyzer/agent.ts";
import { causes } from "../agents/analyzer/causes/all.ts";
import type { AnalyzerInput, Settings } from "../agents/messages.ts";

/** At or above this an answer counts as confident (the corpus's README). */
const CONFIDENT = 0.8;
const corpus = fromFileUrl(new URL("../../shared/corpus/", import.meta.url));
const caseSchema = z.object({
  id: z.string(),
  runtime: z.string(),
  phase: z.string(),
  log: z.string(),
  files: z.record(z.string(), z.unknown()),
  cause: z.string(),
});
type Case = z.infer<typeof caseSchema>;

function inputOf(item: Case): AnalyzerInput {
  const text = (name: string) => typeof item.files[name] === "string" ? item.files[name] : "";
  const settings: Settings = {
    runtime: item.runtime,
    plan: null,
    rootDir: "",
    buildCommand: text("build command"),
    startCommand: text("start command"),
    preDeployCommand: text("pre-deploy command"),
    dockerfilePath: "",
    healthCheckPath: "",
    healthPath: "",
  };
  const phase = item.phase === "build"
    ? "build"
    : item.phase === "pre_deploy"
    ? "pre-deploy"
    : item.phase === "start"
    ? "start"
    : null;
  return { log: item.log, phase, settings, repository: null, platformReason: null };
}

const also = z.record(z.string(), z.array(z.string())).parse(
  JSON.parse(await Deno.readTextFile(`${corpus}also-accepted.json`)),
);
const lines = (await Deno.readTextFile(Deno.args[0] ?? `${corpus}render-dev.jsonl`)).trim().split("\n");
const cases = lines.map((line) => caseSchema.parse(JSON.parse(line)));
const known = new Set(causes.map((cause) => cause.slug));
const started = performance.now();
const results = cases.map((item) => {
  const { cause, confidence } = diagnose(inputOf(item));
  const right = cause === item.cause || (also[item.cause]?.includes(cause) ?? false) ||
    item.cause === "not-a-failure" && cause === "unknown";
  return { item, cause, confidence, right };
});
const milliseconds = performance.now() - started;

function report(name: string, part: typeof results): void {
  const share = (count: number) => `${(100 * count / Math.max(1, part.length)).toFixed(1)} %`.padStart(8);
  const count = (test: (each: typeof results[number]) => boolean) => share(part.filter(test).length);
  console.log(
    `${name.padEnd(34)} ${String(part.length).padStart(4)} cases  coverage ${
      count((each) => each.cause !== "unknown")
    }` +
      `  accuracy ${count((each) => each.right)}  confident and wrong ${
        count((each) => !each.right && each.confidence >= CONFIDENT)
      }`,
  );
}
report("all", results);
report("cause in the catalogue", results.filter(({ item }) => known.has(item.cause)));
console.log(`${cases.length} logs in ${milliseconds.toFixed(0)} ms`);
for (const { item, cause, confidence } of results.filter((each) => !each.right)) {
  const mark = cause === "unknown" ? " " : confidence >= CONFIDENT ? "!" : "?";
  console.log(`${mark} ${item.id.padEnd(36)} ${item.cause.padEnd(34)} -> ${cause} ${confidence || ""}`);
}
