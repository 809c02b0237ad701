/**
 * Any permutation, loss or repetition of deliveries leads to the same end: the real receiver, queue, daemon,
 * controller and store against the simulator's Render on simulated time, compared with a run that hears nothing.
 */
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../base/clock.ts";
import { signedHeaders } from "../../drydock/webhooks/sign.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import type { Outcome } from "../../reconciler/outcome.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import { createWebhookVerifier } from "../../render/webhook.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { createWebhookReceiver } from "../../status/webhook.ts";
import { inFull } from "../helpers/full.ts";
import { createSimulatedAgents } from "../simulation/agents.ts";
import { EPOCH_MS, Platform } from "../simulation/platform.ts";
import type { SimService } from "../simulation/platform.ts";
import { Chance } from "../simulation/random.ts";
import { createSimulatedRender } from "../simulation/render.ts";
import { createSimulatedRepositories } from "../simulation/repositories.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { CALM } from "../simulation/weather.ts";
import { spec as specOf } from "./world.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MINUTE = 60_000;
/** Enough for two incidents and the proof of both repairs. */
const END_MS = 45 * MINUTE;
const SEEDS = inFull(300, 4);

/** When each copy of a delivery arrives after its event, in milliseconds; none when it is lost. */
type Post = (chance: Chance) => number[];

/** Lost, sent up to three times, and late by up to ten minutes, so that any order comes up. */
const anything: Post = (chance) =>
  Array.from(
    { length: chance.pick([0, 0, 1, 1, 2, 3]) },
    () => chance.whole(0, chance.pick([100, 20_000, 10 * MINUTE])),
  );

async function run(seed: number, post: Post) {
  const scheduler = new Scheduler();
  const chance = new Chance(seed, "deliveries");
  const platform = new Platform(scheduler, new Chance(seed, "platform"), () => CALM, () => {});
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
    intervalMs: 30_000,
    watchIntervalMs: 10_000,
    stableForMs: MINUTE,
  });
  await using store = await openSqliteStore(IN_MEMORY);
  const watcher = { effect() {}, sawService() {}, sawDatabase() {}, sawDeploys() {} };
  const agentWorld = {
    platform,
    scheduler,
    weather: () => CALM,
    chance: new Chance(seed, "agents"),
    sampled() {},
    lied() {},
  };
  const parts: Parts = {
    api: createSimulatedRender(platform, () => CALM, new Chance(seed, "api"), watcher),
    store,
    repositories: createSimulatedRepositories(platform, () => CALM, new Chance(seed, "git"), watcher),
    runAgent: createSimulatedAgents(agentWorld, true),
    toolbox: {},
    clock,
    random: new Chance(seed, "queue").next,
    author: { name: "Evenkeel", email: "evenkeel@localhost" },
    sessionId: "order",
    epoch: "p1",
    environment: () => undefined,
    secrets: [],
    onEvent() {},
    onAgentOutput: () => Promise.resolve(),
    topology: "auto",
    freeMemoryMiB: () => 4096,
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
  let deliveries = 0;
  const deliver = ({ id, type }: SimService["events"][number]) => {
    const body = JSON.stringify({ type, timestamp: "", data: { id, serviceId: service.id } });
    deliveries++;
    void receiver.answer(
      new Request("http://evenkeel.example/", {
        method: "POST",
        headers: signedHeaders(SECRET, id, clock.now(), body),
        body,
      }),
    );
  };
  let posted = 0;
  const postNew = () => {
    for (; posted < service.events.length; posted++) {
      const event = service.events[service.events.length - 1 - posted]!; // the list is newest first
      for (const afterMs of post(chance)) scheduler.after(afterMs, () => deliver(event));
    }
  };
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
  await scheduler.run(END_MS, () => false, postNew);
  stop.abort();
  queue.close();
  await scheduler.run(END_MS + MINUTE, () => false, () => {});
  await daemon;
  const tree = (commit: string | undefined) =>
    commit === undefined ? null : service.repository.get(commit).tree;
  const record = await store.getService(service.id);
  const incidents = await store.listIncidents({ serviceId: service.id });
  return {
    deliveries,
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

Deno.test("any permutation, loss and repetition of deliveries ends as if none had come (promise 2)", async () => {
  let deliveries = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const silent = await run(seed, () => []);
    assertEquals(silent.end.troubles, []);
    assertEquals([silent.end.outcome, silent.end.ready, silent.end.hold], ["settled", "True", null]);
    assertEquals(silent.end.incidents.map(({ gap, status }) => [gap, status]), [
      ["unhealthy", "healed"],
      ["deploy-failed", "healed"],
    ]);
    const heard = await run(seed, anything);
    deliveries += heard.deliveries;
    assertEquals(heard.end, silent.end, `seed ${seed}`);
    const prompt = await run(seed, () => [0]);
    assertEquals(prompt.end, silent.end, `seed ${seed}, each delivery at once`);
  }
  assert(deliveries > SEEDS * 5, `${deliveries} deliveries came`);
});
