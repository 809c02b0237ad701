/**
 * Every page of a store, and of its write-ahead log, is cut off and overwritten. Whatever happens to a file, opening and
 * reading it gives what was written or an error that names the file and the way back; never something else.
 */
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { EvenkeelError } from "../../base/errors.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { inFull } from "../helpers/full.ts";
import {
  attempt,
  event,
  healed,
  incident,
  inFolder,
  namesIn,
  outcome,
  serviceRecord,
  START,
} from "./builders.ts";

const SERVICES = 12;
/** Bytes of a page of the store; SQLite's default. */
const PAGE = 4096;
/** Bytes before the first frame of a log, and before the page in a frame. SQLite file format, 4.1. */
const [LOG_HEADER, FRAME_HEADER] = [32, 24];

/** Bytes from a seed, the same in each run. */
function noise(seed: number, length: number): Uint8Array<ArrayBuffer> {
  let state = seed * 2_654_435_761 >>> 0 || 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
}

/** Something of everything, a page and more of each. */
async function fill(store: Store): Promise<void> {
  for (let at = 1; at <= SERVICES; at++) {
    const serviceId = `srv-${at}`;
    const key = `inc_${at}/1/push`;
    const payload = { branch: "main", text: "x".repeat(at * 100) };
    await store.intend({ key, serviceId, kind: "push", payload, intendedAt: START + at });
    if (at % 3 > 0) await store.finish(key, { state: "done", result: { kind: "published" }, at: START + at });
    const message = `A message about ${serviceId}. `.repeat(at);
    await store.record({
      service: serviceRecord({ serviceId, name: `api-${at}` }),
      incident: at % 2 === 0
        ? { ...healed(at), serviceId, message }
        : incident({ id: `inc_${at}`, serviceId, message, attempts: [attempt()] }),
      events: [event({ serviceId, incidentId: `inc_${at}`, message }), event({ serviceId })],
      outcome: outcome({ serviceId, incidentId: `inc_${at}`, at: START + at }),
      performance: [{ at: START, serviceId, deployId: `dep-${at}`, variant: `deps:${at}`, seconds: at }],
    });
  }
  await store.addImport({
    digest: "d1",
    at: START,
    fixes: [{ cause: "c", remedy: "r" }],
    failedDependencies: ["numpy"],
    performance: [],
  });
}

/** Every way to read from a store by which something is decided. */
function readings(store: Store): (() => Promise<unknown>)[] {
  const ids = Array.from({ length: SERVICES }, (_, at) => `srv-${at + 1}`);
  return [
    () => store.listServices(),
    () => store.listIncidents({ limit: 1000 }),
    () => store.listJournal({ limit: 1000 }),
    () => store.listEvents({ limit: 1000 }),
    () => store.listOutcomes(),
    () => store.listPerformance(),
    () => store.listImports(),
    () => store.isResumeAsked("inc_1"),
    ...ids.flatMap((id, at) => [
      () => store.getService(id),
      () => store.getActiveIncident(id),
      () => store.getIncident(`inc_${at + 1}`),
      () => store.getJournalEntry(`inc_${at + 1}/1/push`),
      () => store.listPending(id),
      () => store.countEffects(id, START),
      () => store.listIncidents({ serviceId: id, limit: 1000 }),
    ]),
  ];
}

const readAll = (store: Store) => Promise.all(readings(store).map((read) => read()));

function assertIsForPeople(error: unknown, path: string): void {
  assertInstanceOf(error, EvenkeelError, Deno.inspect(error));
  assert(error.message.includes(path), error.message);
  assertMatch(error.message, /^Cannot (?:open|read) /);
  assertMatch(error.hint ?? "", /\S/);
  assertEquals(error.exitCode, 2);
}

type Verdict = "as it was" | "refused" | "refused a row";

/** @param states what may be read: the last state, or any state before it where transactions may be missing */
async function judge(path: string, states: readonly unknown[][], where: string): Promise<Verdict> {
  try {
    await using store = await openSqliteStore(path);
    return await judgeOpen(store, path, states, where);
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
    assertIsForPeople(error, path);
    return "refused";
  }
}

