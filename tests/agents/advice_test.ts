import { assertEquals, assertStringIncludes } from "@std/assert";
import { advise, ITERATIONS_MIN } from "../../agents/optimizer/advice.ts";
import { buildFacts } from "../../agents/optimizer/facts.ts";
import type { AdviceHistory, RepositoryView, Settings } from "../../agents/messages.ts";
import type { Advice } from "../../state/advice.ts";
import type { BuildPhase, DependencySet } from "../../state/build_facts.ts";
import { service } from "../reconciler/world.ts";

type ServiceHistory = NonNullable<AdviceHistory["service"]>;
const run = (topology: "mesh" | "hierarchical", durationMs: number) => ({
  topology,
  durationMs,
  succeeded: true,
});
const ALL: AdviceHistory["all"] = { iterations: 0, runs: [], freeMemoryMiB: 4000 };

const view = (files: Record<string, string>): RepositoryView => ({ paths: Object.keys(files), files });
const DOCKER: Settings = {
  ...service().settings,
  runtime: "docker",
  buildCommand: "",
  dockerfilePath: "./Dockerfile",
};
const plain = (text: string) => text;
const factsOf = (files: Record<string, string>, settings = DOCKER, phases: BuildPhase[] = []) =>
  buildFacts(view(files), settings, phases, plain);

function history(change: Partial<ServiceHistory> = {}): AdviceHistory {
  return { all: ALL, service: { iterations: ITERATIONS_MIN, sets: [], builds: [], ...change } };
}
const texts = (advice: Advice[], kind: Advice["kind"]) =>
  advice.filter((one) => one.kind === kind).map(({ recommendation }) => recommendation);

const REQUIREMENTS = "flask==3.0.0\nNumPy >= 1.24  # heavy\n";
const LATE = `FROM python:3.11-slim
WORKDIR /app
COPY . .
RUN apt-get update && apt-get install -y libpq-dev
RUN pip install --no-cache-dir -r requirements.txt
CMD python app.py
`;

Deno.test("before three iterations nothing is advised, from the third on it is", () => {
  const facts = factsOf({ "Dockerfile": LATE, "requirements.txt": REQUIREMENTS });
  assertEquals(
    advise({ all: { ...ALL, iterations: 2 }, service: history({ iterations: 2 }).service }, facts),
    [],
  );
  const kinds = advise({ all: { ...ALL, iterations: 3 }, service: history().service }, facts).map((
    { kind },
  ) => kind);
  assertEquals([...new Set(kinds)], ["caching", "build-order", "topology"]);
});

Deno.test("an install behind the sources is to go before them, with the lines and seconds of this repository", () => {
  const install = "RUN pip install --no-cache-dir -r requirements.txt";
  const builds = [4, 6, 5].map((seconds) => [{ name: "COPY . .", seconds: 0.2 }, { name: install, seconds }]);
  const advice = advise(
    history({ builds }),
    factsOf({ "Dockerfile": LATE, "requirements.txt": REQUIREMENTS }),
  );
  assertEquals(texts(advice, "caching"), [
    "In Dockerfile, copy requirements.txt and run line 5 before line 3 copies the sources",
    "Pin every package of requirements.txt exactly, so that the same file is the same install",
    "In line 5 of Dockerfile, mount a cache: `RUN --mount=type=cache,target=/root/.cache/pip` and leave out what turns the cache of pip off",
  ]);
  const [order] = advice;
  assertEquals(order?.figures, [
    { name: "median of the step", value: 5, unit: "s" },
    { name: "measured", value: 3, unit: "builds" },
  ]);
  assertEquals(order?.because, [
    `Line 3 copies the sources before \`${install}\`: each change of a source runs it again`,
    "There is no .dockerignore, so that every file of the repository counts as a source",
  ]);
  assertEquals(texts(advice, "build-order"), [
    "Run line 5 of Dockerfile first and in a layer of its own, before line 3",
    "Move line 4 of Dockerfile before line 3",
  ]);
});

Deno.test("a build that is in order is told to stay so", () => {
  const dockerfile = `FROM node:20
WORKDIR /app
COPY package*.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
CMD node index.js
`;
  const files = {
    "Dockerfile": dockerfile,
    "package.json": `{"dependencies":{"express":"^4.0.0"}}`,
    "package-lock.json": "{}",
    ".dockerignore": "node_modules",
  };
  const builds = [[{ name: "RUN npm ci", seconds: 3 }]];
  const advice = advise(history({ builds }), factsOf(files));
  assertEquals(advice.map(({ kind, isInPlace, recommendation }) => [kind, isInPlace, recommendation]), [
    ["caching", true, "Keep how line 4 of Dockerfile installs"],
    ["build-order", true, "Keep line 4 of Dockerfile where it is"],
  ]);
});

Deno.test("an install that needs the sources is left where it is, and the reason is named", () => {
  const files = {
    "Dockerfile": "FROM node:20\nCOPY . .\nRUN npm install\nCMD node index.js\n",
    "package.json": `{"scripts":{"postinstall":"node build.js"},"dependencies":{}}`,
  };
  const builds = [[{ name: "RUN npm install", seconds: 3 }]];
  const advice = advise(history({ builds }), factsOf(files));
  assertEquals(texts(advice, "caching").filter((text) => text.includes("before")), []);
  const order = advice.find(({ kind }) => kind === "build-order");
  assertEquals([order?.isInPlace, order?.because.at(-1)], [
    true,
    "It needs them: package.json has a postinstall script, which runs with every install",
  ]);
});

