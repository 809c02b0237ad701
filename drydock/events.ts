/** The events of all services, newest last, bounded a service. Details are Render's (reference section 2.3). */
import type { Clock, Random } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { newId } from "./ids.ts";
import { EVENTS_MAX } from "./limits.ts";

export interface EventRecord {
  readonly id: string;
  /** Milliseconds since the epoch; strictly increasing within a service. */
  readonly at: number;
  readonly serviceId: string;
  readonly type: string;
  readonly details: { [key: string]: Json };
}

/** Why a deploy failed or an instance died, in the words of Render's `failureReason`. */
export interface FailureReason {
  nonZeroExit?: number;
  earlyExit?: true;
  timedOutSeconds?: number;
  timedOutReason?: string;
  oomKilled?: { memoryLimit: string };
  unhealthy?: string;
}

export type EventStatus = "succeeded" | "failed" | "canceled";

/** The deprecated number that Render still demands beside an event's status. */
export const STATUS_NUMBER: Record<EventStatus, number> = { succeeded: 2, failed: 3, canceled: 4 };

export class EventBook {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events = new Map<string, EventRecord[]>();
  #listener: (event: EventRecord) => void = () => {};

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  add(serviceId: string, type: string, details: { [key: string]: Json } = {}): void {
    let events = this.#events.get(serviceId);
    if (events === undefined) this.#events.set(serviceId, events = []);
    const now = this.#clock.now();
    const at = Math.max(now, (events.at(-1)?.at ?? 0) + 1);
    const event = { id: newId("evt", now, this.#random), at, serviceId, type, details };
    events.push(event);
    if (events.length > EVENTS_MAX) events.shift();
    this.#listener(event);
  }

  /** Has every event told as it happens. */
  tell(listener: (event: EventRecord) => void): void {
    this.#listener = listener;
  }

  /** Newest first. */
  list(serviceId: string): EventRecord[] {
    return (this.#events.get(serviceId) ?? []).toReversed();
  }

  find(eventId: string): EventRecord | undefined {
    for (const events of this.#events.values()) {
      const event = events.find((each) => each.id === eventId);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  forget(serviceId: string): void {
    this.#events.delete(serviceId);
  }
}
