/**
 * A real disk that is full, read-only or has no handles left, under the real daemon: it goes on looking, changes
 * nothing, says why once and at /readyz, and heals by itself when there is room again.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync } from "node:fs";
import { fromFileUrl, join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { until } from "../drydock/harbour.ts";
import { statusSchema } from "../../status/schema.ts";
import { inFull } from "../helpers/full.ts";
import { nodeApp } from "../scenarios/apps.ts";
import { Daemon } from "../scenarios/daemon.ts";
import { assertIsForPeople, begin, Stage } from "../scenarios/stage.ts";
import type { Patient } from "../scenarios/stage.ts";

/** Room for a store, a checkout and what agents need; small enough to be filled in no time. */
const DISK = "24m";
/** Files that it holds at most. */
const INODES = 2000;
const FILL_BYTES = 64 * 1024;
/** Handles that are left, so that a health check can still come in. */
const SPARE_HANDLES = 4;

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const ONCE = [Deno.execPath(), "run", "-A", "--no-check", MAIN, "once"];
const inProcess = ["--agents", "off"];

async function command(...words: [string, ...string[]]): Promise<void> {
  const result = await run({ command: words, cwd: "/", env: toolEnvironment(), timeoutMs: 20_000 });
  if (result.kind !== "exited" || result.code !== 0) throw new Error(`${words.join(" ")}: ${result.stderr}`);
}

/** A small file system of its own in a folder. */
class Disk implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async mount(folder: string): Promise<Disk> {
    await Deno.mkdir(folder, { recursive: true });
    await command(
      "mount",
      "-t",
      "tmpfs",
      "-o",
      `size=${DISK},nr_inodes=${INODES},mode=700`,
      "evenkeel-test",
      folder,
    );
    return new Disk(folder);
  }

  /** Writes until there is no room for a byte. */
  async fill(): Promise<void> {
    using file = await Deno.open(join(this.folder, "filler"), { create: true, append: true });
    for (let bytes = FILL_BYTES; bytes >= 1; bytes = bytes === 1 ? 0 : Math.ceil(bytes / 16)) {
      try {
        for (;;) await file.write(new Uint8Array(bytes));
      } catch {
        // Full for pieces of this size.
      }
    }
  }

  /** Makes files until there is no room for another, in a folder that `free()` does not empty. */
  async fillWithNames(): Promise<void> {
    const folder = join(this.folder, "names");
    await Deno.mkdir(folder);
    for (let at = 0; at < INODES; at++) {
      try {
        (await Deno.create(join(folder, String(at)))).close();
      } catch {
        return;
      }
    }
    throw new Error("The disk takes more files than it was told to");
  }

  async free(): Promise<void> {
    await Deno.remove(join(this.folder, "filler"));
  }

  async remount(how: "ro" | "rw"): Promise<void> {
    await command("mount", "-o", `remount,${how}`, this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await command("umount", "-l", this.folder);
  }
}

async function isThere(program: string): Promise<boolean> {
  return await command(program, "--version").then(() => true, () => false);
}

/** Why no disk can be made here. */
const cannotMount = await (async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-mount-" });
  try {
    await using _ = await Disk.mount(folder);
    return null;
  } catch (error) {
    return String(error);
  } finally {
    await Deno.remove(folder).catch(() => {});
  }
})();
if (cannotMount !== null) console.log(`Disks are not tested: ${cannotMount}`);

/** The newest address: one that waits for its disk has a server of its own. */
async function addressOf(daemon: Daemon): Promise<string> {
  const line = daemon.lines.findLast((one) => /http:\S+/.test(one)) ?? await daemon.says(/http:\S+/);
  return /http:\S+(?=\/status)/.exec(line)?.[0] ?? "";
}

/** What `/status` says of all and of the one service. */
async function shown(daemon: Daemon) {
  const response = await fetch(`${await addressOf(daemon)}/status`);
  const text = await response.text();
  assertEquals(response.status, 200, `${text}\n${daemon.lines.join("\n")}`);
  const { observeOnly, services: [service] } = statusSchema.parse(JSON.parse(text));
  if (service === undefined) throw new Error("No service is shown");
  const healthy = service.conditions.find(({ type }) => type === "Healthy")?.status;
  return { observeOnly, service, healthy };
}

