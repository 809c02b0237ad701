/**
 * Gathers what the optimizer's advice rests on out of the store. The same history goes to the agent during an
 * attempt and to whoever asks afterwards, so that both say the same of the same past.
 */
import { advise, ITERATIONS_MIN } from "../agents/optimizer/advice.ts";
import { listed } from "../agents/optimizer/advice_dependencies.ts";
import type { AdviceHistory } from "../agents/messages.ts";
import { RUNS_COMPARED_MAX, topologies } from "../agents/swarm/topology.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { Advice, AdviceReport } from "../state/advice.ts";
import type { BuildFacts, DependencySet } from "../state/build_facts.ts";
import { exposedBy } from "../state/iterations.ts";
import { DEPLOYS_COUNTED } from "../state/performance.ts";
import type { Performance } from "../state/performance.ts";
import type { Attempt, Incident, Outcome, StateEvent } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { measuredRuns } from "./swarm_runs.ts";

type Memory = Pick<
  Store,
  "listIncidents" | "listEvents" | "listOutcomes" | "listPerformance" | "listServices"
>;
type ServiceHistory = NonNullable<AdviceHistory["service"]>;

interface Learned {
  /** By incident and attempt. */
  outcomes: ReadonlyMap<string, Outcome["outcome"]>;
  /** By service and variant, newest first. */
  seconds: ReadonlyMap<string, readonly Performance[]>;
}

/** Newest incidents that advice is made from, of all services and of one. */
const INCIDENTS_READ = 100;
const EVENTS_READ = 1000;
const ROWS_READ = 1000;
/** Services that are reported on. */
const SERVICES_REPORTED = 200;
/** Dependency sets of a service that are compared, newest first. */
const SETS_COMPARED = 20;
/** Builds whose steps count, newest first. */
const BUILDS_COUNTED = 20;

/** The variant under which the deploys of a dependency set are remembered. */
export function dependencyVariant({ hash }: DependencySet): string {
  return `deps:${hash}`;
}

/** What a dependency set is, in a few words. */
export function dependencyDetail(set: DependencySet): string {
  return `${set.packages} packages of ${set.manifests.join(", ")}: ${listed(set)}`;
}

/** @param serviceId of the service that advice is asked about @param freeMemoryMiB memory that is free now, in MiB */
export async function adviceHistory(
  store: Memory,
  serviceId: string,
  freeMemoryMiB: number,
): Promise<AdviceHistory> {
  return {
    all: await overallHistory(store, freeMemoryMiB),
    service: serviceHistory(
      serviceId,
      await store.listIncidents({ serviceId, limit: INCIDENTS_READ }),
      await readLearned(store),
    ),
  };
}

/**
 * Advice about every service that is known, or those named, and about the topology.
 * @param query.services ids or names @default all
 * @param query.now milliseconds since the epoch
 */
export async function adviceReport(
  store: Memory,
  query: { services?: readonly string[]; freeMemoryMiB: number; now: number },
): Promise<AdviceReport> {
  const all = await overallHistory(store, query.freeMemoryMiB);
  const learned = await readLearned(store);
  const wanted = query.services ?? [];
  const records = (await store.listServices()).filter(({ serviceId, name }) =>
    wanted.length === 0 || wanted.includes(serviceId) || wanted.includes(name)
  );
  const services: AdviceReport["services"] = [];
  for (const { serviceId, name } of records.slice(0, SERVICES_REPORTED)) {
    const incidents = await store.listIncidents({ serviceId, limit: INCIDENTS_READ });
    const service = serviceHistory(serviceId, incidents, learned);
    const facts = newestFacts(incidents);
    services.push({
      id: serviceId,
      name: clean(name),
      iterations: service.iterations,
      advice: advise({ all: { ...all, iterations: 0 }, service }, facts).map(cleaned),
    });
  }
  return {
    schemaVersion: 1,
    at: new Date(query.now).toISOString(),
    iterationsMin: ITERATIONS_MIN,
    iterations: all.iterations,
    advice: advise({ all, service: null }, null).map(cleaned),
    services,
  };
}

