import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { EvenkeelError } from "../../base/errors.ts";
import { migrate, MIGRATIONS, schemaVersion } from "../../state/migrations.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { healed, inFolder, namesIn, serviceRecord } from "./builders.ts";

async function refusal(path: string): Promise<EvenkeelError> {
  const error = await assertRejects(() => openSqliteStore(path), EvenkeelError);
  assertMatch(error.message, /^Cannot open /);
  assert(error.hint !== undefined);
  return error;
}

/** A store with some content, closed, so that all of it is in the one file. */
async function fill(path: string): Promise<void> {
  await using store = await openSqliteStore(path);
  await store.record({ service: serviceRecord() });
  for (let number = 1; number <= 60; number++) await store.record({ incident: healed(number) });
}

Deno.test("openSqliteStore() creates the folder and one whole file", () =>
  inFolder(async (folder) => {
    await using _store = await openSqliteStore(join(folder, "a", "b", "state.db"));
    assertEquals((await namesIn(folder)).filter((name) => !/-(?:wal|shm)$/.test(name)), ["a/b/state.db"]);
  }));

Deno.test("two openers of a new store share one file", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    const [one, two] = await Promise.all([openSqliteStore(path), openSqliteStore(path)]);
    await one.record({ service: serviceRecord() });
    assertEquals((await two.listServices()).length, 1);
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    assertEquals(await namesIn(folder), ["state.db"]);
  }));

Deno.test("migrate() goes from nothing to the newest, and a failing step leaves the version before", () => {
  const database = new DatabaseSync(":memory:");
  assertEquals(schemaVersion(database), 0);
  migrate(database);
  assertEquals(schemaVersion(database), MIGRATIONS.length);
  const broken = [...MIGRATIONS, "CREATE TABLE half (a TEXT) STRICT; CREATE TABLE half (a TEXT) STRICT"];
  assertThrows(() => migrate(database, broken));
  assertEquals(schemaVersion(database), MIGRATIONS.length);
  assertEquals(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'half'").get(), undefined);
  migrate(database, [...MIGRATIONS, "CREATE TABLE whole (a TEXT) STRICT"]);
  assertEquals(schemaVersion(database), MIGRATIONS.length + 1);
  database.close();
});

Deno.test("a store of a newer Evenkeel is refused and left as it is", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    await fill(path);
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length + 6}`);
    database.close();
    const before = await Deno.readFile(path);
    assertMatch(
      (await refusal(path)).message,
      new RegExp(
        `a newer Evenkeel wrote it \\(schema ${
          MIGRATIONS.length + 6
        }, this one knows ${MIGRATIONS.length}\\)`,
      ),
    );
    assertEquals(await Deno.readFile(path), before);
  }));

Deno.test("the database of another program is refused", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE theirs (a TEXT)");
    database.close();
    assertMatch((await refusal(path)).message, /another program/);
  }));

Deno.test("a file that is no database is refused", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    for (const content of ["", "x", "not a database\n".repeat(500)]) {
      await Deno.writeTextFile(path, content);
      assertMatch((await refusal(path)).message, /damaged/);
    }
  }));

Deno.test("a folder in the place of the store is refused", () =>
  inFolder(async (folder) => {
    await refusal(folder);
  }));

Deno.test("a truncated store is refused wherever it was cut", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    await fill(path);
    const whole = await Deno.readFile(path);
    const cut = join(folder, "cut.db");
    const page = 4096;
    const lengths = new Set([0, 1, 15, 16, 99, 100, 511, 512, 1023, 1024, whole.length - 1]);
    for (let at = page; at < whole.length; at += page) lengths.add(at - 1).add(at).add(at + 1);
    for (const length of lengths) {
      await Deno.writeFile(cut, whole.subarray(0, length));
      await refusal(cut);
    }
  }));

Deno.test("a store with a truncated write-ahead log starts from the last whole transaction", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.db");
    await using store = await openSqliteStore(path);
    for (let number = 1; number <= 20; number++) await store.record({ incident: healed(number) });
    const wal = await Deno.readFile(`${path}-wal`);
    const cut = join(folder, "cut.db");
    let most = 0;
    for (let part = 0; part <= 20; part++) {
      await Deno.copyFile(path, cut);
      await Deno.writeFile(`${cut}-wal`, wal.subarray(0, Math.floor(wal.length * part / 20)));
      await using copy = await openSqliteStore(cut);
      const ids = (await copy.listIncidents({ limit: 1000 })).map(({ id }) => id).reverse();
      assertEquals(ids, Array.from({ length: ids.length }, (_, at) => `inc_${at + 1}`));
      assert(ids.length >= most);
      most = ids.length;
    }
    assertEquals(most, 20);
  }));

Deno.test("a folder that cannot be made is named with what to do", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const error = await assertRejects(() => openSqliteStore(join(folder, "file", "state.db")), EvenkeelError);
    assertMatch(error.message, /^Cannot create /);
  }));
