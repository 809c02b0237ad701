/**
 * A world of one service that two commits of a person break, on simulated time: the real receiver, queue, daemon, keeper,
 * controller and store against the simulator's Render, agents and Git.
 */
import { assert } from "@std/assert";
import type { Clock } from "../../base/clock.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import type { Outcome } from "../../reconciler/outcome.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { QUIET_PARTS } from "../helpers/parts.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import { keepWebhook } from "../../reconciler/webhook_keeper.ts";
import { createWebhookVerifier } from "../../render/webhook.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { createWebhookReceiver } from "../../status/webhook.ts";
import { createSimulatedAgents } from "../simulation/agents.ts";
import { EPOCH_MS, Platform } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import { Chance } from "../simulation/random.ts";
import { createSimulatedRender } from "../simulation/render.ts";
import { createSimulatedRepositories } from "../simulation/repositories.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import { Mailroom, SECRET } from "./mailroom.ts";
import type { Way } from "./mailroom.ts";
import { spec as specOf } from "./world.ts";

export const MINUTE = 60_000;
/** Enough for two incidents and the proof of both repairs. */
const END_MS = 60 * MINUTE;
/** After the first incident has begun, and before the second. */
export const KEEPER_LOOK_MS = 15 * MINUTE;

export interface Options {
  /** How often the daemon looks without being told. @default 30 s */
  intervalMs?: number;
  /** Whether the receiver can be reached at a time. @default always */
  isUp?: (at: number) => boolean;
  /** How long at most a change may not be shown by what Render answers, in milliseconds. @default 0 */
  staleMs?: number;
}

/** @param way how deliveries travel */
export async function run(
  seed: number,
  way: Way,
  { intervalMs = 30_000, isUp = () => true, staleMs = 0 }: Options = {},
) {
  const scheduler = new Scheduler();
  const weather = { ...CALM, staleMs };
  const platform = new Platform(scheduler, new Chance(seed, "platform"), () => weather, () => {});
  const service = platform.addService({ "src/main": "v0", "src/routes": "v0" }, "wait");
  const clock: Clock = {
    now: () => EPOCH_MS + scheduler.now,
    monotonic: () => scheduler.now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        scheduler.after(Math.ceil(ms), resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const spec = specOf({
    service: service.id,
    intervalMs,
    watchIntervalMs: 10_000,
    stableForMs: MINUTE,
  });
  await using store = await openSqliteStore(IN_MEMORY);
  const watcher = { effect() {}, sawService() {}, sawDatabase() {}, sawDeploys() {} };
  const agentWorld = {
    platform,
    scheduler,
    weather: () => weather,
    chance: new Chance(seed, "agents"),
    sampled() {},
    lied() {},
  };
  const parts: Parts = {
    ...QUIET_PARTS,
    api: createSimulatedRender(platform, () => weather, new Chance(seed, "api"), watcher),
    store,
    repositories: createSimulatedRepositories(platform, () => weather, new Chance(seed, "git"), watcher),
    runAgent: createSimulatedAgents(agentWorld, true),
    clock,
    random: new Chance(seed, "queue").next,
    sessionId: "order",
    epoch: "p1",
  };
  const queue = new WorkQueue(parts);
  const keys = new ServiceKeys([spec]);
  const receiver = createWebhookReceiver({
    verifier: createWebhookVerifier({ secrets: [SECRET], clock }),
    clock,
    onDelivery: ({ data }) => {
      for (const { service } of keys.specsOf(data)) queue.nudge(service, spec.watchIntervalMs);
    },
  });
  const room = new Mailroom(
    scheduler,
    service,
    way,
    (request, at) => isUp(at) ? receiver.answer(request) : null,
  );
  push(platform, service, 10 * MINUTE, { "src/main": "defect missing" });
  push(platform, service, 30 * MINUTE, { "src/routes": "defect crash" });
  let last: Outcome | null = null;
  const stop = new AbortController();
  await using controller = new Controller(parts);
  const daemon = runDaemon(controller, parts, [spec], {
    signal: stop.signal,
    queue,
    onPass: (_, { outcome }) => void (last = outcome),
    onTrouble: (_, message) => assert(false, message),
  });
  const keeping = keepWebhook({ ...parts, api: { ...parts.api, webhooks: room.api } }, {
    lookMs: KEEPER_LOOK_MS,
    id: null,
    secrets: [SECRET],
    specs: [spec],
    keys,
    queue,
    signal: stop.signal,
  });
  await scheduler.run(END_MS, () => false, () => room.postNew());
  stop.abort();
  queue.close();
  await scheduler.run(END_MS + MINUTE, () => false, () => {});
  await Promise.all([daemon, keeping]);
  const tree = (commit: string | undefined) =>
    commit === undefined ? null : service.repository.get(commit).tree;
  const record = await store.getService(service.id);
  const incidents = await store.listIncidents({ serviceId: service.id });
  const told = (await store.listEvents({ limit: 1000 })).map(({ type }) => type);
  const effects = (await store.listJournal()).map(({ kind, state }) => `${kind} ${state}`).reverse();
  return {
    room,
    told,
    effects,
    end: {
      outcome: (last as Outcome | null)?.kind,
      troubles: platform.troubles(service),
      head: tree(service.repository.head),
      live: tree(platform.live(service)?.commit),
      autoDeploy: service.autoDeploy,
      hold: record?.hold,
      ready: record?.conditions.find(({ type }) => type === "Ready")?.status,
      incidents: incidents.map(({ gap, status, attempts }) => ({
        gap,
        status,
        attempts: attempts.map((attempt) => [attempt.cause, attempt.remedy, attempt.status]),
      })),
    },
  };
}

/** A person's commit at a time. */
function push(platform: Platform, service: SimService, atMs: number, change: Record<string, string>): void {
  platform.scheduler.after(atMs, () => {
    const { repository } = service;
    const tree = { ...repository.get(repository.head).tree, ...change };
    repository.head = repository.make({ parent: repository.head, tree, message: "A change" }, atMs / 1000).id;
    platform.pushed(service);
  });
}
