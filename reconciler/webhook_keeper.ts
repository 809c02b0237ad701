/**
 * Keeps our own webhook switched on. Render disables a webhook that failed every attempt at a delivery; then it is
 * switched on again, as an effect with a journal line and a budget, and what was missed is backfilled. Ours is the
 * one with our id or our secret: no other is ever changed, none is made, and one that a person switched off stays so.
 */
import { messageOf } from "../base/errors.ts";
import { logOf } from "../base/log.ts";
import { RenderRefused } from "../render/api.ts";
import type { RenderWebhooks } from "../render/api.ts";
import type { Webhook, WebhookAttempt } from "../render/webhook_schemas.ts";
import { isCertainRefusal, performOnce } from "../state/journal.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { backfill, timeOf, wasTaken } from "./backfill.ts";
import type { Parts } from "./parts.ts";
import type { WorkQueue } from "./queue.ts";
import type { ServiceKeys } from "./service_keys.ts";
import type { ServiceSpec } from "./spec.ts";

/** How often the webhook is looked at, in milliseconds; jitter is added. */
export const WEBHOOK_LOOK_MS = 10 * 60_000;
/** How often it is switched on within a day; a receiver that cannot be reached wants a person. */
export const WEBHOOK_ENABLES_PER_DAY = 3;
const DAY_MS = 24 * 60 * 60_000;
const JITTER = 0.2;
/** Newest attempts at deliveries that are read: more than a busy workspace makes in the hours after a disabling. */
const ATTEMPTS_READ = 1000;
/** Attempts at one delivery; when all have failed, Render disables the webhook (reference section 9). */
const ATTEMPTS_PER_DELIVERY = 8;

const log = logOf("webhook");

export interface KeeperOptions {
  /** `null` finds the webhook by its secret. */
  id: string | null;
  secrets: readonly string[];
  specs: readonly ServiceSpec[];
  keys: ServiceKeys;
  queue: WorkQueue;
  signal: AbortSignal;
  /** @default WEBHOOK_LOOK_MS */
  lookMs?: number;
}

type KeeperParts = Pick<Parts, "api" | "store" | "clock" | "random" | "onEvent">;

/** Looks now and then from time to time, until aborted or until there is nothing to keep. */
export async function keepWebhook(parts: KeeperParts, options: KeeperOptions): Promise<void> {
  const { webhooks } = parts.api;
  if (webhooks === undefined) return;
  const keeper = new Keeper(parts, webhooks, options);
  while (!options.signal.aborted) {
    try {
      if (await keeper.look() === "over") return;
    } catch (error) {
      if (options.signal.aborted) return;
      // Polling goes on; the next look may succeed.
      log.warn(`Cannot look at the webhook: ${messageOf(error)}`);
    }
    const pauseMs = (options.lookMs ?? WEBHOOK_LOOK_MS) * (1 + parts.random() * JITTER);
    await parts.clock.sleep(pauseMs, options.signal);
  }
}

class Keeper {
  #wasOff = false;
  /** What was said and holds still, so that it is said once. */
  #said: string | null = null;

  constructor(
    private readonly parts: KeeperParts,
    private readonly webhooks: RenderWebhooks,
    private readonly options: KeeperOptions,
  ) {}

