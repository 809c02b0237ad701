/**
 * The store on SQLite. What is written was checked by its schema, and what is read is checked again, so a row
 * damaged by hand is named instead of believed. Every collection has a ceiling; the oldest rows go with the
 * write that exceeds it.
 */
import { z } from "zod";
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf, unreachable } from "../base/errors.ts";
import { Database } from "./database.ts";
import { Fenced } from "./lease.ts";
import type { Lease } from "./lease.ts";
import { performanceSchema } from "./performance.ts";
import type { Performance } from "./performance.ts";
import { importSchema } from "./prior.ts";
import type { Import } from "./prior.ts";
import {
  eventSchema,
  incidentSchema,
  journalEntrySchema,
  outcomeSchema,
  serviceRecordSchema,
} from "./records.ts";
import type { Incident, JournalEntry, Outcome, ServiceRecord, StateEvent } from "./records.ts";
import { clamp, decode, encode, filter } from "./rows.ts";
import { unknownOfIncident, UNKNOWNS_KEPT, unknownSchema } from "./unknowns.ts";
import type { Unknown, UnknownSeen } from "./unknowns.ts";
import { SqliteLeases } from "./sqlite_lease.ts";
import type {
  Change,
  Forgettable,
  Forgotten,
  OutcomesQuery,
  RemedyCount,
  SharedStore,
  Store,
} from "./store.ts";

/** Newest events kept of a service, and of what belongs to no service. */
export const EVENTS_KEPT_PER_SERVICE = 1000;
/** Newest closed incidents kept of a service, with their attempts. */
export const CLOSED_INCIDENTS_KEPT_PER_SERVICE = 200;
/**
 * Newest ended journal entries kept of a service. An incident of 15 attempts makes a few hundred at most, so
 * the entries of an active incident and of any budget's hour are always among them. Pending ones always stay.
 */
export const JOURNAL_KEPT_PER_SERVICE = 2000;
export const OUTCOMES_KEPT = 10_000;
export const PERFORMANCE_KEPT = 10_000;
export const IMPORTS_KEPT = 20;
/** Most recently seen services. */
export const SERVICES_KEPT = 10_000;

const PENDING_MAX = 1000;
const INCIDENTS_DEFAULT = 20;
const EVENTS_DEFAULT = 50;
const JOURNAL_DEFAULT = 50;
const OUTCOMES_DEFAULT = 1000;
const PERFORMANCE_DEFAULT = 1000;
/** An older record has no class: its fingerprint stands for it. One that is damaged is refused where it is read. */
const OUTCOMES_BY_CLASS = `WITH classed AS (
    SELECT id, incident_id, iif(json_valid(record),
      coalesce(json_extract(record, '$.failureClass.id'), json_extract(record, '$.fingerprint')), '') AS class
    FROM outcomes WHERE cause = ?),
  placed AS (
    SELECT incident_id, row_number() OVER (PARTITION BY class ORDER BY id DESC) AS place FROM classed)
  SELECT record FROM outcomes WHERE incident_id IN (SELECT incident_id FROM placed WHERE place <= ?)
  ORDER BY id DESC`;
const UNKNOWNS_DEFAULT = 50;

const remedyCountSchema = z.object({
  cause: z.string(),
  remedy: z.string(),
  healed: z.number(),
  noEffect: z.number(),
  worse: z.number(),
});

/**
 * Opens a store, or creates it with its folder.
 * @param path the database file
 * @param options.clock for the pauses while another process holds the file @default systemClock
 * @throws {EvenkeelError} when the file is damaged, another program's, or a newer Evenkeel's
 */
export async function openSqliteStore(path: string, options: { clock?: Clock } = {}): Promise<SharedStore> {
  const clock = options.clock ?? systemClock;
  return new SqliteStore(await Database.open(path, clock), clock);
}

/** In whose name a store is written to. */
interface Leader {
  fencing: number;
  onFenced: (error: Fenced) => void;
}

