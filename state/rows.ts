/** How a record becomes the JSON column of a row, and comes back checked. */
import type { z } from "zod";
import { EvenkeelError } from "../base/errors.ts";

/** The most rows that any list gives. */
export const LIMIT_MAX = 1000;

/** Checked before it is written: a record that could not be read back would stop its service for good. */
export function encode<T>(schema: z.ZodType<T>, value: T): string {
  return JSON.stringify(schema.parse(value));
}

/**
 * @param path the database file, for the message
 * @throws {EvenkeelError} that names the field when the record does not fit its schema
 */
export function decode<T>(schema: z.ZodType<T>, record: unknown, path: string): T {
  let why: string;
  try {
    const parsed = schema.safeParse(JSON.parse(String(record)));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    why = `${issue?.path.join(".")}: ${issue?.message}`;
  } catch {
    why = "a record is no JSON";
  }
  throw new EvenkeelError(`Cannot read ${path}: ${why}`, {
    hint: `Put back a copy of it, or start without memory: mv ${path} ${path}.damaged`,
  });
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