async function judgeOpen(
  store: Store,
  path: string,
  states: readonly unknown[][],
  where: string,
): Promise<Verdict> {
  let verdict: Verdict = "as it was";
  let possible = states;
  for (const [at, read] of readings(store).entries()) {
    try {
      const found = JSON.stringify(await read());
      possible = possible.filter((state) => JSON.stringify(state[at]) === found);
      assert(possible.length > 0, `${where}: reading ${at} gave what never was: ${found.slice(0, 300)}`);
    } catch (error) {
      if (error instanceof Error && error.name === "AssertionError") throw error;
      assertIsForPeople(error, path);
      verdict = "refused a row";
    }
  }
  return verdict;
}

/** Ways to overwrite `length` bytes. */
const OVERWRITES: readonly [
  string,
  (old: Uint8Array<ArrayBuffer>, seed: number) => Uint8Array<ArrayBuffer>,
][] = [
  ["zeros", (old) => new Uint8Array(old.length)],
  ["ones", (old) => new Uint8Array(old.length).fill(0xff)],
  ["noise", (old, seed) => noise(seed, old.length)],
  ["another letter", (old) => old.map((byte) => byte >= 0x61 && byte < 0x7a ? byte + 1 : byte)],
];

async function closedStore(folder: string): Promise<{ bytes: Uint8Array<ArrayBuffer>; state: unknown[] }> {
  const path = join(folder, "whole.db");
  let state: unknown[];
  {
    await using store = await openSqliteStore(path);
    await fill(store);
    state = await readAll(store);
  }
  return { bytes: await Deno.readFile(path), state };
}

function tally(): { add(verdict: Verdict): void; text(): string } {
  const counts = new Map<Verdict, number>();
  return {
    add: (verdict) => counts.set(verdict, (counts.get(verdict) ?? 0) + 1),
    text: () => [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", "),
  };
}

Deno.test("a store cut off at every page and between is refused, never read in part (promise 6)", () =>
  inFolder(async (folder) => {
    const { bytes } = await closedStore(folder);
    const path = join(folder, "cut.db");
    const lengths = new Set<number>();
    for (let at = 0; at < bytes.length; at += PAGE) {
      for (const near of [-1, 0, 1]) if (at + near >= 0) lengths.add(at + near);
    }
    for (let at = 0; at < bytes.length; at += 3001) lengths.add(at);
    for (const length of lengths) {
      await Deno.writeFile(path, bytes.subarray(0, length));
      assertEquals(await judge(path, [], `cut at ${length}`), "refused", `cut at ${length}`);
      assertEquals(await Deno.readFile(path), bytes.subarray(0, length), "a refused file stays as it was");
    }
    console.log(`${lengths.size} lengths of ${bytes.length / PAGE} pages, all refused`);
  }));

Deno.test("a small store cut off at any byte is refused, and stays as it was cut (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "cut.db");
    {
      await using store = await openSqliteStore(path);
      await store.record({ service: serviceRecord(), incident: incident(), events: [event()] });
      await store.intend({ key: "k", serviceId: "srv-1", kind: "push", payload: null, intendedAt: START });
    }
    const bytes = await Deno.readFile(path);
    let lengths = 0;
    for (let length = bytes.length - 1; length >= 0; length -= inFull(1, 1013)) {
      await Deno.truncate(path, length);
      assertEquals(await judge(path, [], `cut at ${length}`), "refused", `cut at ${length}`);
      assertEquals((await Deno.stat(path)).size, length);
      if (lengths++ % PAGE === 0) assertEquals(await Deno.readFile(path), bytes.subarray(0, length));
    }
    assertEquals(await namesIn(folder), ["cut.db"]);
    console.log(`${lengths} of ${bytes.length} lengths, all refused`);
  }));

