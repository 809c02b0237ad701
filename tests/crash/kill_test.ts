/**
 * SIGKILL at every line that the journal has in an incident, for every kind of remedy. The lines are found by letting
 * an undisturbed run pass them, so that a new effect is killed at without being named here.
 */
import { assert, assertEquals } from "@std/assert";
import { steps } from "../../reconciler/action.ts";
import type { Step } from "../../reconciler/action.ts";
import { inFull } from "../helpers/full.ts";
import { KINDS } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import { Ward } from "./ward.ts";
import type { End, Run } from "./ward.ts";

/** Cases of one kind that run side by side. */
const AT_ONCE = 3;
/** Before and after the line that says what will be done, and the one that says that it is done. */
const JOURNAL_LINES = ["intend:before", "intend:after", "finish:before", "finish:after"];
/** Each effect at least once, and no two kinds that differ in the service alone. */
const SAMPLE = KINDS.filter(({ name }) => !/autodeploy is off|path|directory/.test(name));
/**
 * What is repeated when it is asked for again is waited for, killed before it was asked: too long for a sample, which
 * tests/reconciler/deeds_test.ts has of every effect and every line, in one process.
 */
const PATIENT: readonly Step[] = ["deploy", "rollback", "restart"];

/** What Render is asked for by each effect; git and GitHub are asked for the others. */
const WRITES: Readonly<Record<Step, string | null>> = {
  push: null,
  "pull-request": null,
  setting: "PATCH /services/ID",
  deploy: "POST /services/ID/deploys",
  "autodeploy-off": "PATCH /services/ID",
  "autodeploy-on": "PATCH /services/ID",
  rollback: "POST /services/ID/rollback",
  restart: "POST /services/ID/restart",
};

