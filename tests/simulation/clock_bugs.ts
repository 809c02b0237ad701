/** Planted bugs around clocks: each decides some duration by the clock of its machine, which is set now and then. */
import type { Attempt, Incident, ServiceRecord } from "../../state/records.ts";
import { instead } from "./planted.ts";
import type { PlantedBug } from "./planted.ts";
import type { Bug } from "./simulate.ts";

/** Changes the dates that are kept of an incident, each by a shift. */
type Dated = (incident: Incident, by: (at: number) => number) => Incident;

/** Keeps some dates by the machine's clock and reads them so: what has passed since is what that clock says. */
function byWallClock(dated: Dated): Pick<Bug, "parts"> {
  return {
    parts: (parts, sim) => {
      const wall = sim.wallOf(parts);
      const off = () => wall() - parts.clock.now();
      const store = instead(parts.store, (store) => ({
        record: (written) => {
          const { incident } = written;
          const shifted = incident === undefined ? {} : { incident: dated(incident, (at) => at + off()) };
          return store.record({ ...written, ...shifted });
        },
        getActiveIncident: async (serviceId) => {
          const incident = await store.getActiveIncident(serviceId);
          return incident === null ? null : dated(incident, (at) => at - off());
        },
      }));
      return { ...parts, store };
    },
  };
}

function ofAttempts(change: (attempt: Attempt, by: (at: number) => number) => Partial<Attempt>): Dated {
  return (incident, by) => ({
    ...incident,
    attempts: incident.attempts.map((attempt) => ({ ...attempt, ...change(attempt, by) })),
  });
}

const shifted = (at: number | null, by: (at: number) => number) => at === null ? null : by(at);

/** A record whose conditions are as old as can be: only the incident says since when. */
function timeless(record: ServiceRecord): ServiceRecord {
  const lastTransitionTime = new Date(0).toISOString();
  return { ...record, conditions: record.conditions.map((one) => ({ ...one, lastTransitionTime })) };
}

export const CLOCK_BUGS: Record<string, PlantedBug> = {
  "decides every duration by the wall clock": {
    seed: 6,
    breaks: ["patience", "effects", "ends"],
    parts: (parts, sim) => ({ ...parts, clock: { ...parts.clock, now: sim.wallOf(parts) } }),
  },
  "gives up a deploy by the wall clock": {
    seed: 129,
    breaks: ["patience"],
    ...byWallClock(ofAttempts(({ deployRequestedAt, publishedAt }, by) => ({
      deployRequestedAt: shifted(deployRequestedAt, by),
      publishedAt: deployRequestedAt === null ? publishedAt : shifted(publishedAt, by),
    }))),
  },
  "waits for autodeploy by the wall clock": {
    seed: 129,
    breaks: ["patience"],
    ...byWallClock(ofAttempts(({ publishedAt }, by) => ({ publishedAt: shifted(publishedAt, by) }))),
  },
  "waits for a database by the wall clock": {
    seed: 12,
    breaks: ["patience"],
    parts: (parts, sim) => {
      const dated = byWallClock((incident, by) => ({ ...incident, openedAt: by(incident.openedAt) }));
      const used = dated.parts?.(parts, sim) ?? parts;
      const store = instead(used.store, (store) => ({
        getService: (id) => store.getService(id).then((record) => record === null ? null : timeless(record)),
      }));
      return { ...used, store };
    },
  },
  "counts effects by the wall clock": {
    seed: 6,
    breaks: ["effects"],
    parts: (parts, sim) => {
      const wall = sim.wallOf(parts);
      const off = () => wall() - parts.clock.now();
      const store = instead(parts.store, (store) => ({
        intend: (entry) => store.intend({ ...entry, intendedAt: entry.intendedAt + off() }),
        countEffects: (id, sinceMs) => store.countEffects(id, sinceMs + off()),
      }));
      return { ...parts, store };
    },
  },
  "takes the clock of its machine for right when it starts": {
    seed: 114,
    breaks: ["effects", "patience", "ends"],
    isDeaf: true,
  },
  "goes by what it saw before its machine slept": {
    seed: 31,
    breaks: ["stale"],
    isSleepUnseen: true,
  },
  "does not know that its machine has slept": {
    seed: 832,
    breaks: ["healed", "autodeploy"],
    isDeaf: true,
    isSleepUnseen: true,
  },
};