async function readiness(daemon: Daemon): Promise<{ status: number; reason: string }> {
  const url = await addressOf(daemon);
  const response = await fetch(`${url}/readyz`);
  const { reason } = await response.json();
  return { status: response.status, reason };
}

const isReady = (daemon: Daemon, status: number) =>
  until(async () => {
    const answer = await readiness(daemon).catch(() => null);
    return answer?.status === status ? answer : undefined;
  });

/** Nothing of the world was changed by Evenkeel. */
async function assertUntouched(stage: Stage, { repository }: Patient): Promise<void> {
  assertEquals(stage.gate.writes, []);
  assertEquals((await repository.log()).filter(({ message }) => message.includes("Evenkeel")), []);
}

/** A look asks Render for the service and its deploys. */
async function goesOnLooking({ gate }: Stage): Promise<void> {
  const before = gate.reads;
  await until(() => Promise.resolve(gate.reads > before + 4 ? true : undefined));
}

/** It was said once in all, and each time that it had begun. */
function assertSaid(daemon: Daemon, why: RegExp): void {
  const said = daemon.lines.filter((line) => line.includes("Observe-only"));
  assertEquals(said.length, 1, daemon.lines.join("\n"));
  assertMatch(said[0] ?? "", why);
}

async function breaks(patient: Patient): Promise<void> {
  const bad = await patient.repository.commit(nodeApp({ host: "127.0.0.1" }), "Second version");
  await until(async () =>
    (await patient.berth.deploys()).find(({ status, commit }) =>
      status === "update_failed" && commit?.id === bad
    )
  );
}

async function heals(stage: Stage, patient: Patient, daemon: Daemon): Promise<void> {
  await daemon.says(/IncidentHealed/);
  assertEquals((await isReady(daemon, 200)).status, 200);
  assertEquals(await daemon.stop(), 0);
  const ours = (await patient.repository.log()).filter(({ message }) => message.includes("Evenkeel-Attempt"));
  assertEquals(ours.length, 1);
  await stage.assertEvenkeelIsGone();
}

/** The service is ill while this file is there. */
const illness = ({ folder }: Stage) => join(folder, "ill");

/** A service that is well, under a daemon whose data folder is a disk of its own. */
async function onDisk(
  work: (stage: Stage, patient: Patient, disk: Disk) => Promise<void>,
  app: (stage: Stage) => ReturnType<typeof nodeApp> = () => nodeApp(),
): Promise<void> {
  await using stage = await Stage.open();
  await using disk = await Disk.mount(stage.dataDirectory);
  const patient = await stage.patient(app(stage), {
    commands: { buildCommand: "", startCommand: "node index.js" },
  });
  await begin(patient, "live");
  await stage.configure([patient]);
  await work(stage, patient, disk);
}

Deno.test({
  name: "a daemon whose disk is full only looks, says so, and repairs when there is room again (promise 26)",
  ignore: cannotMount !== null,
  fn: () =>
    onDisk(async (stage, patient, disk) => {
      await using daemon = stage.reconcile(inProcess);
      await daemon.says(/ReadyTrue/);
      assertEquals((await isReady(daemon, 200)).status, 200);
      await disk.fill();
      await breaks(patient);
      await daemon.says(/Observe-only/);
      const { reason } = await isReady(daemon, 503);
      assertMatch(
        reason,
        /^Observe-only: Cannot .*(?:disk is full|No space left).*Free space/,
      );
      await goesOnLooking(stage);
      await assertUntouched(stage, patient);
      assertSaid(daemon, /disk is full|No space left/);

      await disk.free();
      await daemon.says(/takes what is written again/);
      await heals(stage, patient, daemon);
    }),
});

