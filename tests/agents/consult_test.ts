import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RunAgent } from "../../agents/agent.ts";
import { analyzer } from "../../agents/analyzer/agent.ts";
import { causes } from "../../agents/analyzer/causes/all.ts";
import { findRemedy } from "../../agents/fixer/remedies/all.ts";
import { runInline } from "../../agents/inline.ts";
import type { AnalyzerInput, HistoryInput, OptimizerInput } from "../../agents/messages.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { consult } from "../../agents/swarm/consult.ts";
import { Swarm, SwarmFailure } from "../../agents/swarm/swarm.ts";
import { topologies } from "../../agents/swarm/topology.ts";
import type { Topology } from "../../agents/swarm/topology.ts";

function evidenceOf(log: string): AnalyzerInput {
  return { log, phase: null, settings: null, repository: null, platformReason: null };
}

function remediesOf({ cause, remedies }: HistoryInput): Promise<OptimizerInput> {
  const offered = remedies.flatMap((id) => findRemedy(id) ?? []);
  return Promise.resolve({
    cause,
    remedies: offered.map(({ id, kind, risk }) => ({ id, kind, risk, isAllowed: true })),
    history: [],
  });
}

async function decide(topology: Topology, log: string, runAgent: RunAgent) {
  await using service = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => Response.json({ ok: true }),
  );
  await using swarm = new Swarm({
    runAgent,
    toolbox: {},
    signal: new AbortController().signal,
    onReport: () => Promise.resolve(),
  });
  const { monitor, diagnosis, advice } = await consult(topology, swarm, {
    monitor: {
      url: `http://127.0.0.1:${service.addr.port}`,
      healthPath: "/healthz",
      expect: null,
      database: { kind: "none" },
      timeoutMs: 30_000,
      bodyBytesMax: 10_000,
      maySleep: false,
    },
    evidence: Promise.resolve(evidenceOf(log)),
    remedies: remediesOf,
  });
  return { health: monitor.health, diagnosis, advice };
}

Deno.test("mesh and hierarchical decide the same on every example of the catalogue", async () => {
  let compared = 0;
  for (const cause of causes) {
    for (const log of cause.examples) {
      const [mesh, hierarchical] = await Promise.all(
        topologies.map((topology) => decide(topology, log, runInline)),
      );
      assertEquals(mesh, hierarchical, `${cause.slug}: ${log}`);
      compared++;
    }
  }
  assert(compared >= causes.length);
});

Deno.test("as processes of their own the agents of a mesh read one another's answers and decide the same", async () => {
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-consult-" });
  try {
    const runAgent = createSubprocessRunner({ scratchRoot });
    const log =
      "Error: Cannot find module 'express'\nRequire stack:\n- /opt/render/project/src/index.js\n    code: 'MODULE_NOT_FOUND',";
    const [mesh, hierarchical] = await Promise.all(
      topologies.map((topology) => decide(topology, log, runAgent)),
    );
    assertEquals(mesh, hierarchical);
    assertEquals(mesh?.diagnosis.cause, "node-module-missing");
    assert((mesh?.advice.order.length ?? 0) > 0);
  } finally {
    await Deno.remove(scratchRoot, { recursive: true });
  }
});

Deno.test("an analyzer that dies ends the whole consultation, in either topology, and leaves nobody waiting", async () => {
  const dying: RunAgent = (agent, input, options) =>
    agent.name === analyzer.name
      ? Promise.resolve({ kind: "failed", why: "crash", message: "exit code 139", durationMs: 1 })
      : runInline(agent, input, options);
  for (const topology of topologies) {
    const failure = await assertRejects(() => decide(topology, "x", dying), SwarmFailure);
    assertEquals(failure.agent, "analyzer");
  }
});
