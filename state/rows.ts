/** How a record becomes the JSON column of a row, and comes back checked. */
import { createHash } from "node:crypto";
import type { z } from "zod";
import { DamagedStore } from "./damaged.ts";

/** The most rows that any list gives. */
export const LIMIT_MAX = 1000;

/** Hexadecimal digits of a record's sum. */
const SUM_DIGITS = 16;
/** The sum is the record's last field; records written before there were sums have none. */
const SUM = /,"#":"([0-9a-f]{16})"\}$/;

/**
 * Checked before it is written: a record that could not be read back would stop its service for good. With it goes
 * the sum of its text: SQLite notices a torn page, not a byte that is another one.
 */
export function encode<T>(schema: z.ZodType<T>, value: T): string {
  const text = JSON.stringify(schema.parse(value));
  return `${text.slice(0, -1)},"#":"${sumOf(text)}"}`;
}

/**
 * @param path the database file, for the message
 * @throws {DamagedStore} that names the field when the record is not as it was written or does not fit its schema
 */
export function decode<T>(schema: z.ZodType<T>, record: unknown, path: string): T {
  let why: string;
  try {
    const parsed = schema.safeParse(JSON.parse(summed(String(record))));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    why = `${issue?.path.join(".")}: ${issue?.message}`;
  } catch {
    why = "a record is not as it was written";
  }
  throw new DamagedStore("read", path, why);
}

/** Whether a record is as it was written, or from before there were sums. */
export function isIntact(record: string): boolean {
  try {
    JSON.parse(summed(record));
    return true;
  } catch {
    return false;
  }
}

/** The text without its sum. @throws when it is another text than was written */
function summed(record: string): string {
  const sum = SUM.exec(record);
  if (sum === null && record.includes('"#":')) throw new Error("the sum is damaged");
  if (sum === null) return record;
  const text = `${record.slice(0, sum.index)}}`;
  if (sumOf(text) !== sum[1]) throw new Error("the sum is another");
  return text;
}

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, SUM_DIGITS);
}

/** The `WHERE` clause for the columns that have a value. */
export function filter(columns: Record<string, string | undefined>): { where: string; values: string[] } {
  const given = Object.entries(columns).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }]
  );
  const where = given.map(({ name }) => `${name} = ?`).join(" AND ");
  return { where: where === "" ? "" : `WHERE ${where}`, values: given.map(({ value }) => value) };
}

export function clamp(limit: number | undefined, otherwise: number): number {
  return Math.min(Math.max(Math.trunc(limit ?? otherwise), 1), LIMIT_MAX);
}
