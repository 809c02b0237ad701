/**
 * Measures what Evenkeel itself adds to a heal: everything from the first look at a failed deploy to the end of the
 * proof, less the platform's time (from the push to the deploy being live) and the quiet time. Real processes, git
 * and agents against drydock; prints medians, asserts nothing.
 *
 *     deno task bench [--runs N]
 */
import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import type { RunAgent } from "../agents/agent.ts";
import { assemble } from "../cli/assembly.ts";
import { createDemoRepository } from "../cli/demo/repository.ts";
import { createService } from "../cli/demo/yard.ts";
import { startDrydock } from "../drydock/mod.ts";
import type { Drydock } from "../drydock/mod.ts";
import { Controller } from "../reconciler/controller.ts";
import type { Parts } from "../reconciler/parts.ts";
import { DEFAULT_POLICY } from "../reconciler/policy.ts";
import { settle } from "../reconciler/settle.ts";
import { DEFAULT_AUTHOR, DEFAULT_SPEC } from "../reconciler/spec.ts";
import type { ServiceSpec } from "../reconciler/spec.ts";

const QUIET_MS = 4_000;
const RUNS_DEFAULT = 5;

const files = {
  "package.json":
    JSON.stringify({ name: "bench", type: "module", scripts: { start: "node server.js" } }, null, 2) + "\n",
  "server.js": `import { createServer } from "node:http";
createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end('{"status":"ok"}');
}).listen(process.env.PORT, "127.0.0.1");
`,
};

/** Milliseconds by what they were spent on. */
type Spans = Map<string, number>;

const { runs } = parseArgs(Deno.args, { string: ["runs"], default: { runs: String(RUNS_DEFAULT) } });
const folder = await Deno.makeTempDir({ prefix: "evenkeel-bench-" });
try {
  await using drydock = await startDrydock({ speed: 60 });
  const measured: Spans[] = [];
  for (let run = 1; run <= Number(runs); run++) {
    measured.push(await healOnce(drydock, `bench-${run}`));
    console.error(`heal ${run} of ${runs}: Evenkeel added ${seconds(measured.at(-1)?.get("added") ?? NaN)}`);
  }
  print(measured);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function healOnce(drydock: Drydock, name: string): Promise<Spans> {
  const repository = await createDemoRepository(folder, name);
  await repository.push(files, "First version");
  const id = await createService(drydock, { name, startCommand: "npm start" }, repository);
  const spec: ServiceSpec = {
    ...DEFAULT_SPEC,
    service: id,
    repo: null,
    branch: null,
    expect: null,
    database: { kind: "none" },
    stableForMs: QUIET_MS,
    policy: DEFAULT_POLICY,
    generation: 1,
  };
  await using assembly = await assemble({
    services: [spec],
    author: DEFAULT_AUTHOR,
    file: null,
    apiKey: drydock.apiKey,
    apiUrl: drydock.url,
    githubToken: null,
    webhook: null,
    dataDirectory: join(folder, `${name}-data`),
    sessionId: null,
  });
  const { api } = assembly.parts;
  while ((await api.listDeploys(id)).some((deploy) => deploy.status !== "update_failed")) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const spans: Spans = new Map();
  let publishedAt = NaN;
  const parts = timed(assembly.parts, spans, () => publishedAt = Date.now());
  await using controller = new Controller(parts);
  const startedAt = Date.now();
  const result = await settle(controller, parts, spec, {
    timeoutMs: 120_000,
    signal: new AbortController().signal,
  });
  const total = Date.now() - startedAt;
  if (result.verdict !== "ready") throw new Error(`The heal failed: ${result.message}`);
  const live = (await api.listDeploys(id)).find((deploy) => deploy.status === "live");
  const platform = Date.parse(live?.finishedAt ?? "") - publishedAt;
  const added = total - platform - QUIET_MS;
  const busy = [...spans.values()].reduce((sum, ms) => sum + ms, 0);
  spans.set("waiting between looks, and the rest", Math.max(0, added - busy));
  spans.set("added", added);
  spans.set("platform: build, deploy, start", platform);
  spans.set("quiet time", QUIET_MS);
  spans.set("total", total);
  return spans;
}

/** The parts with a stopwatch on each. Looks during the platform's time and the proof are not what is added. */
function timed(parts: Parts, spans: Spans, onPublished: () => void): Parts {
  let isPreparing = true;
  const time = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      if (isPreparing) spans.set(what, (spans.get(what) ?? 0) + performance.now() - startedAt);
    }
  };
  const runAgent: RunAgent = (agent, input, options) =>
    time(`agent ${agent.name}`, () => parts.runAgent(agent, input, options));
  const { repositories } = parts;
  return {
    ...parts,
    runAgent: (agent, input, options) =>
      // The deployer's time is the push's, which is measured below.
      agent.name === "deployer" ? parts.runAgent(agent, input, options) : runAgent(agent, input, options),
    repositories: {
      ...repositories,
      clone: (...args) => time("clone", () => repositories.clone(...args)),
      commit: (...args) => time("commit", () => repositories.commit(...args)),
      publish: async (...args) => {
        const result = await time("push", () => repositories.publish(...args));
        isPreparing = false;
        onPublished();
        return result;
      },
    },
  };
}

function print(measured: readonly Spans[]): void {
  const names = [...new Set(measured.flatMap((spans) => [...spans.keys()]))];
  console.log(`Median of ${measured.length} heals, quiet time shortened to ${seconds(QUIET_MS)}`);
  for (const name of names) {
    const values = measured.map((spans) => spans.get(name) ?? 0).toSorted((a, b) => a - b);
    const median = values[Math.floor(values.length / 2)] ?? NaN;
    const range = `${seconds(values[0] ?? NaN)} to ${seconds(values.at(-1) ?? NaN)}`;
    console.log(`${name.padEnd(38)} ${seconds(median).padStart(8)}   ${range}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
