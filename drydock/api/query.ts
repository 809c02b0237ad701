/** Query parameters and pages as Render has them: arrays by comma or by repeat, opaque cursors, 20 of 100. */
import type { Context } from "hono";
import { parseMs } from "../time.ts";
import { ApiError } from "./errors.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

/** All values of an array parameter; empty when absent. */
export function values(context: Context, name: string): string[] {
  return (context.req.queries(name) ?? []).flatMap((value) => value.split(",")).filter((value) =>
    value !== ""
  );
}

/** @throws {ApiError} when it is no time */
export function timeMs(context: Context, name: string): number | undefined {
  const text = context.req.query(name);
  if (text === undefined) return undefined;
  const ms = parseMs(text);
  if (ms === undefined) throw new ApiError(400, `invalid ${name}: ${text.slice(0, 40)} is not a time`);
  return ms;
}

/** @param max the most a page may hold @default LIMIT_MAX */
export function limitOf(context: Context, max = LIMIT_MAX): number {
  const text = context.req.query("limit");
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > max) {
    throw new ApiError(400, `invalid limit: ${text.slice(0, 20)} is not between 1 and ${max}`);
  }
  return limit;
}

const cursorOf = (id: string) => btoa(id).replaceAll("=", "");

/**
 * One page of a list, each item with the cursor that continues after it.
 * @param idOf what tells items apart
 */
export function page<T>(
  context: Context,
  items: readonly T[],
  idOf: (item: T) => string,
): { cursor: string; item: T }[] {
  const limit = limitOf(context);
  const cursor = context.req.query("cursor");
  let from = 0;
  if (cursor) {
    const at = items.findIndex((item) => cursorOf(idOf(item)) === cursor);
    if (at < 0) throw new ApiError(400, "invalid cursor: it is not one of this list");
    from = at + 1;
  }
  return items.slice(from, from + limit).map((item) => ({ cursor: cursorOf(idOf(item)), item }));
}

/** True when `ms` lies within the named before and after parameters of the request. */
export function isWithin(context: Context, name: string, ms: number | undefined): boolean {
  const before = timeMs(context, `${name}Before`);
  const after = timeMs(context, `${name}After`);
  if (before === undefined && after === undefined) return true;
  return ms !== undefined && (before === undefined || ms < before) && (after === undefined || ms > after);
}
