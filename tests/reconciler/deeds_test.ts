/** Every kind of effect, at every line of its journal: replaced there, killed there, and with a view that is behind. */
import { assert, assertEquals } from "@std/assert";
import { IN_MEMORY } from "../../state/database.ts";
import { Fenced } from "../../state/lease.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore, Store } from "../../state/store.ts";
import { effectKinds, Leader, World } from "./deeds.ts";

class Killed extends Error {}
type Line = "intend:before" | "intend:after" | "finish:before" | "finish:after";
const LINES: readonly Line[] = ["intend:before", "intend:after", "finish:before", "finish:after"];

/** A store at whose journal something happens. */
function at(wanted: Line, happen: () => Promise<void>): (store: Store) => Store {
  const pass = (line: Line) => line === wanted ? happen() : Promise.resolve();
  return (store) =>
    new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (name !== "intend" && name !== "finish") return value.bind(target);
        return async (...given: unknown[]) => {
          await pass(`${name}:before`);
          const result: unknown = await Reflect.apply(value, target, given);
          await pass(`${name}:after`);
          return result;
        };
      },
    });
}

/** What became of a call: the error it ended with, if any. The keeper of the webhook keeps its own to itself. */
const endOf = (call: Promise<void>) => call.then(() => null, (error: unknown) => error);

/** Refused by the store itself, or in front of the request by whoever asks it. */
function assertFenced(error: unknown, where: string): void {
  assert(error instanceof Fenced || /Leader 1 was replaced/.test(String(error)), `${where}: ${error}`);
}

async function assertDoneOnce(world: World, store: SharedStore, where: string): Promise<void> {
  assertEquals(world.changes.length, 1, `${where}: ${world.changes}`);
  const journal = await store.listJournal();
  assertEquals(journal.map(({ kind, state }) => `${kind} ${state}`), [`${world.kind} done`], where);
}

for (const kind of effectKinds) {
  Deno.test(`${kind}: a leader that is replaced before, between or after the lines of the journal changes nothing more, and its successor does it once (promise 5)`, async () => {
    for (const line of LINES) {
      await using store = await openSqliteStore(IN_MEMORY);
      const world = new World(kind);
      let successor: Leader | null = null;
      const replace = async () => void (successor ??= await Leader.of(world, store));
      const old = await Leader.of(world, store, at(line, replace));
      const error = await endOf(old.perform());
      const where = `replaced at ${line}`;
      assert(successor !== null, where);
      const isEffectOver = line.startsWith("finish");
      if (kind !== "webhook-on" && line !== "finish:after") {
        assertFenced(error, where);
      }
      assertEquals(world.changes.length, isEffectOver ? 1 : 0, `${where}: ${world.changes}`);
      const states = (await store.listJournal()).map(({ state }) => state);
      const left = {
        "intend:before": [],
        "intend:after": ["intended"],
        "finish:before": ["intended"],
        "finish:after": ["done"],
      };
      assertEquals(states, left[line], where);

      // It wakes, again and again.
      const again = await endOf(old.perform());
      if (kind !== "webhook-on") assertFenced(again, where);
      assertEquals(world.changes.length, isEffectOver ? 1 : 0, `${where} and woken: ${world.changes}`);
      await (successor as Leader).performPatiently();
      await endOf(old.perform());
      await assertDoneOnce(world, store, where);
    }
  });

  Deno.test(`${kind}: it is done once, whichever line of its journal its process dies at (promise 1)`, async () => {
    for (const line of LINES) {
      await using store = await openSqliteStore(IN_MEMORY);
      const world = new World(kind);
      let isKilled = false;
      const kill = () => {
        isKilled = true;
        return Promise.reject(new Killed(line));
      };
      const error = await endOf((await Leader.of(world, store, at(line, kill))).perform());
      assert(isKilled && (kind === "webhook-on" || error instanceof Killed), `${line}: ${error}`);
      assertEquals(world.changes.length, line.startsWith("finish") ? 1 : 0, line);
      await (await Leader.of(world, store)).performPatiently();
      await assertDoneOnce(world, store, `killed at ${line}`);
    }
  });

  Deno.test(`${kind}: what is not shown yet to who did it is not done again (promise 7)`, async () => {
    await using store = await openSqliteStore(IN_MEMORY);
    const world = new World(kind);
    world.afterChange = () => void (world.isBehind = true);
    const kill = () => Promise.reject(new Killed("before it is noted"));
    await endOf((await Leader.of(world, store, at("finish:before", kill))).perform());
    assertEquals([world.changes.length, world.isBehind], [1, true]);
    const waits = await (await Leader.of(world, store)).performPatiently(() => world.isBehind = false);
    // What would happen a second time is waited for; the others are what they were asked to be.
    assertEquals(waits > 0, ["deploy", "rollback", "restart"].includes(kind));
    await assertDoneOnce(world, store, "not shown yet");
  });
}
