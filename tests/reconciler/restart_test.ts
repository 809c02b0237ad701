/**
 * A restart with as many services as a large workspace has: the real daemon, controller, client and budget on
 * simulated time, against a Render that counts requests as it does and refuses what is too much.
 */
import { assert, assertEquals } from "@std/assert";
import { monitorOutputSchema } from "../../agents/messages.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Clock } from "../../base/clock.ts";
import { Controller } from "../../reconciler/controller.ts";
import { firstPassSpreadMs, runDaemon } from "../../reconciler/daemon.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { QUIET_PARTS } from "../helpers/parts.ts";
import { READS_PER_MINUTE } from "../../render/budget.ts";
import { createRenderClient } from "../../render/client.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { EPOCH_MS } from "../simulation/platform.ts";
import { Chance } from "../simulation/random.ts";
import { Scheduler } from "../simulation/scheduler.ts";
import { spec } from "./world.ts";

const SERVICES = 200;
const MINUTE = 60_000;
const SECOND = 1_000;

/** Render with well services, in memory, with its limit of reads a minute. */
function createRender(scheduler: Scheduler, latencyMs: () => number) {
  const requests: { at: number; path: string; status: number }[] = [];
  let window = { endsAt: 0, used: 0 };
  const name = (n: string) => `service-${n}`;
  const service = (n: string) => ({
    id: `srv-${n}`,
    name: name(n),
    autoDeploy: "yes",
    suspended: "not_suspended",
    serviceDetails: { url: `https://${name(n)}.example`, plan: "starter" },
  });
  const deploy = (n: string) => ({
    id: `dep-${n}`,
    status: "live",
    commit: { id: `commit-${n}` },
    createdAt: "2026-01-01T00:00:00Z",
  });
  const send = async (input: string | URL | Request): Promise<Response> => {
    await scheduler.sleep(latencyMs());
    const url = new URL(String(input));
    const path = url.pathname.replace("/v1", "");
    if (scheduler.now >= window.endsAt) window = { endsAt: scheduler.now + MINUTE, used: 0 };
    window.used++;
    const headers = {
      "RateLimit-Limit": String(READS_PER_MINUTE),
      "RateLimit-Remaining": String(Math.max(0, READS_PER_MINUTE - window.used)),
      "RateLimit-Reset": String(Math.ceil((window.endsAt - scheduler.now) / SECOND)),
    };
    const status = window.used > READS_PER_MINUTE ? 429 : 200;
    requests.push({ at: scheduler.now, path, status });
    if (status === 429) return Response.json({ message: "rate limit exceeded" }, { status, headers });
    const [, one = "", rest] = /^\/services\/srv-(\d+)(\/deploys)?$/.exec(path) ?? [];
    const wanted = url.searchParams.get("name")?.replace("service-", "") ?? "";
    const body = path === "/services"
      ? [{ cursor: "c", service: service(wanted) }]
      : rest === undefined
      ? service(one)
      : [{ cursor: "c", deploy: deploy(one) }];
    return Response.json(body, { headers });
  };
  return { requests, send };
}

Deno.test("a restart with 200 services spreads its first looks and keeps to the budget, and all are looked at (promise 8)", async () => {
  const scheduler = new Scheduler();
  const chance = new Chance(8, "restart");
  const render = createRender(scheduler, () => chance.whole(50, 400));
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
  await using store = await openSqliteStore(IN_MEMORY);
  const good = { status: "good", reason: "Ok", message: "fine" } as const;
  const parts: Parts = {
    ...QUIET_PARTS,
    api: createRenderClient({
      apiKey: "rnd_x",
      baseUrl: "http://127.0.0.1/v1",
      fetch: render.send,
      clock,
      random: chance.next,
    }),
    store,
    repositories: {
      clone: () => Promise.reject(new Error("Nothing is to be repaired")),
      commit: () => Promise.reject(new Error("Nothing is to be repaired")),
      publish: () => Promise.reject(new Error("Nothing is to be repaired")),
      findPullRequest: () => Promise.resolve(null),
      contains: () => Promise.resolve(false),
    },
    runAgent: async <Input, Output>(agent: Agent<Input, Output>) => {
      await scheduler.sleep(chance.whole(50, 300));
      const output = monitorOutputSchema.parse({
        health: good,
        json: good,
        database: good,
        httpStatus: 200,
        latencyMs: 5,
      });
      return { kind: "answered" as const, output: agent.output.parse(output), durationMs: 5 };
    },
    clock,
    random: chance.next,
    sessionId: "restart",
    epoch: "p1",
  };
  // By name, so that each has to be found first: the dearest beginning.
  const specs = Array.from({ length: SERVICES }, (_, n) => spec({ service: `service-${n}` }));
  const firstLooks = new Map<string, number>();
  const ready = new Set<string>();
  const stop = new AbortController();
  await using controller = new Controller(parts);
  const daemon = runDaemon(controller, parts, specs, {
    signal: stop.signal,
    onPass: ({ service }, { record }) => {
      if (!firstLooks.has(service)) firstLooks.set(service, scheduler.now);
      if (record.conditions.some(({ type, status }) => type === "Ready" && status === "True")) {
        ready.add(service);
      }
    },
    onTrouble: (_, message) => assert(false, message),
  });
  await scheduler.run(15 * MINUTE, () => ready.size === SERVICES, () => {});

  const { requests } = render;
  assertEquals(requests.filter(({ status }) => status === 429), []);
  const within = (fromMs: number, toMs: number) =>
    requests.filter(({ at }) => at >= fromMs && at < toMs).length;
  const [first, firstSecond] = [within(0, MINUTE), within(0, SECOND)];
  assert(first <= READS_PER_MINUTE, `${first} requests in the first minute`);
  assert(firstSecond <= SERVICES / 10, `${firstSecond} requests in the first second`);
  assertEquals(firstLooks.size, SERVICES);
  // They come over the whole time and not in its beginning: an even spread with room for chance and the queue.
  const spreadMs = firstPassSpreadMs(specs);
  const early = [...firstLooks.values()].filter((at) => at < spreadMs / 2).length;
  assert(early <= 0.6 * SERVICES, `${early} first looks in the first half`);
  // Nobody waits for the slowest: the last first look comes when its jitter says, give or take the budget's window.
  const latest = Math.max(...firstLooks.values());
  assert(latest >= 0.7 * spreadMs, `the last first look came after ${latest} ms`);
  assert(latest <= spreadMs + 2 * MINUTE, `the last first look came after ${latest} ms`);
  // The budget is enough for all of them to be proven, each by samples without a gap.
  assertEquals(ready.size, SERVICES);
  stop.abort();
  await scheduler.run(20 * MINUTE, () => false, () => {});
  await daemon;
});

Deno.test("few services begin within their interval, many take as long as half the budget needs (promise 8)", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => spec({ service: `s${n}`, intervalMs: 30_000 }));
  assertEquals([1, 2, 66].map((count) => firstPassSpreadMs(many(count))), [0, 30_000, 30_000]);
  assertEquals(firstPassSpreadMs(many(200)), 3 * MINUTE);
  assertEquals(firstPassSpreadMs(many(500)), 7.5 * MINUTE);
});
