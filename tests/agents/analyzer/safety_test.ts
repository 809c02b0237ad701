import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { diagnose } from "../../../agents/analyzer/agent.ts";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { ENGINE_LIMITS } from "../../../agents/analyzer/engine.ts";
import { diagnosisSchema } from "../../../agents/messages.ts";
import { answerCase } from "../../../cli/diagnose_case.ts";
import { LINE_CHARS_MAX } from "../../../text/sanitize.ts";

const file = (path: string) => fromFileUrl(new URL(path, import.meta.url));
const DOCKER = file("../../../../shared/corpus/docker-dev.jsonl.gz");
const RENDER = file("../../../../shared/corpus/render-dev.jsonl");
const hasCorpus = await Promise.all([DOCKER, RENDER].map((path) => Deno.stat(path))).then(
  () => true,
  () => false,
);

const dockerSchema = z.object({
  id: z.string(),
  repo: z.string(),
  commit: z.string(),
  log: z.string(),
  dockerfile: z.string(),
});
const renderSchema = z.object({ id: z.string(), log: z.string() });

async function corpora() {
  const stream = (await Deno.open(DOCKER)).readable.pipeThrough(new DecompressionStream("gzip"));
  const parse = <T>(text: string, schema: z.ZodType<T>) =>
    text.trim().split("\n").map((line) => schema.parse(JSON.parse(line)));
  return {
    docker: parse(await new Response(stream).text(), dockerSchema),
    render: parse(await Deno.readTextFile(RENDER), renderSchema),
  };
}

/** The source of every rule: signs, decisions, tables and remedies. */
async function ruleSources(): Promise<string> {
  const parts: string[] = [];
  for (
    const folder of [
      "../../../agents/analyzer",
      "../../../agents/analyzer/causes",
      "../../../agents/fixer",
      "../../../agents/fixer/remedies",
      "../../../agents/fixer/tables",
    ]
  ) {
    for await (const { name, isFile } of Deno.readDir(file(folder))) {
      if (isFile && name.endsWith(".ts")) parts.push(await Deno.readTextFile(`${file(folder)}/${name}`));
    }
  }
  // An image's name in a table is no repository's, and examples are what tools print.
  return parts.join("\n");
}

Deno.test("no rule and no table names a repository, a commit or a case of the corpora", {
  ignore: !hasCorpus,
}, async () => {
  const { docker, render } = await corpora();
  const text = (await ruleSources()).toLowerCase();
  // Words with their neighbours: `owner/name` in a path or an expression counts as well, escaped or not.
  const plain = text.replaceAll("\\/", "/").replaceAll("\\.", ".").replaceAll("\\-", "-");
  const found: string[] = [];
  for (const { id, repo, commit } of docker) {
    if (plain.includes(id) || plain.includes(commit) || plain.includes(commit.slice(0, 10))) found.push(id);
    if (new RegExp(`(?<![\\w.-])${RegExp.escape(repo.toLowerCase())}(?![\\w.-])`).test(plain)) {
      found.push(repo);
    }
  }
  for (const { id } of render) if (plain.includes(id.toLowerCase())) found.push(id);
  assertEquals(found, []);
  for (const { slug, signs } of causes) {
    for (const { literal, pattern } of signs) {
      const hash = /(?<![\w])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{10,}(?![\w])/;
      assert(!hash.test(literal) && !hash.test(pattern.source), `${slug}: ${pattern.source}`);
    }
  }
});

Deno.test("a diagnosis does not hang on names: with every name, hash and host changed it stays the same", {
  ignore: !hasCorpus,
}, async () => {
  const { docker } = await corpora();
  let moved = 0;
  const sample = docker.filter((_, at) => at % 10 === 0);
  for (const { repo, commit, log } of sample) {
    const [owner = "", name = ""] = repo.split("/");
    let renamed = log.replaceAll(commit, "0123456789abcdef0123456789abcdef01234567").replaceAll(
      repo,
      "someone/something",
    );
    // Short and common words are part of commands and packages.
    for (const word of [owner, name]) {
      if (word.length >= 9 && !/^(?:docker|python|node)/i.test(word)) {
        renamed = renamed.replaceAll(word, "somewhere");
      }
    }
    const ask = (text: string) =>
      diagnose({ log: text, phase: "build", settings: null, repository: null, platformReason: null }).cause;
    if (ask(log) !== ask(renamed)) moved++;
  }
  assert(moved <= sample.length * 0.02, `${moved} of ${sample.length} answers changed`);
});