Deno.test("a build command is advised on by its own words: lockfile, cache, and a wheel that takes most of it", () => {
  const node = { ...service().settings, buildCommand: "npm install && npm run build" };
  const files = { "package.json": `{"dependencies":{"express":"^4.0.0"}}`, "package-lock.json": "{}" };
  assertEquals(texts(advise(history(), factsOf(files, node)), "caching"), [
    "In the build command, install by the lockfile first: `npm ci`",
  ]);
  const followed = [[{ name: "Build command npm install && npm run build", seconds: 9 }]];
  assertEquals(texts(advise(history({ builds: followed }), factsOf(files, node)), "build-order"), [
    "Keep the install first in the build command; it is one step with what follows it",
  ]);
  const python = {
    ...service().settings,
    runtime: "python",
    buildCommand: "pip install --no-cache-dir -r requirements.txt",
  };
  const builds = [[
    { name: "Building wheel for slow-kit", seconds: 8 },
    { name: "Build command pip install --no-cache-dir -r requirements.txt", seconds: 10 },
  ]];
  const advice = advise(history({ builds }), factsOf({ "requirements.txt": "slow-kit==1.0\n" }, python));
  assertEquals(texts(advice, "caching"), ["In the build command, leave out what turns the cache of pip off"]);
  // Nothing follows the install, so that it is not told to stay first.
  assertEquals(texts(advice, "build-order"), [
    "Install slow-kit in a step of its own before the build command, so that it is kept apart from the rest",
  ]);
});

Deno.test("of the dependency sets the one that healed best is kept or gone back to, faster ones first among equals", () => {
  const set = (hash: string, listed: string[]): DependencySet => ({
    hash,
    manifests: ["requirements.txt"],
    packages: listed.length,
    loose: 0,
    listed,
  });
  const old = {
    ...set("aaaa", ["aiohttp==3.9.1", "flask==3.0.0"]),
    healed: 0,
    failed: 2,
    seconds: null,
    deploys: 0,
  };
  const slow = {
    ...set("bbbb", ["aiohttp==3.9.3", "flask==3.0.0"]),
    healed: 2,
    failed: 0,
    seconds: 9.5,
    deploys: 2,
  };
  const fast = {
    ...set("cccc", ["aiohttp==3.9.5", "flask==3.0.0"]),
    healed: 2,
    failed: 0,
    seconds: 6.5,
    deploys: 2,
  };
  const facts = factsOf({ "Dockerfile": LATE, "requirements.txt": "" });
  const about = (current: DependencySet) =>
    advise(history({ sets: [old, slow, fast] }), { ...facts, dependencies: current })[0];
  const back = about(old);
  assertEquals(
    back?.recommendation,
    "Go back to set cccc of requirements.txt (2 packages): -aiohttp==3.9.1 +aiohttp==3.9.5",
  );
  assertEquals(back?.isInPlace, false);
  assertEquals(back?.figures.slice(0, 3), [
    { name: "healed", value: 2, unit: "attempts" },
    { name: "failed", value: 0, unit: "attempts" },
    { name: "median to live", value: 6.5, unit: "s" },
  ]);
  const keep = about(fast);
  assertEquals([keep?.recommendation, keep?.isInPlace], [
    "Keep set cccc of requirements.txt (2 packages)",
    true,
  ]);
  assertStringIncludes(keep?.because.join("\n") ?? "", "Set aaaa healed 0 of 2 attempts");
});

Deno.test("the topology's advice is that of chooseTopology with its figures", () => {
  const runs = [1, 2, 3].flatMap((n) => [run("mesh", 100 * n), run("hierarchical", 300 * n)]);
  const [advice] = advise({ all: { iterations: 6, runs, freeMemoryMiB: 4000 }, service: null }, null);
  assertEquals([advice?.recommendation, advice?.isInPlace], ["Run the agents as mesh", true]);
  assertEquals(advice?.because, ["median 200 ms as mesh, 600 ms hierarchical"]);
  assertEquals(advice?.figures.map(({ name, value }) => [name, value]), [
    ["mesh", 3],
    ["mesh median", 200],
    ["mesh failed", 0],
    ["hierarchical", 3],
    ["hierarchical median", 600],
    ["hierarchical failed", 0],
    ["free memory", 4000],
    ["all services", 6],
  ]);
});

Deno.test("a set does not depend on the order, the comments or the spelling of its packages", () => {
  const of = (text: string) =>
    factsOf({ "Dockerfile": LATE, "requirements.txt": text, "more.txt": "left-pad==1.0\n" }).dependencies;
  const set = of("-r more.txt\nflask==3.0.0\nNumPy>=1.24 # heavy\n");
  assertEquals(set?.listed, ["flask==3.0.0", "left-pad==1.0", "numpy>=1.24"]);
  assertEquals([set?.packages, set?.loose], [3, 1]);
  assertEquals(of("numpy>=1.24\nflask==3.0.0\n-r more.txt\n")?.hash, set?.hash);
  assertEquals(of("numpy>=1.25\nflask==3.0.0\n-r more.txt\n")?.hash === set?.hash, false);
});

Deno.test("text of the repository is cleaned before it becomes a fact", () => {
  const files = {
    "Dockerfile": "FROM python\nRUN pip install -i http://u:secret@host -r requirements.txt\n",
  };
  const facts = buildFacts(view(files), DOCKER, [], (text) => text.replace("secret", "***"));
  assertEquals(JSON.stringify(facts).includes("secret"), false);
  assertEquals(facts.installs.length, 1);
});
