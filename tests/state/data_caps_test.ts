/** A data folder far above each of its ceilings comes down to it, by the way that `reconcile` and `once` go. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { basename, dirname, fromFileUrl, join } from "@std/path";
import { systemClock } from "../../base/clock.ts";
import { startLog } from "../../cli/log.ts";
import { createSessionRecorder, TIDY_EVERY_MS } from "../../cli/session_recorder.ts";
import { startGroup } from "../../process/group.ts";
import { SESSION_LOG_BYTES_MAX } from "../../state/artifacts.ts";
import {
  capDataFolder,
  DAMAGED_BYTES_MAX,
  DAMAGED_KEPT,
  PROGRAM_FILES,
  SCRATCH_KEPT,
} from "../../state/data_caps.ts";
import { ARTIFACT_CHARS_MAX } from "../../state/files.ts";
import { capFolder } from "../../state/folder_cap.ts";
import type { FolderCap } from "../../state/folder_cap.ts";
import { Removal } from "../../state/removal.ts";
import { forgetScratch, openScratch } from "../../state/scratch.ts";
import { SESSIONS_BYTES_MAX, SESSIONS_KEPT } from "../../state/sessions_kept.ts";
import {
  CLOSED_INCIDENTS_KEPT_PER_SERVICE,
  EVENTS_KEPT_PER_SERVICE,
  JOURNAL_KEPT_PER_SERVICE,
  openSqliteStore,
  OUTCOMES_KEPT,
  PERFORMANCE_KEPT,
  SERVICES_KEPT,
} from "../../state/sqlite.ts";
import { UNKNOWNS_KEPT } from "../../state/unknowns.ts";
import { inFull } from "../helpers/full.ts";
import { denoEnvironment, inFolder } from "./builders.ts";

const MIB = 1024 ** 2;
const DAY_MS = 24 * 3_600_000;
const DAY_S = DAY_MS / 1000;

/** A file that says it has so many bytes and takes none, used last on some day of 1970. */
function make(path: string, bytes: number, day: number): void {
  Deno.openSync(path, { create: true, write: true }).close();
  Deno.truncateSync(path, bytes);
  Deno.utimeSync(path, day * DAY_S, day * DAY_S);
}

/** A folder that was written last on some day of 1970, with a file where a size is given. */
function makeFolder(path: string, day: number, name?: string, bytes = 0): void {
  Deno.mkdirSync(path, { recursive: true });
  if (name !== undefined) make(join(path, name), bytes, day);
  Deno.utimeSync(path, day * DAY_S, day * DAY_S);
}

async function listed(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).toSorted();
}

/** Numbers of the names that are left. */
async function daysIn(folder: string, prefix: string): Promise<number[]> {
  const names = (await listed(folder)).filter((name) => name.startsWith(prefix) && !name.endsWith("-wal"));
  return names.map((name) => Number(name.slice(prefix.length))).toSorted((a, b) => a - b);
}

/** A recorder of a session without services. */
const quiet = {
  sessionId: "now",
  services: [],
  redact: (text: string) => text,
  agents: "off",
} as const;

/** A folder that is brought down to a cap, and what lies in it then. */
async function capped(folder: string, cap: FolderCap, now: number): Promise<string[]> {
  await capFolder(folder, cap, now, new Removal());
  return await listed(folder).catch(() => []);
}

/** Nothing lets itself be removed that lies in a folder, as in one of mode 0555; root may everywhere. */
function closing(folder: string): Disposable {
  const { remove } = Deno;
  Deno.remove = (path, options) => {
    const isHeldUp = dirname(String(path)) === folder || folder === path || folder.startsWith(`${path}/`);
    if (!isHeldUp) return remove(path, options);
    return Promise.reject(new Deno.errors.PermissionDenied(`Permission denied: remove '${path}'`));
  };
  return { [Symbol.dispose]: () => void (Deno.remove = remove) };
}

/** The whole numbers from `first` to `last`. */
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

