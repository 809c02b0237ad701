import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { startGroup } from "../../process/group.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { makeBaseImage, whyNoBuildah } from "./base_image.ts";
import { app, Harbour, until } from "./harbour.ts";

const why = await whyNoBuildah();
const ignore = why !== undefined;
const skipped = ignore ? ` (skipped: ${why})` : "";
const details = (more: Record<string, string> = {}) => ({ runtime: "docker", envSpecificDetails: more });

const dockerfile = `FROM node:20-slim AS build
ARG FLAVOUR
WORKDIR /src
COPY server.js ./
RUN mkdir /out && cp server.js /out/ && echo "made $FLAVOUR" > /out/made.txt

FROM node:20-slim
ENV WORD=from-image
WORKDIR /app
COPY --from=build /out ./
RUN cat /app/made.txt
ENTRYPOINT ["node"]
CMD ["server.js"]
`;

Deno.test({
  name: `Dockerfile services by buildah${skipped}`,
  ignore,
  async fn(t) {
    // Making it takes longer than building with it: it is made once for all.
    await using base = await makeBaseImage();

    await t.step(
      "buildah builds and runs a two-stage Dockerfile; nothing is left when drydock stops",
      async () => {
        const goodbye = 'process.on("SIGTERM", () => console.log("goodbye"));';
        await using repository = await createBareRepository({
          "Dockerfile": dockerfile,
          "server.js": app("one", goodbye),
        });
        const directory = await Deno.makeTempDir({ prefix: "drydock-engine-" });
        try {
          await using harbour = await Harbour.open({
            directory,
            containerEngine: "buildah",
            imageStore: base.imageStore,
          });
          const berth = await harbour.create(repository, {
            details: { ...details(), preDeployCommand: "cat /app/made.txt && none" },
            envVars: [{ key: "FLAVOUR", value: "sweet" }, { key: "SPACED", value: "two words\nand lines" }],
          });
          await berth.reaches(berth.firstDeployId, "pre_deploy_failed");
          await harbour.call("PATCH", `/services/${berth.id}`, {
            serviceDetails: { preDeployCommand: "cat /app/made.txt" },
          });
          await berth.deploy();
          const [second] = await berth.deploys();
          await berth.reaches(second!.id, "live");
          const { version, word, cwd, pid } = await berth.answer();
          assertEquals([version, word, cwd], ["one", "from-image", "/app"]);
          assert(await isRunning(pid));

          await repository.commit({ "server.js": app("two") }, "Second version");
          await until(async () => (await berth.answer()).version === "two" ? true : undefined);
          await until(async () => await isRunning(pid) ? undefined : true);
          await until(async () => (await berth.log()).includes("goodbye") ? true : undefined);
          const log = await berth.log();
          assert(
            log.some((line) =>
              /^==> Drydock: the Dockerfile is built by buildah \d.*it was asked for$/.test(line)
            ),
          );
          for (
            const line of ["made sweet", "==> Running 'node server.js'", "==> Pre-deploy complete!"]
          ) {
            assert(log.includes(line), `${line}\n${log.join("\n")}`);
          }
          assert(log.some((line) => line.includes("Using cache")), log.join("\n"));
          assert(!log.some((line) => line.startsWith("subprocess exited")), log.join("\n"));
          await harbour.drydock.stop();
          await isGone(directory);
        } finally {
          await Deno.remove(directory, { recursive: true });
        }
      },
    );

    await t.step(
      "a failing RUN and a base image that cannot be had fail the build with the engine's words",
      async () => {
        await using repository = await createBareRepository({
          "run/Dockerfile": "FROM node:20-slim\nRUN echo trying; exit 5\nCMD true\n",
          "base/Dockerfile": "FROM registry.invalid/nothing:1\nCMD true\n",
          "empty/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
          "none/readme.md": "\n",
        });
        await using harbour = await Harbour.open({ containerEngine: "buildah", imageStore: base.imageStore });
        const expected = {
          run: [
            "trying",
            'process "/bin/sh -c echo trying; exit 5" did not complete successfully: exit code: 5',
          ],
          base: ["registry.invalid/nothing:1", "Error: "],
          empty: ["no command to start"],
          none: ["failed to read dockerfile: open Dockerfile: no such file or directory"],
        };
        for (const [rootDir, words] of Object.entries(expected)) {
          const berth = await harbour.create(repository, { name: rootDir, rootDir, details: details() });
          await berth.reaches(berth.firstDeployId, "build_failed");
          const log = (await berth.log()).join("\n");
          for (const word of [...words, "==> Build failed 😞"]) assertStringIncludes(log, word);
          assert(!log.includes("no container engine is used"));
        }
      },
    );

    await t.step(
      "only a build by buildah that succeeds leaves its layers to the next one",
      async () => {
        await using repository = await createBareRepository({
          "Dockerfile":
            'FROM node:20-slim\nCOPY server.js /\nRUN echo made > /made\nARG GO\nRUN test -n "$GO"\nCMD ["node", "/server.js"]\n',
          "server.js": app("one"),
        });
        await using harbour = await Harbour.open({ containerEngine: "buildah", imageStore: base.imageStore });
        const berth = await harbour.create(repository, { details: details() });
        await berth.reaches(berth.firstDeployId, "build_failed");
        await harbour.call("PUT", `/services/${berth.id}/env-vars/GO`, { value: "yes" });
        await berth.deployUntil("live");
        assert(!(await berth.log()).some((line) => line.includes("Using cache")));
        await berth.deployUntil("live");
        assert((await berth.log()).some((line) => line.includes("Using cache")));
      },
    );

    await t.step(
      "drydock stops in the middle of a build by buildah and leaves no process, mount or folder",
      async () => {
        await using repository = await createBareRepository({
          "Dockerfile": "FROM node:20-slim\nRUN echo under way; exec sleep 300\nCMD true\n",
        });
        const directory = await Deno.makeTempDir({ prefix: "drydock-engine-" });
        try {
          await using harbour = await Harbour.open({
            directory,
            containerEngine: "buildah",
            imageStore: base.imageStore,
          });
          const berth = await harbour.create(repository, { details: details() });
          await until(async () => (await berth.log()).includes("under way") ? true : undefined);
          await harbour.drydock.stop();
          await isGone(directory);
        } finally {
          await Deno.remove(directory, { recursive: true });
        }
      },
    );

    await t.step(
      "kill -9 of drydock takes with it what buildah runs, its mounts and its images",
      async () => {
        await using repository = await createBareRepository({
          "Dockerfile": 'FROM node:20-slim\nCOPY server.js /\nRUN echo built\nCMD ["node", "/server.js"]\n',
          "server.js": 'console.log("up " + process.env.WORD); setInterval(() => {}, 1000);\n',
        });
        const directory = await Deno.makeTempDir({ prefix: "drydock-engine-" });
        try {
          await using group = startDrydockProcess(directory, base.imageStore, repository.url);
          const errors = group.stderr.pipeTo(new WritableStream());
          let output = "";
          for await (const text of group.stdout.pipeThrough(new TextDecoderStream())) {
            output += text;
            if (output.includes("up in-container")) Deno.kill(group.pid, "SIGKILL");
          }
          await group.end();
          await errors;
          assertStringIncludes(output, "up in-container");
          await until(async () => await isGone(directory).then(() => true, () => undefined));
        } finally {
          await Deno.remove(directory, { recursive: true });
        }
      },
    );
  },
});

