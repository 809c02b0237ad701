import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../base/clock.ts";
import type { Clock } from "../../base/clock.ts";
import { EvenkeelError } from "../../base/errors.ts";
import { backUp, BACKUP_EVERY_MS, copiedAt } from "../../state/backup.ts";
import { LOCKED } from "../../state/database.ts";
import { copyOf } from "../../state/lost_store.ts";
import { migrate, MIGRATIONS } from "../../state/migrations.ts";
import { restoreStore } from "../../state/restore.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { inFull } from "../helpers/full.ts";
import { healed, incident, inFolder, namesIn, outcome, serviceRecord, START } from "./builders.ts";

const later = (ms: number): Clock => ({ ...systemClock, now: () => systemClock.now() + ms });
const intent = (at: number) => ({
  key: `inc_${at}/1/push`,
  serviceId: `srv-${at}`,
  kind: "push" as const,
  payload: { at, text: "x".repeat(900) },
  intendedAt: START + at,
});

/** A store with a copy, and work that was recorded after the copy was made. */
async function withCopy(path: string): Promise<void> {
  await using store = await openSqliteStore(path);
  await store.record({
    service: serviceRecord({ serviceId: "srv-1" }),
    incident: incident({ serviceId: "srv-1" }),
  });
  await store.intend(intent(1));
  assertEquals(await backUp(path, systemClock), true);
  assertEquals(await backUp(path, systemClock), false);
  await store.finish("inc_1/1/push", { state: "done", result: null, at: START });
  await store.record({ incident: { ...healed(1), serviceId: "srv-1" }, outcome: outcome() });
  for (let at = 2; at <= 40; at++) {
    const serviceId = `srv-${at}`;
    await store.record({
      service: serviceRecord({ serviceId }),
      incident: incident({ id: `inc_${at}`, serviceId }),
    });
    await store.intend(intent(at));
  }
}

async function damage(path: string, at: number, length: number): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(new Uint8Array(length).fill(0x5a));
}

Deno.test("a copy of the store is whole, its owner's alone, and made anew after a day", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    assertEquals((await Deno.stat(copyOf(path))).mode! & 0o777, 0o600);
    {
      await using copy = await openSqliteStore(copyOf(path));
      assertEquals((await copy.listPending("srv-1")).length, 1);
      assertEquals((await copy.listServices()).length, 1);
    }
    const first = copiedAt(copyOf(path));
    assertEquals(await backUp(path, later(BACKUP_EVERY_MS)), true);
    assert(copiedAt(copyOf(path)) >= first + BACKUP_EVERY_MS);
    await using copy = await openSqliteStore(copyOf(path));
    assertEquals((await copy.listServices()).length, 40);
    assertEquals((await namesIn(folder)).filter((name) => /new|probe/.test(name)), []);
  }));

Deno.test("a damaged store is not copied over its good copy (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    const good = await Deno.readFile(copyOf(path));
    const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
    await damage(path, text.lastIndexOf("xxxxxxxx"), 4);
    const error = await assertRejects(() => backUp(path, later(BACKUP_EVERY_MS)), EvenkeelError);
    assertMatch(error.message, /^Cannot copy .*the file is damaged: row \d+ of journal$/);
    assertEquals(await Deno.readFile(copyOf(path)), good);
  }));

Deno.test("a store that SQLite cannot copy is named as damaged, and its good copy stays (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    const before = await Deno.readFile(copyOf(path));
    await damage(path, 8192, 4096);
    await assertRejects(() => backUp(path, later(BACKUP_EVERY_MS)), EvenkeelError, "the file is damaged");
    assertEquals(await Deno.readFile(copyOf(path)), before);
    assertEquals((await namesIn(folder)).filter((name) => name.includes("new")), []);
  }));

