import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError, NotSent } from "../../base/errors.ts";
import { readinessBeside } from "../../cli/leading.ts";
import { Fenced } from "../../state/lease.ts";
import { folderLock } from "../../state/lock.ts";
import type { FolderLock } from "../../state/lock.ts";
import { LEASE_MS, Replica } from "../../state/replica.ts";
import type { ReplicaOptions, Term } from "../../state/replica.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore } from "../../state/store.ts";
import { until } from "../drydock/harbour.ts";
import { ManualClock } from "../reconciler/world.ts";
import { incident, inFolder, serviceRecord, START } from "./builders.ts";

const intent = {
  key: "inc_1/1/deploy",
  serviceId: "srv-1",
  kind: "deploy" as const,
  payload: null,
  intendedAt: START,
};

/** Steps of time in which something has to happen: a busy disk takes many. */
const STEPS_MAX = 5_000;

/** Two replicas on one store, each with a clock of its own: stopping a clock is stopping its process. */
class Pair implements AsyncDisposable {
  readonly clocks = [new ManualClock(), new ManualClock()] as const;
  readonly stop = new AbortController();
  readonly terms: Term[] = [];
  readonly #waiting: Promise<unknown>[] = [];

  private constructor(readonly store: SharedStore, readonly locks: readonly [FolderLock, FolderLock]) {}

  static async open(folder: string): Promise<Pair> {
    const store = await openSqliteStore(join(folder, "state.db"));
    return new Pair(store, [folderLock(folder), folderLock(folder)]);
  }

  /** Lets a replica stand by or lead. @returns its term, once it leads */
  lead(which: 0 | 1, options: Partial<ReplicaOptions> = {}): Promise<Term> {
    const [clock, lock] = [this.clocks[which], this.locks[which]];
    const replica = new Replica({ store: this.store, lock, clock, name: `replica ${which}`, ...options });
    const term = replica.lead(this.stop.signal).then((term) => {
      assert(term !== null, "it was stopped");
      this.terms.push(term);
      return term;
    });
    this.#waiting.push(term.catch(() => {}));
    return term;
  }

