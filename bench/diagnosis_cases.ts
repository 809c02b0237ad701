/** Reads the recorded failures of ../shared/corpus and says what the analyzer is given of each. */
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { NO_SETTINGS } from "../agents/messages.ts";
import type { AnalyzerInput } from "../agents/messages.ts";

const corpus = fromFileUrl(new URL("../../shared/corpus/", import.meta.url));

export interface LabelledCase {
  id: string;
  label: string;
  input: AnalyzerInput;
}

const serviceSchema = z.object({
  id: z.string(),
  runtime: z.string(),
  phase: z.string(),
  log: z.string(),
  files: z.record(z.string(), z.unknown()),
  cause: z.string(),
}).transform(({ id, runtime, phase, log, files, cause }): LabelledCase => {
  const text = (name: string) => typeof files[name] === "string" ? files[name] : "";
  const settings = {
    ...NO_SETTINGS,
    runtime,
    buildCommand: text("build command"),
    startCommand: text("start command"),
    preDeployCommand: text("pre-deploy command"),
  };
  const known = phase === "build" || phase === "start" ? phase : phase === "pre_deploy" ? "pre-deploy" : null;
  return {
    id,
    label: cause,
    input: { log, phase: known, settings, repository: null, platformReason: null },
  };
});

const dockerSchema = z.object({
  id: z.string(),
  dockerfile_path: z.string().nullable(),
  dockerfile: z.string().nullable(),
  log: z.string(),
  files: z.array(z.string()),
  label: z.object({ class: z.string() }),
}).transform(({ id, dockerfile_path: path, dockerfile, log, files, label }): LabelledCase => ({
  id,
  label: label.class,
  input: {
    log,
    phase: "build",
    settings: { ...NO_SETTINGS, runtime: "docker", dockerfilePath: path ?? "" },
    repository: { paths: files, files: path === null || dockerfile === null ? {} : { [path]: dockerfile } },
    platformReason: null,
  },
}));

/** Failures of services on Render and platforms like it. @throws when the corpus is not there */
export const readServiceCases = (path?: string) => read(path ?? `${corpus}render-dev.jsonl`, serviceSchema);
/** Failed container builds. @throws when the corpus is not there */
export const readDockerCases = (path?: string) => read(path ?? `${corpus}docker-dev.jsonl.gz`, dockerSchema);

async function read(path: string, schema: z.ZodType<LabelledCase>): Promise<LabelledCase[]> {
  const file = (await Deno.open(path)).readable;
  const bytes = path.endsWith(".gz") ? file.pipeThrough(new DecompressionStream("gzip")) : file;
  const text = await new Response(bytes).text();
  return text.trim().split("\n").map((line) => schema.parse(JSON.parse(line)));
}

/** Slugs that count as right beside a label's own. */
export async function readAccepted(): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await Deno.readTextFile(`${corpus}also-accepted.json`);
  return new Map(Object.entries(z.record(z.string(), z.array(z.string())).parse(JSON.parse(text))));
}
