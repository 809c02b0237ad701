import { z } from "zod";

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export const jsonSchema: z.ZodType<Json> = z.json();

/** Levels of nesting that are looked into; what lies deeper is left out. */
const DEPTH_MAX = 64;

/** The value with every string in it, keys included, put through a function. */
export function mapStrings(value: Json, change: (text: string) => string, depth = 0): Json {
  if (depth > DEPTH_MAX) return "[...]";
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change, depth + 1));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change, depth + 1)]),
  );
}
