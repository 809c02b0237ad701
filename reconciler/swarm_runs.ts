/** What the events remember of earlier runs of the swarm: the measurements that the choice of topology rests on. */
import { z } from "zod";
import { topologies } from "../agents/swarm/topology.ts";
import type { SwarmMeasurement, Topology } from "../agents/swarm/topology.ts";
import type { StateEvent } from "../state/records.ts";

const swarmRanSchema = z.object({
  topology: z.enum(topologies),
  durationMs: z.number(),
  succeeded: z.boolean(),
});

/** @param events newest first */
export function measuredRuns(events: readonly StateEvent[]): SwarmMeasurement[] {
  return events.filter((event) => event.type === "SwarmRan").flatMap(({ data }) => {
    const parsed = swarmRanSchema.safeParse(data);
    return parsed.success ? [parsed.data] : [];
  });
}

/** The topology that an incident used last; `null` before its first. */
export function lastTopology(events: readonly StateEvent[], incidentId: string): Topology | null {
  return measuredRuns(events.filter((event) => event.incidentId === incidentId))[0]?.topology ?? null;
}