/** A drydock in a process of its own, with one Dockerfile service whose log it prints. */
function startDrydockProcess(directory: string, imageStore: string, repo: string) {
  const script = `import { Harbour } from "${new URL("./harbour.ts", import.meta.url)}";
    const [directory, imageStore, url] = Deno.args;
    const harbour = await Harbour.open({ directory, imageStore, containerEngine: "buildah" });
    const berth = await harbour.create({ url }, {
      details: { runtime: "docker", envSpecificDetails: {} },
      envVars: [{ key: "WORD", value: "in-container" }],
    });
    for (;;) {
      console.log((await berth.log()).join("\\n"));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }`;
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  return startGroup({
    command: [Deno.execPath(), "eval", "--config", config, "--ext=ts", script, directory, imageStore, repo],
    cwd: "/",
    env: { ...toolEnvironment(), HOME: Deno.env.get("HOME") ?? "/", ...denoDirectory() },
  });
}

function denoDirectory(): Record<string, string> {
  const directory = Deno.env.get("DENO_DIR");
  return directory === undefined ? {} : { DENO_DIR: directory };
}

/** @param pid a process that is not our child */
async function isRunning(pid: number): Promise<boolean> {
  return await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
}

/** Nothing is mounted below the folder, no process names it and only the mirrors are in it. */
async function isGone(directory: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  assertEquals(names, ["mirrors"]);
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    const mounts = await Deno.readTextFile(`/proc/${name}/mounts`).catch(() => "");
    assert(!command.includes(directory) && !mounts.includes(directory), command);
  }
}