/** Every effect of the kind happened, and happened once; the incident is over and taught one thing for each repair. */
function assertOnce(kind: Kind, end: End): void {
  const isPullRequest = kind.mode === "pull-request";
  assertEquals(
    end.journal.map((line) => line.replace(/^\d+\//, "")),
    kind.steps.map((step) => `${step} done`),
  );
  assertEquals(end.writes, kind.steps.flatMap((step) => WRITES[step] ?? []));
  const ours = end.commits.filter(([message]) => message?.startsWith("Repair "));
  assertEquals(ours.length, kind.steps.includes("push") ? 1 : 0);
  assertEquals([end.branches.length, end.pulls.length], isPullRequest ? [2, 1] : [1, 0]);
  assertEquals(end.incidents.map(({ status }) => status), [isPullRequest ? "open" : "healed"]);
  const attempts = end.incidents.flatMap(({ attempts }) => attempts);
  assertEquals(attempts.length, kind.steps.includes("rollback") ? 2 : 1);
  assertEquals(end.learned.filter(([, , outcome]) => outcome === "healed").length, isPullRequest ? 0 : 1);
  if (!isPullRequest) assertEquals([end.deploys[0]?.[0], end.serves, end.hold], ["live", 0, null]);
}

/** A line for each effect of the sample, so that all have their turn. */
const turns = { patient: 0, other: 0 };
function nextLine(step: Step): string {
  const isPatient = PATIENT.includes(step);
  const lines = isPatient ? JOURNAL_LINES.filter((line) => line !== "intend:after") : JOURNAL_LINES;
  const turn = isPatient ? turns.patient++ : turns.other++;
  return lines[turn % lines.length] ?? "";
}

/** The lines of a run without the id of the service. */
function linesOf(run: Run): string[] {
  return run.lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

const inProcess = ["--agents", "off"];

/** Kills a fresh case at each line of an undisturbed run. @returns at how many it was killed */
async function killAtEveryLine(ward: Ward, kind: Kind): Promise<{ lines: number; killed: number }> {
  const undisturbed = await ward.admit([kind]);
  const calm = await undisturbed.once(null, inProcess);
  const expected = await undisturbed.end(kind);
  await ward.discharge(undisturbed);
  assertOnce(kind, expected);
  const lines = linesOf(calm);
  // Were a line of an effect not seen, it would not be killed at.
  for (const step of kind.steps) {
    for (const line of JOURNAL_LINES) {
      assert(lines.includes(`${step} ${line}`), `no ${step} ${line}: ${lines}`);
    }
  }
  const waiting = lines.map((_, at) => at);
  let killed = 0;
  const work = async () => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      const one = await ward.admit([kind]);
      const first = await one.once({ at }, inProcess);
      const last = first.died === null ? first : await one.once(null, inProcess);
      if (first.died !== null) killed++;
      const where = `killed at line ${at}, ${first.died}`;
      assertEquals(last.code, calm.code, `${where}: ${last.stderr}`);
      assertEquals(await one.end(kind), expected, where);
      await ward.discharge(one);
    }
  };
  // The ward must not close under a case that goes on.
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return { lines: lines.length, killed };
}

for (const kind of KINDS) {
  Deno.test({
    name: `${kind.name} is healed once, with one kill -9 at whichever line of the journal (promise 1)`,
    ignore: !inFull(true, false),
    async fn() {
      await using ward = await Ward.open();
      const { lines, killed } = await killAtEveryLine(ward, kind);
      console.log(`${kind.name}: killed at ${killed} of ${lines} lines`);
      // A line that is passed only while something is waited for may not come in each run.
      assert(killed >= 0.9 * lines, `killed at ${killed} of ${lines} lines`);
    },
  });
}

Deno.test("the kinds of remedies that are killed have every effect that there is", () => {
  assertEquals(steps.filter((step) => !KINDS.some((kind) => kind.steps.includes(step))), []);
  const sampled = SAMPLE.flatMap((kind) => kind.steps);
  assertEquals(steps.filter((step) => !sampled.includes(step)), []);
});

Deno.test("services of every kind of remedy are healed once by a run that is killed again and again, and starts again (promise 1)", async () => {
  await using ward = await Ward.open();
  const fleet = await ward.admit(SAMPLE);
  const deaths = new Set(SAMPLE.flatMap((kind) => {
    const id = fleet.patients.get(kind)?.berth.id ?? "";
    return kind.steps.flatMap((step) =>
      inFull(JOURNAL_LINES, [nextLine(step)]).map((line) => `${id} ${step} ${line}`)
    );
  }));
  const wanted = deaths.size;
  let runs = 1;
  let last = await fleet.once({ lines: [...deaths] }, inFull([], inProcess));
  for (; last.died !== null && runs <= wanted; runs++) {
    deaths.delete(last.died);
    last = await fleet.once({ lines: [...deaths] }, inFull([], inProcess));
  }
  // The pull request waits for a person.
  assertEquals([last.code, [...deaths]], [1, []], last.stderr);
  for (const kind of SAMPLE) assertOnce(kind, await fleet.end(kind));
  console.log(`${runs} runs, killed ${wanted} times`);
});

/** Kinds whose effects the world itself tells from those that are still to be done. */
const TOLD = KINDS.filter(({ steps }) => !steps.includes("pull-request") && !steps.includes("restart"));

for (const kind of inFull(TOLD, TOLD.slice(0, 1))) {
  Deno.test(`${kind.name}, killed after an effect and set back to a store from before it, is not done again (promise 6)`, async () => {
    await using ward = await Ward.open();
    for (const step of kind.steps) {
      const one = await ward.admit([kind]);
      const id = one.patients.get(kind)?.berth.id ?? "";
      const first = await one.once({ at: 0 }, inProcess);
      assert(first.died !== null);
      const before = await copyOf(one.store);
      const killed = await one.once({ lines: [`${id} ${step} finish:before`] }, inProcess);
      assert(killed.died !== null, killed.stderr);
      await before.putBack();
      await one.once(null, inProcess);
      const { commits, writes } = await one.end(kind);
      const where = `set back after ${step}: ${JSON.stringify(writes)}`;
      for (const write of new Set(kind.steps.flatMap((step) => WRITES[step] ?? []))) {
        const once = kind.steps.filter((step) => WRITES[step] === write).length;
        assert(writes.filter((other) => other === write).length <= once, where);
      }
      assert(commits.filter(([message]) => message?.startsWith("Repair ")).length <= 1, where);
      await ward.discharge(one);
    }
  });
}

/** The files of a store as they are now. */
async function copyOf(path: string) {
  const files = new Map<string, Uint8Array<ArrayBuffer> | null>();
  for (const end of ["", "-wal"]) {
    files.set(path + end, await Deno.readFile(path + end).catch(() => null));
  }
  return {
    async putBack() {
      await Deno.remove(`${path}-shm`).catch(() => {});
      for (const [file, bytes] of files) {
        if (bytes === null) await Deno.remove(file).catch(() => {});
        else await Deno.writeFile(file, bytes);
      }
    },
  };
}
