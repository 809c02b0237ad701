/**
 * Both topologies on the same incident: monitor, analyzer and optimizer as processes of their own, in turn, with the
 * median, the range and the ratio pair by pair, and how many agents ran at once.
 *
 *     deno task bench:topology [--runs N]
 */
import { parseArgs } from "@std/cli";
import { findRemedy } from "../agents/fixer/remedies/all.ts";
import { createSubprocessRunner } from "../agents/runner.ts";
import { consult } from "../agents/swarm/consult.ts";
import { Swarm } from "../agents/swarm/swarm.ts";
import { topologies } from "../agents/swarm/topology.ts";
import type { Topology } from "../agents/swarm/topology.ts";

const RUNS_DEFAULT = 10;
/** The log's end; before it comes what npm prints in a build. */
const FAILURE = `==> Running 'npm start'
node:internal/modules/cjs/loader:1215
  throw err;
  ^
Error: Cannot find module 'express'
Require stack:
- /opt/render/project/src/index.js
==> Exited with status 1`;

const { runs } = parseArgs(Deno.args, { string: ["runs"], default: { runs: String(RUNS_DEFAULT) } });
const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-bench-" });
const runAgent = createSubprocessRunner({ scratchRoot });
const log = [
  ...Array.from({ length: 3_000 }, (_, i) => `npm http fetch GET 200 package-${i} ${i % 90}ms`),
  FAILURE,
].join("\n");

async function once(
  topology: Topology,
  url: string,
): Promise<{ ms: number; agentsAtOnce: number; cause: string }> {
  const startedAt = performance.now();
  let running = 0;
  let most = 0;
  await using swarm = new Swarm({
    runAgent: async (...args) => {
      most = Math.max(most, ++running);
      try {
        return await runAgent(...args);
      } finally {
        running--;
      }
    },
    toolbox: {},
    signal: new AbortController().signal,
    onReport: () => Promise.resolve(),
  });
  const { diagnosis } = await consult(topology, swarm, {
    monitor: {
      url,
      healthPath: "/healthz",
      expect: null,
      database: { kind: "none" },
      timeoutMs: 5_000,
      bodyBytesMax: 10_000,
      maySleep: false,
    },
    evidence: Promise.resolve({
      log,
      phase: "start",
      settings: null,
      repository: null,
      platformReason: null,
    }),
    remedies: ({ cause, remedies }) =>
      Promise.resolve({
        cause,
        remedies: remedies.flatMap((id) => findRemedy(id) ?? []).map(({ id, kind, risk }) => ({
          id,
          kind,
          risk,
          isAllowed: true,
        })),
        history: [],
      }),
  });
  return { ms: performance.now() - startedAt, agentsAtOnce: most, cause: diagnosis.cause };
}

try {
  await using service = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => Response.json({ ok: true }),
  );
  const url = `http://127.0.0.1:${service.addr.port}`;
  await once("hierarchical", url);
  const measured: Record<Topology, { ms: number; agentsAtOnce: number }[]> = { mesh: [], hierarchical: [] };
  const ratios: number[] = [];
  let cause = "";
  for (let run = 0; run < Number(runs); run++) {
    for (const topology of topologies) {
      const result = await once(topology, url);
      measured[topology].push(result);
      cause = result.cause;
    }
    ratios.push((measured.mesh.at(-1)?.ms ?? NaN) / (measured.hierarchical.at(-1)?.ms ?? NaN));
  }
  console.log(
    `The same incident (${cause}, a log of ${log.split("\n").length} lines), ${runs} runs of each, in turn`,
  );
  for (const topology of topologies) {
    const times = measured[topology].map(({ ms }) => ms).toSorted((a, b) => a - b);
    const atOnce = Math.max(...measured[topology].map(({ agentsAtOnce }) => agentsAtOnce));
    console.log(
      `${topology.padEnd(14)} median ${ms(median(times))}   ${ms(times[0])} to ${
        ms(times.at(-1))
      }   at most ${atOnce} agents at once`,
    );
  }
  console.log(
    `mesh / hierarchical, pair by pair: median ${median(ratios.toSorted((a, b) => a - b)).toFixed(2)}`,
  );
} finally {
  await Deno.remove(scratchRoot, { recursive: true });
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function ms(value: number | undefined): string {
  return `${Math.round(value ?? NaN)} ms`.padStart(7);
}
