/**
 * Render's webhooks at the daemon: deliveries become early looks while this Evenkeel leads, and the webhook is kept
 * switched on. Without RENDER_WEBHOOK_SECRET there is no receiver and nothing to keep.
 */
import { systemClock } from "../base/clock.ts";
import { logOf } from "../base/log.ts";
import type { Configuration } from "../reconciler/config.ts";
import type { Parts } from "../reconciler/parts.ts";
import { WorkQueue } from "../reconciler/queue.ts";
import { ServiceKeys } from "../reconciler/service_keys.ts";
import { keepWebhook } from "../reconciler/webhook_keeper.ts";
import { createWebhookVerifier } from "../render/webhook.ts";
import type { Delivery } from "../render/webhook_schemas.ts";
import { createWebhookReceiver } from "../status/webhook.ts";
import type { WebhookReceiver } from "../status/webhook.ts";

/** The least time between two looks that deliveries bring about, in milliseconds; a spec may ask for more. */
const DISTANCE_MS_MIN = 250;

const log = logOf("webhook");

export class WebhookDesk {
  readonly receiver: WebhookReceiver | undefined;
  readonly #configuration: Configuration;
  readonly #keys: ServiceKeys;
  /** Present while this Evenkeel leads. */
  #queue: WorkQueue | null = null;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
    this.#keys = new ServiceKeys(configuration.services);
    if (configuration.webhook === null) return;
    this.receiver = createWebhookReceiver({
      verifier: createWebhookVerifier({ secrets: configuration.webhook.secrets, clock: systemClock }),
      clock: systemClock,
      onDelivery: (delivery) => this.#deliver(delivery),
    });
  }

  /** Remembers the id of a service that was looked at. */
  learn(key: string, serviceId: string): void {
    this.#keys.learn(key, serviceId);
  }

  /** Does the leader's work with a queue that deliveries reach, and keeps the webhook on meanwhile. */
  async leading(parts: Parts, signal: AbortSignal, work: (queue: WorkQueue) => Promise<void>): Promise<void> {
    const { webhook, services: specs } = this.#configuration;
    const queue = new WorkQueue(parts);
    const over = new AbortController();
    this.#queue = queue;
    const options = { specs, keys: this.#keys, queue, signal: AbortSignal.any([signal, over.signal]) };
    const keeping = webhook === null ? undefined : keepWebhook(parts, { ...webhook, ...options });
    try {
      await work(queue);
    } finally {
      this.#queue = null;
      over.abort();
      await keeping;
    }
  }

  #deliver({ type, data }: Delivery): void {
    const specs = this.#keys.specsOf(data);
    log.info(
      `${type} of ${data.serviceId} asks to look at ${
        specs.map(({ service }) => service).join(", ") || "nobody"
      }`,
    );
    // Who stands by drops it: the leader looks by the clock.
    for (const spec of specs) {
      this.#queue?.nudge(spec.service, Math.max(spec.watchIntervalMs, DISTANCE_MS_MIN));
    }
  }
}
