/**
 * Any permutation, loss or repetition of deliveries leads to the same end: the real receiver, queue, daemon, keeper,
 * controller and store against the simulator's Render on simulated time, compared with a run that hears nothing.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Clock } from "../../base/clock.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import type { Outcome } from "../../reconciler/outcome.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import { keepWebhook } from "../../reconciler/webhook_keeper.ts";
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
import { Mailroom, SECRET } from "./mailroom.ts";
import type { Mail, Way } from "./mailroom.ts";
import { spec as specOf } from "./world.ts";

const MINUTE = 60_000;
/** Enough for two incidents and the proof of both repairs. */
const END_MS = 60 * MINUTE;
/** After the first incident has begun, and before the second. */
const KEEPER_LOOK_MS = 15 * MINUTE;
const SEEDS = inFull(300, 4);

/** Lost, sent up to three times, and late by up to ten minutes, so that any order comes up. */
const anything = (chance: Chance): Way => (mail, room) => {
  for (let copies = chance.pick([0, 0, 1, 1, 2, 3]); copies > 0; copies--) {
    room.send(mail, chance.whole(0, chance.pick([100, 20_000, 10 * MINUTE])));
  }
};
const lost: Way = () => {};
const atOnce: Way = (mail, room) => room.send(mail);
const twice: Way = (mail, room) => [0, 20_000].forEach((afterMs) => room.send(mail, afterMs));
const LATE_MS = 4 * MINUTE;
const late: Way = (mail, room) => room.send(mail, LATE_MS);
/** What comes within a while, the newest first. */
const BATCH_MS = 3 * MINUTE;
function reversed(): Way {
  let batch: Mail[] = [];
  return (mail, room) => {
    if (batch.length === 0) {
      room.scheduler.after(BATCH_MS, () => {
        for (const [at, one] of batch.reverse().entries()) room.send(one, at * 1_000);
        batch = [];
      });
    }
    batch.push(mail);
  };
}

interface Options {
  /** How often the daemon looks without being told. @default 30 s */
  intervalMs?: number;
  /** Whether the receiver can be reached at a time. @default always */
  isUp?: (at: number) => boolean;
}

async function run(seed: number, way: Way, { intervalMs = 30_000, isUp = () => true }: Options = {}) {
  const scheduler = new Scheduler();
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
    intervalMs,
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

/** The end of a run that hears nothing. */
async function silent(seed: number) {
  const { end, room } = await run(seed, lost);
  assertEquals(end.troubles, []);
  assertEquals([end.outcome, end.ready, end.hold], ["settled", "True", null]);
  assertEquals(end.incidents.map(({ gap, status }) => [gap, status]), [
    ["unhealthy", "healed"],
    ["deploy-failed", "healed"],
  ]);
  return { end, room };
}

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
/** So seldom that only a delivery, or what is done for the lack of one, makes the daemon look. */
const SELDOM: Options = { intervalMs: 24 * 60 * MINUTE };

Deno.test("a world in which every delivery is lost ends as one in which each comes at once (promise 2)", async () => {
  const { end, room } = await silent(1);
  assertEquals([room.posted.length > 3, room.taken.length], [true, 0]);
  const prompt = await run(1, atOnce, SELDOM);
  assertEquals(ids(prompt.room.taken), ids(prompt.room.posted));
  assertEquals(prompt.end, end);
});

Deno.test("deliveries that each come twice end as if none had come (promise 2)", async () => {
  const { room, end, effects } = await run(1, twice, SELDOM);
  assertEquals(ids(room.taken).toSorted(), ids([...room.posted, ...room.posted]).toSorted());
  assertEquals(new Set(ids(room.posted)).size, room.posted.length);
  assertEquals(end, (await silent(1)).end);
  assertEquals(effects, (await run(1, lost)).effects);
});

Deno.test("deliveries that come in the reverse order end as if none had come (promise 2)", async () => {
  const { room, end } = await run(1, reversed(), SELDOM);
  assertEquals(ids(room.taken).toSorted(), ids(room.posted).toSorted());
  const places = room.taken.map(({ id }) => ids(room.posted).indexOf(id));
  const overtaken = places.filter((place, at) => place < (places[at - 1] ?? 0));
  assert(overtaken.length >= 2, `the order was ${places}`);
  assertEquals(end, (await silent(1)).end);
});

Deno.test("deliveries that come minutes late end as if none had come (promise 2)", async () => {
  const { room, end } = await run(1, late, SELDOM);
  assertEquals(ids(room.taken), ids(room.posted));
  for (const [at, { at: postedAt }] of room.posted.entries()) {
    assertEquals((room.taken[at]?.at ?? 0) - postedAt >= LATE_MS, true);
  }
  assertEquals(end, (await silent(1)).end);
});

Deno.test("a webhook that was disabled is switched on, what it missed is backfilled, and the world ends as if it had not been (promise 2)", async () => {
  const [from, to] = [9 * MINUTE, KEEPER_LOOK_MS - MINUTE];
  const { room, end, told, effects } = await run(1, atOnce, {
    ...SELDOM,
    isUp: (at) => at < from || at > to,
  });
  const missed = ids([...room.posted, ...room.unsent]).filter((id) => !ids(room.taken).includes(id));
  assert(missed.length > 0, "every delivery was taken");
  assertEquals(room.disabled, 1);
  assert(room.taken.every(({ at }) => at < from || at > to) && room.taken.some(({ at }) => at > to));
  assert(told.includes("EventsMissed") && told.includes("WebhookEnabled"), told.join(" "));
  const { effects: expected } = await run(1, lost);
  assertEquals(effects.filter((one) => one === "webhook-on done").length, 1);
  assertEquals(effects.filter((one) => one !== "webhook-on done"), expected);
  assertEquals(end, (await silent(1)).end);
});

Deno.test("any permutation, loss and repetition of deliveries ends as if none had come (promise 2)", async () => {
  const seen = { lost: 0, repeated: 0, overtaken: 0, late: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { end } = await silent(seed);
    const { room, ...heard } = await run(seed, anything(new Chance(seed, "deliveries")));
    assertEquals(heard.end, end, `seed ${seed}`);
    const places = room.taken.map(({ id }) => ids(room.posted).indexOf(id));
    seen.lost += room.posted.filter((_, place) => !places.includes(place)).length;
    seen.repeated += places.length - new Set(places).size;
    seen.overtaken += places.filter((place, at) => place < (places[at - 1] ?? 0)).length;
    seen.late += room.taken.filter(({ at }, n) =>
      at - (room.posted[places[n] ?? 0]?.at ?? 0) > MINUTE
    ).length;
  }
  for (const [what, times] of Object.entries(seen)) assertNotEquals(times, 0, `nothing was ${what}`);
});
