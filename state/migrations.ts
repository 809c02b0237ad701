/**
 * The schema of the SQLite store, as numbered steps forward. A step that was released is never changed; a new
 * one is added after it. Each runs in a transaction of its own together with the version number, so that a
 * kill leaves one version or the next.
 */
import type { DatabaseSync } from "node:sqlite";

/** `EVKL` in the header of the file: tells our store from another program's database. */
export const APPLICATION_ID = 0x45564b4c;

/**
 * Step n leads from version n to version n + 1. Columns are what is queried; `record` is the whole as JSON,
 * parsed by its schema when it is read.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE services (
    service_id TEXT PRIMARY KEY,
    updated_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;

  CREATE TABLE incidents (
    incident_id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    status TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX one_active_incident ON incidents (service_id) WHERE status <> 'healed';
  CREATE INDEX incidents_by_service ON incidents (service_id, opened_at);
  CREATE INDEX incidents_by_session ON incidents (session_id, opened_at);
  CREATE INDEX incidents_by_time ON incidents (opened_at);

  CREATE TABLE attempts (
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    service_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    repair_hash TEXT NOT NULL,
    PRIMARY KEY (incident_id, number)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attempts_by_fingerprint ON attempts (service_id, fingerprint);

  CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    service_id TEXT NOT NULL,
    state TEXT NOT NULL,
    intended_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX journal_by_service ON journal (service_id, id);
  CREATE INDEX journal_by_time ON journal (service_id, intended_at);
  CREATE INDEX journal_pending ON journal (service_id, id) WHERE state = 'intended';

  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id TEXT,
    incident_id TEXT,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_service ON events (service_id, id);
  CREATE INDEX events_by_incident ON events (incident_id, id);

  CREATE TABLE outcomes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    cause TEXT NOT NULL,
    remedy TEXT NOT NULL,
    outcome TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (incident_id, attempt)
  ) STRICT;

  CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT;
  `,
  `
  CREATE INDEX outcomes_by_cause ON outcomes (cause, id);

  CREATE TABLE performance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id TEXT NOT NULL,
    deploy_id TEXT NOT NULL,
    variant TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (deploy_id, variant)
  ) STRICT;
  CREATE INDEX performance_by_variant ON performance (variant, id);

  CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Failures whose cause is not known, by the pattern of the line that tells most.
  CREATE TABLE unknowns (
    template TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    example TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX unknowns_by_time ON unknowns (last_seen_at);
  `,
  `
  -- Who leads. The fencing number of the newest leader never falls.
  CREATE TABLE lease (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fencing INTEGER NOT NULL,
    holder TEXT,
    beats INTEGER NOT NULL,
    is_locked INTEGER NOT NULL
  ) STRICT;
  INSERT INTO lease (id, fencing, holder, beats, is_locked) VALUES (1, 0, NULL, 0, 0);

  -- Stalled incidents that a person wants to go on: the leader alone changes an incident.
  CREATE TABLE resumes (
    incident_id TEXT PRIMARY KEY REFERENCES incidents (incident_id) ON DELETE CASCADE,
    asked_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Nothing reads it any more: an incident's record holds its attempts.
  DROP TABLE attempts;
  `,
];

/** The version of a database; 0 before the first step. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}

/**
 * Takes a database to the newest version, one transaction a step.
 * @param migrations @default MIGRATIONS
 */
export function migrate(database: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  while (schemaVersion(database) < migrations.length) {
    database.exec("BEGIN IMMEDIATE");
    try {
      // Read again under the lock: another process may have taken the step meanwhile.
      const version = schemaVersion(database);
      const step = migrations[version];
      if (step !== undefined) {
        database.exec(step);
        database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}`);
      }
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}
