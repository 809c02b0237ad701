import { assert, assertEquals } from "@std/assert";
import { createBareRepository } from "../helpers/repository.ts";
import { app, Harbour, nodeRepository } from "./harbour.ts";
import { withPatience } from "../helpers/patience.ts";

const KEEP = 'echo "kept: $(cat ~/.cache/x)"; mkdir -p ~/.cache && echo yes >> ~/.cache/x';

Deno.test("only a build that succeeds leaves something for the next one; clearCache forgets it", async () => {
  // One build is to be too slow, and the others are not.
  const failure = await withPatience(
    1_000,
    (buildMs) => buildsUnder(buildMs).then(() => null, (error: unknown) => error),
    (error) => error === null,
  );
  if (failure !== null) throw failure;
});

async function buildsUnder(buildMs: number): Promise<void> {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open({ limits: { buildMs } });
  const berth = await harbour.create(repository, { commands: { buildCommand: KEEP } });
  await berth.isLive();
  const build = async (command: string, status: string, body: unknown = {}) => {
    await harbour.call("PATCH", `/services/${berth.id}`, {
      serviceDetails: { envSpecificDetails: { buildCommand: command } },
    });
    const before = (await berth.log("&type=build")).length;
    await berth.deployUntil(status, body);
    const log = (await berth.log("&type=build")).slice(before);
    return [log.includes("==> Downloading cache..."), log.find((line) => line.startsWith("kept:"))];
  };
  assertEquals(await build(`${KEEP}; false`, "build_failed"), [true, "kept: yes"]);
  assertEquals(await build(`${KEEP}; sleep 60`, "build_failed"), [true, "kept: yes"]);
  assertEquals(await build(KEEP, "live"), [true, "kept: yes"]);
  assertEquals(await build(`echo "kept: $(wc -w < ~/.cache/x)"`, "live"), [true, "kept: 2"]);
  assertEquals(await build(KEEP, "live", { clearCache: "clear" }), [false, "kept: "]);
}

/** Each stage waits for a file that the other one writes, in a folder that is none of the image. */
const MEETING = (shared: string) =>
  `FROM node:20 AS base
FROM base AS one
RUN touch ${shared}/one; while [ ! -e ${shared}/two ]; do sleep 0.1; done; echo met > /met.txt
FROM base
RUN touch ${shared}/two; while [ ! -e ${shared}/one ]; do sleep 0.1; done
COPY --from=one /met.txt /app/
COPY server.js /app/
RUN cat /app/met.txt
CMD ["node", "/app/server.js"]
`;

Deno.test("stages of a Dockerfile that do not need one another are followed at the same time", async () => {
  await using repository = await createBareRepository({
    "Dockerfile": MEETING("$HOME"),
    "server.js": app("met"),
  });
  await using harbour = await Harbour.open({ containerEngine: "none", limits: { buildMs: 120_000 } });
  const berth = await harbour.create(repository, { details: { runtime: "docker" } });
  await berth.isLive();
  assertEquals((await berth.answer()).version, "met");
  assert((await berth.log()).includes("met"));
});

Deno.test("the time of a build is over for a Dockerfile as for a build command, whichever stage takes it", async () => {
  await using repository = await createBareRepository({
    "Dockerfile": "FROM node:20 AS one\nRUN sleep 1\nRUN sleep 60\nFROM node:20\nRUN sleep 60\nCMD true\n",
  });
  await using harbour = await Harbour.open({ containerEngine: "none", limits: { buildMs: 2_000 } });
  const berth = await harbour.create(repository, { details: { runtime: "docker" } });
  await berth.reaches(berth.firstDeployId, "build_failed");
  const log = await berth.log();
  assertEquals(log.filter((line) => line === "==> Timed Out").length, 1, log.join("\n"));
  const [ended] = await berth.events("build_ended");
  assertEquals(ended?.details["reason"], { failure: { evicted: false, timedOutSeconds: 2 } });
});