  async look(): Promise<"on" | "off" | "over"> {
    let webhook: Webhook | undefined;
    try {
      webhook = await this.#find();
    } catch (error) {
      if (!(error instanceof RenderRefused)) throw error;
      return await this.#refused(error);
    }
    if (webhook === undefined) {
      const message =
        "No webhook that this API key sees has the secret of RENDER_WEBHOOK_SECRET. Deliveries are " +
        "taken, and it is not switched on again when Render disables it: set RENDER_WEBHOOK_ID to help";
      await this.#say("WebhookNotFound", message);
      return "off";
    }
    const [left] = await this.parts.store.listPending(webhook.id);
    if (webhook.enabled !== false && left === undefined) {
      const attempts = this.#wasOff ? await this.#attempts(webhook) : [];
      if (this.#wasOff) await this.#backfill(webhook, attempts, "Somebody switched it on again");
      this.#wasOff = false;
      this.#said = null;
      return "on";
    }
    this.#wasOff = true;
    const attempts = await this.#attempts(webhook);
    const isOff = webhook.enabled === false;
    if (isOff && !await this.#may(webhook, attempts, left !== undefined)) return "off";
    return await this.#switchOn(webhook, attempts, left?.key);
  }

  async #find(): Promise<Webhook | undefined> {
    const { id, secrets, signal } = this.options;
    if (id !== null) return await this.webhooks.get(id, signal);
    const all = await this.webhooks.list({}, signal);
    return all.find(({ secret }) => secret !== undefined && secrets.includes(secret));
  }

  async #refused({ status, message }: RenderRefused): Promise<"off" | "over"> {
    if (status === 402 || status === 403) {
      await this.#say(
        "WebhooksNotInPlan",
        `Services are looked at by the clock alone: ${message}. Webhooks need a plan that has them`,
      );
      return "over";
    }
    if (status === 404) {
      await this.#say("WebhookNotFound", `Render has no webhook ${this.options.id}: check RENDER_WEBHOOK_ID`);
      return "off";
    }
    log.warn(message);
    return "off";
  }

  async #attempts({ id }: Webhook): Promise<WebhookAttempt[]> {
    return await this.webhooks.listAttempts(id, { limit: ATTEMPTS_READ }, this.options.signal);
  }

  /** The guardrails: says why not, once. @param isLeft what was intended before is counted already */
  async #may(webhook: Webhook, attempts: readonly WebhookAttempt[], isLeft: boolean): Promise<boolean> {
    const { store, clock } = this.parts;
    const name = nameOf(webhook);
    const last = (await store.listJournal({ serviceId: webhook.id })).find(({ state }) => state === "done");
    if (!hasGivenUp(attempts, last?.intendedAt ?? 0)) {
      const message =
        `Webhook ${name} is off, and Render had not given up a delivery: a person switched it off, and ` +
        "it is left alone. Services are looked at by the clock";
      await this.#say("WebhookOff", message);
      return false;
    }
    const maySet = this.options.specs.some(({ mode, policy }) =>
      mode !== "suggest" && !policy.paused && policy.mayChangeSettings
    );
    if (!maySet) {
      const message =
        `Render disabled webhook ${name} after failed deliveries; the policy of no service lets ` +
        "Evenkeel switch it on. Services are looked at by the clock";
      await this.#say("WebhookOff", message);
      return false;
    }
    const enabled = await store.countEffects(webhook.id, clock.now() - DAY_MS);
    if (!isLeft && enabled >= WEBHOOK_ENABLES_PER_DAY) {
      const message =
        `Render disabled webhook ${name} again after it was switched on ${enabled} times within a ` +
        `day: check that ${addressOf(webhook)} can be reached. Services are looked at by the clock`;
      await this.#say("WebhookOff", message);
      return false;
    }
    return true;
  }

  /** @param left the key of an effect that a killed process left */
  async #switchOn(
    webhook: Webhook,
    attempts: readonly WebhookAttempt[],
    left: string | undefined,
  ): Promise<"on" | "off"> {
    const { store, clock } = this.parts;
    const { signal } = this.options;
    const key = left ?? `webhook/${webhook.id}/${clock.now()}`;
    const result = { enabled: true };
    const order = {
      key,
      serviceId: webhook.id,
      kind: "webhook-on",
      payload: result,
      clock,
      triesMax: 1,
    } as const;
    // The backfill belongs to the effect: a kill before its end has both looked for again.
    const caughtUp = async (how: string) => {
      await this.#backfill(webhook, attempts, how);
      return result;
    };
    const how = "Render had disabled it after failed deliveries; it was switched on again";
    try {
      await performOnce(store, order, {
        alreadyDone: async () =>
          (await this.webhooks.get(webhook.id, signal)).enabled === true ? caughtUp(how) : null,
        perform: async () => {
          await this.webhooks.update(webhook.id, { enabled: true }, signal);
          return await caughtUp(how);
        },
      });
    } catch (error) {
      if (!isCertainRefusal(error)) throw error;
      await this.#say("WebhookOff", `Webhook ${nameOf(webhook)} is off: ${messageOf(error)}`);
      return "off";
    }
    this.#wasOff = false;
    this.#said = null;
    return "on";
  }

  async #backfill(webhook: Webhook, attempts: readonly WebhookAttempt[], how: string): Promise<void> {
    const { specs, keys, queue, signal } = this.options;
    const missed = await backfill(this.parts, { specs, keys, queue, attempts, signal });
    const services = `${specs.length} service${specs.length === 1 ? " is" : "s are"} looked at`;
    const events = missed === 1 ? "1 event was" : `${missed} events were`;
    await this.#record("WebhookEnabled", `Webhook ${nameOf(webhook)}: ${how}. ${events} missed; ${services}`);
  }

  async #say(type: string, message: string): Promise<void> {
    if (this.#said === message) return;
    this.#said = message;
    await this.#record(type, message);
  }

  async #record(type: string, message: string): Promise<void> {
    const { store, clock, onEvent } = this.parts;
    const event = { at: clock.now(), serviceId: null, incidentId: null, type, message, data: null };
    await store.record({ events: [event] });
    onEvent(event, { serviceName: "webhook", incident: null });
  }
}

/**
 * Whether every attempt at one delivery failed and none was taken after it: what Render disables a webhook for.
 * @param sinceMs when it was last switched on, in milliseconds since the epoch: what failed before is over
 */
function hasGivenUp(attempts: readonly WebhookAttempt[], sinceMs: number): boolean {
  const lastTaken = Math.max(sinceMs, ...attempts.filter(wasTaken).map((one) => timeOf(one) ?? 0));
  const failed = attempts.filter((one) => one.eventId !== undefined && !wasTaken(one));
  const byEvent = Map.groupBy(failed, ({ eventId }) => eventId);
  return byEvent.values().some((tries) =>
    tries.length >= ATTEMPTS_PER_DELIVERY && tries.some((one) => (timeOf(one) ?? 0) > lastTaken)
  );
}

function nameOf({ id, name }: Webhook): string {
  return name === undefined ? id : `${sanitizeLine(name, 60)} (${id})`;
}

/** Host and path only: the rest may hold a password. */
function addressOf({ url }: Webhook): string {
  const parsed = URL.parse(url ?? "");
  return parsed === null ? "its address" : sanitizeLine(`${parsed.host}${parsed.pathname}`, 100);
}