Deno.test("a data folder that is far above its ceilings comes down to each, the oldest first (promise 23)", () =>
  inFolder(async (folder) => {
    const damaged = join(folder, "evenkeel.db.damaged-");
    const [cache, hooks] = [join(folder, "cache"), join(folder, "hooks")];
    const [scratch, sessions] = [join(folder, "scratch"), join(folder, "memory", "sessions")];
    for (const one of [cache, hooks]) makeFolder(one, 1);
    for (const day of range(1, 3 * DAMAGED_KEPT)) {
      make(`${damaged}${day}`, MIB, 1);
      make(`${damaged}${day}-wal`, MIB, 1);
    }
    for (const day of range(1, 12)) make(join(cache, `wheel-${day}`), PROGRAM_FILES.bytesMax / 5, day);
    const notes = inFull(PROGRAM_FILES.filesMax + 500, 100);
    for (const day of range(1, notes)) make(join(hooks, `note-${day}`), 0, day % 20_000);
    for (const day of range(1, 3 * SCRATCH_KEPT)) {
      makeFolder(join(scratch, `run-${day}`), day, "checkout", MIB);
    }
    for (const day of range(1, SESSIONS_KEPT + 100)) {
      makeFolder(join(sessions, `s-${day}`), day);
    }
    for (const day of range(1, 5)) make(join(folder, `evenkeel.db.new-${day}`), 0, day);

    await using store = await openSqliteStore(join(folder, "evenkeel.db"));
    const recorder = createSessionRecorder({ ...quiet, dataDirectory: folder, store, clock: systemClock });
    await recorder.write();

    assertEquals(await daysIn(folder, "evenkeel.db.damaged-"), range(2 * DAMAGED_KEPT + 1, 3 * DAMAGED_KEPT));
    assertEquals(
      (await listed(folder)).filter((name) => name.endsWith("-wal") && name.includes("damaged")).length,
      DAMAGED_KEPT,
    );
    assertEquals(await daysIn(cache, "wheel-"), range(8, 12));
    assertEquals((await listed(hooks)).length, Math.min(notes, PROGRAM_FILES.filesMax));
    assertEquals(await daysIn(scratch, "run-"), range(2 * SCRATCH_KEPT + 1, 3 * SCRATCH_KEPT));
    const left = await daysIn(sessions, "s-");
    assertEquals([left[0], left.length], [102, SESSIONS_KEPT - 1]);
    assert((await listed(sessions)).includes("now"));
    assertEquals(await daysIn(folder, "evenkeel.db.new-"), []);
    assert((await listed(folder)).includes("evenkeel.db"));
  }));

Deno.test("damaged stores and sessions that are too large go, but never the newest one (promise 23)", () =>
  inFolder(async (folder) => {
    const sessions = join(folder, "memory", "sessions");
    for (const day of range(1, 4)) {
      make(join(folder, `evenkeel.db.damaged-${day}`), DAMAGED_BYTES_MAX / 2, 1);
      makeFolder(join(sessions, `s-${day}`), day, "swarm_output.log", SESSIONS_BYTES_MAX / 2);
    }
    await capDataFolder(folder, "now", Date.now());
    assertEquals(await daysIn(folder, "evenkeel.db.damaged-"), [3, 4]);
    assertEquals(await daysIn(sessions, "s-"), [3, 4]);
    make(join(folder, "evenkeel.db.damaged-5"), 3 * DAMAGED_BYTES_MAX, 1);
    make(join(sessions, "s-4", "swarm_output.log"), 3 * SESSIONS_BYTES_MAX, 1);
    await capDataFolder(folder, "s-4", Date.now());
    assertEquals(await daysIn(folder, "evenkeel.db.damaged-"), [5]);
    assertEquals(await daysIn(sessions, "s-"), [4]);
  }));

Deno.test("the damaged store that an interrupted restore still needs stays, however old (promise 6)", () =>
  inFolder(async (folder) => {
    const store = join(folder, "evenkeel.db");
    make(store, 0, 1);
    await Deno.link(store, `${store}.damaged-0`);
    make(`${store}.damaged-0-wal`, 100, 1);
    for (const day of range(1, 2 * DAMAGED_KEPT)) make(`${store}.damaged-${day}`, 0, 1);
    await capDataFolder(folder, "now", Date.now());
    assertEquals(await daysIn(folder, "evenkeel.db.damaged-"), [
      0,
      ...range(DAMAGED_KEPT + 1, 2 * DAMAGED_KEPT),
    ]);
    assert((await listed(folder)).includes("evenkeel.db.damaged-0-wal"));
  }));

