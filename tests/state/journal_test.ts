import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import { performOnce, TRIES_MAX } from "../../state/journal.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { inFolder, START } from "./builders.ts";

const clock = { now: () => START, monotonic: () => 0, sleep: async () => {} };
const order = {
  key: "inc_1/1/deploy",
  serviceId: "srv-1",
  kind: "deploy" as const,
  payload: { commit: "c1" },
  clock,
};

class Crash extends Error {}

/** A world in which the effect leaves a trace, and a process that can die at a chosen line. */
class World {
  readonly deploys: string[] = [];
  constructor(private readonly crashAt: string | null = null) {}
  step(name: string): void {
    if (name === this.crashAt) throw new Crash(name);
  }
}

function steps(world: World, deploys: string[] = world.deploys) {
  return {
    alreadyDone: async (): Promise<Json | null> => {
      world.step("before asking");
      const done = deploys[0];
      world.step("after asking");
      return done ?? null;
    },
    perform: async (): Promise<Json> => {
      world.step("before performing");
      deploys.push(`dep-${deploys.length + 1}`);
      world.step("after performing");
      return deploys.at(-1) ?? "";
    },
  };
}

/** The store of a process that dies before or after a write reaches the disk. */
function dyingStore(store: Store, world: World): Store {
  const dying = Object.create(store) as Store; // every other method is the real one
  dying.intend = async (entry) => {
    world.step("before intending");
    const intended = await store.intend(entry);
    world.step("after intending");
    return intended;
  };
  dying.finish = async (key, end) => {
    world.step("before finishing");
    await store.finish(key, end);
    world.step("after finishing");
  };
  return dying;
}

function withStore(work: (store: Store) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "state.db"));
    await work(store);
  });
}

const LINES = ["intending", "asking", "performing", "finishing"].flatMap((
  line,
) => [`before ${line}`, `after ${line}`]);
for (const line of LINES) {
  Deno.test(`performOnce() killed ${line} and called again has the effect exactly once (promise 1)`, () =>
    withStore(async (store) => {
      const world = new World(line);
      await assertRejects(() => performOnce(dyingStore(store, world), order, steps(world)), Crash);
      const end = await performOnce(store, order, steps(new World(), world.deploys));
      assertEquals(world.deploys, ["dep-1"]);
      assertEquals([end.result, end.tries], ["dep-1", 1]);
      assertEquals((await store.getJournalEntry(order.key))?.state, "done");
      assertEquals(await store.listPending("srv-1"), []);
      assertEquals(await store.countEffects("srv-1", 0), 1);
    }));
}

Deno.test("performOnce() gives the recorded result without asking or acting", () =>
  withStore(async (store) => {
    const world = new World();
    assertEquals((await performOnce(store, order, steps(world))).how, "performed");
    const never = () => Promise.reject(new Error("asked again"));
    const again = await performOnce(store, order, { alreadyDone: never, perform: never });
    assertEquals(again, { result: "dep-1", how: "recorded", tries: 1 });
  }));

Deno.test("performOnce() finds an effect that the world has and the store does not know", () =>
  withStore(async (store) => {
    const world = new World();
    world.deploys.push("dep-0");
    assertEquals(await performOnce(store, order, steps(world)), { result: "dep-0", how: "found", tries: 1 });
    assertEquals(world.deploys, ["dep-0"]);
  }));

const call = "POST /services/srv-1/deploys";
const unclear: [string, Error][] = [
  ["no answer", new RenderUnreachable("no answer", call)],
  ["a 502", new RenderRefused("bad gateway", 502, call, undefined)],
  ["a 429", new RenderRefused("slow down", 429, call, 1000)],
  ["an error of another kind", new Error("anything")],
];
for (const [name, error] of unclear) {
  Deno.test(`performOnce() leaves the effect pending after ${name}, and the next call asks the world (promise 7)`, () =>
    withStore(async (store) => {
      const world = new World();
      const happened = async () => {
        world.deploys.push("dep-1");
        throw error;
      };
      await assertRejects(
        () => performOnce(store, order, { ...steps(world), perform: happened }),
        Error,
        error.message,
      );
      assertEquals((await store.listPending("srv-1")).map(({ key }) => key), [order.key]);
      assertEquals(await performOnce(store, order, steps(world)), {
        result: "dep-1",
        how: "found",
        tries: 1,
      });
      assertEquals(world.deploys, ["dep-1"]);
    }));
}

Deno.test("performOnce() gives a refused effect further tries of their own, then gives it up", () =>
  withStore(async (store) => {
    const refusal = new RenderRefused("no such commit, secret-abc", 400, call, undefined);
    const refuse = {
      alreadyDone: async () => null,
      perform: () => Promise.reject(refusal),
      redact: (text: string) => text.replace("secret-abc", "[redacted]"),
    };
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      await assertRejects(() => performOnce(store, order, refuse), RenderRefused);
      assertEquals(await store.listPending("srv-1"), []);
      assertEquals(await store.countEffects("srv-1", 0), tries);
    }
    const error = await assertRejects(() => performOnce(store, order, refuse), EvenkeelError);
    assertEquals(
      error.message,
      "Cannot perform deploy for srv-1: refused 3 times: no such commit, [redacted]",
    );
    const keys = (await store.listJournal()).map(({ key, state }) => [key, state]);
    assertEquals(keys.reverse(), [[order.key, "failed"], [`${order.key}/2`, "failed"], [
      `${order.key}/3`,
      "failed",
    ]]);
  }));

Deno.test("performOnce() killed in a second try has the effect exactly once", () =>
  withStore(async (store) => {
    const refusal = new RenderRefused("not now", 409, call, undefined);
    const refuse = { alreadyDone: async () => null, perform: () => Promise.reject(refusal) };
    await assertRejects(() => performOnce(store, order, refuse), RenderRefused);
    const world = new World("after performing");
    await assertRejects(() => performOnce(store, order, steps(world)), Crash);
    assertEquals((await store.listPending("srv-1")).map(({ key }) => key), [`${order.key}/2`]);
    const end = await performOnce(store, order, steps(new World(), world.deploys));
    assertEquals([end, world.deploys], [{ result: "dep-1", how: "found", tries: 2 }, ["dep-1"]]);
  }));

Deno.test("performOnce() lets the caller say which errors are certain", () =>
  withStore(async (store) => {
    const refuse = {
      alreadyDone: async () => null,
      perform: () => Promise.reject(new EvenkeelError("Cannot push: the branch is protected")),
      isCertain: (error: unknown) => error instanceof EvenkeelError,
    };
    await assertRejects(() => performOnce(store, order, refuse), EvenkeelError);
    assertEquals((await store.getJournalEntry(order.key))?.state, "failed");
  }));