Deno.test("a store with overwritten bytes in any page is as it was or refused, as a whole or by the row (promise 6)", () =>
  inFolder(async (folder) => {
    const { bytes, state } = await closedStore(folder);
    const path = join(folder, "damaged.db");
    const count = tally();
    const spots = [0, 1, 8, 97, 513, 1024, 2050, 3000, 3600, 4000];
    const sizes = inFull([1, 2, 16, 200, PAGE], [96]);
    for (let page = 0; page * PAGE < bytes.length; page++) {
      for (const spot of inFull(spots, spots.slice(page * 3 % 10, page * 3 % 10 + 1))) {
        for (const size of sizes) {
          for (const [name, change] of OVERWRITES) {
            const from = page * PAGE + (size === PAGE ? 0 : spot);
            const damaged = bytes.slice();
            const seed = page * 7919 + spot * 31 + size;
            damaged.set(change(bytes.slice(from, Math.min(from + size, bytes.length)), seed), from);
            await Deno.writeFile(path, damaged);
            for (const more of ["-wal", "-shm"]) await Deno.remove(path + more).catch(() => {});
            count.add(await judge(path, [state], `page ${page}, ${size} bytes of ${name} at ${spot}`));
          }
        }
      }
    }
    console.log(`${bytes.length / PAGE} pages: ${count.text()}`);
  }));

Deno.test("a store with another letter in the text of its schema is refused (promise 6)", () =>
  inFolder(async (folder) => {
    const { bytes } = await closedStore(folder);
    const path = join(folder, "schema.db");
    // Some of them lie in space that is not in use any more.
    const places = [...new TextDecoder("latin1").decode(bytes).matchAll(/intended_at INTEGER/g)];
    assert(places.length > 0);
    for (const { index } of places) bytes[index] = "j".charCodeAt(0);
    await Deno.writeFile(path, bytes);
    assertEquals(await judge(path, [], "schema"), "refused");
  }));

Deno.test("a store that is damaged while it is open gives what was written or refuses the row (promise 6)", () =>
  inFolder(async (folder) => {
    const { bytes, state } = await closedStore(folder);
    const path = join(folder, "open.db");
    const count = tally();
    for (let page = 1; page * PAGE < bytes.length; page += inFull(1, 5)) {
      // Of an index changed into another sound index only the next start tells.
      for (const [name, change] of OVERWRITES.filter(([name]) => name !== "another letter")) {
        for (const more of ["-wal", "-shm"]) await Deno.remove(path + more).catch(() => {});
        await Deno.writeFile(path, bytes);
        await using store = await openSqliteStore(path);
        // What another program writes into the file is not in this one's cache.
        using file = await Deno.open(path, { write: true });
        await file.seek(page * PAGE, Deno.SeekMode.Start);
        await file.write(change(bytes.slice(page * PAGE, (page + 1) * PAGE), page));
        // A page is kept until somebody else has written.
        const other = new DatabaseSync(path);
        try {
          other.exec("INSERT OR REPLACE INTO probe (id, at) VALUES (1, 2)");
        } catch {
          // The page that it would write to is the damaged one.
        } finally {
          other.close();
        }
        count.add(await judgeOpen(store, path, [state], `page ${page} of ${name}`));
      }
    }
    console.log(`${bytes.length / PAGE} pages: ${count.text()}`);
  }));

/** A store that is in use, so that its newest transactions are in its log alone, and what it held after each. */
async function busyStore(folder: string) {
  const path = join(folder, "busy.db");
  const states: unknown[][] = [];
  /** How long the log was in each of the states. */
  const lengths: number[] = [];
  await using store = await openSqliteStore(path);
  const note = async () => {
    states.push(await readAll(store));
    lengths.push((await Deno.stat(`${path}-wal`)).size);
  };
  for (let at = 1; at <= 8; at++) {
    await note();
    const serviceId = `srv-${at}`;
    const key = `inc_${at}/1/push`;
    await store.intend({ key, serviceId, kind: "push", payload: { at }, intendedAt: START + at });
    await note();
    await store.record({
      service: serviceRecord({ serviceId }),
      incident: incident({ id: `inc_${at}`, serviceId }),
    });
  }
  await note();
  // The last page is that of the last table.
  await store.record({ incident: incident({ id: "inc_1", serviceId: "srv-1", status: "stalled" }) });
  await note();
  assert(await store.askToResume("srv-1", START) !== null);
  await note();
  return { main: await Deno.readFile(path), log: await Deno.readFile(`${path}-wal`), states, lengths };
}

