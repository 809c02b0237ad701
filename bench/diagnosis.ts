/**
 * Measures the diagnosis on recorded failures: `deno task bench:diagnosis [--misses] [--short]`. No number is
 * fitted by a program (the engine's four factors of doubt were set by hand on the learning part), so the five
 * folds show how much the figures vary, not how a fit carries over. Rules were written while reading the services'
 * cases and the learning part of the container builds, four fifths by hash of the id; the rest was only measured.
 */
import { diagnose } from "../agents/analyzer/agent.ts";
import { causes } from "../agents/analyzer/causes/all.ts";
import { readAccepted, readDockerCases, readServiceCases } from "./diagnosis_cases.ts";
import type { LabelledCase } from "./diagnosis_cases.ts";
import { confusions, judge, measure, partOf, share } from "./diagnosis_measures.ts";
import type { Result } from "./diagnosis_measures.ts";
import { measureSpeed } from "./diagnosis_speed.ts";

/** Fifths of the container builds that the rules were not written on. */
const HELD_OUT_PARTS = 1;
const FOLDS = 5;
const PAIRS_MAX = 20;

const args = new Set(Deno.args);
const accepted = await readAccepted();

function run(cases: readonly LabelledCase[]): Result[] {
  return cases.map((item) => judge(item, diagnose(item.input), accepted));
}

function print(name: string, results: readonly Result[]): void {
  const { accuracy, coverage, confident, precision, confidentWrong } = measure(results);
  console.log(`${name} (${results.length} cases)`);
  console.log(`  accuracy ${accuracy}  coverage ${coverage}`);
  console.log(
    `  confident ${confident}  precision among them ${precision}  confident and wrong ${confidentWrong}`,
  );
}

function printFolds(results: readonly Result[]): void {
  for (const key of ["accuracy", "precision"] as const) {
    const folds = Array.from(
      { length: FOLDS },
      (_, fold) =>
        measure(results.filter(({ id }) => partOf(`fold ${id}`) === fold))[key].split(
          " [",
        )[0],
    );
    console.log(`  five folds, ${key}: ${folds.join("  ")}`);
  }
}

function printCauses(results: readonly Result[]): void {
  const slugs = [...new Set(results.map(({ label }) => label))];
  const rows = slugs.map((slug) => {
    const labelled = results.filter(({ label }) => label === slug);
    const answered = results.filter(({ cause }) => cause === slug);
    return { slug, labelled, right: labelled.filter(({ isRight }) => isRight).length, answered };
  }).sort((a, b) => b.labelled.length - a.labelled.length);
  for (const { slug, labelled, right, answered } of rows) {
    const precise = answered.filter(({ isRight }) => isRight).length;
    console.log(
      `  ${slug.padEnd(36)} ${String(labelled.length).padStart(4)}  found ${
        share(right, labelled.length).padEnd(24)
      } precise ${share(precise, answered.length)}`,
    );
  }
}

function printMisses(results: readonly Result[]): void {
  for (const { id, label, cause, confidence, isRight } of results) {
    if (isRight) continue;
    const mark = cause === "unknown" ? " " : confidence >= 0.8 ? "!" : "?";
    console.log(`${mark} ${id.padEnd(36)} ${label.padEnd(34)} -> ${cause} ${confidence || ""}`);
  }
}

const docker = await readDockerCases();
const services = await readServiceCases();
const isLearnt = ({ id }: { id: string }) => partOf(id) >= HELD_OUT_PARTS;
const files: [string, Result[]][] = [
  ["container builds", run(docker)],
  ["services", run(services)],
];
console.log(
  `${causes.length} entries, ${new Set(causes.map(({ slug }) => slug)).size} causes, ${
    causes.flatMap(({ signs }) => signs).length
  } signs; no number is fitted by a program\n`,
);
for (const [name, results] of files) {
  print(name, results);
  printFolds(results);
  if (name === "container builds") {
    print("  of these, read while the rules were written", results.filter(isLearnt));
    print("  of these, held out", results.filter((each) => !isLearnt(each)));
    print("  without the label `other`", results.filter(({ label }) => label !== "other"));
  }
  if (args.has("--misses")) printMisses(name === "container builds" ? results.filter(isLearnt) : results);
  else if (!args.has("--short")) {
    printCauses(results);
    console.log("  worst pairs, label -> answer");
    for (const [pair, count] of confusions(results, PAIRS_MAX)) {
      console.log(`  ${String(count).padStart(4)}  ${pair}`);
    }
  }
  console.log();
}
if (!args.has("--short") && !args.has("--misses")) {
  for (const row of await measureSpeed(docker)) console.log(row);
}
