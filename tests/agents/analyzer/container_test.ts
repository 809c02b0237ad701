import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { diagnose } from "../../../agents/analyzer/agent.ts";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { baseImageAt, parseDockerfile, variablesAt } from "../../../agents/analyzer/dockerfile.ts";
import type { AnalyzerInput } from "../../../agents/messages.ts";
import { SETTINGS } from "../sample_project.ts";

const corpus = fromFileUrl(new URL("../../../../shared/corpus/docker-dev.jsonl.gz", import.meta.url));
const hasCorpus = await Deno.stat(corpus).then(() => true, () => false);

/** A log of the classic builder whose second step printed the lines and failed. */
function classic(instruction: string, output: string, code = 1, image = "debian:12"): string {
  return [
    "Sending build context to Docker daemon  2.05kB",
    `Step 1/3 : FROM ${image}`,
    " ---> 676aedd4776f",
    `Step 2/3 : RUN ${instruction}`,
    " ---> Running in 1b0bf12f44aa",
    output,
    `The command '/bin/sh -c ${instruction}' returned a non-zero code: ${code}`,
  ].join("\n");
}

/** The same of BuildKit, with its closing summary. */
function buildKit(instruction: string, output: string, code = 1): string {
  const lines = output.split("\n");
  return [
    "#1 [internal] load build definition from Dockerfile",
    "#1 DONE 0.0s",
    "#5 [2/4] RUN apt-get update",
    "#5 0.211 E: Unable to locate package of-an-earlier-step",
    "#5 DONE 1.1s",
    `#6 [3/4] RUN ${instruction}`,
    ...lines.map((line, at) => `#6 0.${300 + at} ${line}`),
    `#6 ERROR: process "/bin/sh -c ${instruction}" did not complete successfully: exit code: ${code}`,
    "------",
    ` > [3/4] RUN ${instruction}:`,
    ...lines.map((line, at) => `0.${300 + at} ${line}`),
    "------",
    "Dockerfile:3",
    "--------------------",
    `   3 | >>> RUN ${instruction}`,
    "--------------------",
    `ERROR: failed to solve: process "/bin/sh -c ${instruction}" did not complete successfully: exit code: ${code}`,
  ].join("\n");
}

function read(log: string, dockerfile?: string, paths: string[] = []) {
  const input: AnalyzerInput = {
    log,
    phase: null,
    settings: { ...SETTINGS, runtime: "docker" },
    repository: dockerfile === undefined
      ? null
      : { paths: ["Dockerfile", ...paths], files: { Dockerfile: dockerfile } },
    platformReason: null,
  };
  return diagnose(input);
}

Deno.test("what an earlier step of a container build printed did not stop it", () => {
  const log = buildKit("pip install flask", "error: externally-managed-environment");
  const { cause, evidence, phase } = read(log);
  assertEquals([cause, evidence?.line, phase], ["pip-removed-feature", 7, "build"]);
  assertEquals(
    read(classic("echo ok && exit 3", "E: Unable to locate package git").replace("exit 3", "true")).cause ===
      "unknown",
    false,
  );
});

Deno.test("an error that the step went on after weighs less than the one that ended it", () => {
  const output = [
    "/etc/init.d/start: line 3: systemctl: command not found",
    "Setting up curl (7.88.1-10) ...",
    "E: Unable to locate package oldtool",
  ].join("\n");
  const { cause, chain } = read(classic("apt-get update && apt-get install -y curl oldtool", output, 100));
  assertEquals(cause, "apt-package-not-found");
  assertEquals(chain, ["apt-package-not-found"]);
});

Deno.test("the same text has another cause where Dockerfile, image or address differ", () => {
  const gone = (url: string) => `E: The repository '${url}' does not have a Release file.`;
  const deb =
    "E: Failed to fetch http://http.us.debian.org/debian/pool/main/c/curl/curl_7.1_amd64.deb  404  Not Found";
  const git = "E: Unable to locate package git";
  const cases: [string, string][] = [
    [
      "apt-release-eol",
      classic("apt-get update", gone("http://http.us.debian.org/debian buster Release"), 100),
    ],
    [
      "apt-third-party-repo-gone",
      classic("apt-get update", gone("http://ppa.launchpad.net/a/b/ubuntu noble Release"), 100),
    ],
    ["apt-index-stale", classic("apt-get install -y curl", deb, 100)],
    ["apt-package-not-found", classic("apt-get update && apt-get install -y git", git, 100)],
    [
      "download-wrong-content",
      classic("curl -sSL http://h.example/a.tgz | tar xz", "gzip: stdin: not in gzip format", 2),
    ],
    [
      "download-redirect-not-followed",
      classic(
        "curl -s http://h.example/a.tgz | tar xz",
        "<head><title>301 Moved Permanently</title></head>\ngzip: stdin: not in gzip format",
        2,
      ),
    ],
    ["wrong-package-manager", classic("apk add curl", "/bin/sh: 1: apk: not found", 127)],
    ["command-not-found", classic("unzip x", "/bin/sh: 1: unzip: not found", 127)],
    ["file-missing-in-image", classic("./run.sh", "/bin/sh: 1: ./run.sh: not found", 127)],
    ["download-404", classic("curl -fsSLo x http://h.example/x", "", 22)],
    ["deliberate-failure", classic("exit 1", "")],
    ["out-of-memory", classic("make -j8", "", 137)],
  ];
  for (const [slug, log] of cases) assertEquals(read(log).cause, slug, log);
  assertEquals(
    read(classic("apt-get install -y git", git, 100), "FROM debian:12\nRUN apt-get install -y git\n").cause,
    "apt-update-missing",
  );
  const bump = "FROM debian:12\nARG VERSION\nRUN curl -fsSL http://h.example/$VERSION/x.tgz -o x\n";
  assertEquals(
    read(
      "Step 1/3 : FROM debian:12\n ---> 1\nStep 2/3 : ARG VERSION\nStep 3/3 : RUN curl -fsSL http://h.example/$VERSION/x.tgz -o x\n" +
        "curl: (22) The requested URL returned error: 404\n" +
        "The command '/bin/sh -c curl -fsSL http://h.example/$VERSION/x.tgz -o x' returned a non-zero code: 22",
      bump,
    ).cause,
    "build-arg-missing",
  );
});

