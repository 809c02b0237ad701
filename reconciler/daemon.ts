/**
 * Keeps every service in its desired state until stopped: timers put keys into the queue, two workers take them,
 * every outcome says when to look again. First passes are spread over the interval, so that a restart with many
 * services does not ask everything at once.
 */
import { EvenkeelError, messageOf } from "../base/errors.ts";
import type { Controller, Pass } from "./controller.ts";
import type { Parts } from "./parts.ts";
import { WorkQueue } from "./queue.ts";
import type { ServiceSpec } from "./spec.ts";

/** Services looked after at the same time. */
export const WORKERS = 2;
/** Part of an interval by which a look may come later, so that services do not fall into step. */
const JITTER = 0.2;
/** A wrong key or name is no passing trouble: looked at again this much later, in milliseconds. */
const REFUSED_AGAIN_MS = 5 * 60_000;
/** First passes are spread over no more than this, in milliseconds. */
const SPREAD_MAX_MS = 60_000;

export interface DaemonOptions {
  /** Stops taking work; the step under way is finished. */
  signal: AbortSignal;
  /** Told of every pass. */
  onPass?: (spec: ServiceSpec, pass: Pass) => void | Promise<void>;
  /** Told when a pass could not even look: a wrong key, no such service, a defect. The daemon goes on. */
  onTrouble?: (spec: ServiceSpec, message: string) => void;
  /** Where webhooks and people put keys too. @default a queue of its own */
  queue?: WorkQueue;
}

/** @returns when stopped and the last step is finished */
export async function runDaemon(
  controller: Controller,
  parts: Pick<Parts, "clock" | "random">,
  specs: readonly ServiceSpec[],
  options: DaemonOptions,
): Promise<void> {
  const queue = options.queue ?? new WorkQueue(parts);
  const byKey = new Map(specs.map((spec) => [spec.service, spec]));
  const spreadMs = (spec: ServiceSpec) => specs.length === 1 ? 0 : Math.min(spec.intervalMs, SPREAD_MAX_MS);
  for (const spec of specs) queue.add(spec.service, parts.random() * spreadMs(spec));
  const work = async () => {
    for (;;) {
      const key = await queue.take(options.signal);
      if (key === null) return;
      const spec = byKey.get(key);
      if (spec !== undefined) await onePass(spec);
    }
  };
  const onePass = async (spec: ServiceSpec) => {
    try {
      // No signal: a step that has begun is finished.
      const pass = await controller.pass(spec, new AbortController().signal);
      await options.onPass?.(spec, pass);
      const { outcome } = pass;
      if (outcome.kind === "retry") queue.failed(spec.service);
      else queue.done(spec.service, outcome.afterMs * (1 + parts.random() * JITTER));
    } catch (error) {
      options.onTrouble?.(spec, messageOf(error));
      if (error instanceof EvenkeelError) queue.done(spec.service, REFUSED_AGAIN_MS);
      else queue.failed(spec.service);
    }
  };
  await Promise.all(Array.from({ length: Math.min(WORKERS, specs.length) }, work));
}
