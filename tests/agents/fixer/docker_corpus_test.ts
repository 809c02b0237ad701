import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { validate } from "dockerfile-utils";
import { z } from "zod";
import { parseDockerfile } from "../../../agents/code/dockerfile.ts";
import { answerCase } from "../../../cli/diagnose_case.ts";
import { toolEnvironment } from "../../../process/environment.ts";
import { run } from "../../../process/run.ts";

const CORPUS = fromFileUrl(new URL("../../../../shared/corpus/docker-dev.jsonl.gz", import.meta.url));
const hasCorpus = await Deno.stat(CORPUS).then(() => true, () => false);
const caseSchema = z.object({
  id: z.string(),
  dockerfile_path: z.string().nullable(),
  dockerfile: z.string(),
  log: z.string(),
  files: z.array(z.string()).nullable(),
});

async function cases() {
  const stream = (await Deno.open(CORPUS)).readable.pipeThrough(new DecompressionStream("gzip"));
  const lines = (await new Response(stream).text()).trim().split("\n");
  return lines.map((line) => caseSchema.parse(JSON.parse(line)));
}

const errorsOf = (text: string) => validate(text).filter(({ severity }) => severity === 1).length;

Deno.test(
  "every patch for a real failed build applies, keeps every step and leaves a Dockerfile that parses",
  { ignore: !hasCorpus },
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "evenkeel-corpus-test-" });
    try {
      const patches: { id: string; before: string }[] = [];
      let all = "";
      for (const item of await cases()) {
        const path = item.dockerfile_path ?? "Dockerfile";
        const { answer } = await answerCase({
          log: item.log,
          runtime: "docker",
          files: { [path]: item.dockerfile },
          paths: item.files ?? [],
        });
        const { patch } = answer;
        if (patch === null) continue;
        // All are applied by one git: each in a folder of its own.
        const name = `${item.id}/Dockerfile`;
        await Deno.mkdir(`${folder}/${item.id}`);
        await Deno.writeTextFile(`${folder}/${name}`, item.dockerfile);
        all += patch.replace(`diff --git a/${path} b/${path}`, `diff --git a/${name} b/${name}`)
          .replace(`--- a/${path}`, `--- a/${name}`).replace(`+++ b/${path}`, `+++ b/${name}`);
        patches.push({ id: item.id, before: item.dockerfile });
      }
      const applied = await run({
        command: ["git", "apply", "--whitespace=nowarn", "-"],
        cwd: folder,
        env: { ...toolEnvironment(), GIT_CEILING_DIRECTORIES: folder },
        timeoutMs: 60_000,
        input: all,
      });
      assertEquals([applied.kind === "exited" && applied.code, applied.stderr.slice(0, 500)], [0, ""]);
      assert(patches.length > 300, `${patches.length} patches`);
      for (const { id, before } of patches) {
        const after = await Deno.readTextFile(`${folder}/${id}/Dockerfile`);
        const swallowed = (text: string) => text.split(/\|\|\s*(?:true|:)(?!\w)/).length;
        assert(after.trim() !== "" && swallowed(after) <= swallowed(before), `${id} swallows a failure`);
        assert(errorsOf(after) <= errorsOf(before), `${id}: ${JSON.stringify(validate(after))}`);
        const count = (text: string) => parseDockerfile(text).instructions.length;
        assert(count(after) >= count(before) - 1, `${id} has fewer instructions`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "a Dockerfile is read as its own parser reads it: instructions and lines",
  { ignore: !hasCorpus },
  async () => {
    const { DockerfileParser } = await import("dockerfile-ast");
    let differing = 0;
    const list = await cases();
    for (const { dockerfile } of list) {
      const theirs = DockerfileParser.parse(dockerfile).getInstructions()
        .filter((each) => !/^#/.test(each.getInstruction()))
        .map((each) => `${each.getKeyword()} ${each.getRange().start.line + 1}`);
      const ours = parseDockerfile(dockerfile).instructions.map(({ keyword, line }) => `${keyword} ${line}`);
      if (theirs.join("\n") !== ours.join("\n")) differing++;
    }
    // What differs is no Dockerfile to begin with: templates, text before FROM, broken continuations.
    assert(differing <= list.length * 0.02, `${differing} of ${list.length} differ`);
  },
);