/** Opens a store whose log is in part what it was, and holds it to the last transaction that is whole in there. */
async function startsFromLastGood(folder: string) {
  const { main, log, states, lengths } = await busyStore(folder);
  const path = join(folder, "cut.db");
  assertEquals(lengths.at(-1), log.length, "the whole log is read");
  assertEquals([...new Set(lengths)], lengths, "each transaction adds to it");
  return {
    log,
    /** The log before the last transaction. */
    tail: lengths.at(-2) ?? 0,
    /** @param whole how many of its first bytes are as they were */
    open: async (changed: Uint8Array<ArrayBuffer>, whole: number, where: string) => {
      await Deno.writeFile(path, main);
      await Deno.writeFile(`${path}-wal`, changed);
      await Deno.remove(`${path}-shm`).catch(() => {});
      const last = lengths.findLastIndex((length) => length <= whole);
      assertEquals(await judge(path, [states[Math.max(last, 0)] ?? []], where), "as it was", where);
    },
  };
}

Deno.test("a write-ahead log cut off or overwritten anywhere starts from the last transaction that is whole before it (promise 6)", () =>
  inFolder(async (folder) => {
    const { log, open } = await startsFromLastGood(folder);
    const frames: number[] = [0, 1, LOG_HEADER - 1];
    const step = inFull(1, 12) * (FRAME_HEADER + PAGE);
    for (let at = LOG_HEADER; at < log.length; at += step) frames.push(at);
    for (const frame of frames) {
      for (const near of [-1, 0, 1, FRAME_HEADER, FRAME_HEADER + 2000]) {
        const length = Math.min(Math.max(frame + near, 0), log.length);
        await open(log.slice(0, length), length, `log cut at ${length}`);
      }
      for (const [name, change] of OVERWRITES) {
        for (const spot of inFull([0, 5, 12, FRAME_HEADER, 800, 3000], [5, 800])) {
          const damaged = log.slice();
          const from = Math.min(frame + spot, log.length - 16);
          damaged.set(change(log.slice(from, from + 16), frame + spot), from);
          const first = damaged.findIndex((byte, at) => byte !== log[at]);
          await open(damaged, first < 0 ? log.length : first, `${name} in the log at ${from}`);
        }
      }
    }
    console.log(`${frames.length} places of the log, each led to the last good state`);
  }));

Deno.test("a kill that tears the last transaction of the log at any byte takes that one and no other (promise 6)", () =>
  inFolder(async (folder) => {
    const { log, tail, open } = await startsFromLastGood(folder);
    let lengths = 0;
    for (let length = tail; length < log.length; length += inFull(1, 151)) {
      await open(log.slice(0, length), length, `log cut at ${length}`);
      lengths++;
    }
    await open(log, log.length, "the whole log");
    console.log(`${lengths} lengths of a last transaction of ${log.length - tail} bytes`);
  }));

Deno.test("a store that was cut off under its write-ahead log is as it was where the log has what is gone, else refused (promise 6)", () =>
  inFolder(async (folder) => {
    const { main, log, states } = await busyStore(folder);
    const path = join(folder, "cut.db");
    const count = tally();
    const inLog = new Set<number>();
    const view = new DataView(log.buffer);
    for (let at = LOG_HEADER; at < log.length; at += FRAME_HEADER + PAGE) inLog.add(view.getUint32(at));
    const pages = main.length / PAGE;
    for (let length = 0; length < main.length; length += inFull(512, PAGE)) {
      for (const near of [0, 1]) {
        await Deno.writeFile(path, main.subarray(0, length + near));
        await Deno.writeFile(`${path}-wal`, log);
        await Deno.remove(`${path}-shm`).catch(() => {});
        const first = Math.floor(length / PAGE) + 1;
        const gone = Array.from({ length: pages - first + 1 }, (_, at) => first + at);
        const verdict = await judge(path, states.slice(-1), `cut at ${length + near}`);
        assertEquals(verdict, gone.every((page) => inLog.has(page)) ? "as it was" : "refused");
        count.add(verdict);
      }
    }
    assertMatch(count.text(), /refused, \d+ as it was/);
    console.log(`${pages} pages under a log: ${count.text()}`);
  }));
