import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { z } from "zod";
import { answerLines } from "../../cli/diagnose_batch.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const DOCKER = {
  id: "one",
  runtime: "docker",
  log: "Step 2/2 : RUN apt-get update && apt-get install git\nDo you want to continue? [Y/n] Abort.\n" +
    "The command '/bin/sh -c apt-get update && apt-get install git' returned a non-zero code: 1\n",
  files: { "web/Dockerfile": "FROM debian:11\nRUN apt-get update && apt-get install git\n" },
  paths: ["README.md"],
};
const answerSchema = z.object({
  id: z.union([z.string(), z.number(), z.null()]),
  cause: z.string(),
  confidence: z.number().min(0).max(1),
  evidence: z.object({ line: z.number(), text: z.string() }).strict().nullable(),
  chain: z.array(z.string()),
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  summary: z.string(),
  remedy: z.object({ id: z.string(), kind: z.string(), risk: z.string() }).strict().nullable(),
  patch: z.string().nullable(),
}).strict();
const errorSchema = z.object({
  id: z.union([z.string(), z.number(), z.null()]),
  line: z.number(),
  error: z.string(),
}).strict();

async function batch(input: string, options: { chunk?: number; lineBytesMax?: number } = {}) {
  const bytes = new TextEncoder().encode(input);
  const size = options.chunk ?? bytes.length + 1;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  let text = "";
  const decoder = new TextDecoder();
  const counts = await answerLines(stream, (part) => {
    text += decoder.decode(part, { stream: true });
    return Promise.resolve();
  }, options.lineBytesMax === undefined ? {} : { lineBytesMax: options.lineBytesMax });
  const lines = text.split("\n");
  assertEquals(lines.pop(), "");
  return { counts, replies: lines.map((line): unknown => JSON.parse(line)) };
}

async function command(args: string[], input: string, env: Record<string, string> = {}) {
  const result = await run({
    command: [Deno.execPath(), "run", "-A", MAIN, ...args],
    cwd: Deno.cwd(),
    env: { ...toolEnvironment(), HOME: Deno.env.get("HOME") ?? "/", NO_COLOR: "1", ...env },
    timeoutMs: 60_000,
    input,
  });
  return { code: result.kind === "exited" ? result.code : -1, stdout: result.stdout, stderr: result.stderr };
}

