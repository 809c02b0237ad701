import { assert, assertEquals } from "@std/assert";
import { hearingTime, systemClock } from "../../base/clock.ts";
import type { SteadyTime } from "../../base/clock.ts";
import { Machine } from "../helpers/machine.ts";

const NOON = Date.UTC(2026, 0, 2, 12);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Asks somebody who answers after a while. @param saidMs what the answer says */
function ask(time: SteadyTime, machine: Machine, tookMs: number, saidMs = machine.truth): void {
  const hear = time.asking();
  machine.runs(tookMs);
  hear(saidMs);
}

Deno.test("the time of day runs on however the machine's clock is set (promise 4)", () => {
  const machine = new Machine(NOON);
  const time = machine.time();
  for (const offMs of [DAY, -DAY, 0, -10 * MINUTE]) {
    machine.isSet(offMs);
    machine.runs(MINUTE);
    assertEquals(time.now(), machine.truth);
  }
});

Deno.test("the time of day goes on while the machine sleeps, also where its clock is set back meanwhile (promise 4)", () => {
  const machine = new Machine(NOON);
  const time = machine.time();
  machine.runs(MINUTE);
  machine.sleeps(10 * MINUTE);
  machine.isSet(-10 * MINUTE);
  const offMs = machine.truth - time.now();
  assert(offMs >= 0 && offMs <= 2 * SECOND, `${offMs}`);
});

Deno.test("a clock that is wrong when a process starts is set by the first answer that says what time it is (promise 4)", () => {
  for (const wrongMs of [DAY, -DAY, 5 * MINUTE]) {
    const machine = new Machine(NOON);
    machine.isSet(wrongMs);
    const time = machine.time();
    ask(time, machine, 200);
    assert(Math.abs(time.now() - machine.truth) <= SECOND, `${time.now() - machine.truth}`);
  }
});

Deno.test("an answer that came late or in whole seconds moves no clock that is right", () => {
  const machine = new Machine(NOON + 900);
  const time = machine.time();
  for (const tookMs of [0, 300, 20 * SECOND]) ask(time, machine, tookMs, NOON);
  ask(time, machine, MINUTE);
  ask(time, machine, 100, NaN);
  assertEquals(time.now(), machine.truth);
});

Deno.test("an answer that took long is not the last word on what time it is", () => {
  const machine = new Machine(NOON);
  machine.isSet(-DAY);
  const time = machine.time();
  const hear = time.asking();
  machine.sleeps(10 * MINUTE);
  hear(NOON);
  ask(time, machine, 100);
  assert(Math.abs(time.now() - machine.truth) <= 2 * SECOND);
});

Deno.test("one server that is wrong moves nothing; three answers in a row do, as after a machine that stood still unseen (promise 4)", () => {
  const machine = new Machine(NOON);
  const time = machine.time();
  ask(time, machine, 100);
  for (let n = 0; n < 5; n++) {
    ask(time, machine, 100, machine.truth + DAY);
    ask(time, machine, 100, machine.truth - DAY);
    ask(time, machine, 100);
  }
  assertEquals(time.now(), machine.truth);
  const stillMs = 10 * MINUTE;
  for (const moved of [0, 0, stillMs]) {
    ask(time, machine, 0, machine.truth + stillMs);
    assertEquals(time.now() - machine.truth, moved);
  }
});

Deno.test("a request hears its answer's Date, and goes on without one", async () => {
  const machine = new Machine(NOON);
  machine.isSet(-DAY);
  const time = machine.time();
  const answers = [{}, { date: "yesterday" }, { date: new Date(NOON).toUTCString() }];
  for (const headers of answers) {
    assertEquals(time.now(), NOON - DAY);
    const response = await hearingTime(time, () => Promise.resolve(new Response("ok", { headers })))(
      "http://x",
    );
    assertEquals(await response.text(), "ok");
  }
  assertEquals(time.now(), NOON);
});

Deno.test("the clock of this process does not follow the machine's when it is set (promise 4)", () => {
  const before = systemClock.now();
  const real = Date.now;
  try {
    for (const offMs of [DAY, -DAY]) {
      Date.now = () => real() + offMs;
      const elapsed = systemClock.now() - before;
      assert(elapsed >= 0 && elapsed < DAY / 2, `${elapsed}`);
    }
  } finally {
    Date.now = real;
  }
});