Deno.test({
  name:
    "a daemon that starts on a full disk or on a read-only one looks until it can be written (promise 26)",
  ignore: cannotMount !== null,
  fn: () =>
    onDisk(async (stage, patient, disk) => {
      const { code } = await stage.once(inProcess);
      assertEquals(code, 0);
      await breaks(patient);
      const refuse = [
        {
          // As in a container whose whole file system is read-only.
          begin: () => {
            stage.env["TMPDIR"] = "/proc/nowhere";
            return disk.remount("ro");
          },
          end: () => {
            delete stage.env["TMPDIR"];
            return disk.remount("rw");
          },
          why: /read-?only/i,
        },
        { begin: () => disk.fill(), end: () => disk.free(), why: /full|No space left/ },
      ];
      const taken = inFull(refuse, refuse.slice(0, 1));
      for (const [at, { begin, end, why }] of taken.entries()) {
        await begin();
        const checked = await stage.evenkeel(["once", ...inProcess]);
        assertEquals(checked.code, 2, checked.stderr);
        assertMatch(checked.stderr, why);
        await using daemon = stage.reconcile(inProcess);
        await daemon.says(/Observe-only/);
        assertMatch((await isReady(daemon, 503)).reason, why);
        await goesOnLooking(stage);
        const { service, observeOnly } = await shown(daemon);
        assertEquals([service.ready, service.recordedAt], ["False", null]);
        assertMatch(observeOnly?.reason ?? "", why);
        await assertUntouched(stage, patient);
        assertSaid(daemon, why);
        await end();
        if (at < taken.length - 1) assertEquals(await daemon.stop(), 0);
        else await heals(stage, patient, daemon);
      }
    }),
});

const refusals = [
  {
    name: "is full",
    args: inProcess,
    refuse: (disk: Disk) => disk.fill(),
    why: /disk is full|No space left/,
  },
  {
    // The store goes on; there is none for what the agents' processes need.
    name: "takes no more files",
    args: [],
    refuse: (disk: Disk) => disk.fillWithNames(),
    why: /No space left/,
  },
];
for (const { name, args, refuse, why } of inFull(refusals, refusals.slice(0, 1))) {
  Deno.test({
    name:
      `a service that turns bad while the disk ${name} is told at once, and shown at /status (promise 26)`,
    ignore: cannotMount !== null,
    fn: () =>
      onDisk(
        async (stage, patient, disk) => {
          await using daemon = stage.reconcile(args);
          await daemon.says(/ReadyTrue/);
          await until(async () => (await shown(daemon)).service.ready === "True" ? true : undefined);
          assertEquals((await shown(daemon)).observeOnly, null);
          await refuse(disk);
          await daemon.says(/Observe-only/);
          assertEquals((await shown(daemon)).healthy, "True");
          await Deno.writeTextFile(illness(stage), "");
          assertMatch(await daemon.says(/HealthyFalse/), /500/);
          await daemon.says(/ReadyFalse/);
          const ill = await shown(daemon);
          assertEquals([ill.healthy, ill.service.ready], ["False", "False"]);
          assertMatch(ill.observeOnly?.reason ?? "", why);
          assert(Date.parse(ill.service.observedAt) > Date.parse(ill.observeOnly?.since ?? ""));
          const recordedAt = Date.parse(ill.service.recordedAt ?? "");
          assert(recordedAt < Date.parse(ill.service.observedAt));
          // It is looked at again and again, and recorded no more.
          await Deno.remove(illness(stage));
          await daemon.says(/HealthyTrue/);
          const well = await shown(daemon);
          assertEquals([well.healthy, Date.parse(well.service.recordedAt ?? "")], ["True", recordedAt]);
          assertSaid(daemon, why);
          await assertUntouched(stage, patient);
          assertEquals(await daemon.stop(), 0);
        },
        (stage) =>
          nodeApp({
            imports: 'import { existsSync } from "node:fs";',
            health: `const isIll = existsSync(${JSON.stringify(illness(stage))});
  answer(isIll ? 500 : 200, { status: isIll ? "ill" : "ok" });`,
          }),
      ),
  });
}

Deno.test({
  name: "a daemon whose lines go to a file on a full disk goes on without them (promise 26)",
  ignore: !existsSync("/dev/full"),
  async fn() {
    await using stage = await Stage.open();
    const patient = await stage.patient(nodeApp(), {
      commands: { buildCommand: "", startCommand: "node index.js" },
    });
    await begin(patient, "live");
    await stage.configure([patient]);
    const words = [Deno.execPath(), "run", "-A", "--no-check", MAIN, "reconcile", "--status-port", "0"];
    const shell = ["/bin/sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"];
    await using daemon = new Daemon(
      [...shell, ...words, ...inProcess, "--verbose"],
      join(stage.folder, "work"),
      stage.env,
    );
    await goesOnLooking(stage);
    await goesOnLooking(stage);
    assertEquals(await daemon.stop(), 0);
  },
});

