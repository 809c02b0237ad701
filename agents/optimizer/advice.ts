/**
 * What the optimizer recommends after enough iterations: dependency set, topology, caching and build order, each
 * with the figures and facts that it rests on. Pure: the same history and facts give the same advice. Where nothing
 * was measured and the repository shows nothing, it says nothing.
 */
import type { Advice } from "../../state/advice.ts";
import type { BuildFacts } from "../../state/build_facts.ts";
import type { AdviceHistory } from "../messages.ts";
import {
  chooseTopology,
  MESH_FREE_MEMORY_MIN_MIB,
  RUNS_COMPARED_MIN,
  statisticsOf,
  topologies,
} from "../swarm/topology.ts";
import { buildOrderAdvice } from "./advice_build_order.ts";
import { cachingAdvice } from "./advice_caching.ts";
import { dependencyAdvice } from "./advice_dependencies.ts";

/** Attempts, of the service for what concerns its repository and of all services for the topology. */
export const ITERATIONS_MIN = 3;

/** @param facts of the service's repository; `null` when it was not read */
export function advise({ all, service }: AdviceHistory, facts: BuildFacts | null): Advice[] {
  const advice: Advice[] = [];
  if (service !== null && service.iterations >= ITERATIONS_MIN) {
    advice.push(...dependencyAdvice(service.sets, facts?.dependencies ?? null));
    if (facts !== null) {
      advice.push(...cachingAdvice(facts, service.builds), ...buildOrderAdvice(facts, service.builds));
    }
  }
  if (all.iterations >= ITERATIONS_MIN) advice.push(topologyAdvice(all));
  return advice;
}

function topologyAdvice({ runs, freeMemoryMiB, iterations }: AdviceHistory["all"]): Advice {
  const { topology, why } = chooseTopology(runs, freeMemoryMiB, null);
  const statistics = topologies.map((name) => ({ name, ...statisticsOf(runs, name) }));
  const figures = statistics.flatMap(({ name, runs: count, failureRate, medianMs }) => {
    return [
      { name, value: count, unit: "runs" },
      ...Number.isFinite(medianMs)
        ? [
          { name: `${name} median`, value: Math.round(medianMs), unit: "ms" },
          { name: `${name} failed`, value: Math.round(failureRate * 100), unit: "%" },
        ]
        : [],
    ];
  });
  const isCompared = freeMemoryMiB < MESH_FREE_MEMORY_MIN_MIB ||
    statistics.every(({ runs }) => runs >= RUNS_COMPARED_MIN);
  return {
    kind: "topology",
    recommendation: isCompared
      ? `Run the agents as ${topology}`
      : `Run the agents as ${topology} next, until ${RUNS_COMPARED_MIN} runs of each can be compared`,
    // The newest run shows what is in use; with --topology auto the next one follows this advice.
    isInPlace: runs[0]?.topology === topology,
    figures: [
      ...figures,
      { name: "free memory", value: Math.round(freeMemoryMiB), unit: "MiB" },
      { name: "all services", value: iterations, unit: "attempts" },
    ],
    because: [why],
  };
}
