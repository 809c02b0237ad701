/** A Dockerfile and the log of its failed build, given to the remedies of one cause. */
import { repairCase } from "../../../cli/diagnose_case.ts";
import { NO_SETTINGS } from "../../../agents/messages.ts";
import type { Diagnosis, Settings } from "../../../agents/messages.ts";
import { toolEnvironment } from "../../../process/environment.ts";
import { run } from "../../../process/run.ts";

export const DOCKER_SETTINGS: Settings = { ...NO_SETTINGS, runtime: "docker" };

export function diagnosed(cause: string, evidence = ""): Diagnosis {
  return {
    cause,
    confidence: 0.9,
    summary: "",
    evidence: { line: 1, text: evidence },
    chain: [cause],
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

/** @param step number of the instruction that failed, from 1 */
export async function repair(
  cause: string,
  dockerfile: string,
  step: number,
  output: string,
  options: { paths?: readonly string[]; files?: Readonly<Record<string, string>>; path?: string } = {},
) {
  const path = options.path ?? "Dockerfile";
  const instructions = dockerfile.replace(/\\\n/g, "").split("\n").filter((line) => /^[A-Za-z]/.test(line));
  const log = `Step ${step}/${instructions.length} : ${
    instructions[step - 1]
  }\n ---> Running in 0\n${output}\n`;
  const files = { [path]: dockerfile, ...options.files };
  const paths = [...Object.keys(files), ...(options.paths ?? [])];
  return await repairCase(
    diagnosed(cause, output.split("\n").at(-1)),
    DOCKER_SETTINGS,
    { paths, files },
    log,
  );
}

/** What the patch takes out and puts in, without context. */
export function changesOf(patch: string | null): string[] {
  return (patch ?? "").split("\n").filter((line) => /^[-+](?![-+]{2} )/.test(line));
}

/** The file after `git apply`. @throws when git refuses the patch */
export async function applied(
  patch: string,
  files: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-apply-test-" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    const result = await run({
      command: ["git", "apply", "-"],
      cwd: folder,
      env: { ...toolEnvironment(), GIT_CEILING_DIRECTORIES: folder },
      timeoutMs: 20_000,
      input: patch,
    });
    if (result.kind !== "exited" || result.code !== 0) throw new Error(result.stderr);
    const after: Record<string, string> = {};
    for await (const { name } of Deno.readDir(folder)) {
      after[name] = await Deno.readTextFile(`${folder}/${name}`);
    }
    return after;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
