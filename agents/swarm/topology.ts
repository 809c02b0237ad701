/**
 * How the agents of a swarm work together, and which way suits this machine and these incidents. Pure: the choice
 * follows from measured runs and free memory, and says the figures that it rests on.
 */
export const topologies = ["mesh", "hierarchical"] as const;
/** `mesh`: monitor, analyzer and optimizer at once; `hierarchical`: one after another, least memory. */
export type Topology = typeof topologies[number];

export interface SwarmMeasurement {
  topology: Topology;
  durationMs: number;
  /** Whether the swarm came to an answer, whatever the answer was. */
  succeeded: boolean;
}

export interface TopologyChoice {
  topology: Topology;
  why: string;
}

/** Three agents of about 60 MiB and their heaps, with room for the rest; below this they run one by one. */
export const MESH_FREE_MEMORY_MIN_MIB = 512;
/** Runs of each topology before durations are compared. */
export const RUNS_COMPARED_MIN = 3;
/** The newest runs that count. */
export const RUNS_COMPARED_MAX = 20;
/** A topology must be this much faster to be switched to, so that noise does not make it swing. */
export const SWITCH_GAIN_MIN = 0.1;
/** And must not fail this much more often. */
const FAILURE_RATE_TOLERATED = 0.1;

export interface Statistics {
  runs: number;
  failureRate: number;
  /** Of the runs that succeeded; Infinity without one. */
  medianMs: number;
}

/**
 * @param measurements runs of the swarm, newest first
 * @param freeMemoryMiB memory that is free now, in MiB
 * @param current what the open incident uses so far; `null` at its first attempt
 */
export function chooseTopology(
  measurements: readonly SwarmMeasurement[],
  freeMemoryMiB: number,
  current: Topology | null,
): TopologyChoice {
  if (freeMemoryMiB < MESH_FREE_MEMORY_MIN_MIB) {
    return {
      topology: "hierarchical",
      why: `${Math.round(freeMemoryMiB)} MiB of memory are free, mesh wants ${MESH_FREE_MEMORY_MIN_MIB}`,
    };
  }
  const mesh = statisticsOf(measurements, "mesh");
  const hierarchical = statisticsOf(measurements, "hierarchical");
  const used = current ??
    (mesh.runs >= RUNS_COMPARED_MIN && hierarchical.runs < RUNS_COMPARED_MIN ? "hierarchical" : "mesh");
  if (mesh.runs < RUNS_COMPARED_MIN || hierarchical.runs < RUNS_COMPARED_MIN) {
    return {
      topology: used,
      why: `${mesh.runs} runs of mesh and ${hierarchical.runs} of hierarchical are too few to compare`,
    };
  }
  const reliability = mesh.failureRate - hierarchical.failureRate;
  if (Math.abs(reliability) > FAILURE_RATE_TOLERATED) {
    const topology = reliability > 0 ? "hierarchical" : "mesh";
    return {
      topology,
      why: `it fails less often: mesh ${percent(mesh.failureRate)}, hierarchical ${
        percent(hierarchical.failureRate)
      }`,
    };
  }
  const figures = `median ${Math.round(mesh.medianMs)} ms as mesh, ${
    Math.round(hierarchical.medianMs)
  } ms hierarchical`;
  const faster = mesh.medianMs <= hierarchical.medianMs ? "mesh" : "hierarchical";
  const gain = 1 -
    Math.min(mesh.medianMs, hierarchical.medianMs) / Math.max(mesh.medianMs, hierarchical.medianMs);
  if (current !== null && faster !== current && gain < SWITCH_GAIN_MIN) {
    return { topology: current, why: `${figures}: too little to switch` };
  }
  return { topology: faster, why: figures };
}

/** @param measurements runs of the swarm, newest first */
export function statisticsOf(measurements: readonly SwarmMeasurement[], topology: Topology): Statistics {
  const runs = measurements.filter((one) => one.topology === topology).slice(0, RUNS_COMPARED_MAX);
  const durations = runs.filter((one) => one.succeeded).map((one) => one.durationMs).toSorted((a, b) =>
    a - b
  );
  return {
    runs: runs.length,
    failureRate: runs.length === 0 ? 0 : (runs.length - durations.length) / runs.length,
    medianMs: durations[Math.floor(durations.length / 2)] ?? Infinity,
  };
}

function percent(rate: number): string {
  return `${Math.round(rate * 100)} %`;
}