Deno.test("a damaged store is restored from its copy with what it still says; no effect is forgotten unsaid (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    const size = (await Deno.stat(path)).size;
    const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
    await damage(path, Math.floor(text.lastIndexOf("inc_20/1/push") / 4096) * 4096, 4096);
    await assertRejects(() => openSqliteStore(path), EvenkeelError, "damaged");
    const restored = await restoreStore(path, systemClock);
    assert(restored.rescued > 60 && !restored.isComplete, Deno.inspect(restored));
    await using store = await openSqliteStore(path);
    const journal = (await store.listJournal({ limit: 1000 })).map(({ key }) => key);
    assertEquals(restored.pending.toSorted(), journal.filter((key) => key !== "inc_1/1/push").toSorted());
    assertEquals((await store.getJournalEntry("inc_1/1/push"))?.state, "done");
    assertEquals((await store.listEvents()).map(({ type }) => type), ["StoreRestored"]);
    assertEquals((await store.getIncident("inc_1"))?.status, "healed");
    assertEquals(
      (await store.listEvents())[0]?.message.startsWith("The store was damaged; its copy of 2"),
      true,
    );
    assert((await Deno.stat(restored.kept ?? "")).size === size);
  }));

Deno.test("a store of which nothing can be read is restored to its copy, under a higher number of the leader (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    await Deno.writeTextFile(path, "nothing");
    const { rescued, isComplete, pending, kept } = await restoreStore(path, systemClock);
    assertEquals([rescued, isComplete, pending], [0, false, ["inc_1/1/push"]]);
    assertEquals(await Deno.readTextFile(kept ?? ""), "nothing");
    await using store = await openSqliteStore(path);
    assertEquals((await store.getLease()).fencing, 1);
    assertEquals((await store.listServices()).length, 1);
  }));

Deno.test("one byte of a header is mended for reading: every row is rescued, and an effect of no service is named (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    {
      await using store = await openSqliteStore(path);
      await store.intend({ ...intent(99), key: "webhook-on/evt_1", serviceId: "webhook" });
    }
    for (const at of [3, 17]) {
      const whole = await Deno.readFile(path);
      await damage(path, at, 1);
      const { rescued, isComplete, pending, kept } = await restoreStore(path, systemClock);
      assert(kept !== null);
      assertEquals([rescued, isComplete, pending.length], [121, true, 40], `byte ${at}`);
      assert(pending.includes("webhook-on/evt_1"));
      assertEquals((await Deno.readFile(kept)).findIndex((byte, index) => byte !== whole[index]), at);
      await Deno.remove(kept);
    }
  }));

/** A store whose first bytes are damaged and whose newest effect lies in its log. */
async function damagedWithLog(path: string): Promise<void> {
  await withCopy(path);
  {
    await using store = await openSqliteStore(path);
    await store.intend({ ...intent(99), key: "inc_40/2/restart" });
    for (const end of ["", "-wal"]) await Deno.copyFile(path + end, `${path}${end}.live`);
  }
  for (const end of ["", "-wal"]) await Deno.rename(`${path}${end}.live`, path + end);
  await damage(path, 3, 1);
}

Deno.test("a store that does not begin as one is refused with its log untouched, and restored with it (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await damagedWithLog(path);
    const before = [await Deno.readFile(path), await Deno.readFile(`${path}-wal`)];
    await assertRejects(() => openSqliteStore(path), EvenkeelError, "it does not begin as a database");
    assertEquals([await Deno.readFile(path), await Deno.readFile(`${path}-wal`)], before);
    const { pending, isComplete } = await restoreStore(path, systemClock);
    assertEquals([isComplete, pending.includes("inc_40/2/restart")], [true, true]);
  }));

Deno.test("a restore that was killed after it took the log away is refused, and repeated with the log (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await damagedWithLog(path);
    const kept = `${path}.damaged-1`;
    await Deno.link(path, kept);
    await Deno.rename(`${path}-wal`, `${kept}-wal`);
    await assertRejects(() => openSqliteStore(path), EvenkeelError, "putting back its copy was interrupted");
    const restored = await restoreStore(path, systemClock);
    assertEquals([restored.isComplete, restored.pending.includes("inc_40/2/restart")], [true, true]);
    assertEquals((await namesIn(folder)).filter((name) => name.includes("damaged-1-")), []);
    assert((await namesIn(folder)).includes(`${restored.kept?.slice(folder.length + 1)}-wal`));
  }));