class SqliteStore implements SharedStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #leases: SqliteLeases;
  readonly #leader: Leader | null;

  /** @param leader `null` for who does not act: their writes are not fenced */
  constructor(database: Database, clock: Clock, leader: Leader | null = null) {
    this.#database = database;
    this.#clock = clock;
    this.#leases = new SqliteLeases(database);
    this.#leader = leader;
  }

  under(fencing: number, onFenced: (error: Fenced) => void = () => {}): Store {
    return new SqliteStore(this.#database, this.#clock, { fencing, onFenced });
  }

  getLease(): Promise<Lease> {
    return this.#leases.getLease();
  }

  takeLease(holder: string, seen: Lease, isLocked: boolean): Promise<number | null> {
    return this.#leases.takeLease(holder, seen, isLocked);
  }

  renewLease(fencing: number, isLocked: boolean): Promise<void> {
    return this.#leases.renewLease(fencing, isLocked);
  }

  releaseLease(fencing: number): Promise<void> {
    return this.#leases.releaseLease(fencing);
  }

  getService(serviceId: string): Promise<ServiceRecord | null> {
    return this.#one(serviceRecordSchema, "SELECT record FROM services WHERE service_id = ?", serviceId);
  }

  listServices(): Promise<ServiceRecord[]> {
    return this.#many(serviceRecordSchema, "SELECT record FROM services ORDER BY service_id");
  }

  getActiveIncident(serviceId: string): Promise<Incident | null> {
    const sql = "SELECT record FROM incidents WHERE service_id = ? AND status <> 'healed'";
    return this.#one(incidentSchema, sql, serviceId);
  }

  getIncident(incidentId: string): Promise<Incident | null> {
    return this.#one(incidentSchema, "SELECT record FROM incidents WHERE incident_id = ?", incidentId);
  }

  listIncidents(
    query: { serviceId?: string; sessionId?: string; limit?: number } = {},
  ): Promise<Incident[]> {
    const { where, values } = filter({ service_id: query.serviceId, session_id: query.sessionId });
    const sql = `SELECT record FROM incidents ${where} ORDER BY opened_at DESC, rowid DESC LIMIT ?`;
    return this.#many(incidentSchema, sql, ...values, clamp(query.limit, INCIDENTS_DEFAULT));
  }

  record(change: Change): Promise<void> {
    const { service, incident, events = [], outcome, performance = [], unknowns = [] } = change;
    return this.#write(() => {
      if (service !== undefined) this.#putService(service);
      if (incident !== undefined) this.#putIncident(incident);
      for (const event of events) this.#putEvent(event);
      if (outcome !== undefined) this.#putOutcome(outcome);
      for (const unknown of unknowns) this.#putUnknown(unknown);
      for (const row of performance) this.#putPerformance(row);
    });
  }

  askToResume(serviceId: string, at: number): Promise<Incident | null> {
    return this.#database.write(() => {
      const sql = "SELECT record FROM incidents WHERE service_id = ? AND status = 'stalled'";
      const row = this.#database.statement(sql).get(serviceId);
      if (row === undefined) return null;
      const incident = decode(incidentSchema, row["record"], this.#database.path);
      const wish = "INSERT INTO resumes (incident_id, asked_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
      return this.#run(wish, incident.id, Math.round(at)) === 0 ? null : incident;
    });
  }

  isResumeAsked(incidentId: string): Promise<boolean> {
    const sql = "SELECT 1 FROM resumes WHERE incident_id = ?";
    return this.#database.read(() => this.#database.statement(sql).get(incidentId) !== undefined);
  }

  intend(entry: Omit<JournalEntry, "state" | "result" | "finishedAt">): Promise<JournalEntry> {
    const intended: JournalEntry = { ...entry, state: "intended", result: null, finishedAt: null };
    const record = encode(journalEntrySchema, intended);
    return this.#write(() => {
      this.#run(
        `INSERT INTO journal (key, service_id, state, intended_at, record) VALUES (?, ?, 'intended', ?, ?)
         ON CONFLICT (key) DO NOTHING`,
        entry.key,
        entry.serviceId,
        Math.round(entry.intendedAt),
        record,
      );
      this.#keep("journal", entry.serviceId, JOURNAL_KEPT_PER_SERVICE, "AND state <> 'intended'");
      return this.#journalEntry(entry.key) ?? intended;
    });
  }

  finish(
    key: string,
    end: { state: "done" | "failed"; result: JournalEntry["result"]; at: number },
  ): Promise<void> {
    return this.#write(() => {
      const entry = this.#journalEntry(key);
      if (entry === null) throw new Error(`Cannot finish effect ${key}: it was never intended`);
      if (entry.state === end.state) return;
      if (entry.state !== "intended") throw new Error(`Cannot finish effect ${key}: it is ${entry.state}`);
      const ended = { ...entry, state: end.state, result: end.result, finishedAt: end.at };
      const sql = "UPDATE journal SET state = ?, record = ? WHERE key = ?";
      this.#run(sql, end.state, encode(journalEntrySchema, ended), key);
    });
  }

  getJournalEntry(key: string): Promise<JournalEntry | null> {
    return this.#database.read(() => this.#journalEntry(key));
  }

  listPending(serviceId: string): Promise<JournalEntry[]> {
    const sql = "SELECT record FROM journal WHERE service_id = ? AND state = 'intended' ORDER BY id LIMIT ?";
    return this.#many(journalEntrySchema, sql, serviceId, PENDING_MAX);
  }

  countEffects(serviceId: string, sinceMs: number): Promise<number> {
    const sql = "SELECT count(*) AS effects FROM journal WHERE service_id = ? AND intended_at >= ?";
    return this.#database.read(() =>
      Number(this.#database.statement(sql).get(serviceId, sinceMs)?.["effects"])
    );
  }

  listJournal(query: { serviceId?: string; limit?: number } = {}): Promise<JournalEntry[]> {
    const { where, values } = filter({ service_id: query.serviceId });
    const sql = `SELECT record FROM journal ${where} ORDER BY id DESC LIMIT ?`;
    return this.#many(journalEntrySchema, sql, ...values, clamp(query.limit, JOURNAL_DEFAULT));
  }

  listEvents(
    query: { serviceId?: string; incidentId?: string; limit?: number } = {},
  ): Promise<StateEvent[]> {
    const { where, values } = filter({ service_id: query.serviceId, incident_id: query.incidentId });
    const sql = `SELECT record FROM events ${where} ORDER BY id DESC LIMIT ?`;
    return this.#many(eventSchema, sql, ...values, clamp(query.limit, EVENTS_DEFAULT));
  }

  countOutcomes(cause?: string): Promise<RemedyCount[]> {
    const { where, values } = filter({ cause });
    const sql = `SELECT cause, remedy, sum(outcome = 'healed') AS healed,
      sum(outcome = 'no_effect') AS noEffect, sum(outcome = 'worse') AS worse
      FROM outcomes ${where} GROUP BY cause, remedy ORDER BY cause, remedy`;
    return this.#database.read(() =>
      this.#database.statement(sql).all(...values).map((row) => remedyCountSchema.parse(row))
    );
  }

  listOutcomes(query: OutcomesQuery = {}): Promise<Outcome[]> {
    if ("limitPerClass" in query) {
      return this.#many(outcomeSchema, OUTCOMES_BY_CLASS, query.cause, query.limitPerClass);
    }
    const { where, values } = filter({ cause: query.cause });
    const of = where === ""
      ? ""
      : `WHERE incident_id IN (SELECT incident_id FROM outcomes ${where} ORDER BY id DESC LIMIT ${OUTCOMES_DEFAULT})`;
    const sql = `SELECT record FROM outcomes ${of} ORDER BY id DESC LIMIT ?`;
    return this.#many(outcomeSchema, sql, ...values, clamp(query.limit, OUTCOMES_DEFAULT));
  }

  listPerformance(query: { limit?: number } = {}): Promise<Performance[]> {
    const sql = "SELECT record FROM performance ORDER BY id DESC LIMIT ?";
    return this.#many(performanceSchema, sql, clamp(query.limit, PERFORMANCE_DEFAULT));
  }

  listUnknowns(query: { limit?: number } = {}): Promise<Unknown[]> {
    const sql = `SELECT template, seen, first_seen_at AS firstSeenAt, last_seen_at AS lastSeenAt, example
      FROM unknowns ORDER BY seen DESC, last_seen_at DESC, template LIMIT ?`;
    const limit = clamp(query.limit, UNKNOWNS_DEFAULT);
    return this.#database.read(() =>
      this.#database.statement(sql).all(limit).map((row) => unknownSchema.parse(row))
    );
  }

  listImports(): Promise<Import[]> {
    return this.#many(importSchema, "SELECT record FROM imports ORDER BY id DESC");
  }

  addImport(entry: Import): Promise<number | null> {
    const record = encode(importSchema, entry);
    return this.#database.write(() => {
      const row = this.#database.statement("SELECT record FROM imports WHERE digest = ?").get(entry.digest);
      if (row !== undefined) return decode(importSchema, row["record"], this.#database.path).at;
      this.#run("INSERT INTO imports (digest, record) VALUES (?, ?)", entry.digest, record);
      this.#keepNewest("imports", IMPORTS_KEPT);
      return null;
    });
  }

  forget(what: Forgettable): Promise<Forgotten> {
    return this.#database.write(() => {
      const forgotten: Forgotten = { outcomes: 0, imported: 0, performance: 0, incidents: 0 };
      switch (what.kind) {
        case "cause": {
          const { where, values } = filter({ cause: what.cause, remedy: what.remedy });
          forgotten.outcomes = this.#run(`DELETE FROM outcomes ${where}`, ...values);
          forgotten.imported = this.#forgetFixes(what.cause, what.remedy);
          break;
        }
        case "class":
          forgotten.outcomes = this.#run(
            `DELETE FROM outcomes WHERE cause = ?1 AND remedy = ?2 AND ?3 IN
              (json_extract(record, '$.failureClass.about'), json_extract(record, '$.failureClass.id'))`,
            what.cause,
            what.remedy,
            what.about,
          );
          break;
        case "service":
          forgotten.outcomes = this.#run(
            "DELETE FROM outcomes WHERE json_extract(record, '$.serviceId') = ?",
            what.serviceId,
          );
          forgotten.performance = this.#run("DELETE FROM performance WHERE service_id = ?", what.serviceId);
          forgotten.incidents = this.#run(
            "DELETE FROM incidents WHERE service_id = ? AND status = 'healed'",
            what.serviceId,
          );
          break;
        case "imported":
          forgotten.imported = this.#run("DELETE FROM imports");
          break;
        default:
          unreachable(what);
      }
      return forgotten;
    });
  }

  async whyUnwritable(): Promise<Error | null> {
    try {
      const now = Math.round(this.#clock.now());
      await this.#database.write(() => this.#run("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", now));
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#leader === null) this.#database[Symbol.dispose]();
  }

  /** One transaction, in which a leader writes nothing once there is a newer one. */
  #write<T>(work: () => T): Promise<T> {
    const leader = this.#leader;
    if (leader === null) return this.#database.write(work);
    return this.#database.write(() => {
      this.#leases.check(leader.fencing);
      return work();
    }).catch((error) => {
      if (error instanceof Fenced) leader.onFenced(error);
      throw error;
    });
  }

  #putService(service: ServiceRecord): void {
    const { serviceId, updatedAt } = service;
    const values = [Math.round(updatedAt), encode(serviceRecordSchema, service), serviceId] as const;
    const update = "UPDATE services SET updated_at = ?, record = ? WHERE service_id = ?";
    if (this.#run(update, ...values) > 0) return;
    this.#run("INSERT INTO services (updated_at, record, service_id) VALUES (?, ?, ?)", ...values);
    const forgotten = this.#database.statement(
      `DELETE FROM services WHERE (SELECT count(*) FROM services) > ?1 AND service_id NOT IN
       (SELECT service_id FROM services ORDER BY updated_at DESC LIMIT ?1) RETURNING service_id`,
    ).all(SERVICES_KEPT);
    // What is kept for each service goes with it.
    for (const row of forgotten) {
      for (const table of ["events", "incidents", "journal"]) {
        this.#run(`DELETE FROM ${table} WHERE service_id = ?`, String(row["service_id"]));
      }
    }
  }

  #putIncident(incident: Incident): void {
    const unknown = unknownOfIncident(incident);
    if (unknown !== null && !this.#hasStalledAt(incident)) this.#putUnknown(unknown);
    this.#run(
      `INSERT INTO incidents (incident_id, service_id, session_id, status, opened_at, record)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (incident_id) DO UPDATE SET
       session_id = excluded.session_id, status = excluded.status, record = excluded.record`,
      incident.id,
      incident.serviceId,
      incident.sessionId,
      incident.status,
      Math.round(incident.openedAt),
      encode(incidentSchema, incident),
    );
    if (incident.status !== "stalled") this.#run("DELETE FROM resumes WHERE incident_id = ?", incident.id);
    if (incident.status !== "healed") return;
    this.#run(
      `DELETE FROM incidents WHERE service_id = ?1 AND status = 'healed' AND rowid NOT IN (SELECT rowid
       FROM incidents WHERE service_id = ?1 AND status = 'healed' ORDER BY opened_at DESC, rowid DESC LIMIT ?2)`,
      incident.serviceId,
      CLOSED_INCIDENTS_KEPT_PER_SERVICE,
    );
  }

  /** Whether this stop was recorded before: an incident is recorded again on every pass. */
  #hasStalledAt({ id, stalled }: Incident): boolean {
    const sql = "SELECT json_extract(record, '$.stalled.at') AS at FROM incidents WHERE incident_id = ?";
    const row = this.#database.statement(sql).get(id);
    return row !== undefined && row["at"] === stalled?.at;
  }

  #putUnknown({ template, example, at }: UnknownSeen): void {
    this.#run(
      `INSERT INTO unknowns (template, seen, first_seen_at, last_seen_at, example) VALUES (?1, 1, ?2, ?2, ?3)
       ON CONFLICT (template) DO UPDATE SET seen = seen + 1, example = excluded.example,
       last_seen_at = max(last_seen_at, excluded.last_seen_at)`,
      template,
      Math.round(at),
      example,
    );
    this.#run(
      `DELETE FROM unknowns WHERE (SELECT count(*) FROM unknowns) > ?1 AND template NOT IN
       (SELECT template FROM unknowns ORDER BY last_seen_at DESC, template LIMIT ?1)`,
      UNKNOWNS_KEPT,
    );
  }

  #putEvent(event: StateEvent): void {
    const sql = "INSERT INTO events (service_id, incident_id, record) VALUES (?, ?, ?)";
    this.#run(sql, event.serviceId, event.incidentId, encode(eventSchema, event));
    this.#keep("events", event.serviceId, EVENTS_KEPT_PER_SERVICE);
  }

  /** Recorded once for an attempt: the same pass repeated after a crash must not count twice. */
  #putOutcome(outcome: Outcome): void {
    this.#run(
      `INSERT INTO outcomes (incident_id, attempt, cause, remedy, outcome, record) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (incident_id, attempt) DO UPDATE SET cause = excluded.cause, remedy = excluded.remedy,
       outcome = excluded.outcome, record = excluded.record`,
      outcome.incidentId,
      outcome.attempt,
      outcome.cause,
      outcome.remedy,
      outcome.outcome,
      encode(outcomeSchema, outcome),
    );
    this.#keepNewest("outcomes", OUTCOMES_KEPT);
  }

  #putPerformance(row: Performance): void {
    this.#run(
      `INSERT INTO performance (service_id, deploy_id, variant, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (deploy_id, variant) DO NOTHING`,
      row.serviceId,
      row.deployId,
      row.variant,
      encode(performanceSchema, row),
    );
    this.#keepNewest("performance", PERFORMANCE_KEPT);
  }

  /** Takes a cause, or one of its remedies, out of every import. The digests stay: a file is read in once. */
  #forgetFixes(cause: string, remedy: string | undefined): number {
    let forgotten = 0;
    for (const row of this.#database.statement("SELECT record FROM imports").all()) {
      const entry = decode(importSchema, row["record"], this.#database.path);
      const fixes = entry.fixes.filter((fix) =>
        fix.cause !== cause || (remedy !== undefined && fix.remedy !== remedy)
      );
      if (fixes.length === entry.fixes.length) continue;
      forgotten += entry.fixes.length - fixes.length;
      const sql = "UPDATE imports SET record = ? WHERE digest = ?";
      this.#run(sql, encode(importSchema, { ...entry, fixes }), entry.digest);
    }
    return forgotten;
  }

  #keepNewest(table: "outcomes" | "performance" | "imports", kept: number): void {
    const sql =
      `DELETE FROM ${table} WHERE id <= (SELECT id FROM ${table} ORDER BY id DESC LIMIT 1 OFFSET ?)`;
    this.#run(sql, kept);
  }

  /** Removes what is older than the newest `kept` rows of a service. */
  #keep(table: "events" | "journal", serviceId: string | null, kept: number, which = ""): void {
    this.#run(
      `DELETE FROM ${table} WHERE service_id IS ?1 ${which} AND id <= (SELECT id FROM ${table}
       WHERE service_id IS ?1 ${which} ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
      serviceId,
      kept,
    );
  }

  #journalEntry(key: string): JournalEntry | null {
    const row = this.#database.statement("SELECT record FROM journal WHERE key = ?").get(key);
    return row === undefined ? null : decode(journalEntrySchema, row["record"], this.#database.path);
  }

  /** @returns how many rows it changed */
  #run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#database.statement(sql).run(...values).changes);
  }

  #one<T>(schema: z.ZodType<T>, sql: string, ...values: (string | number)[]): Promise<T | null> {
    return this.#database.read(() => {
      const row = this.#database.statement(sql).get(...values);
      return row === undefined ? null : decode(schema, row["record"], this.#database.path);
    });
  }

  #many<T>(schema: z.ZodType<T>, sql: string, ...values: (string | number)[]): Promise<T[]> {
    return this.#database.read(() =>
      this.#database.statement(sql).all(...values).map((row) =>
        decode(schema, row["record"], this.#database.path)
      )
    );
  }
}