/** Advice about a service's repository that no event of it has suggested yet. */
export function newSuggestions(
  advice: readonly Advice[],
  events: readonly Pick<StateEvent, "type" | "message">[],
): Advice[] {
  const told = new Set(events.filter(({ type }) => type === ADVICE_SUGGESTED).map(({ message }) => message));
  return advice.filter(({ kind, isInPlace, recommendation }) =>
    kind !== "topology" && !isInPlace && !told.has(recommendation)
  );
}

/** The type of the event by which advice is told where the policy allows. */
export const ADVICE_SUGGESTED = "AdviceSuggested";

async function overallHistory(store: Memory, freeMemoryMiB: number): Promise<AdviceHistory["all"]> {
  const incidents = await store.listIncidents({ limit: INCIDENTS_READ });
  const runs = measuredRuns(await store.listEvents({ limit: EVENTS_READ }));
  const counts = new Map(topologies.map((topology) => [topology, 0]));
  return {
    iterations: incidents.reduce((sum, { attempts }) => sum + attempts.length, 0),
    runs: runs.filter(({ topology }) => {
      const count = (counts.get(topology) ?? 0) + 1;
      counts.set(topology, count);
      return count <= RUNS_COMPARED_MAX;
    }),
    freeMemoryMiB,
  };
}

/** What was verified and measured, of all services. */
async function readLearned(store: Memory): Promise<Learned> {
  const outcomes = await store.listOutcomes({ limit: ROWS_READ });
  const performance = await store.listPerformance({ limit: ROWS_READ });
  return {
    outcomes: new Map(outcomes.map((one) => [`${one.incidentId}/${one.attempt}`, one.outcome])),
    seconds: Map.groupBy(performance, ({ serviceId, variant }) => `${serviceId} ${variant}`),
  };
}

function serviceHistory(
  serviceId: string,
  incidents: readonly Incident[],
  learned: Learned,
): ServiceHistory {
  const tries = triesOf(incidents);
  const sets = new Map<string, ServiceHistory["sets"][number]>();
  for (const { incident, attempt } of tries) {
    const set = attempt.build?.dependencies ?? null;
    const outcome = learned.outcomes.get(`${incident.id}/${attempt.number}`);
    if (set === null || outcome === undefined) continue;
    const rows = learned.seconds.get(`${serviceId} ${dependencyVariant(set)}`) ?? [];
    const seconds = rows.slice(0, DEPLOYS_COUNTED).map((row) => row.seconds);
    const before = sets.get(set.hash) ??
      { ...set, healed: 0, failed: 0, seconds: median(seconds), deploys: seconds.length };
    // What cured its cause and exposed another has not been live and good with this set.
    const healed = outcome === "healed" && exposedBy(attempt) === null ? 1 : 0;
    sets.set(set.hash, { ...before, healed: before.healed + healed, failed: before.failed + 1 - healed });
  }
  return {
    iterations: tries.length,
    sets: [...sets.values()].slice(0, SETS_COMPARED),
    builds: tries.flatMap(({ attempt }) => attempt.build === null ? [] : [attempt.build.phases])
      .filter((phases) => phases.length > 0).slice(0, BUILDS_COUNTED),
  };
}

/** Newest first. */
function triesOf(incidents: readonly Incident[]): { incident: Incident; attempt: Attempt }[] {
  return incidents.flatMap((incident) => incident.attempts.map((attempt) => ({ incident, attempt })))
    .toSorted((a, b) => b.attempt.startedAt - a.attempt.startedAt || b.attempt.number - a.attempt.number);
}

function newestFacts(incidents: readonly Incident[]): BuildFacts | null {
  return triesOf(incidents).find(({ attempt }) => attempt.build !== null)?.attempt.build ?? null;
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

const redact = createRedactor([]);
const clean = (text: string) => redact(sanitizeLine(text));

function cleaned(advice: Advice): Advice {
  return {
    ...advice,
    recommendation: clean(advice.recommendation),
    because: advice.because.map(clean),
    figures: advice.figures.map((figure) => ({ ...figure, name: clean(figure.name) })),
  };
}