const limits = [
  {
    name: "may write no longer files",
    set: async () => ["--fsize=0:", /I\/O error|too large/] as const,
    unset: "--fsize=unlimited:",
    args: inProcess,
    isLikeFull: true,
  },
  {
    name: "may open no more files",
    set: async (daemon: Daemon) => {
      const open = (await Array.fromAsync(Deno.readDir(`/proc/${daemon.pid}/fd`))).length;
      return [`--nofile=${open + SPARE_HANDLES}:`, /Too many open files/] as const;
    },
    unset: "--nofile=1024:",
    // Agents are programs too.
    args: [],
    isLikeFull: false,
  },
];
for (const { name, set, unset, args, isLikeFull } of limits) {
  Deno.test({
    name: `a daemon that ${name} only looks, says so, and repairs when it may again (promise 26)`,
    ignore: !await isThere("prlimit") || (isLikeFull && !inFull(true, false)),
    async fn() {
      await using stage = await Stage.open();
      const patient = await stage.patient(nodeApp(), {
        commands: { buildCommand: "", startCommand: "node index.js" },
      });
      await begin(patient, "live");
      await stage.configure([patient]);
      await using daemon = stage.reconcile(args);
      await daemon.says(/ReadyTrue/);
      const [limit, why] = await set(daemon);
      await command("prlimit", `--pid=${daemon.pid}`, limit);
      await breaks(patient);
      await daemon.says(/Observe-only/);
      assertMatch((await isReady(daemon, 503)).reason, why);
      await goesOnLooking(stage);
      await assertUntouched(stage, patient);
      assertSaid(daemon, why);
      await command("prlimit", `--pid=${daemon.pid}`, unset);
      await heals(stage, patient, daemon);
    },
  });
}

Deno.test({
  name: "once that may open hardly any files ends with the reason and performs nothing (promise 26)",
  ignore: !inFull(true, false),
  async fn() {
    await using stage = await Stage.open();
    const patient = await stage.patient(nodeApp(), { commands: { startCommand: "node sever.js" } });
    await begin(patient, "update_failed");
    await stage.configure([patient]);
    for (const handles of Array.from({ length: 15 }, (_, at) => 18 + at)) {
      const result = await run({
        command: ["/bin/sh", "-c", `ulimit -n ${handles}; exec "$@"`, "sh", ...ONCE, ...inProcess],
        cwd: join(stage.folder, "work"),
        env: stage.env,
        timeoutMs: 60_000,
      });
      // With even fewer the runtime cannot begin, which is before any line of ours.
      if (result.stderr.includes("Deno has panicked")) continue;
      assertIsForPeople(result.stderr);
      assert(result.kind === "exited" && [1, 2, 3].includes(result.code), result.stderr);
      assertMatch(result.stderr, /Too many open files|unable to open|Cannot /);
      await assertUntouched(stage, patient);
    }
  },
});

Deno.test({
  name: "once on a disk that fills up ends with the reason and performs nothing (promise 26)",
  ignore: cannotMount !== null,
  fn: () =>
    onDisk(async (stage, patient, disk) => {
      await breaks(patient);
      // Full from the first failure that is read: the lead was taken, the intent cannot be written any more.
      stage.gate.afterwards = async ({ path }) => {
        if (path.startsWith("/logs")) await disk.fill();
      };
      const { code, only, stderr } = await stage.once(inProcess);
      stage.gate.afterwards = () => {};
      assertEquals([code, only.verdict, only.reason], [1, "not-ready", "ObserveOnly"], stderr);
      assertMatch(only.message, /(?:disk is full|No space left).*Free space on that disk/);
      await assertUntouched(stage, patient);
      await disk.free();
      assertEquals((await stage.once(inProcess)).code, 0);
    }),
});