Deno.test("a store that is missing is restored from its copy, not begun anew (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    await Deno.remove(path);
    const error = await assertRejects(
      () => openSqliteStore(path),
      EvenkeelError,
      "evenkeel.db.bak is there",
    );
    assertMatch(error.hint ?? "", /^deno task evenkeel restore /);
    assertEquals(await namesIn(folder), ["evenkeel.db.bak"]);
    const { was, isComplete, pending, kept } = await restoreStore(path, systemClock);
    assertEquals([was, isComplete, pending, kept], ["missing", false, ["inc_1/1/push"], null]);
    assertEquals(await namesIn(folder), ["evenkeel.db", "evenkeel.db.bak"]);
    await using store = await openSqliteStore(path);
    assertEquals((await store.listServices()).length, 1);
    assertMatch((await store.listEvents())[0]?.message ?? "", /^The store was missing; its copy of 2/);
  }));

Deno.test("a restore goes back to a copy of any older schema, and under its number (promise 6) (promise 27)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await using opened = await openSqliteStore(path);
    await opened.takeLease("a", await opened.getLease(), true);
    await opened[Symbol.asyncDispose]();
    await damage(path, 0, 3);
    const old = new DatabaseSync(copyOf(path));
    migrate(old, MIGRATIONS.slice(0, 1));
    const entry = { ...intent(1), payload: {}, state: "intended", result: null, finishedAt: null };
    old.prepare("INSERT INTO journal (key, service_id, state, intended_at, record) VALUES (?, ?, ?, ?, ?)")
      .run(entry.key, entry.serviceId, entry.state, entry.intendedAt, JSON.stringify(entry));
    old.close();
    const { pending, copiedAt } = await restoreStore(path, systemClock);
    assertEquals([pending, copiedAt], [[entry.key], START + 1]);
    await using store = await openSqliteStore(path);
    assertEquals((await store.getLease()).fencing, 2);
  }));

Deno.test("a restore tells the age of its copy by what is in it, wherever the file has been (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    const made = copiedAt(copyOf(path));
    assert(Math.abs(made - systemClock.now()) < BACKUP_EVERY_MS / 2);
    const lastYear = new Date(made - 365 * BACKUP_EVERY_MS);
    await Deno.utime(copyOf(path), lastYear, lastYear);
    await Deno.remove(path);
    assertEquals((await restoreStore(path, systemClock)).copiedAt, made);
    // Of a copy without that time, the newest of its records.
    const database = new DatabaseSync(copyOf(path));
    database.exec("DELETE FROM probe");
    database.close();
    assertEquals(copiedAt(copyOf(path)), START + 1);
  }));

Deno.test("a copy that is damaged as well, down to no byte at all, is refused with the way out, and nothing is left or changed (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    const copy = await Deno.readFile(copyOf(path));
    const text = new TextDecoder("latin1").decode(copy);
    const record = copy.slice();
    record[text.indexOf("xxxxxxxx")] = "y".charCodeAt(0);
    const copies = [new Uint8Array(), copy.slice(0, 50), copy.slice(0, 8192), copy.map(() => 0x5a), record];
    for (const isMissing of [false, true]) {
      if (isMissing) await Deno.remove(path);
      else await damage(path, 0, 16);
      for (const bytes of copies) {
        await Deno.writeFile(copyOf(path), bytes);
        const before = await namesIn(folder);
        const store = isMissing ? null : await Deno.readFile(path);
        const error = await assertRejects(() => restoreStore(path, systemClock), EvenkeelError);
        assertMatch(error.message, /^Cannot restore \S+evenkeel\.db: its copy \S+\.bak is damaged: \w/);
        assertMatch(error.hint ?? "", /^Start without memory: mv .*\.bak /);
        assertEquals(error.hint?.includes(`mv ${path} `), !isMissing);
        assertEquals(await namesIn(folder), before);
        if (store !== null) assertEquals(await Deno.readFile(path), store);
      }
    }
    // The way out, as it is told.
    await Deno.rename(copyOf(path), `${copyOf(path)}.damaged`);
    await using store = await openSqliteStore(path);
    assertEquals(await store.listServices(), []);
  }));

