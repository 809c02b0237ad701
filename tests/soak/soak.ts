/**
 * A soak: the real controller, plan, queue, daemon, session files and SQLite file over many simulated services in
 * compressed time, with the status server being read by another process. It measures this process along the way; what
 * must always hold is checked as in the simulator.
 */
import { join } from "@std/path";
import { systemClock } from "../../base/clock.ts";
import { createExplainer } from "../../cli/failure.ts";
import { createSessionRecorder } from "../../cli/session_recorder.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore } from "../../state/store.ts";
import { startStatusServer } from "../../status/server.ts";
import type { Violation } from "../simulation/checker.ts";
import { judge } from "./gates.ts";
import type { Gate, Sample, TableCap } from "./gates.ts";
import { leftBehind } from "./leftovers.ts";
import { LoopWatch } from "./loop_watch.ts";
import { CAPS, Gauge } from "./measure.ts";
import { StatusReading } from "./reading.ts";
import { withProcesses } from "./real_agents.ts";
import { Reality } from "./reality.ts";
import type { OnViolation } from "./trace.ts";
import { World } from "./world.ts";
import type { Pass } from "./world.ts";

export interface SoakOptions {
  services: number;
  /** Ends the soak after so long, in milliseconds. */
  wallMs: number;
  /** Ends it earlier, in simulated milliseconds. @default never */
  simulatedMs?: number;
  /** Ends it early; what was measured so far is judged. @default none */
  signal?: AbortSignal;
  /** Run the agents that need no network as real processes. @default false */
  realAgents?: boolean;
  /** @default 1 */
  seed?: number;
  /** What tables may hold. @default CAPS */
  caps?: Readonly<Record<string, TableCap>>;
  /** Measurements over the whole run. @default one each SAMPLE_EVERY_MS, from SAMPLES_MIN to SAMPLES_MAX */
  samples?: number;
  onSample?: (progress: Progress) => void;
  /** Told of an invariant that broke, with what went on around it, newest last. */
  onViolation?: OnViolation;
  /** A defect planted by a test: done after every pass. */
  plant?: (databasePath: string, pass: Pass) => void;
}

export interface Progress {
  sample: Sample;
  incidents: number;
  effects: number;
  violations: number;
}

export interface SoakResult {
  gates: Gate[];
  samples: readonly Sample[];
  wallMs: number;
  simulatedMs: number;
  passes: number;
  incidents: number;
  effects: number;
  agentProcesses: number;
  statusReads: number;
  /** The longest that the event loop was held, in milliseconds. */
  loopHeldMs: number;
  violations: readonly Violation[];
}

const MINUTE = 60_000;
/** Simulated time between looks at the real world, in milliseconds: what waits for it is late by no more. */
const STRIDE_MS = 5_000;
/** Session files are written as often as `reconcile` does in as many passes, in simulated milliseconds. */
const FILES_EVERY_MS = 120 * MINUTE;
/** A measurement collects garbage, which takes its time: a short run has fewer. */
const SAMPLE_EVERY_MS = 5_000;
const SAMPLES_MIN = 20;
const SAMPLES_MAX = 180;
/** The steps that are under way at the end have so long to end, in simulated milliseconds. */
const END_MS = 24 * 60 * MINUTE;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-soak-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const path = join(folder, "evenkeel.db");
  const disk = cleanup.use(await openSqliteStore(path));
  return await soakIn(folder, path, disk, options);
}