  /** Lets time pass for one process, in steps in which it can do what it does. */
  async pass(which: 0 | 1, ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clocks[which].advance(Math.min(1_000, left));
      // A look at the lock is a look at the disk.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Lets time pass for one process until something has happened, however slow the disk is. */
  async passUntil<T>(which: 0 | 1, happened: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => isOver = true;
    happened.then(over, over);
    for (let tries = 0; !isOver && tries < STEPS_MAX; tries++) await this.pass(which, 1_000);
    return await happened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    for (const clock of this.clocks) await clock.advance(10 * LEASE_MS);
    await Promise.all(this.#waiting);
    for (const term of this.terms) await term[Symbol.asyncDispose]();
    for (const lock of this.locks) await lock[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

function withPair(work: (pair: Pair) => Promise<void>): () => Promise<void> {
  return () =>
    inFolder(async (folder) => {
      await using pair = await Pair.open(folder);
      await work(pair);
    });
}

Deno.test(
  "a leader that stands still for a lease is replaced, and nothing that it writes is taken any more (promise 5)",
  withPair(async (pair) => {
    const old = await pair.lead(0);
    await old.store.record({ service: serviceRecord(), incident: incident() });
    await old.store.intend(intent);
    const term = await pair.passUntil(1, pair.lead(1));
    assertEquals([old.fencing, term.fencing, term.wasSilent, term.isAlone], [1, 2, true, false]);
    const writes = [
      () => old.store.intend({ ...intent, key: "inc_1/1/push", kind: "push" }),
      () => old.store.intend(intent),
      () => old.store.finish(intent.key, { state: "done", result: null, at: START }),
      () => old.store.record({ service: serviceRecord({ generation: 9 }) }),
      () => old.confirm(),
    ];
    for (const write of writes) {
      const error = await assertRejects<Fenced>(write, Fenced);
      assertEquals(error.message, "Leader 1 was replaced: replica 1 leads now, with number 2");
    }
    assert(old.lost.aborted && old.lost.reason instanceof Fenced);
    assertEquals((await pair.store.listJournal()).map(({ key, state }) => [key, state]), [[
      intent.key,
      "intended",
    ]]);
    assertEquals((await pair.store.getService("srv-1"))?.generation, 1);
    await term.confirm();
    await term.store.finish(intent.key, { state: "done", result: null, at: START });
  }),
);

Deno.test(
  "a leader that gives signs of life is not replaced, however the wall clock is set (promise 4) (promise 5)",
  withPair(async (pair) => {
    const wall = pair.clocks[1].now.bind(pair.clocks[1]);
    let offsetMs = 0;
    const stepping = {
      now: () => wall() + offsetMs,
      monotonic: () => pair.clocks[1].monotonic(),
      sleep: (ms: number, signal?: AbortSignal) => pair.clocks[1].sleep(ms, signal),
    };
    const term = await pair.lead(0);
    let hasLed = false;
    pair.lead(1, { clock: stepping }).then(() => hasLed = true, () => {});
    for (const step of [0, 86_400_000, -86_400_000]) {
      offsetMs = step;
      for (let seconds = 0; seconds < LEASE_MS / 1000 + 5; seconds++) {
        await pair.pass(0, 1_000);
        await pair.pass(1, 1_000);
      }
    }
    assertEquals([hasLed, term.lost.aborted], [false, false]);
  }),
);

Deno.test(
  "one that stands by tells a leader that gives signs of life from one that stands still (promise 5)",
  withPair(async (pair) => {
    await pair.lead(0);
    const [, clock] = pair.clocks;
    const replica = new Replica({ store: pair.store, lock: pair.locks[1], clock, name: "replica 1" });
    assertEquals(replica.waiting, null);
    const stop = new AbortController();
    const leading = replica.lead(stop.signal);
    const says = () => {
      assert(replica.waiting !== null);
      return readinessBeside(replica.waiting, replica.leaseMs);
    };
    const looksAfter = { ready: true, reason: "Standing by: replica 0 looks after the services" };
    await until(() => Promise.resolve(replica.waiting ?? undefined));
    const bothPass = async () => {
      await pair.pass(0, 1_000);
      await pair.pass(1, 1_000);
    };
    for (let seconds = 0; seconds < 2 * LEASE_MS / 1000; seconds++) await bothPass();
    // A sign of life is a write to the disk, which may be slower than this clock.
    await until(() => bothPass().then(() => says().reason === looksAfter.reason ? true : undefined));
    assertEquals(says(), looksAfter);
    // From here on the leader stands still, and nothing of this one's time is left to take its place.
    stop.abort();
    await leading;
    await clock.advance(LEASE_MS - 1_000);
    const { ready, reason } = says();
    assertMatch(
      reason,
      /^Standing by: replica 0 leads and has given no sign of life for [\d.]+s; after 15s its place is/,
    );
    assertEquals(ready, true);
    await clock.advance(2 * LEASE_MS);
    assertEquals(says().ready, false);
    assertEquals(readinessBeside({ holder: null, silentMs: 0 }, LEASE_MS), {
      ready: true,
      reason: "Standing by: nobody leads yet",
    });
  }),
);

Deno.test(
  "a leader that lets go, or whose lock is free, is replaced at once",
  withPair(async (pair) => {
    const first = await pair.lead(0);
    assert(first.isAlone);
    const second = pair.lead(1);
    await pair.pass(1, 1_000);
    await first[Symbol.asyncDispose]();
    const term = await pair.passUntil(1, second);
    assertEquals([term.fencing, term.wasSilent], [2, false]);
    // As the kernel does for a process that was killed.
    await pair.locks[1].release();
    assertEquals((await pair.passUntil(0, pair.lead(0))).wasSilent, false);
  }),
);

Deno.test(
  "a confirmation that comes back too late is asked for again, for the machine may have slept (promise 5)",
  withPair(async (pair) => {
    let renewals = 0;
    let late = 1;
    const slow = new Proxy(pair.store, {
      get: (store, key) =>
        key === "renewLease"
          ? async (...of: Parameters<SharedStore["renewLease"]>) => {
            renewals++;
            await store.renewLease(...of);
            if (late-- > 0) await pair.clocks[0].advance(LEASE_MS / 2);
          }
          : typeof Reflect.get(store, key) === "function"
          ? Reflect.get(store, key).bind(store)
          : Reflect.get(store, key),
    });
    const term = await pair.lead(0, { store: slow });
    await term.confirm();
    assert(renewals >= 2);
    late = 1_000;
    const error = await assertRejects(() => term.confirm(), NotSent);
    assertMatch(error.message, /^Cannot act: /);
    late = 0;
  }),
);

Deno.test(
  "who holds the folder without leading, as restore does, is waited for",
  withPair(async (pair) => {
    assert(await pair.locks[1].tryHold());
    let hasLed = false;
    const leading = pair.lead(0).finally(() => hasLed = true);
    await pair.pass(0, LEASE_MS - 2_000);
    assertEquals(hasLed, false);
    await pair.locks[1].release();
    assertEquals((await pair.passUntil(0, leading)).isAlone, true);
  }),
);

Deno.test("a leader whose store was replaced by another file is fenced, and none begins to lead on it", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    await using store = await openSqliteStore(path);
    await (await openSqliteStore(`${path}.restored`))[Symbol.asyncDispose]();
    const fencing = await store.takeLease("a", await store.getLease(), true) ?? 0;
    const leader = store.under(fencing);
    await leader.intend(intent);
    await Deno.rename(`${path}.restored`, path);
    await assertRejects(
      () => leader.intend({ ...intent, key: "inc_1/2/deploy" }),
      Fenced,
      "a restored store leads",
    );
    await assertRejects(() => store.renewLease(fencing, true), Fenced);
    const lease = await store.getLease();
    await assertRejects(() => store.takeLease("b", lease, true), EvenkeelError, "another file");
    assertEquals((await store.listJournal()).length, 1);
  }));

Deno.test("of two who reach for the lease at once one gets it", () =>
  inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "state.db"));
    const seen = await store.getLease();
    const taken = await Promise.all([store.takeLease("a", seen, true), store.takeLease("b", seen, true)]);
    assertEquals(taken, [1, null]);
    await store.releaseLease(1);
    assertEquals(await store.getLease(), { fencing: 1, holder: null, beats: 1, isLocked: false });
    await assertRejects(() => store.renewLease(1, true), Fenced);
  }));

Deno.test("a wish to resume outlasts what a daemon writes that has not seen it, and is fulfilled once", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    await using daemon = await openSqliteStore(path);
    await using person = await openSqliteStore(path);
    const stalled = incident({ status: "stalled" });
    assertEquals(await person.askToResume("srv-1", START), null);
    await daemon.record({ incident: stalled });
    assertEquals((await person.askToResume("srv-1", START))?.id, "inc_1");
    assertEquals(await person.askToResume("srv-1", START), null);
    await daemon.record({ incident: stalled });
    assert(await daemon.isResumeAsked("inc_1"));
    await daemon.record({ incident: incident() });
    assertEquals(await daemon.isResumeAsked("inc_1"), false);
    await daemon.record({ incident: stalled });
    assertEquals(await daemon.isResumeAsked("inc_1"), false);
  }));
