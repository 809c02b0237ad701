import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import type { Agent, RunAgent } from "../../agents/agent.ts";
import { runInline } from "../../agents/inline.ts";
import type { AgentName } from "../../agents/messages.ts";
import { Swarm, SwarmFailure } from "../../agents/swarm/swarm.ts";
import type { AgentReport } from "../../agents/swarm/swarm.ts";
import { chooseTopology, MESH_FREE_MEMORY_MIN_MIB } from "../../agents/swarm/topology.ts";
import type { SwarmMeasurement, Topology } from "../../agents/swarm/topology.ts";

/** A small agent that answers with what `answer` gives. */
function agentOf(
  name: AgentName,
  answer: Agent<unknown, unknown>["answer"],
  tools = ["peer"],
): Agent<unknown, unknown> {
  return {
    name,
    input: z.unknown(),
    output: z.unknown(),
    tools,
    limits: { deadlineMs: 30_000, memoryMiB: 64, outputBytesMax: 1024 },
    permissions: () => ({}),
    answer,
  };
}

function swarmOf(runAgent: RunAgent = runInline) {
  const reports: AgentReport[] = [];
  const swarm = new Swarm({
    runAgent,
    toolbox: {},
    signal: new AbortController().signal,
    onReport: (report) => Promise.resolve(void reports.push(report)),
  });
  return { swarm, reports };
}

Deno.test("an agent that asks for a peer's answer waits until it is there, and gets it whole", async () => {
  const { swarm, reports } = swarmOf();
  await using _ = swarm;
  const release = Promise.withResolvers<void>();
  const optimizer = swarm.run(agentOf("optimizer", (_, ask) => ask("peer", { agent: "analyzer" })), null);
  const analyzer = swarm.run(
    agentOf("analyzer", async () => {
      await release.promise;
      return { cause: "x", deep: [1, 2, 3] };
    }),
    null,
  );
  release.resolve();
  assertEquals(await Promise.all([analyzer, optimizer]), [{ cause: "x", deep: [1, 2, 3] }, {
    cause: "x",
    deep: [1, 2, 3],
  }]);
  assertEquals(reports.map((report) => report.agent).toSorted(), ["analyzer", "optimizer"]);
});

Deno.test("when an agent fails, peers that wait for it fail with its reason and the others are stopped", async () => {
  const { swarm } = swarmOf();
  await using _ = swarm;
  const monitor = swarm.run(agentOf("monitor", () => new Promise(() => {})), null);
  const optimizer = swarm.run(agentOf("optimizer", (_, ask) => ask("peer", { agent: "analyzer" })), null);
  const analyzer = swarm.run(
    agentOf("analyzer", () => {
      throw new Error("boom");
    }),
    null,
  );
  const results = await Promise.allSettled([monitor, optimizer, analyzer]);
  assertEquals(results.map((result) => result.status), ["rejected", "rejected", "rejected"]);
  const failure = await assertRejects(() => analyzer, SwarmFailure);
  assertEquals([failure.agent, failure.why], ["analyzer", "crash"]);
  assertStringIncludes(failure.message, "boom");
});

Deno.test("disposing of a swarm ends whatever still runs before it returns", async () => {
  let isRunning = false;
  const { swarm } = swarmOf((agent, input, options) =>
    runInline(agent, input, options).finally(() => isRunning = false)
  );
  const endless = swarm.run(
    agentOf("monitor", () => {
      isRunning = true;
      return new Promise(() => {});
    }),
    null,
  );
  endless.catch(() => {});
  await swarm[Symbol.asyncDispose]();
  assertEquals(isRunning, false);
  await assertRejects(() => endless);
});

const runs = (topology: Topology, durationMs: number, count = 5, succeeded = true): SwarmMeasurement[] =>
  Array.from({ length: count }, () => ({ topology, durationMs, succeeded }));

Deno.test("chooseTopology() takes one agent after another where memory is short", () => {
  const choice = chooseTopology(
    [...runs("mesh", 1), ...runs("hierarchical", 900)],
    MESH_FREE_MEMORY_MIN_MIB - 1,
    "mesh",
  );
  assertEquals(choice.topology, "hierarchical");
});

Deno.test("chooseTopology() tries both before it compares, then takes the faster and says the figures", () => {
  assertEquals(chooseTopology([], 4_000, null).topology, "mesh");
  assertEquals(chooseTopology(runs("mesh", 500), 4_000, null).topology, "hierarchical");
  const choice = chooseTopology([...runs("mesh", 500), ...runs("hierarchical", 800)], 4_000, null);
  assertEquals(choice.topology, "mesh");
  assertStringIncludes(choice.why, "500 ms");
  assertStringIncludes(choice.why, "800 ms");
});

Deno.test("chooseTopology() switches while an incident is open only for a real gain, and away from one that fails", () => {
  const close = [...runs("mesh", 500), ...runs("hierarchical", 480)];
  assertEquals(chooseTopology(close, 4_000, "mesh").topology, "mesh");
  const clear = [...runs("mesh", 900), ...runs("hierarchical", 480)];
  assertEquals(chooseTopology(clear, 4_000, "mesh").topology, "hierarchical");
  const failing = [...runs("mesh", 100, 3), ...runs("mesh", 100, 3, false), ...runs("hierarchical", 800)];
  const choice = chooseTopology(failing, 4_000, "mesh");
  assertEquals(choice.topology, "hierarchical");
  assertStringIncludes(choice.why, "50 %");
});

Deno.test("chooseTopology() looks at the newest runs only", () => {
  const newest = [...runs("mesh", 100, 20), ...runs("hierarchical", 300, 20)];
  const old = [...runs("mesh", 9_000, 50), ...runs("hierarchical", 10, 50)];
  assert(chooseTopology([...newest, ...old], 4_000, null).topology === "mesh");
});
