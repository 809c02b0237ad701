/** /logs and /logs/values (reference section 2.4). Pages by time; both ends of a window are included. */
import { Hono } from "hono";
import type { Context } from "hono";
import type { LogEntry } from "../logs.ts";
import { parseNanos, rfc3339Nanos } from "../time.ts";
import type { Yard } from "../yard.ts";
import { ApiError } from "./errors.ts";
import { limitOf, values } from "./query.ts";

/** Render's own command line asks for pages of this size. */
const LIMIT_MAX = 1000;
const PATTERN_CHARS_MAX = 200;
const HOUR_NANOS = 3_600_000_000_000n;

export function logRoutes(yard: Yard): Hono {
  const routes = new Hono();

  routes.get("/logs", (context) => {
    const query = queryOf(yard, context);
    const { entries, hasMore } = yard.platform.logs.read({ ...query, limit: limitOf(context, LIMIT_MAX) });
    const last = entries.at(-1);
    let { start, end } = query;
    if (hasMore && last !== undefined) {
      if (query.direction === "forward") start = last.nanos + 1n;
      else end = last.nanos - 1n;
    }
    return context.json({
      hasMore,
      nextStartTime: rfc3339Nanos(start),
      nextEndTime: rfc3339Nanos(end),
      logs: entries.map(present),
    });
  });

  routes.get("/logs/values", (context) => {
    const label = context.req.query("label");
    if (label !== "instance" && label !== "type" && label !== "level") {
      throw new ApiError(400, `invalid label: ${label ?? "missing"}; drydock knows instance, type and level`);
    }
    const { entries } = yard.platform.logs.read({ ...queryOf(yard, context), limit: LIMIT_MAX });
    return context.json(
      [...new Set(entries.map((entry) => entry[label]))].filter((value) => value !== undefined),
    );
  });

  return routes;
}

function queryOf(yard: Yard, context: Context) {
  const ownerId = context.req.query("ownerId");
  if (ownerId === undefined) throw new ApiError(400, "invalid request: ownerId: required");
  if (ownerId !== yard.platform.owner.id) {
    throw new ApiError(400, `invalid request: ownerId: unknown owner ${ownerId}`);
  }
  const resources = values(context, "resource");
  if (resources.length === 0) throw new ApiError(400, "invalid request: resource: required");
  for (const id of resources) {
    if (!yard.services.has(id) && !yard.postgres.has(id)) {
      throw new ApiError(404, `not found: resource ${id}`);
    }
  }
  const direction = context.req.query("direction") ?? "backward";
  if (direction !== "forward" && direction !== "backward") {
    throw new ApiError(400, "invalid request: direction: must be forward or backward");
  }
  const now = BigInt(Math.ceil(yard.platform.clock.now())) * 1_000_000n + 1_000_000n;
  const end = nanos(context, "endTime") ?? now;
  const start = nanos(context, "startTime") ?? end - HOUR_NANOS;
  return { resources, direction, start, end, matches: matcher(context) } as const;
}

function nanos(context: Context, name: string): bigint | undefined {
  const text = context.req.query(name);
  if (text === undefined) return undefined;
  const value = parseNanos(text);
  if (value === undefined) throw new ApiError(400, `invalid ${name}: ${text.slice(0, 40)} is not a time`);
  return value;
}

function matcher(context: Context): (entry: LogEntry) => boolean {
  const types = values(context, "type");
  const levels = values(context, "level");
  const instances = values(context, "instance");
  // Text is repeated, never split: a comma in it is meant.
  const texts = (context.req.queries("text") ?? []).map(textMatcher);
  const admits = (filter: readonly string[], value: string | undefined) =>
    filter.length === 0 || (value !== undefined && filter.includes(value));
  return (entry) =>
    admits(types, entry.type) && admits(levels, entry.level) && admits(instances, entry.instance) &&
    (texts.length === 0 || texts.some((matches) => matches(entry.message)));
}

/** A plain part, a pattern with `*`, or a regular expression between slashes. */
function textMatcher(pattern: string): (text: string) => boolean {
  if (pattern.length > PATTERN_CHARS_MAX) {
    throw new ApiError(400, `invalid text: longer than ${PATTERN_CHARS_MAX} characters`);
  }
  if (pattern.length > 2 && pattern.startsWith("/") && pattern.endsWith("/")) {
    try {
      const expression = new RegExp(pattern.slice(1, -1));
      return (text) => expression.test(text);
    } catch {
      throw new ApiError(400, "invalid text: not a regular expression");
    }
  }
  const parts = pattern.toLowerCase().split("*");
  return (text) => {
    const lower = text.toLowerCase();
    let at = 0;
    for (const part of parts) {
      const found = lower.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return true;
  };
}

function present(entry: LogEntry) {
  return {
    id: entry.id,
    message: entry.message,
    timestamp: rfc3339Nanos(entry.nanos),
    labels: [
      { name: "resource", value: entry.resource },
      ...(entry.instance === undefined ? [] : [{ name: "instance", value: entry.instance }]),
      { name: "level", value: entry.level },
      { name: "type", value: entry.type },
    ],
  };
}
