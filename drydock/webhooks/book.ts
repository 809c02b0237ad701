/**
 * The webhooks of a drydock and their deliveries (reference section 9): each event goes to every webhook whose
 * filter admits it, signed, again and again after failures, in no promised order. A webhook that has failed every
 * attempt at one event is disabled. Nothing is sent but to an address that the API was given.
 */
import type { Clock, Random } from "../../base/clock.ts";
import { webhookEventTypes } from "../../render/schemas.ts";
import type { WebhookEventType } from "../../render/schemas.ts";
import type { EventRecord } from "../events.ts";
import { newId } from "../ids.ts";
import { ATTEMPTS_MAX, DELIVERIES_AT_ONCE_MAX, DELIVERIES_MAX } from "../limits.ts";
import type { Timing } from "../limits.ts";
import { rfc3339 } from "../time.ts";
import type { Journey } from "./faults.ts";
import { send } from "./send.ts";
import { newSecret } from "./sign.ts";

const SECRET_BYTES = 24;

export interface WebhookRecord {
  readonly id: string;
  readonly ownerId: string;
  url: string;
  name: string;
  readonly secret: string;
  enabled: boolean;
  /** Empty means all. */
  eventFilter: WebhookEventType[];
}

/** One attempt at a delivery. */
export interface AttemptRecord {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: WebhookEventType;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
  readonly statusCode?: number;
  readonly responseBody?: string;
  readonly error?: string;
}

interface Slip {
  readonly webhook: WebhookRecord;
  /** Newest last. */
  readonly attempts: AttemptRecord[];
  /** Deliveries that wait or are under way. */
  pending: number;
  sending: number;
  /** Wakes a delivery that waits for its turn. */
  readonly waiting: (() => void)[];
  /** Ends its deliveries when it is disabled or deleted. */
  stop: AbortController;
}

export interface WebhookBookOptions {
  clock: Clock;
  random: Random;
  timing: Timing;
  /** The name that a delivery says; `undefined` for a service that is gone. */
  nameOf(serviceId: string): string | undefined;
  /** @default every delivery is sent once and at once */
  journey?: () => Journey;
}

export class WebhookBook {
  readonly #options: WebhookBookOptions;
  readonly #slips = new Map<string, Slip>();
  readonly #work = new Set<Promise<void>>();
  readonly #client = Deno.createHttpClient({ poolIdleTimeout: 1000, allowHost: true });

  constructor(options: WebhookBookOptions) {
    this.#options = options;
  }

  /** Newest first. */
  list(): WebhookRecord[] {
    return [...this.#slips.values()].map(({ webhook }) => webhook).reverse();
  }

  get(id: string): WebhookRecord | undefined {
    return this.#slips.get(id)?.webhook;
  }

  add(input: Omit<WebhookRecord, "id" | "secret">): WebhookRecord {
    const { clock, random } = this.#options;
    const bytes = Uint8Array.from({ length: SECRET_BYTES }, () => Math.floor(random() * 256));
    const webhook = { ...input, id: newId("whk", clock.now(), random), secret: newSecret(bytes) };
    this.#slips.set(webhook.id, {
      webhook,
      attempts: [],
      pending: 0,
      sending: 0,
      waiting: [],
      stop: new AbortController(),
    });
    return webhook;
  }

  /** Switching one off ends what it still had to send. */
  change(webhook: WebhookRecord, change: Partial<Omit<WebhookRecord, "id" | "ownerId" | "secret">>): void {
    Object.assign(webhook, change);
    if (!webhook.enabled) this.#end(webhook.id);
  }

  remove(id: string): void {
    this.#end(id);
    this.#slips.delete(id);
  }

  /** Newest first. */
  attempts(id: string): AttemptRecord[] {
    return (this.#slips.get(id)?.attempts ?? []).toReversed();
  }

  /** Delivers an event to whoever wants it; returns at once. */
  tell(event: EventRecord): void {
    const type = webhookEventTypes.find((one) => one === event.type);
    if (type === undefined) return;
    const body = JSON.stringify(this.#bodyOf(event));
    for (const slip of this.#slips.values()) {
      const { enabled, eventFilter } = slip.webhook;
      if (!enabled || (eventFilter.length > 0 && !eventFilter.includes(type))) continue;
      for (const delayMs of this.#options.journey?.() ?? [0]) {
        if (slip.pending >= DELIVERIES_MAX) continue;
        const work = this.#deliver(slip, { id: event.id, type, body }, delayMs);
        this.#work.add(work);
        work.finally(() => this.#work.delete(work));
      }
    }
  }

  /** Ends every delivery. */
  async close(): Promise<void> {
    for (const id of this.#slips.keys()) this.#end(id);
    await Promise.all(this.#work);
    this.#client.close();
  }

  #end(id: string): void {
    const slip = this.#slips.get(id);
    slip?.stop.abort();
    if (slip !== undefined) slip.stop = new AbortController();
  }

  #bodyOf({ id, type, at, serviceId, details }: EventRecord) {
    const status = details["deployStatus"] ?? details["buildStatus"];
    const serviceName = this.#options.nameOf(serviceId);
    const data = {
      id,
      serviceId,
      ...(serviceName === undefined ? {} : { serviceName }),
      // Only these two of what drydock emits say how it ended (reference section 9).
      ...((type === "deploy_ended" || type === "build_ended") && status !== undefined ? { status } : {}),
    };
    return { type, timestamp: rfc3339(at), data };
  }

  /** All attempts at one event. */
  async #deliver(
    slip: Slip,
    event: { id: string; type: WebhookEventType; body: string },
    delayMs: number,
  ): Promise<void> {
    const { clock, random, timing } = this.#options;
    const { signal } = slip.stop;
    slip.pending++;
    try {
      await clock.sleep(delayMs, signal);
      for (const pauseMs of timing.webhookPausesMs) {
        if (pauseMs > 0) await clock.sleep(pauseMs, signal);
        await this.#turn(slip);
        try {
          if (signal.aborted) return;
          const sentAt = clock.now();
          const { url, secret } = slip.webhook;
          const message = { url, secret, id: event.id, body: event.body, sentAt };
          const patience = { timeoutMs: timing.webhookAnswerMs, client: this.#client, signal };
          const answer = await send(message, patience);
          if (signal.aborted) return;
          const id = newId("whe", sentAt, random);
          slip.attempts.push({ id, eventId: event.id, eventType: event.type, sentAt, ...answer.said });
          if (slip.attempts.length > ATTEMPTS_MAX) slip.attempts.shift();
          if (answer.isTaken) return;
        } finally {
          slip.sending--;
          slip.waiting.shift()?.();
        }
      }
      this.change(slip.webhook, { enabled: false });
    } finally {
      slip.pending--;
    }
  }

  async #turn(slip: Slip): Promise<void> {
    while (slip.sending >= DELIVERIES_AT_ONCE_MAX) {
      await new Promise<void>((resolve) => slip.waiting.push(resolve));
    }
    slip.sending++;
  }
}