Deno.test("what newer builders and tools print is known as well", () => {
  const cases: [string, string][] = [
    [
      "file-missing-in-image",
      '#7 [4/4] COPY dist ./\n#7 ERROR: failed to calculate checksum of ref a1::b2: "/dist": not found\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref a1::b2: "/dist": not found',
    ],
    [
      "node-too-new",
      buildKit("npm run build", "Error: error:0308010C:digital envelope routines::unsupported"),
    ],
    ["npm-peer-conflict", buildKit("npm ci", "npm error code ERESOLVE")],
    [
      "apt-release-eol",
      buildKit(
        "apt-get update",
        "E: The repository 'http://security.debian.org/debian-security stretch/updates Release' no longer has a Release file.",
        100,
      ),
    ],
    [
      "yum-repo-gone",
      buildKit(
        "dnf install -y git",
        "Error: Failed to download metadata for repo 'appstream': Cannot prepare internal mirrorlist: No URLs in mirrorlist",
      ),
    ],
    ["out-of-memory", buildKit("npm run build", "Killed", 137)],
    [
      "go-too-old",
      buildKit(
        "go build ./...",
        "go: errors parsing go.mod: /app/go.mod:3: invalid go version '1.21.0': must match format 1.23",
      ),
    ],
    ["python-too-new", buildKit("pip install x", "ModuleNotFoundError: No module named 'distutils'")],
    [
      "dockerfile-syntax",
      "ERROR: failed to solve: dockerfile parse error on line 7: unknown instruction: RUNN (did you mean RUN?)",
    ],
    [
      "base-image-not-found",
      "#2 [internal] load metadata for docker.io/library/node:99\n#2 ERROR: docker.io/library/node:99: not found\nERROR: failed to solve: node:99: docker.io/library/node:99: not found",
    ],
    ["from-unset-arg", "ERROR: failed to solve: base name (${BASE}) should not be blank"],
  ];
  for (const [slug, log] of cases) assertEquals(read(log).cause, slug, log);
});

Deno.test("a Dockerfile gives the image of a stage, through names, defaults and continued lines", () => {
  const file = parseDockerfile(
    'ARG TAG=18\nFROM node:${TAG}-alpine AS base\nFROM base\nARG A\nARG B="x y"\nENV C=$B D=1\nRUN a \\\n  # note\n  && b\nCOPY . .\n',
  );
  assertEquals(baseImageAt(file, 6), "node:18-alpine");
  assertEquals(file.instructions[6], { keyword: "RUN", text: "a && b", line: 7 });
  assertEquals(Object.fromEntries(variablesAt(file, 6)), { A: "", B: "x y", C: "x y", D: "1" });
});

Deno.test("each example is read as its cause, or the cause is named among the rejected with the reason", () => {
  for (const cause of causes) {
    for (const example of cause.examples) {
      const logs = [example, classic("make", example), classic("make", example, 127)];
      const answers = logs.flatMap((log) => [
        read(log),
        ...(["build", "start"] as const).map((phase) =>
          diagnose({ log, phase, settings: null, repository: null, platformReason: null })
        ),
      ]);
      const isKnown = answers.some((answer) =>
        answer.cause === cause.slug || answer.chain.includes(cause.slug) ||
        answer.rejected.some((each) => each.cause === cause.slug) || answer.rejected.length >= 12
      );
      assert(isKnown, `${cause.slug}: ${example}`);
    }
  }
});

Deno.test("no rule holds a repository's name, a commit or an id of the recorded builds", {
  ignore: !hasCorpus,
}, async () => {
  const stream = (await Deno.open(corpus)).readable.pipeThrough(new DecompressionStream("gzip"));
  const schema = z.object({ id: z.string(), repo: z.string(), commit: z.string() });
  const rules = causes.flatMap(({ signs, examples }) => [
    ...signs.map(({ pattern }) => pattern.source),
    ...examples,
  ]).join("\n").toLowerCase();
  for (const line of (await new Response(stream).text()).trim().split("\n")) {
    const { id, repo, commit } = schema.parse(JSON.parse(line));
    for (const name of [repo, commit, id]) assert(!rules.includes(name.toLowerCase()), name);
  }
});
