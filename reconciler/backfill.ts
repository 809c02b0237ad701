/**
 * What a webhook missed while it was off: every service is put into the queue, spread out, and the events that were
 * not delivered are read so that the timeline says what they were. Changes nothing but that.
 */
import { EvenkeelError } from "../base/errors.ts";
import { RenderRefused, RenderUnreachable } from "../render/api.ts";
import { webhookEventTypes } from "../render/schemas.ts";
import type { WebhookAttempt } from "../render/webhook_schemas.ts";
import type { RenderEvent } from "../render/schemas.ts";
import type { StateEvent } from "../state/records.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { firstPassSpreadMs } from "./daemon.ts";
import { findServiceId } from "./observe.ts";
import type { Parts } from "./parts.ts";
import type { WorkQueue } from "./queue.ts";
import type { ServiceKeys } from "./service_keys.ts";
import type { ServiceSpec } from "./spec.ts";

/** Older events are not read again, in milliseconds. */
const BACKFILL_MS_MAX = 7 * 24 * 60 * 60_000;
/** Events read and kept of one service. */
const BACKFILL_EVENTS_MAX = 100;
/** The pause before the next service's events are read, in milliseconds: repairs need the budget more. */
const READ_PAUSE_MS = 500;
/** Events named in the message of the timeline. */
const EVENTS_NAMED_MAX = 5;
/** An event may be older than the attempt that delivered it, in milliseconds: by all eight attempts. */
const DELIVERY_MS_MAX = 34 * 60 * 60_000;
/** The first attempt comes this much after its event at most, in milliseconds. */
const FIRST_ATTEMPT_MS_MAX = 10_000;

export interface BackfillOptions {
  specs: readonly ServiceSpec[];
  keys: ServiceKeys;
  queue: WorkQueue;
  /** The newest attempts at deliveries of the webhook. */
  attempts: readonly WebhookAttempt[];
  signal: AbortSignal;
}

/**
 * @returns how many events were missed, as far as they could be read
 * @throws the signal's reason when it aborts: the rest is for the next start
 */
export async function backfill(
  parts: Pick<Parts, "api" | "store" | "clock" | "random" | "onEvent">,
  options: BackfillOptions,
): Promise<number> {
  const { specs, keys, queue, attempts, signal } = options;
  for (const spec of specs) queue.add(spec.service, parts.random() * firstPassSpreadMs(specs));
  const { sinceMs, delivered } = deliveredBefore(attempts, parts.clock.now());
  let missed = 0;
  for (const [at, { service }] of specs.entries()) {
    if (at > 0) await parts.clock.sleep(READ_PAUSE_MS, signal);
    signal.throwIfAborted();
    const read = await readEvents(parts, keys.idOf(service) ?? service, sinceMs, signal);
    // What is not read because of the stop is not read for good: no partial count may pass for the whole.
    signal.throwIfAborted();
    if (read === null) continue;
    const { serviceId, events } = read;
    keys.learn(service, serviceId);
    const lost = events.filter(({ id, type }) => isDeliverable(type) && !delivered.has(id));
    missed += lost.length;
    if (lost.length > 0) await tell(parts, service, serviceId, sinceMs, lost);
  }
  return missed;
}

/** Since when events may be missing, and which were taken since. */
function deliveredBefore(attempts: readonly WebhookAttempt[], now: number) {
  const delivered = new Set(attempts.filter(wasTaken).flatMap(({ eventId }) => eventId ?? []));
  const lastTaken =
    attempts.filter(wasTaken).map(timeOf).filter((at) => at !== null).toSorted((a, b) => b - a)[0];
  const firstTried = attempts.map(timeOf).filter((at) => at !== null).toSorted((a, b) => a - b)[0];
  // The list's oldest attempt bounds what is known to be delivered.
  const known = firstTried === undefined ? 0 : firstTried - FIRST_ATTEMPT_MS_MAX;
  const since = Math.max((lastTaken ?? firstTried ?? now) - DELIVERY_MS_MAX, known);
  return { sinceMs: Math.max(since, now - BACKFILL_MS_MAX), delivered };
}

/** Whether an attempt at a delivery was answered with 2xx. */
export function wasTaken({ statusCode }: WebhookAttempt): boolean {
  return statusCode !== undefined && statusCode >= 200 && statusCode < 300;
}

/** When an attempt was made, in milliseconds since the epoch; `null` where it does not say. */
export function timeOf({ sentAt }: WebhookAttempt): number | null {
  const at = Date.parse(sentAt ?? "");
  return Number.isFinite(at) ? at : null;
}

function isDeliverable(type: string): boolean {
  return webhookEventTypes.some((one) => one === type);
}

/** @returns `null` when they cannot be read: the service is looked at all the same, only the timeline has a gap */
async function readEvents(
  { api }: Pick<Parts, "api">,
  idOrName: string,
  sinceMs: number,
  signal: AbortSignal,
): Promise<{ serviceId: string; events: RenderEvent[] } | null> {
  try {
    const serviceId = await findServiceId(api, idOrName, signal);
    const query = { startTime: new Date(sinceMs).toISOString(), limit: BACKFILL_EVENTS_MAX };
    return { serviceId, events: await api.listEvents(serviceId, query, signal) };
  } catch (error) {
    const isNoAnswer = error instanceof RenderRefused || error instanceof RenderUnreachable ||
      error instanceof EvenkeelError;
    if (isNoAnswer) return null;
    throw error;
  }
}

async function tell(
  { store, clock, onEvent }: Pick<Parts, "store" | "clock" | "onEvent">,
  serviceName: string,
  serviceId: string,
  sinceMs: number,
  events: readonly RenderEvent[],
): Promise<void> {
  const clean = events.map(({ id, type, timestamp }) => ({
    id: sanitizeLine(id, 100),
    type: sanitizeLine(type, 100),
    at: sanitizeLine(timestamp ?? "", 40),
  }));
  const named = clean.slice(0, EVENTS_NAMED_MAX).map(({ type, at }) => `${type} at ${at}`).join(", ");
  const more = clean.length > EVENTS_NAMED_MAX ? `, and ${clean.length - EVENTS_NAMED_MAX} before` : "";
  const count = clean.length === 1 ? "1 event was" : `${clean.length} events were`;
  const event: StateEvent = {
    at: clock.now(),
    serviceId,
    incidentId: null,
    type: "EventsMissed",
    message: `${count} not delivered while the webhook was off: ${named}${more}`,
    data: { since: new Date(sinceMs).toISOString(), events: clean },
  };
  await store.record({ events: [event] });
  onEvent(event, { serviceName, incident: null });
}