Deno.test("a folder is kept small over all its levels, and nothing behind a link of it goes", () =>
  inFolder(async (folder) => {
    const cache = join(folder, "cache");
    const outside = join(folder, "outside");
    for (const path of [outside, join(cache, "a", "b"), join(cache, "c")]) makeFolder(path, 1);
    make(join(outside, "precious"), 100, 1);
    await Deno.symlink(outside, join(cache, "a", "link"));
    make(join(cache, "a", "b", "old"), 100, 2);
    make(join(cache, "c", "new"), 100, 4);
    make(join(cache, "newer"), 100, 5);
    const all = ["a", "c", "newer"];
    assertEquals(await capped(cache, { filesMax: 10, bytesMax: 1000 }, Date.now()), all);
    // The link was made now, so it is the newest.
    assertEquals(await capped(cache, { filesMax: 3, bytesMax: 1000 }, Date.now()), all);
    assertEquals(await listed(join(cache, "a")), ["b", "link"]);
    assertEquals(await listed(join(cache, "a", "b")), []);
    assertEquals(await listed(join(cache, "c")), ["new"]);
    // A folder goes when it is empty and nobody wrote into it lately.
    assertEquals(await capped(cache, { filesMax: 3, bytesMax: 100 + 50 }, Date.now() + DAY_MS), [
      "a",
      "newer",
    ]);
    assertEquals(await listed(join(cache, "a")), ["link"]);
    assertEquals(await capped(cache, { filesMax: 0, bytesMax: 0 }, Date.now() + DAY_MS), []);
    assertEquals(await listed(outside), ["precious"]);
    assertEquals(await capped(join(folder, "nowhere"), { filesMax: 0, bytesMax: 0 }, Date.now()), []);
  }));

Deno.test("a folder with too much to look over goes as a whole, and is not read to its end", () =>
  inFolder(async (folder) => {
    const cache = join(folder, "cache");
    makeFolder(cache, 1);
    for (const day of range(1, 50)) make(join(cache, `file-${day}`), 0, day);
    const cap = { filesMax: 10, bytesMax: 1000, entriesMax: 20 };
    let read = 0;
    const { readDir } = Deno;
    Deno.readDir = async function* (path) {
      for await (const entry of readDir(path)) {
        read++;
        yield entry;
      }
    };
    try {
      await capFolder(cache, cap, Date.now(), new Removal());
    } finally {
      Deno.readDir = readDir;
    }
    assertEquals(await listed(folder), []);
    assertEquals(read, cap.entriesMax + 1);
  }));

Deno.test("what cannot be removed is told with its path and holds up nothing else (promise 23)", () =>
  inFolder(async (folder) => {
    const [cache, scratch] = [join(folder, "cache"), join(folder, "scratch")];
    const [sessions, closed] = [join(folder, "memory", "sessions"), join(folder, "cache", "closed")];
    makeFolder(closed, 1);
    for (const day of range(1, 2)) make(join(closed, `stuck-${day}`), PROGRAM_FILES.bytesMax / 5, day);
    for (const day of range(3, 12)) make(join(cache, `wheel-${day}`), PROGRAM_FILES.bytesMax / 5, day);
    for (const day of range(1, SCRATCH_KEPT + 2)) makeFolder(join(scratch, `run-${day}`), day, "file", 1);
    for (const day of range(1, DAMAGED_KEPT + 1)) make(join(folder, `evenkeel.db.damaged-${day}`), 0, 1);
    make(join(folder, "evenkeel.db.new-1"), 0, 1);
    const lines: string[] = [];
    const secrets = { redact: (text: string) => text };
    {
      await using _log = await startLog({ level: "warn", secrets, print: (line) => lines.push(line) });
      using _closed = closing(closed);
      await capDataFolder(folder, "now", Date.now());
      // A file stands where a folder is looked for: that part ends, and no other.
      makeFolder(dirname(sessions), 1, "sessions");
      makeFolder(join(scratch, "run-99"), 99);
      await capDataFolder(folder, "now", Date.now());
    }
    assertEquals(await listed(closed), ["stuck-1", "stuck-2"]);
    assertEquals(await daysIn(cache, "wheel-"), [10, 11, 12]);
    assertEquals(await daysIn(scratch, "run-"), [...range(4, SCRATCH_KEPT + 2), 99]);
    assertEquals(await daysIn(folder, "evenkeel.db.damaged-"), range(2, DAMAGED_KEPT + 1));
    assertEquals(await daysIn(folder, "evenkeel.db.new-"), []);
    assertEquals(lines.length, 2, lines.join("\n"));
    assertMatch(lines[0] ?? "", /Cannot remove .*cache\/closed\/stuck-1 and 1 more: Permission denied/);
    assertMatch(lines[1] ?? "", /Cannot tidy up the data folder: .*sessions/);
  }));

