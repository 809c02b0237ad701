/**
 * Measures the patches that `diagnose` proposes for real failed Docker builds: how many cases get one, whether
 * each applies with `git apply` and whether the Dockerfile still parses. `deno task bench:patches`
 *
 *     deno run -A bench/patches.ts [--labels] [--show CAUSE] [--sample N --seed S] [FILE]
 *
 * `--labels` gives every remedy the labelled cause instead of the diagnosed one: what the remedies alone can do.
 */
import { parseArgs } from "node:util";
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { diagnose } from "../agents/analyzer/agent.ts";
import { repairCase } from "../cli/diagnose_case.ts";
import { parseDockerfile } from "../agents/code/dockerfile.ts";
import { NO_SETTINGS } from "../agents/messages.ts";
import type { Diagnosis, Settings } from "../agents/messages.ts";
import { toolEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";

const caseSchema = z.object({
  id: z.string(),
  dockerfile_path: z.string().nullable(),
  dockerfile: z.string(),
  log: z.string(),
  files: z.array(z.string()).nullable(),
  label: z.object({ class: z.string(), evidence: z.string() }),
});
const CORPUS = fromFileUrl(new URL("../../shared/corpus/docker-dev.jsonl.gz", import.meta.url));
const SETTINGS: Settings = { ...NO_SETTINGS, runtime: "docker" };

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    labels: { type: "boolean", default: false },
    show: { type: "string" },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    missing: { type: "string" },
  },
});

const stream = (await Deno.open(positionals[0] ?? CORPUS)).readable.pipeThrough(
  new DecompressionStream("gzip"),
);
const lines = (await new Response(stream).text()).trim().split("\n");
const cases = lines.map((line) => caseSchema.parse(JSON.parse(line)));

interface Result {
  item: typeof cases[number];
  cause: string;
  remedy: string | null;
  patch: string | null;
  path: string;
  refusals: readonly string[];
}
const results: Result[] = [];
const started = performance.now();
for (const item of cases) {
  const path = item.dockerfile_path ?? "Dockerfile";
  const paths = [...new Set([path, ...(item.files ?? [])])];
  const files = { [path]: item.dockerfile };
  const diagnosis = values.labels ? labelled(item) : diagnose({
    log: item.log,
    phase: "build",
    settings: SETTINGS,
    repository: { paths, files },
    platformReason: null,
  });
  const { remedy, patch, refusals } = await repairCase(diagnosis, SETTINGS, { paths, files }, item.log);
  results.push({ item, cause: diagnosis.cause, remedy: remedy?.id ?? null, patch, path, refusals });
}
const milliseconds = performance.now() - started;

function labelled({ label, log }: typeof cases[number]): Diagnosis {
  const line = log.split("\n").findIndex((each) => each.includes(label.evidence.trim())) + 1;
  return {
    cause: label.class,
    confidence: 1,
    summary: "",
    evidence: { line, text: label.evidence },
    chain: [label.class],
    captures: {},
    fingerprint: "",
    failureClass: { id: "", about: "" },
    phase: "build",
    redeployMayCure: false,
    rejected: [],
    remedies: [],
    excerpt: [],
  };
}

const scratch = await Deno.makeTempDir({ prefix: "evenkeel-patches-" });
const broken: string[] = [];
try {
  for (const { item, patch, path } of results) {
    if (patch === null) continue;
    const folder = `${scratch}/case`;
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, item.dockerfile);
    const applied = await run({
      command: ["git", "apply", "-"],
      cwd: folder,
      env: { ...toolEnvironment(), GIT_CEILING_DIRECTORIES: scratch },
      timeoutMs: 20_000,
      input: patch,
    });
    if (applied.kind !== "exited" || applied.code !== 0) {
      broken.push(`${item.id}: does not apply: ${applied.stderr.trim().slice(0, 200)}`);
      continue;
    }
    const after = parseDockerfile(await Deno.readTextFile(`${folder}/${path}`));
    if (!after.instructions.some(({ keyword }) => keyword === "FROM")) {
      broken.push(`${item.id}: has no FROM any more`);
    }
  }
} finally {
  await Deno.remove(scratch, { recursive: true });
}

const percent = (part: number, whole: number) => `${(100 * part / Math.max(1, whole)).toFixed(1)} %`;
const byLabel = new Map<string, Result[]>();
for (const result of results) {
  byLabel.set(result.item.label.class, [...byLabel.get(result.item.label.class) ?? [], result]);
}
const shown = results.filter(({ patch }) => patch !== null);
if (values.show !== undefined) {
  for (
    const each of shown.filter(({ item, remedy }) =>
      item.label.class === values.show || remedy === values.show
    )
  ) print(each);
} else if (values.missing !== undefined) {
  for (const { item, cause, patch, refusals } of results) {
    if (item.label.class === values.missing && patch === null) {
      console.log(`${item.id} (${cause}): ${item.label.evidence}\n    ${refusals.join("; ")}`);
    }
  }
} else if (values.sample !== undefined) {
  let state = Number(values.seed) >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const order = shown.map((each) => ({ each, at: random() })).sort((a, b) => a.at - b.at);
  for (const { each } of order.slice(0, Number(values.sample))) print(each);
} else {
  for (const [cause, each] of [...byLabel].sort((a, b) => b[1].length - a[1].length)) {
    const patched = each.filter(({ patch }) => patch !== null).length;
    const off = each.filter(({ patch, cause: named }) => patch !== null && named !== cause).length;
    console.log(
      `${cause.padEnd(34)} ${String(each.length).padStart(4)} cases ${String(patched).padStart(4)} patches ${
        off === 0 ? "" : `${off} for another cause`
      }`,
    );
  }
  console.log(
    broken.length === 0 ? "Every patch applies and leaves a Dockerfile with its FROM" : broken.join("\n"),
  );
  console.log(
    `${shown.length} of ${results.length} cases have a patch (${percent(shown.length, results.length)}); ` +
      `${
        shown.filter(({ item, cause }) => item.label.class === cause).length
      } of them for the labelled cause; ` +
      `${milliseconds.toFixed(0)} ms for ${results.length} cases`,
  );
}

function print({ item, cause, remedy, patch }: Result): void {
  console.log(
    `=== ${item.id} label ${item.label.class}, diagnosed ${cause}, ${remedy}\n    ${item.label.evidence}\n${patch}`,
  );
}
