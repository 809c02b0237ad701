import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createBareRepository } from "../helpers/repository.ts";
import { parseDockerfile } from "../../drydock/deploy/docker/parse.ts";
import { rewritePaths, substitute } from "../../drydock/deploy/docker/words.ts";
import { app, Harbour, hasPython, pythonApp } from "./harbour.ts";

const details = (more: Record<string, string> = {}) => ({ runtime: "docker", envSpecificDetails: more });

const dockerfile = `# two stages
ARG FLAVOUR=plain
FROM node:20-slim AS build
ARG FLAVOUR
WORKDIR /src
COPY package.json ./
COPY lib/ lib/
RUN apt-get update && mkdir -p /out \\
    && cp lib/server.js /out/server.js && echo "made $FLAVOUR" > /out/made.txt

FROM node:20-slim
ENV WORD=from-image NODE_ENV=production
WORKDIR /app
COPY --from=build /out ./
COPY --from=build /out/made.txt /etc/made.txt
RUN cat /etc/made.txt && test ! -e /app/package.json
EXPOSE 3000
CMD ["node", "/app/server.js"]
`;

Deno.test("a Dockerfile service is built stage by stage in a scratch folder and answers", async () => {
  await using repository = await createBareRepository({
    "Dockerfile": dockerfile,
    "package.json": "{}",
    "lib/server.js": app("docker"),
  });
  await using harbour = await Harbour.open({ containerEngine: "none" });
  const berth = await harbour.create(repository, {
    details: details(),
    envVars: [{ key: "FLAVOUR", value: "sweet" }],
  });
  await berth.isLive();
  const { version, word, cwd } = await berth.answer();
  assertEquals([version, word], ["docker", "from-image"]);
  assert(cwd.endsWith("/app") && cwd.startsWith("/"), cwd);
  const log = await berth.log();
  assert(log.includes("made sweet"), log.join("\n"));
  assert(log.includes("==> Drydock: apt-get update is passed over"));
  assert(log.includes("==> Running 'node /app/server.js'"));
  assertStringIncludes(log.join("\n"), "no container engine is used");
  assert(log.includes("==> Drydock: why no engine: none was asked for"));
});

Deno.test({
  name: "a Dockerfile's pip installs into the scratch folder, not into this machine's Python",
  ignore: !await hasPython(),
  async fn() {
    await using repository = await createBareRepository({
      "Dockerfile": "FROM python:3-slim\nWORKDIR /app\nCOPY . .\nRUN pip --version\nCMD python app.py\n",
      "app.py": pythonApp,
    });
    await using harbour = await Harbour.open({ containerEngine: "none" });
    const berth = await harbour.create(repository, { details: details() });
    await berth.isLive();
    const { word, cwd } = await berth.answer();
    assertEquals(word, cwd.replace(/\/app$/, "/usr/local"));
    assert(
      (await berth.log()).some((line) => line.startsWith("pip ") && line.includes(" from /usr/local/lib/")),
    );
  },
});

Deno.test("a failing RUN, a missing file and a missing Dockerfile fail the build with the builder's words", async () => {
  await using repository = await createBareRepository({
    "run/Dockerfile": "FROM node:20\nRUN echo trying; exit 5\nCMD true\n",
    "copy/Dockerfile": "FROM node:20\nCOPY nothing.txt /app/\nCMD true\n",
    "none/readme.md": "\n",
  });
  await using harbour = await Harbour.open({ containerEngine: "none" });
  const expected = {
    run: 'process "/bin/sh -c echo trying; exit 5" did not complete successfully: exit code: 5',
    copy: 'failed to compute cache key: "/nothing.txt": not found',
    none: "failed to read dockerfile: open Dockerfile: no such file or directory",
  };
  for (const [rootDir, words] of Object.entries(expected)) {
    const berth = await harbour.create(repository, { name: rootDir, rootDir, details: details() });
    await berth.reaches(berth.firstDeployId, "build_failed");
    assertStringIncludes((await berth.log()).join("\n"), words);
  }
});

Deno.test("parseDockerfile() joins lines, keeps flags apart and refuses here-documents", () => {
  const { stages } = parseDockerfile(
    "FROM a AS One\nRUN --mount=type=cache,target=/x \\\n  # why\n  echo hi\n",
  );
  assertEquals([stages[0]?.base, stages[0]?.name], ["a", "one"]);
  const [instruction] = stages[0]!.instructions;
  assertEquals([instruction?.rest, instruction?.flags.get("mount")], ["echo hi", "type=cache,target=/x"]);
  for (const text of ["", "RUN true", "FROM a\nRUN <<EOF\ntrue\nEOF"]) {
    try {
      parseDockerfile(text);
    } catch (error) {
      assert(error instanceof Error && error.name === "DockerfileError");
      continue;
    }
    throw new Error(`accepted: ${text}`);
  }
});

Deno.test("rewritePaths() moves an image's paths, not programs, devices or addresses", () => {
  assertEquals(
    rewritePaths(
      "/bin/sh -c 'cp /app/a /opt/b' > /dev/null; curl https://a.b/c; rm -rf /var/lib/x/*; PATH=/opt/v/bin:/usr/bin",
      "/r",
    ),
    "/bin/sh -c 'cp /r/app/a /r/opt/b' > /dev/null; curl https://a.b/c; rm -rf /r/var/lib/x/*; PATH=/r/opt/v/bin:/usr/bin",
  );
  assertEquals(substitute("${A}-$B-${C:-c}-\\$A-${A:+x}", new Map([["A", "1"], ["B", "2"]])), "1-2-c-$A-x");
});
