/** What is rehearsed beside the passes: the real daemon over a world of services, and the order of the builds themselves. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { runInline } from "../../agents/inline.ts";
import type { Rehearsal, RehearsalRequest } from "../../agents/tools/rehearsal.ts";
import type { Probe } from "../../agents/messages.ts";
import type { RunAgent } from "../../agents/agent.ts";
import { systemClock } from "../../base/clock.ts";
import { Controller } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import type { Checkout, Parts } from "../../reconciler/parts.ts";
import { REHEARSAL_OVER_MS, Rehearsals, REHEARSALS_MAX } from "../../reconciler/rehearsals.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import type { Subject } from "../../reconciler/rehearsals.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { deploySchema, serviceSchema } from "../../render/schemas.ts";
import type { Deploy } from "../../render/schemas.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { BAD, GOOD, ManualClock, NOW, spec } from "./world.ts";

/** A test that waits longer has failed, in milliseconds. */
const PATIENCE_MS = 30_000;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  while (!await isSo()) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`It never came: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A daemon that a rehearsal holds would never end. */
async function ended(daemon: Promise<void>): Promise<void> {
  let hasEnded = false;
  daemon.finally(() => hasEnded = true).catch(() => {});
  await until(() => hasEnded);
  await daemon;
}

const FILES = { "requirements.txt": "numpy\n", "main.py": "print('hello')\n" };
const LOG = ["==> Using Python version 3.12.1 (default)", "ERROR: Failed building wheel for numpy"];

const listed = (id: string, status: string, commit: string): Deploy =>
  deploySchema.parse({
    ...{ id, status, trigger: "new_commit", commit: { id: commit } },
    createdAt: new Date(NOW).toISOString(),
  });

interface Build {
  branch: string;
  signal: AbortSignal;
  end: (result: Rehearsal) => void;
}

/** Services whose newest deploys are these; each of their builds lasts until the test ends it. */
class World implements AsyncDisposable {
  readonly builds: Build[] = [];
  readonly looks = new Map<string, number>();
  readonly published: string[] = [];
  readonly rollbacks: string[] = [];
  health: Probe = GOOD;
  autoDeploy = "yes";
  openCheckouts = 0;
  buildsAtOnce = 0;

  private constructor(
    readonly directory: string,
    readonly store: Store & AsyncDisposable,
    readonly deploys: Map<string, Deploy[]>,
  ) {}

  static async open(deploys: Record<string, Deploy[]>): Promise<World> {
    const directory = await Deno.makeTempDir({ prefix: "evenkeel-rehearsals-" });
    for (const [path, text] of Object.entries(FILES)) await Deno.writeTextFile(join(directory, path), text);
    return new World(directory, await openSqliteStore(IN_MEMORY), new Map(Object.entries(deploys)));
  }

  get specs(): ServiceSpec[] {
    const policy = { rehearse: "build", riskMax: "high", mayChangeSettings: false } as const;
    return [...this.deploys.keys()].map((id) =>
      spec({ service: id, intervalMs: 10, watchIntervalMs: 10, policy })
    );
  }

  parts(): Parts {
    const runAgent: RunAgent = (agent, input, options) => {
      const { health } = this;
      const measured = { health, json: health, database: GOOD, httpStatus: 200, latencyMs: 1 };
      const edits = [{ path: "requirements.txt", content: "" }];
      const proposal = { kind: "patch", edits, summary: "Drop numpy", risk: "low" };
      const said = agent.name === "monitor" ? measured : agent.name === "fixer" ? proposal : null;
      if (said === null) return runInline(agent, input, options);
      return Promise.resolve({ kind: "answered", output: agent.output.parse(said), durationMs: 1 });
    };
    const api: Partial<Parts["api"]> = {
      getService: (id) => {
        this.looks.set(id, (this.looks.get(id) ?? 0) + 1);
        return Promise.resolve(serviceSchema.parse({
          ...{
            id,
            name: `${id}-api`,
            autoDeploy: this.autoDeploy,
            repo: "https://git.example/a",
            branch: id,
          },
          serviceDetails: {
            ...{ url: "http://127.0.0.1:1", plan: "starter", runtime: "python" },
            envSpecificDetails: {
              buildCommand: "pip install -r requirements.txt",
              startCommand: "python main.py",
            },
          },
        }));
      },
      listDeploys: (id) => Promise.resolve(this.deploys.get(id) ?? []),
      listEvents: () => Promise.resolve([]),
      rollback: (_id, deployId) => {
        this.rollbacks.push(deployId);
        return Promise.resolve(listed("dep-back", "created", "good"));
      },
      listEnvVars: () => Promise.resolve([]),
      listGivenSecrets: () => Promise.resolve([]),
      listLogs: () =>
        Promise.resolve({
          lines: LOG.map((message, line) => ({
            ...{ id: `${line}`, message, labels: [] },
            timestamp: new Date(NOW + line).toISOString(),
          })),
          truncated: false,
        }),
    };
    const parts: Omit<Partial<Parts>, "api"> & { api: Partial<Parts["api"]> } = {
      ...{ store: this.store, clock: systemClock, api, runAgent, toolbox: {}, random: () => 0.5 },
      repositories: {
        clone: ({ branch }) => Promise.resolve(this.#checkout(branch)),
        commit: ({ branch }) => Promise.resolve({ commit: `fix-${branch}`, diff: "" }),
        publish: (_checkout, commit) => {
          this.published.push(commit);
          return Promise.resolve({ kind: "published", pullRequestUrl: null });
        },
        findPullRequest: () => Promise.resolve(null),
        contains: () => Promise.resolve(false),
      },
      rehearse: ({ branch }: RehearsalRequest, signal) => {
        const { promise, resolve } = Promise.withResolvers<Rehearsal>();
        let isOver = false;
        const end = (result: Rehearsal) => {
          isOver = true;
          resolve(result);
        };
        this.builds.push({ branch, signal, end });
        signal.addEventListener("abort", () => end({ kind: "unknown", why: "stopped" }));
        this.buildsAtOnce = Math.max(this.buildsAtOnce, this.#running() + (isOver ? 0 : 1));
        this.#live.add(promise);
        return promise.finally(() => this.#live.delete(promise));
      },
      ...{ epoch: "p1", sessionId: "s", secrets: [], author: { name: "E", email: "e@example.com" } },
      ...{ topology: "hierarchical" as const, freeMemoryMiB: () => 1000, environment: () => undefined },
      onEvent: () => {},
      onAgentOutput: () => Promise.resolve(),
    };
    // Nothing else is asked for.
    return parts as Parts;
  }

  readonly #live = new Set<Promise<unknown>>();
  #running(): number {
    return this.#live.size;
  }

  #checkout(branch: string): Checkout {
    this.openCheckouts++;
    return {
      ...{ directory: this.directory, branch, head: "head" },
      paths: () => Promise.resolve(Object.keys(FILES)),
      read: (path) => Promise.resolve((FILES as Record<string, string>)[path] ?? null), // any path may be asked for
      [Symbol.asyncDispose]: () => {
        this.openCheckouts--;
        return Promise.resolve();
      },
    };
  }

  /** What /status says of what is under way. */
  async reconciling(id: string): Promise<string | undefined> {
    const record = await this.store.getService(id);
    return record?.conditions.find(({ type }) => type === "Reconciling")?.reason;
  }

  async looksAgain(id: string, times = 3): Promise<void> {
    const seen = this.looks.get(id) ?? 0;
    await until(() => (this.looks.get(id) ?? 0) >= seen + times);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("while fixes are rehearsed every service goes on being looked at, one build runs at a time, and its answer is picked up", async () => {
  const broken = (
    id: string,
  ) => [listed(`dep-${id}2`, "build_failed", "bad"), listed(`dep-${id}1`, "live", "good")];
  await using world = await World.open({
    "srv-a": broken("a"),
    "srv-b": broken("b"),
    "srv-c": [listed("dep-c1", "live", "good")],
  });
  const stop = new AbortController();
  const parts = world.parts();
  {
    await using controller = new Controller(parts);
    const daemon = runDaemon(controller, parts, world.specs, { signal: stop.signal });
    try {
      // Both need a build; one has it, the other waits for its turn, and neither holds a worker.
      await until(async () =>
        await world.reconciling("srv-a") === "Rehearsing" && await world.reconciling("srv-b") === "Rehearsing"
      );
      for (const id of ["srv-a", "srv-b", "srv-c"]) await world.looksAgain(id);
      assertEquals([world.builds.length, world.openCheckouts, world.published], [1, 1, []]);
      const first = world.builds[0]!;
      first.end({ kind: "built", seconds: 1 });
      await until(() => world.published.length === 1 && world.builds.length === 2);
      assertEquals(world.published, [`fix-${first.branch}`]);
      assert(world.builds[1]!.branch !== first.branch);
      // Somebody deployed something else: what is built for the one before is of no use.
      const other = world.builds[1]!;
      assertEquals(other.signal.aborted, false);
      world.deploys.set(other.branch, [listed("dep-new", "live", "better"), ...broken(other.branch.at(-1)!)]);
      await until(() => other.signal.aborted);
    } finally {
      stop.abort();
      await ended(daemon);
    }
    const rehearsed = (await world.store.listEvents({ limit: 1000 })).filter(({ type }) =>
      type === "Rehearsed"
    );
    assertEquals(rehearsed.map(({ message }) => /it builds in drydock/.test(message)), [true]);
  }
  assertEquals(world.buildsAtOnce, 1);
});

Deno.test("a rollback does not wait for a rehearsal, and ends it", async () => {
  await using world = await World.open({
    "srv-a": [
      listed("dep-a3", "build_failed", "worse"),
      listed("dep-a2", "live", "bad"),
      listed("dep-a1", "deactivated", "good"),
    ],
  });
  const proven = { deployId: "dep-a1", commit: "good", at: NOW };
  const before = { ...emptyRecord("srv-a", "srv-a-api", 1), provenDeploys: [proven] };
  await world.store.record({ service: before, events: [] });
  world.autoDeploy = "no";
  const parts = world.parts();
  const stop = new AbortController();
  await using controller = new Controller(parts);
  const daemon = runDaemon(controller, parts, world.specs, { signal: stop.signal });
  try {
    await until(() => world.builds.length === 1);
    world.health = BAD;
    await until(() => world.rollbacks.length > 0);
    await until(() => world.builds[0]!.signal.aborted);
  } finally {
    stop.abort();
    await ended(daemon);
  }
  assertEquals([world.rollbacks, world.published], [["dep-a1"], []]);
});

Deno.test("a rehearsal is stopped with the daemon, and begun anew by the next one", async () => {
  await using world = await World.open({
    "srv-a": [listed("dep-a2", "build_failed", "bad"), listed("dep-a1", "live", "good")],
  });
  const parts = world.parts();
  for (const run of [1, 2]) {
    const stop = new AbortController();
    {
      await using controller = new Controller(parts);
      const daemon = runDaemon(controller, parts, world.specs, { signal: stop.signal });
      await until(() => world.builds.length === run);
      stop.abort();
      await ended(daemon);
    }
    assert(world.builds[run - 1]!.signal.aborted);
    assertEquals(world.openCheckouts, 0);
  }
  assertEquals(world.published, []);
});

const subject = (serviceId: string, change: Partial<Subject> = {}): Subject => ({
  ...{ serviceId, serviceName: `${serviceId}-api`, incidentId: `inc-${serviceId}` },
  ...{ deployId: "dep-1", newestDeployId: "dep-1" },
  ...change,
});
const [A, B, C] = [subject("a"), subject("b"), subject("c")];
const checkout = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** A build that never ends by itself, and does not heed its signal where it is told so. */
function buildOf(key: string, heeds = true) {
  const ended = Promise.withResolvers<Rehearsal>();
  const signals: AbortSignal[] = [];
  const run = (signal: AbortSignal) => {
    signals.push(signal);
    if (heeds) signal.addEventListener("abort", () => ended.reject(signal.reason));
    return ended.promise;
  };
  return { key, remedy: "r", checkout, run, end: ended.resolve, signals };
}

Deno.test("builds are begun in the order in which they were asked for, and who no longer waits has no place in line", async () => {
  await using rehearsals = new Rehearsals(new ManualClock());
  const first = buildOf("k");
  assertEquals(rehearsals.begin(A, first).hasBegun, true);
  assertMatch(rehearsals.waitingFor(A) ?? "", /r is being built in drydock/);
  for (const next of [B, C]) {
    assertEquals(rehearsals.begin(next, buildOf("k")).hasBegun, false);
    assertMatch(rehearsals.waitingFor(next) ?? "", /its turn.*a-api/);
  }
  first.end({ kind: "built", seconds: 1 });
  await until(() => rehearsals.waitingFor(B) === null);
  assertEquals(rehearsals.known(A, "k"), { kind: "built", seconds: 1 });
  assertMatch(rehearsals.waitingFor(C) ?? "", /its turn/);
  // The first in line is another one's by now: it is paused, or another repair was found.
  rehearsals.passed("b", { waits: false, mayNeed: true, newestDeployId: "dep-1" });
  assertEquals(rehearsals.waitingFor(C), null);
  const last = buildOf("k");
  assertEquals(rehearsals.begin(C, last).hasBegun, true);
  assertEquals(rehearsals.begin(A, buildOf("other")).hasBegun, false);
  // Another deploy failed meanwhile: what is built for the one before is of no use.
  assertEquals(rehearsals.waitingFor({ ...C, deployId: "dep-2" }), null);
  assertEquals([last.signals[0]?.aborted, rehearsals.known(C, "k")], [true, null]);
});

Deno.test("a rehearsal that does not end, or is wanted again and again, blocks no fix", async () => {
  const clock = new ManualClock();
  const stuck = buildOf("k", false);
  await using rehearsals = new Rehearsals(clock);
  try {
    rehearsals.begin(A, stuck);
    rehearsals.begin(B, buildOf("k"));
    await clock.advance(REHEARSAL_OVER_MS);
    assertEquals(stuck.signals[0]?.aborted, true);
    for (const one of [A, B]) {
      assertEquals([rehearsals.waitingFor(one), rehearsals.known(one, "k")?.kind], [null, "unknown"]);
    }
    // It still runs: a second one beside it there is not.
    assertEquals(rehearsals.begin(C, buildOf("k")).hasBegun, false);
  } finally {
    stuck.end({ kind: "built", seconds: 1 });
  }
  assertEquals(rehearsals.known(A, "k")?.kind, "unknown");
  rehearsals.passed("b", { waits: false, mayNeed: false, newestDeployId: null });
  rehearsals.passed("c", { waits: false, mayNeed: false, newestDeployId: null });
  await until(() => rehearsals.known(B, "k") === null);
  for (let count = 0; count < REHEARSALS_MAX; count++) {
    const build = buildOf(`k${count}`);
    assertEquals([rehearsals.known(B, build.key), rehearsals.begin(B, build).hasBegun], [null, true]);
    build.end({ kind: "failed", seconds: 1, log: "" });
    await until(() => rehearsals.waitingFor(B) === null);
    await until(() => rehearsals.known(B, build.key)?.kind === "failed");
    rehearsals.refuse(B, build.key, "no");
    assertEquals(rehearsals.known(B, build.key), { kind: "refused", why: "no" });
  }
  const more = rehearsals.known(B, "one more");
  assertMatch(more?.kind === "unknown" ? more.why : "", /are enough/);
});