/** A generator of the same numbers on every run. */
function seeded(seed: number) {
  let state = seed >>> 0;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const FRAGMENTS = [
  "\x1b[31m",
  "\x1b]0;",
  "\r",
  "\b\b\b",
  "\u202e",
  "\0",
  "\ud800",
  "😀",
  "==> ",
  "Step 3/2 : ",
  "#9 ERROR: ",
  "E: ",
  "npm ERR! ",
  "(".repeat(200),
  "a".repeat(3000),
  " ".repeat(3000),
  "/".repeat(2000),
  "'".repeat(999),
  "\\".repeat(999),
  "\n".repeat(50),
  "[... 3 lines]",
  "${jndi:x}",
  "__proto__",
  "constructor",
  "1e999",
  "-1",
  "%s%n",
];

function mutate(text: string, random: (below: number) => number): string {
  let result = text;
  for (let times = 1 + random(6); times > 0; times--) {
    const at = random(result.length + 1);
    const other = Math.min(result.length, at + random(400));
    switch (random(6)) {
      case 0:
        result = result.slice(0, at) + FRAGMENTS[random(FRAGMENTS.length)] + result.slice(at);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(other);
        break;
      case 2:
        result = result.slice(0, at) + result.slice(at, other).repeat(1 + random(20)) + result.slice(other);
        break;
      case 3:
        result = result.slice(0, at) + String.fromCharCode(random(65_536)) + result.slice(at + 1);
        break;
      case 4:
        result = result.slice(0, at) + [...result.slice(at, other)].reverse().join("") + result.slice(other);
        break;
      default:
        result = result.slice(at) + result.slice(0, at);
    }
  }
  return result;
}

const EXAMPLES = causes.flatMap(({ examples }) => examples);
/** Mutated logs in one run of the test; the seed makes them the same each time. */
const RUNS = 600;

Deno.test("mutated logs never make the engine throw or exceed its limits", async () => {
  const random = seeded(20_260_101);
  const logs = hasCorpus ? await corpora() : null;
  const pool = logs === null ? EXAMPLES : [
    ...EXAMPLES,
    ...logs.render.map(({ log }) => log),
    ...logs.docker.slice(0, 200).map(({ log }) => log.slice(-8000)),
  ];
  for (let at = 0; at < RUNS; at++) {
    const log = mutate(`${pool[random(pool.length)]}\n${pool[random(pool.length)]}`, random);
    const phase = ([null, "build", "start", "run"] as const)[random(4)] ?? null;
    const diagnosis = diagnose({
      log,
      phase,
      settings: null,
      repository: null,
      platformReason: random(5) === 0 ? log.slice(0, 99) : null,
    });
    const parsed = diagnosisSchema.safeParse(diagnosis);
    assert(parsed.success, `run ${at}: ${parsed.error?.message}`);
    const { chain, rejected, excerpt, evidence, captures, summary } = parsed.data;
    assert(
      chain.length <= ENGINE_LIMITS.chainMax && rejected.length <= ENGINE_LIMITS.rejectedMax &&
        excerpt.length <= ENGINE_LIMITS.excerptLinesMax,
    );
    const texts = [evidence?.text ?? "", summary, ...excerpt.map((line) => line.text)];
    assert(texts.every((text) => text.length <= LINE_CHARS_MAX + 40), `run ${at}`);
    // deno-lint-ignore no-control-regex -- control characters are what must be gone
    assert(texts.every((text) => !/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/.test(text)), `run ${at}`);
    assert(
      Object.values(captures).every((value) => value.length <= ENGINE_LIMITS.captureCharsMax + 40),
      `run ${at}`,
    );
    const total = log.split("\n").length + (diagnosis.evidence === null ? 0 : 100);
    assert(evidence === null || (evidence.line >= 1 && evidence.line <= total), `run ${at}`);
  }
});

Deno.test("mutated Dockerfiles and logs never make a remedy throw", { ignore: !hasCorpus }, async () => {
  const random = seeded(42);
  const { docker } = await corpora();
  for (let at = 0; at < 250; at++) {
    const { log, dockerfile } = docker[random(docker.length)]!;
    const text = mutate(dockerfile, random);
    const { answer } = await answerCase({
      log: random(2) === 0 ? log : mutate(log, random),
      runtime: "docker",
      files: { Dockerfile: text },
      paths: ["a", "package.json"],
    });
    assert(
      answer.patch === null || answer.patch.startsWith("diff --git a/Dockerfile b/Dockerfile\n"),
      `run ${at}`,
    );
  }
});
