/**
 * The memory of Evenkeel. One interface; SQLite implements it, PostgreSQL will. Writes of one call are one
 * transaction: a kill between two lines leaves the state before or after, never between.
 */
import type { Fenced, Leases } from "./lease.ts";
import type { Performance } from "./performance.ts";
import type { Import } from "./prior.ts";
import type { Incident, JournalEntry, Outcome, ServiceRecord, StateEvent } from "./records.ts";
import type { Unknown, UnknownSeen } from "./unknowns.ts";

/** What one pass of the loop records, all or nothing. */
export interface Change {
  service?: ServiceRecord;
  incident?: Incident;
  events?: readonly StateEvent[];
  outcome?: Outcome;
  /** Durations of a deploy by variant; the first record of a deploy and variant stays. */
  performance?: readonly Performance[];
  /** Failures whose cause was not known. That of a stalled incident is counted without being named here. */
  unknowns?: readonly UnknownSeen[];
}

/** What is to be forgotten. */
export type Forgettable =
  /** Outcomes and imported fixes of a cause, or of one of its remedies. */
  | { kind: "cause"; cause: string; remedy?: string }
  /** Outcomes of a remedy for one class of a cause's failures, by what it is about or its id; imports name no class. */
  | { kind: "class"; cause: string; remedy: string; about: string }
  /** What a service has taught: outcomes, durations and incidents that are closed. */
  | { kind: "service"; serviceId: string }
  /** Everything that was imported, so that the same files may be read in again. */
  | { kind: "imported" };

/** How many of each were forgotten. */
export interface Forgotten {
  outcomes: number;
  imported: number;
  performance: number;
  incidents: number;
}

/** Which outcomes are listed: the newest so many, or of each class of a cause's failures the newest so many. */
export type OutcomesQuery =
  | { cause?: string; limit?: number }
  | { cause: string; limitPerClass: number };

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
  /**
   * Keeps a person's wish that a stalled service goes on, in one step: who looks after the service fulfils it at the
   * next pass, and it is gone when the incident is recorded as anything but stalled.
   * @param at milliseconds since the epoch
   * @returns the incident; `null` when the service is not stalled or the wish is there already
   */
  askToResume(serviceId: string, at: number): Promise<Incident | null>;
  isResumeAsked(incidentId: string): Promise<boolean>;

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

  /** Verified outcomes by cause and remedy. */
  countOutcomes(cause?: string): Promise<RemedyCount[]>;
  /**
   * The result of each verified attempt, newest first.
   * @param query.cause with all outcomes of the incidents in which it came up @default limit 1000
   */
  listOutcomes(query?: OutcomesQuery): Promise<Outcome[]>;
  /** Durations of deploys, newest first. @default limit 1000 */
  listPerformance(query?: { limit?: number }): Promise<Performance[]>;
  /** What was imported, newest first. */
  listImports(): Promise<Import[]>;
  /** Keeps what a file said. @returns when that file was read in before, in milliseconds since the epoch, or `null` */
  addImport(entry: Import): Promise<number | null>;
  /** Deletes for good what was learned. */
  forget(what: Forgettable): Promise<Forgotten>;

  /** Failures whose cause is not known, the most seen first. @param query.limit 1 to 1000 @default 50 */
  listUnknowns(query?: { limit?: number }): Promise<Unknown[]>;
}

/** A store that several processes may have open, of which one acts. */
export interface SharedStore extends Store, Leases {
  /**
   * The same store as its leader writes to it: every write is refused with `Fenced` from the moment there is a newer
   * leader, checked in the transaction of the write. Disposing of it closes nothing.
   * @param onFenced told when a write was refused so
   */
  under(fencing: number, onFenced?: (error: Fenced) => void): Store;
  /** Why nothing can be written now; `null` when a write succeeds. What /readyz asks. */
  whyUnwritable(): Promise<Error | null>;
}
