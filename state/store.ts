/**
 * The memory of Evenkeel. One interface; SQLite implements it, PostgreSQL will. Writes of one call are one
 * transaction: a kill between two lines leaves the state before or after, never between.
 */
import type { Incident, JournalEntry, Outcome, ServiceRecord, StateEvent } from "./records.ts";

/** What one pass of the loop records, all or nothing. */
export interface Change {
  service?: ServiceRecord;
  incident?: Incident;
  events?: readonly StateEvent[];
  outcome?: Outcome;
}

export interface RemedyCount {
  cause: string;
  remedy: string;
  healed: number;
  noEffect: number;
  worse: number;
}

export interface Store extends AsyncDisposable {
  getService(serviceId: string): Promise<ServiceRecord | null>;
  listServices(): Promise<ServiceRecord[]>;
  /** The incident of a service that is open or stalled; `null` when it has none. */
  getActiveIncident(serviceId: string): Promise<Incident | null>;
  getIncident(incidentId: string): Promise<Incident | null>;
  /** Newest first. @param query.limit 1 to 1000 @default 20 */
  listIncidents(query?: { serviceId?: string; sessionId?: string; limit?: number }): Promise<Incident[]>;
  /** Records one pass of the loop, all or nothing. */
  record(change: Change): Promise<void>;

  /** Writes the intent of an effect. A second intent for the same key returns the first entry unchanged. */
  intend(entry: Omit<JournalEntry, "state" | "result" | "finishedAt">): Promise<JournalEntry>;
  /** Records how an intended effect ended. */
  finish(
    key: string,
    end: { state: "done" | "failed"; result: JournalEntry["result"]; at: number },
  ): Promise<void>;
  getJournalEntry(key: string): Promise<JournalEntry | null>;
  /** Effects that were intended and whose end is not known: what a crash left. Oldest first. */
  listPending(serviceId: string): Promise<JournalEntry[]>;
  /** How many effects were intended for a service since a time: what budgets count. */
  countEffects(serviceId: string, sinceMs: number): Promise<number>;
  listJournal(query?: { serviceId?: string; limit?: number }): Promise<JournalEntry[]>;

  /** Newest first. @param query.limit 1 to 1000 @default 50 */
  listEvents(query?: { serviceId?: string; incidentId?: string; limit?: number }): Promise<StateEvent[]>;

  /** Repair hashes tried for a fingerprint of a service, in any incident. */
  triedRepairs(serviceId: string, fingerprint: string): Promise<string[]>;
  /** Verified outcomes by cause and remedy. */
  countOutcomes(cause?: string): Promise<RemedyCount[]>;
  /** The result of each verified attempt, newest first. @default limit 1000 */
  listOutcomes(query?: { limit?: number }): Promise<Outcome[]>;

  /** True when a write succeeds: what /readyz asks. */
  isWritable(): Promise<boolean>;
}