Deno.test("an empty file in the place of the copy is no copy: it is made anew at once (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    await Deno.truncate(copyOf(path));
    assertEquals(await backUp(path, systemClock), true);
    await using copy = await openSqliteStore(copyOf(path));
    assertEquals((await copy.listServices()).length, 40);
  }));

Deno.test({
  name: "a store that another process keeps locked is not taken for a damaged one by a restore (promise 6)",
  // As long as SQLite waits.
  ignore: !inFull(true, false),
  fn: () =>
    inFolder(async (folder) => {
      const path = join(folder, "evenkeel.db");
      await withCopy(path);
      const other = new DatabaseSync(path);
      other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
      const names = await namesIn(folder);
      await assertRejects(() => restoreStore(path, systemClock), EvenkeelError, LOCKED);
      assertEquals(await namesIn(folder), names);
      other.close();
    }),
});

Deno.test("an empty store where one was lost is not copied over the copy that remembers, and restored (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    await Deno.remove(path);
    const aside = join(folder, "aside");
    await Deno.rename(copyOf(path), aside);
    {
      await using store = await openSqliteStore(path);
      await store.record({ service: serviceRecord({ serviceId: "srv-1" }) });
    }
    await Deno.rename(aside, copyOf(path));
    const good = await Deno.readFile(copyOf(path));
    await assertRejects(
      () => backUp(path, later(BACKUP_EVERY_MS)),
      EvenkeelError,
      "it holds no incident and no effect",
    );
    assertEquals(await Deno.readFile(copyOf(path)), good);
    assertEquals((await namesIn(folder)).filter((name) => /new/.test(name)), []);
    const { was, isComplete, pending } = await restoreStore(path, systemClock);
    assertEquals([was, isComplete, pending], ["empty", false, ["inc_1/1/push"]]);
    await using store = await openSqliteStore(path);
    assertEquals((await store.getIncident("inc_1"))?.id, "inc_1");
  }));

Deno.test("a store that is whole, or has no copy, is not restored and stays as it is", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    await assertRejects(() => restoreStore(path, systemClock), EvenkeelError, "it is not damaged");
    await Deno.remove(copyOf(path));
    await Deno.writeTextFile(path, "nothing");
    const error = await assertRejects(
      () => restoreStore(path, systemClock),
      EvenkeelError,
      "there is no copy",
    );
    assertMatch(error.hint ?? "", /^Start without memory: mv /);
    assertEquals(await Deno.readTextFile(path), "nothing");
  }));

Deno.test("a store that a newer Evenkeel or another program wrote is not taken for a damaged one by a restore (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    await withCopy(path);
    for (const change of [`user_version = ${MIGRATIONS.length + 1}`, "application_id = 1"]) {
      const database = new DatabaseSync(path);
      database.exec(`PRAGMA ${change}`);
      database.close();
      const [names, store] = [await namesIn(folder), await Deno.readFile(path)];
      const error = await assertRejects(() => restoreStore(path, systemClock), EvenkeelError);
      assertMatch(error.message, /a newer Evenkeel wrote it|the database of another program/);
      assertEquals([await namesIn(folder), await Deno.readFile(path)], [names, store]);
    }
    // The same of a copy that is newer than what would go back to it.
    const copy = new DatabaseSync(copyOf(path));
    copy.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    copy.close();
    await Deno.remove(path);
    await assertRejects(() => restoreStore(path, systemClock), EvenkeelError, "a newer Evenkeel wrote it");
    assertEquals(await namesIn(folder), ["evenkeel.db.bak"]);
  }));

Deno.test("a store that is missing while its log is there is refused, not begun anew (promise 6)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "evenkeel.db");
    {
      await using store = await openSqliteStore(path);
      await store.record({ service: serviceRecord() });
      await Deno.copyFile(`${path}-wal`, join(folder, "log"));
    }
    await Deno.remove(path);
    await Deno.rename(join(folder, "log"), `${path}-wal`);
    await assertRejects(() => openSqliteStore(path), EvenkeelError, "it is missing, and its log is there");
    assertEquals(await namesIn(folder), ["evenkeel.db-wal"]);
  }));
