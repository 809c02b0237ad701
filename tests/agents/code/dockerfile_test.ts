import { assertEquals } from "@std/assert";
import { findStep, lastStep, parseErrorLine } from "../../../agents/code/build_step.ts";
import { distributionOfImage, distributionOfLog } from "../../../agents/code/distribution.ts";
import {
  baseOf,
  insertBefore,
  parseDockerfile,
  stagesOf,
  withChanges,
} from "../../../agents/code/dockerfile.ts";
import { invocationsIn, shellCommands } from "../../../agents/code/shell_words.ts";

const FILE = `# syntax=docker/dockerfile:1
ARG VERSION=3.8
FROM python:\${VERSION}-slim AS base
# a comment
RUN apt-get update && \\
    # inside
    apt-get install -y \\

    git
FROM base
RUN <<EOF
RUN is text here
EOF
run --mount=type=cache,target=/x pip install .
CMD ["a", "b"]
`;

Deno.test("parseDockerfile() finds instructions through continuations, comments, heredocs and flags", () => {
  const { instructions } = parseDockerfile(FILE);
  assertEquals(
    instructions.map(({ keyword, line, lastLine, stage }) => [keyword, line, lastLine, stage]),
    [
      ["ARG", 2, 2, -1],
      ["FROM", 3, 3, 0],
      ["RUN", 5, 9, 0],
      ["FROM", 10, 10, 1],
      ["RUN", 11, 13, 1],
      ["RUN", 14, 14, 1],
      ["CMD", 15, 15, 1],
    ],
  );
  assertEquals(instructions[2]!.args.replace(/ +/g, " "), "apt-get update && apt-get install -y git");
  assertEquals([instructions[5]!.flags, instructions[5]!.args], [
    ["--mount=type=cache,target=/x"],
    "pip install .",
  ]);
  assertEquals([instructions[4]!.isHeredoc, instructions[6]!.isExec], [true, true]);
});

Deno.test("stages know their image with arguments filled in, and what they build on in the end", () => {
  const file = parseDockerfile(FILE);
  assertEquals(stagesOf(file).map(({ image, resolved, name }) => [image, resolved, name]), [
    ["python:${VERSION}-slim", "python:3.8-slim", "base"],
    ["base", "base", null],
  ]);
  assertEquals(baseOf(file, 1)?.resolved, "python:3.8-slim");
});

Deno.test("an insertion stands before the comment of its instruction and keeps line ends", () => {
  const file = parseDockerfile("FROM a\r\n# why\r\nRUN b\r\n");
  const change = insertBefore(file, file.instructions[1]!, ["RUN first"]);
  assertEquals(withChanges(file.text, [change]), "FROM a\r\nRUN first\r\n# why\r\nRUN b\r\n");
});

Deno.test("shell text is read as commands whose words know where they stand", () => {
  const text =
    'set -e; A=1 sudo -E apt-get install -y \\\n  "a b" \\\n  # note\n  c && (cd /x || true) | tee $(date +%s).log';
  const list = invocationsIn(text);
  assertEquals(list.map(({ program, args, sudo }) => [program, args.map((each) => each.text), sudo]), [
    ["set", ["-e"], false],
    ["apt-get", ["install", "-y", "a b", "c"], true],
    ["cd", ["/x"], false],
    ["true", [], false],
    ["tee", ["$(date +%s).log"], false],
  ]);
  for (const { words } of shellCommands(text)) {
    for (const { start, end, text: word } of words) {
      assertEquals(text.slice(start, end).replace(/^"(.*)"$/, "$1"), word);
    }
  }
});

Deno.test("the failing step is found by its number, by its text, and by BuildKit's count", () => {
  const file = parseDockerfile("FROM a AS x\nRUN b\nFROM c\nRUN d \\\n  e\n");
  const classic = lastStep(["Step 1/4 : FROM a AS x", "Step 4/4 : RUN d   e", "no"]);
  assertEquals(findStep(file, classic!)?.line, 4);
  const buildKit = lastStep([
    "#9 [stage-1 2/2] RUN d   e",
    "#9 ERROR: exit 1",
    "------",
    " > [stage-1 2/2] RUN d   e:",
    "------",
  ]);
  assertEquals([buildKit, findStep(file, buildKit!)?.line], [{
    index: 2,
    text: "RUN d   e",
    stage: "stage-1",
  }, 4]);
  assertEquals(findStep(file, { index: 2, text: "RUN other", stage: null }), undefined);
  assertEquals(
    parseErrorLine(["Error response from daemon: Dockerfile parse error line 8: unknown instruction: RUNN"]),
    8,
  );
});

Deno.test("the distribution is told from an image's name or the package manager's lines", () => {
  assertEquals(distributionOfImage("python:3.7-alpine3.10"), { family: "alpine", release: "3.10" });
  assertEquals(distributionOfImage("nvidia/cuda:9.0-devel-ubuntu16.04"), {
    family: "ubuntu",
    release: "xenial",
  });
  assertEquals(distributionOfImage("debian:9-slim"), { family: "debian", release: "stretch" });
  assertEquals(distributionOfImage("node:12"), { family: "debian", release: null });
  assertEquals(distributionOfImage("example/own"), null);
  assertEquals(distributionOfLog(["Get:1 http://archive.ubuntu.com/ubuntu focal InRelease [265 kB]"]), {
    family: "ubuntu",
    release: "focal",
  });
  assertEquals(
    distributionOfLog(["fetch http://dl-cdn.alpinelinux.org/alpine/v3.12/main/x86_64/APKINDEX.tar.gz"]),
    { family: "alpine", release: "3.12" },
  );
});

Deno.test("broken text is read without an error, in time that grows with its length", () => {
  for (
    const text of [
      "",
      "\\",
      "FROM",
      "RUN <<EOF",
      'RUN "',
      "RUN $((((",
      "FROM a\n".repeat(20_000),
      "RUN a \\\n".repeat(20_000),
      `RUN ${"\\".repeat(50_000)}`,
      `RUN ${"(".repeat(50_000)}`,
    ]
  ) {
    const file = parseDockerfile(text);
    for (const each of file.instructions.slice(0, 5)) invocationsIn(text.slice(0, each.end), each.argsAt);
  }
});
