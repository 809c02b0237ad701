/** The lease of the SQLite store: one row, changed by comparison, so that of two who reach for it one gets it. */
import { z } from "zod";
import { EvenkeelError } from "../base/errors.ts";
import type { Database } from "./database.ts";
import { Fenced } from "./lease.ts";
import type { Lease, Leases } from "./lease.ts";

const leaseSchema = z.object({
  fencing: z.number(),
  holder: z.string().nullable(),
  beats: z.number(),
  is_locked: z.number(),
});

export class SqliteLeases implements Leases {
  constructor(private readonly database: Database) {}

  getLease(): Promise<Lease> {
    return this.database.read(() => this.#read());
  }

  takeLease(holder: string, seen: Lease, isLocked: boolean): Promise<number | null> {
    const sql = `UPDATE lease SET fencing = fencing + 1, beats = beats + 1, holder = ?, is_locked = ?
      WHERE fencing = ? AND beats = ? AND holder IS ?`;
    return this.database.write(() => {
      if (!this.database.isInPlace()) throw replaced(this.database.path);
      const { changes } = this.database.statement(sql)
        .run(holder, Number(isLocked), seen.fencing, seen.beats, seen.holder);
      return Number(changes) === 0 ? null : seen.fencing + 1;
    });
  }

  renewLease(fencing: number, isLocked: boolean): Promise<void> {
    const sql = "UPDATE lease SET beats = beats + 1, is_locked = ? WHERE fencing = ? AND holder IS NOT NULL";
    return this.database.write(() => {
      const { changes } = this.database.statement(sql).run(Number(isLocked), fencing);
      if (Number(changes) === 0 || !this.database.isInPlace()) throw this.#fenced(fencing);
    });
  }

  releaseLease(fencing: number): Promise<void> {
    const sql = "UPDATE lease SET holder = NULL, is_locked = 0 WHERE fencing = ?";
    return this.database.write(() => {
      this.database.statement(sql).run(fencing);
    });
  }

  /** For the transaction of a leader's write. @throws {Fenced} when there is a newer leader */
  check(fencing: number): void {
    const sql = "SELECT fencing FROM lease";
    const isNewest = this.database.statement(sql).get()?.["fencing"] === fencing;
    if (!isNewest || !this.database.isInPlace()) throw this.#fenced(fencing);
  }

  #fenced(fencing: number): Fenced {
    const lease = this.#read();
    return new Fenced(fencing, this.database.isInPlace() ? lease : { ...lease, holder: "a restored store" });
  }

  #read(): Lease {
    const sql = "SELECT fencing, holder, beats, is_locked FROM lease";
    const { is_locked, ...lease } = leaseSchema.parse(this.database.statement(sql).get());
    return { ...lease, isLocked: is_locked !== 0 };
  }
}

function replaced(path: string): EvenkeelError {
  return new EvenkeelError(
    `Cannot lead on ${path}: another file has come into its place since it was opened`,
    {
      hint: "Start again",
    },
  );
}