Deno.test("each case gets one line of the documented shape, in order, with a patch that git applies", async () => {
  const node = {
    id: 2,
    log: 'npm error Missing script: "start"',
    files: {
      "package.json": '{\n  "scripts": {}\n}\n',
      "server.js": "require('http').createServer().listen(process.env.PORT)\n",
    },
    startCommand: "npm start",
    runtime: "node",
    phase: "start",
  };
  const { counts, replies } = await batch(
    [DOCKER, node, { log: "all is well" }].map((each) => JSON.stringify(each)).join("\n"),
  );
  assertEquals(counts, { answered: 3, refused: 0 });
  const [docker, script, unknown] = replies.map((each) => answerSchema.parse(each));
  assertEquals([docker?.id, docker?.cause, docker?.remedy?.id], [
    "one",
    "apt-missing-assume-yes",
    "docker/apt-assume-yes",
  ]);
  assertEquals([script?.id, script?.cause, script?.remedy?.id], [2, "npm-script-missing", "node/add-script"]);
  assertEquals([unknown?.id, unknown?.cause, unknown?.evidence, unknown?.remedy, unknown?.patch], [
    null,
    "unknown",
    null,
    null,
    null,
  ]);

  const folder = await Deno.makeTempDir({ prefix: "evenkeel-batch-test-" });
  try {
    await Deno.mkdir(join(folder, "web"));
    await Deno.writeTextFile(join(folder, "web/Dockerfile"), DOCKER.files["web/Dockerfile"]);
    for (const flags of [["--check"], []]) {
      const applied = await run({
        command: ["git", "apply", ...flags, "-"],
        cwd: folder,
        env: { ...toolEnvironment(), GIT_CEILING_DIRECTORIES: folder },
        timeoutMs: 20_000,
        input: docker?.patch ?? "",
      });
      assertEquals([applied.kind === "exited" && applied.code, applied.stderr], [0, ""]);
    }
    assertStringIncludes(await Deno.readTextFile(join(folder, "web/Dockerfile")), "apt-get install -y git");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a bad line gives a line that says why, and the rest goes on", async () => {
  const input = [
    "no json",
    "",
    '{"id":"no-log"}',
    '{"id":"odd","log":7}',
    "[1,2]",
    '{"id":"files","log":"x","files":{"a":1}}',
    JSON.stringify(DOCKER),
    '{"id":"cut',
  ].join("\n");
  const { counts, replies } = await batch(input);
  assertEquals(counts, { answered: 1, refused: 6 });
  const errors = replies.filter((each) => !answerSchema.safeParse(each).success).map((each) =>
    errorSchema.parse(each)
  );
  assertEquals(errors.map(({ id, line }) => [id, line]), [[null, 1], ["no-log", 3], ["odd", 4], [null, 5], [
    "files",
    6,
  ], [null, 8]]);
  assertEquals(errors[0]?.error, "Cannot diagnose line 1: it is no JSON");
  assertEquals(replies.findIndex((each) => answerSchema.safeParse(each).success), 5);
});

Deno.test("a line beyond the limit is refused without being held, wherever reads cut it", async () => {
  const input = `${JSON.stringify({ id: "big", log: "x".repeat(50_000) })}\n${JSON.stringify(DOCKER)}\n${
    "y".repeat(30_000)
  }`;
  for (const chunk of [7, 4096, 1_000_000]) {
    const { counts, replies } = await batch(input, { chunk, lineBytesMax: 10_000 });
    assertEquals([chunk, counts], [chunk, { answered: 1, refused: 2 }]);
    assertEquals(
      errorSchema.parse(replies[0]).error,
      "Cannot diagnose line 1: the line is longer than 10000 bytes",
    );
    assertEquals(answerSchema.parse(replies[1]).cause, "apt-missing-assume-yes");
    assertEquals(errorSchema.parse(replies[2]).line, 3);
  }
});

Deno.test("answers come in the order of their cases however the input is cut", async () => {
  const input = Array.from(
    { length: 60 },
    (_, id) => JSON.stringify({ id, log: `é ${id} npm error Missing script: "start"` }),
  ).join("\n") + "\n";
  const whole = await batch(input);
  const cut = await batch(input, { chunk: 13 });
  assertEquals(cut.replies, whole.replies);
  assertEquals(
    whole.replies.map((each) => answerSchema.parse(each).id),
    Array.from({ length: 60 }, (_, id) => id),
  );
});

Deno.test("paths that lead out, prototypes and a file that was not given change nothing", async () => {
  const hostile = [
    {
      id: "out",
      log: DOCKER.log,
      runtime: "docker",
      files: { "../Dockerfile": DOCKER.files["web/Dockerfile"], "/Dockerfile": "FROM a\n" },
    },
    { id: "names-only", log: DOCKER.log, runtime: "docker", paths: ["Dockerfile"] },
    JSON.parse('{"id":"proto","log":"x","files":{"__proto__":"x","constructor":"y"}}'),
    {
      id: "python",
      log: DOCKER.log,
      runtime: "python",
      files: { Dockerfile: DOCKER.files["web/Dockerfile"] },
    },
  ];
  const { replies } = await batch(hostile.map((each) => JSON.stringify(each)).join("\n"));
  for (const reply of replies) assertEquals(answerSchema.parse(reply).patch, null);
});

Deno.test("diagnose --batch ends with 0 when all were answered, 1 when one was not, 2 for a file", async () => {
  const good = `${JSON.stringify(DOCKER)}\n`;
  const [all, one, file] = await Promise.all([
    command(["diagnose", "--batch"], good),
    command(["diagnose", "--batch"], `${good}oops\n`),
    command(["diagnose", "--batch", "cases.jsonl"], good),
  ]);
  assertEquals([all.code, one.code, file.code], [0, 1, 2]);
  assertEquals([all.stdout.split("\n").length, one.stdout.split("\n").length], [2, 3]);
  assertStringIncludes(file.stderr, "takes no file");
});

Deno.test("unknown failures are counted in the data folder by their pattern, and listed by evenkeel unknowns", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-unknowns-test-" });
  try {
    const env = { EVENKEEL_DATA_DIR: folder };
    const logs = [
      "frobnication of '/srv/a' failed after 3 tries",
      "frobnication of '/opt/b c' failed after 12 tries",
      "\x1b[31mgrob error: TOKEN=ghp_abcdefghijklmnopqrstuvwxyz012345\x1b[0m",
    ];
    const fed = await command(
      ["diagnose", "--batch"],
      logs.map((log) => JSON.stringify({ log })).join("\n"),
      env,
    );
    assertEquals([fed.code, fed.stderr], [0, ""]);
    assertEquals((await command(["diagnose", "-"], logs[0]!, env)).code, 1);
    const listed = await command(["unknowns", "-o", "json"], "", env);
    const { unknowns } = z.object({
      schemaVersion: z.literal(1),
      unknowns: z.array(
        z.object({
          template: z.string(),
          count: z.number(),
          firstSeen: z.string(),
          lastSeen: z.string(),
          example: z.string(),
        }).strict(),
      ),
    }).parse(JSON.parse(listed.stdout));
    assertEquals(unknowns.map(({ template, count }) => [template, count]), [[
      "frobnication of <name> failed after <n> tries",
      3,
    ], ["grob error: TOKEN=[redacted]", 1]]);
    const text = await command(["unknowns", "--limit", "1"], "", env);
    assertStringIncludes(text.stdout, "3 x  frobnication of <name> failed after <n> tries");
    assert(!text.stdout.includes("grob") && !listed.stdout.includes("ghp_") && !text.stdout.includes("\x1b"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
