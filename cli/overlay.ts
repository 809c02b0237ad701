/**
 * A store for looking without leaving a trace: reads come from the real one, what is recorded stays in memory
 * and goes with the process. What `--check` runs on.
 */
import type { Incident, ServiceRecord } from "../state/records.ts";
import type { Store } from "../state/store.ts";

export function createOverlay(store: Store): Store {
  const services = new Map<string, ServiceRecord>();
  const incidents = new Map<string, Incident>();
  const refuse = () => Promise.reject(new Error("A check was about to have an effect"));
  return {
    getService: async (id) => services.get(id) ?? await store.getService(id),
    async listServices() {
      const others = (await store.listServices()).filter(({ serviceId }) => !services.has(serviceId));
      return [...others, ...services.values()];
    },
    async getActiveIncident(serviceId) {
      const own = [...incidents.values()].findLast((incident) => incident.serviceId === serviceId);
      if (own !== undefined) return own.status === "healed" ? null : own;
      return await store.getActiveIncident(serviceId);
    },
    getIncident: async (id) => incidents.get(id) ?? await store.getIncident(id),
    listIncidents: (query) => store.listIncidents(query),
    record(change) {
      if (change.service !== undefined) services.set(change.service.serviceId, change.service);
      if (change.incident !== undefined) incidents.set(change.incident.id, change.incident);
      return Promise.resolve();
    },
    askToResume: refuse,
    isResumeAsked: async (id) => !incidents.has(id) && await store.isResumeAsked(id),
    intend: refuse,
    finish: refuse,
    getJournalEntry: (key) => store.getJournalEntry(key),
    listPending: (serviceId) => store.listPending(serviceId),
    countEffects: (serviceId, sinceMs) => store.countEffects(serviceId, sinceMs),
    listJournal: (query) => store.listJournal(query),
    listEvents: (query) => store.listEvents(query),
    countOutcomes: (cause) => store.countOutcomes(cause),
    listOutcomes: (query) => store.listOutcomes(query),
    listPerformance: (query) => store.listPerformance(query),
    listUnknowns: (query) => store.listUnknowns(query),
    listImports: () => store.listImports(),
    addImport: refuse,
    forget: refuse,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