async function soakIn(
  folder: string,
  path: string,
  disk: SharedStore,
  options: SoakOptions,
): Promise<SoakResult> {
  const world = new World(options.services, options.seed ?? 1, options.onViolation);
  const { scheduler, checker } = world;
  const reality = new Reality(scheduler);
  const scratchRoot = join(folder, "scratch");
  let agentProcesses = 0;
  const parts = world.parts(
    checker.watchStore(disk),
    (simulated) =>
      options.realAgents !== true ? simulated : withProcesses(simulated, {
        scratchRoot,
        reality,
        onStart: () => agentProcesses++,
        onFailure: (message) => checker.fail("defect", message),
      }),
  );
  const specs = [...world.specs.values()];
  const recorder = createSessionRecorder({
    dataDirectory: folder,
    sessionId: parts.sessionId,
    store: disk,
    services: specs,
    redact: (text) => text,
    clock: parts.clock,
    agents: "subprocess",
  });
  parts.onAgentOutput = (...answer) => reality.really(recorder.agentAnswered(...answer));
  parts.onEvent = (event, about) => {
    world.event(event, about);
    recorder.event(event, about);
  };
  const queue = new WorkQueue(parts);
  world.begin(parts.store, (service) => queue.add(service));

  await using controller = new Controller(parts);
  const explain = createExplainer(() => {});
  const nextPasses = new Map<string, number>();
  const stop = new AbortController();
  const daemon = runDaemon(
    world.watched(controller, (pass) => options.plant?.(path, pass)),
    parts,
    specs,
    {
      signal: stop.signal,
      queue,
      onPass: async (_, pass) => {
        await explain(disk, pass);
        if ("afterMs" in pass.outcome) {
          nextPasses.set(pass.record.serviceId, parts.clock.now() + pass.outcome.afterMs);
        } else nextPasses.delete(pass.record.serviceId);
      },
    },
  );
  const status = await startStatusServer({
    store: disk,
    version: "soak",
    clock: systemClock,
    port: 0,
    readiness: async () => ({ ready: await disk.whyUnwritable() === null, reason: "Soaking" }),
    isWatched: ({ serviceId, name }) => world.specs.has(serviceId) || world.specs.has(name),
    nextPassAt: (serviceId) => nextPasses.get(serviceId) ?? null,
  });
  using loop = new LoopWatch();
  await using reading = await StatusReading.start(status.url, loop);
  const samples: Sample[] = [];
  const startedAt = performance.now();
  const wallMs = () => performance.now() - startedAt;
  let read: Gate;
  try {
    using gauge = new Gauge(path);
    let filesAt = 0;
    const sample = () => {
      const progress = {
        passes: world.passes,
        wallMs: wallMs(),
        simulatedMs: scheduler.now,
        queueKeys: queue.size,
      };
      samples.push(gauge.measure(progress));
      const { incidents, effects } = world;
      options.onSample?.({
        sample: samples.at(-1)!,
        incidents,
        effects,
        violations: checker.violations.length,
      });
    };
    const { wallMs: lasts, simulatedMs = Infinity } = options;
    const count = options.samples ?? Math.min(SAMPLES_MAX, Math.max(SAMPLES_MIN, lasts / SAMPLE_EVERY_MS));
    /** From 0 to 1. */
    const done = () => Math.max(wallMs() / options.wallMs, scheduler.now / simulatedMs);
    while (done() < 1 && options.signal?.aborted !== true) {
      await scheduler.run(scheduler.now + STRIDE_MS, () => false, () => {});
      await reality.catchUp();
      if (scheduler.now >= filesAt) {
        filesAt = scheduler.now + FILES_EVERY_MS;
        await recorder.write();
      }
      const part = done();
      if (part < 1 && part >= samples.length / count) sample();
    }
    sample();
    read = await reading.end();
  } finally {
    stop.abort();
    await status.stop();
    let isOver = false;
    void daemon.finally(() => isOver = true);
    for (const until = scheduler.now + END_MS; !isOver && scheduler.now < until;) {
      await scheduler.run(scheduler.now + STRIDE_MS, () => isOver, () => {});
      await reality.catchUp();
    }
  }
  await reality.settled();
  return {
    gates: [
      ...judge(samples, options.caps ?? CAPS, options.services),
      ...world.gates(),
      read,
      await leftBehind(scratchRoot),
    ],
    samples,
    wallMs: wallMs(),
    simulatedMs: scheduler.now,
    passes: world.passes,
    incidents: world.incidents,
    effects: world.effects,
    agentProcesses,
    statusReads: reading.answers.count,
    loopHeldMs: loop.longestMs,
    violations: checker.violations,
  };
}
