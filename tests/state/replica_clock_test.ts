import { assert, assertEquals, assertRejects } from "@std/assert";
import { NotSent } from "../../base/errors.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { LEASE_MS, Replica } from "../../state/replica.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore } from "../../state/store.ts";
import { Machine } from "../helpers/machine.ts";

const DAY_MS = 86_400_000;

/** A leader on a machine to which something happens whenever it gives a sign of life. */
async function leader(store: SharedStore, machine: Machine, happens: () => void) {
  const renewing = new Proxy(store, {
    get: (target, key) => {
      if (key === "renewLease") {
        return async (...of: Parameters<SharedStore["renewLease"]>) => {
          await target.renewLease(...of);
          happens();
        };
      }
      const member: unknown = Reflect.get(target, key);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const lock = { isHeld: true, tryHold: () => Promise.resolve(true), release: () => Promise.resolve() };
  const { now } = machine.time();
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
  const clock = { now, monotonic: () => machine.monotonic(), sleep };
  const term = await new Replica({ store: renewing, lock, clock, name: "pid 1" }).lead(
    new AbortController().signal,
  );
  assert(term !== null);
  return term;
}

Deno.test("a leader whose machine's clock is set on by a day whenever it makes sure leads on, with its number (promise 4) (promise 5)", async () => {
  await using store = await openSqliteStore(IN_MEMORY);
  const machine = new Machine(Date.UTC(2026, 0, 2));
  let offMs = 0;
  await using term = await leader(store, machine, () => {
    offMs += DAY_MS;
    machine.isSet(offMs);
  });
  for (let n = 0; n < 6; n++) await term.confirm();
  assertEquals([term.lost.aborted, (await store.getLease()).fencing], [false, term.fencing]);
});

Deno.test("a leader whose machine sleeps while it makes sure does not act on it, even where the clock is set back by as much (promise 4) (promise 5)", async () => {
  await using store = await openSqliteStore(IN_MEMORY);
  const machine = new Machine(Date.UTC(2026, 0, 2));
  let sleptMs = 0;
  await using term = await leader(store, machine, () => {
    sleptMs += LEASE_MS;
    machine.sleeps(LEASE_MS);
    machine.isSet(-sleptMs);
  });
  await assertRejects(() => term.confirm(), NotSent, "the store answers too late");
});