Deno.test("of a folder in which one file cannot be removed the rest goes", () =>
  inFolder(async (folder) => {
    const [run, closed] = [join(folder, "run"), join(folder, "run", "a", "closed")];
    makeFolder(closed, 1, "stuck", 1);
    makeFolder(join(folder, "outside"), 1, "precious", 1);
    for (const name of ["a/free", "b"]) makeFolder(join(run, name), 1, "file", 1);
    await Deno.symlink(join(folder, "outside"), join(run, "link"));
    using _closed = closing(closed);
    assertEquals(await new Removal().remove(run), false);
    assertEquals([await listed(run), await listed(join(run, "a"))], [["a"], ["closed"]]);
    assertEquals(await listed(join(folder, "outside")), ["precious"]);
  }));

Deno.test("a scratch folder whose run lives stays, however many are newer, and goes with its run (promise 23)", () =>
  inFolder(async (folder) => {
    const scratch = join(folder, "scratch");
    const holder = fromFileUrl(new URL("scratch_holder.ts", import.meta.url));
    await using other = startGroup({
      command: [Deno.execPath(), "run", "-A", "--no-check", holder, scratch],
      cwd: folder,
      env: denoEnvironment(),
      stdin: "piped",
    });
    const { value } = await other.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
    const held = (value ?? "").trim();
    const mine = await openScratch(scratch);
    for (const path of [held, mine.path]) await Deno.utime(path, 0, 0);
    for (const day of range(1, 2 * SCRATCH_KEPT)) makeFolder(join(scratch, `run-${day}`), day);
    await capDataFolder(folder, "now", Date.now());
    assertEquals(await daysIn(scratch, "run-"), range(SCRATCH_KEPT + 1, 2 * SCRATCH_KEPT));
    await forgetScratch(scratch, 0, new Removal());
    assertEquals((await listed(scratch)).map((name) => join(scratch, name)), [held, mine.path].toSorted());
    await mine[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    assertEquals(await listed(scratch), [basename(held)]);
    await forgetScratch(scratch, 0, new Removal());
    assertEquals(await listed(scratch), []);
  }));

Deno.test("a clock of ours that is hours ahead of the machine's makes nothing old that was made just now", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "cache", "begun"), { recursive: true });
    make(join(folder, "evenkeel.db.new-1"), 0, 1);
    (await Deno.create(join(folder, "evenkeel.db.new-2"))).close();
    await using store = await openSqliteStore(join(folder, "evenkeel.db"));
    const ahead = { ...systemClock, now: () => systemClock.now() + 2 * 3_600_000 };
    const recorder = createSessionRecorder({ ...quiet, dataDirectory: folder, store, clock: ahead });
    await recorder.write();
    assertEquals(await listed(join(folder, "cache")), ["begun"]);
    assertEquals(await daysIn(folder, "evenkeel.db.new-"), [2]);
  }));

Deno.test("docs/data.md names the ceilings of the data folder as they are", async () => {
  const text = (await Deno.readTextFile(new URL("../../docs/data.md", import.meta.url))).replaceAll(
    /\s+/g,
    " ",
  );
  const gib = (bytes: number) => `${bytes / 1024 ** 3} GiB`;
  const named = (count: number) => count.toLocaleString("en");
  assertEquals([SERVICES_KEPT, OUTCOMES_KEPT, PERFORMANCE_KEPT], Array(3).fill(SERVICES_KEPT));
  for (
    const words of [
      `${EVENTS_KEPT_PER_SERVICE} events, ${CLOSED_INCIDENTS_KEPT_PER_SERVICE} closed incidents and ${JOURNAL_KEPT_PER_SERVICE} finished effects a service`,
      `${named(SERVICES_KEPT)} services, outcomes and build times; ${UNKNOWNS_KEPT} unknown failures`,
      `${DAMAGED_KEPT} and ${gib(DAMAGED_BYTES_MAX)}`,
      `${SESSIONS_KEPT} sessions and ${gib(SESSIONS_BYTES_MAX)}`,
      `two logs of 2 times ${SESSION_LOG_BYTES_MAX / MIB} MiB, and two files of ${
        ARTIFACT_CHARS_MAX / MIB
      } Mi characters`,
      `${named(PROGRAM_FILES.filesMax)} files and ${gib(PROGRAM_FILES.bytesMax)} each`,
      `of others ${SCRATCH_KEPT} stay`,
      `at the start and then every ${TIDY_EVERY_MS === 3_600_000 ? "hour" : TIDY_EVERY_MS}`,
    ]
  ) assert(text.includes(words), words);
});
