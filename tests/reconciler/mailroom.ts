/**
 * The deliveries of a simulated Render: how each travels is chosen by a test, and what became of it is kept, so that a
 * test can show that what it is about has happened. Its webhook is disabled when every attempt at a delivery failed.
 */
import { signedHeaders } from "../../drydock/webhooks/sign.ts";
import type { RenderWebhooks } from "../../render/api.ts";
import type { Webhook, WebhookAttempt } from "../../render/webhook_schemas.ts";
import { EPOCH_MS } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import type { Scheduler } from "../simulation/scheduler.ts";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ATTEMPTS = 8;
const RETRY_MS = 5_000;

/** An event to be told of; times are milliseconds of the simulation. */
export interface Mail {
  id: string;
  type: string;
  at: number;
}
/** How mail travels: hands it over as often and as late as it likes. */
export type Way = (mail: Mail, room: Mailroom) => void;

export class Mailroom {
  /** Every event while the webhook was on, in their order. */
  readonly posted: Mail[] = [];
  /** Events for which nothing was sent, because the webhook was off. */
  readonly unsent: Mail[] = [];
  /** What the receiver has taken, in the order in which it came. */
  readonly taken: { id: string; at: number }[] = [];
  readonly #attempts: WebhookAttempt[] = [];
  readonly #webhook: Webhook = {
    id: "whk-1",
    url: "http://evenkeel.example/",
    name: undefined,
    secret: SECRET,
    enabled: true,
    eventFilter: undefined,
  };
  #told = 0;
  /** How often the webhook was disabled: that ends what is under way. */
  #endings = 0;

  /** @param receive the receiver; `null` while it cannot be reached */
  constructor(
    readonly scheduler: Scheduler,
    private readonly service: SimService,
    private readonly way: Way,
    private readonly receive: (request: Request, at: number) => Promise<Response> | null,
  ) {}

  /** Sends what has happened since it was last called. */
  postNew(): void {
    const { events } = this.service;
    for (; this.#told < events.length; this.#told++) {
      const { id, type } = events[events.length - 1 - this.#told]!; // the list is newest first
      const mail = { id, type, at: this.scheduler.now };
      if (this.#webhook.enabled === false) this.unsent.push(mail);
      else {
        this.posted.push(mail);
        this.way(mail, this);
      }
    }
  }

  /** Sends one copy after a time, and again while it is not taken. */
  send(mail: Mail, afterMs = 0): void {
    void this.#deliver(mail, afterMs);
  }

  async #deliver({ id, type }: Mail, afterMs: number): Promise<void> {
    const { scheduler, service } = this;
    await scheduler.sleep(afterMs);
    const endings = this.#endings;
    for (let tries = 0; tries < ATTEMPTS; tries++) {
      if (tries > 0) await scheduler.sleep(RETRY_MS);
      if (this.#webhook.enabled === false || endings !== this.#endings) return;
      const at = scheduler.now;
      const body = JSON.stringify({ type, timestamp: "", data: { id, serviceId: service.id } });
      const headers = signedHeaders(SECRET, id, EPOCH_MS + at, body);
      const request = new Request("http://evenkeel.example/", { method: "POST", headers, body });
      const answer = await this.receive(request, at);
      const sentAt = new Date(EPOCH_MS + at).toISOString();
      this.#attempts.unshift({
        id: `whe-${this.#attempts.length}`,
        eventId: id,
        eventType: type,
        sentAt,
        statusCode: answer?.status,
        error: undefined,
      });
      if (answer?.ok) {
        this.taken.push({ id, at });
        return;
      }
    }
    this.#webhook.enabled = false;
    this.#endings++;
  }

  /** How often the webhook was disabled. */
  get disabled(): number {
    return this.#endings;
  }

  /** As Render's API has it. */
  get api(): RenderWebhooks {
    return {
      list: () => Promise.resolve([{ ...this.#webhook }]),
      get: () => Promise.resolve({ ...this.#webhook }),
      create: () => Promise.reject(new Error("None is made")),
      update: (_, patch) => Promise.resolve({ ...Object.assign(this.#webhook, patch) }),
      listAttempts: () => Promise.resolve([...this.#attempts]),
    };
  }
}
