/**
 * Keeps every service in its desired state until stopped: timers put keys into the queue, two workers take them,
 * every outcome says when to look again. First passes are spread over the interval, so that a restart with many
 * services does not ask everything at once.
 */
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { CannotLookAfter } from "./observe.ts";
import { READS_PER_MINUTE } from "../render/budget.ts";
import type { Controller, Pass } from "./controller.ts";
import type { Parts } from "./parts.ts";
import { WorkQueue } from "./queue.ts";
import type { ServiceSpec } from "./spec.ts";

/** Services looked after at the same time. */
export const WORKERS = 2;
/** Part of an interval by which a look may come later, so that services do not fall into step. */
const JITTER = 0.2;
/** What Render refuses for good, a wrong key or name: looked at again this much later, in milliseconds. */
const REFUSED_AGAIN_MS = 5 * 60_000;
/** First passes of few services are spread over no more than this, in milliseconds. */
const SPREAD_MAX_MS = 60_000;
/** Calls of a first pass: the service by name, the service, its deploys. */
const FIRST_PASS_READS = 3;
/** The share of a minute's reads that first passes may take; repairs and later passes get the rest. */
const FIRST_PASS_SHARE = 0.5;
const MINUTE_MS = 60_000;

export interface DaemonOptions {
  /** Stops taking work; the step under way is finished. */
  signal: AbortSignal;
  /** Ends at once: another Evenkeel leads, and nothing may be finished any more. */
  lost?: AbortSignal;
  /** Told of every pass. */
  onPass?: (spec: ServiceSpec, pass: Pass) => void | Promise<void>;
  /** Told when a pass could not even look: a wrong key, no such service, a defect. The daemon goes on. */
  onTrouble?: (spec: ServiceSpec, message: string) => void;
  /** Where webhooks and people put keys too. @default a queue of its own */
  queue?: WorkQueue;
}

/** Over how long first looks at these services are spread, in milliseconds: so that they leave room in the budget. */
export function firstPassSpreadMs(specs: readonly ServiceSpec[]): number {
  if (specs.length <= 1) return 0;
  const shortest = Math.min(SPREAD_MAX_MS, ...specs.map(({ intervalMs }) => intervalMs));
  const minutes = specs.length * FIRST_PASS_READS / (READS_PER_MINUTE * FIRST_PASS_SHARE);
  return minutes <= 1 ? shortest : minutes * MINUTE_MS;
}

/** @returns when stopped and the last step is finished, or when the lead is lost */
export async function runDaemon(
  controller: Controller,
  parts: Pick<Parts, "clock" | "random">,
  specs: readonly ServiceSpec[],
  options: DaemonOptions,
): Promise<void> {
  const queue = options.queue ?? new WorkQueue(parts);
  const lost = options.lost ?? new AbortController().signal;
  const isOver = AbortSignal.any([options.signal, lost]);
  const byKey = new Map(specs.map((spec) => [spec.service, spec]));
  const spreadMs = firstPassSpreadMs(specs);
  for (const spec of specs) queue.add(spec.service, parts.random() * spreadMs);
  const work = async () => {
    for (;;) {
      const key = await queue.take(isOver);
      if (key === null) return;
      const spec = byKey.get(key);
      if (spec !== undefined) await onePass(spec);
    }
  };
  const onePass = async (spec: ServiceSpec) => {
    try {
      // Not the signal to stop: a step that has begun is finished.
      const pass = await controller.pass(spec, lost);
      await options.onPass?.(spec, pass);
      const { outcome } = pass;
      if (outcome.kind === "retry") queue.failed(spec.service);
      else queue.done(spec.service, outcome.afterMs * (1 + parts.random() * JITTER));
    } catch (error) {
      if (lost.aborted) return;
      const hint = error instanceof EvenkeelError && error.hint !== undefined ? `. ${error.hint}` : "";
      options.onTrouble?.(spec, `${messageOf(error)}${hint}`);
      if (error instanceof CannotLookAfter) queue.done(spec.service, REFUSED_AGAIN_MS);
      else queue.failed(spec.service);
    }
  };
  await Promise.all(Array.from({ length: Math.min(WORKERS, specs.length) }, work));
}
