import { assert, assertEquals } from "@std/assert";
import { conditionsOf } from "../../reconciler/conditions.ts";
import {
  addSample,
  emptyRecord,
  gapMaxMs,
  goodForMs,
  isConfirmedBad,
  isProven,
} from "../../reconciler/samples.ts";
import { BAD, deploy, GOOD, observation, sampled, sighting, spec, UNKNOWN } from "./world.ts";

const live = sighting([deploy("dep-1", "live")]);
const bad = sighting([deploy("dep-1", "live")], { health: BAD });
const unknown = sighting([deploy("dep-1", "live")], { health: UNKNOWN });
const empty = emptyRecord("srv-a", "my-api", 1);

Deno.test("two unbroken minutes of good samples prove a deploy, and remember it", () => {
  const almost = sampled(live, 24, spec());
  assertEquals([goodForMs(almost), isProven(almost, spec())], [115_000, false]);
  const record = sampled(live, 25, spec());
  assert(isProven(record, spec()));
  assertEquals(record.provenDeploys.map((proven) => proven.deployId), ["dep-1"]);
});

Deno.test("one bad sample, one unknown sample or a gap begins the two minutes anew (promise 4) (promise 11)", () => {
  const before = sampled(live, 25, spec());
  for (const seen of [bad, unknown, null]) {
    const broken = addSample(before, observation(seen, 5_000), spec());
    assertEquals(goodForMs(broken), 0);
    assertEquals(goodForMs(addSample(broken, observation(live, 10_000), spec())), 0);
  }
  const late = addSample(before, observation(live, 600_000), spec());
  assertEquals(goodForMs(late), 0);
});

Deno.test("a suspended laptop or another process does not count as good time (promise 4)", () => {
  const before = sampled(live, 3, spec());
  assertEquals(goodForMs(before), 10_000);
  const other = addSample(before, observation(live, 5_000, { epoch: "p2" }), spec());
  assertEquals(goodForMs(other), 0);
  const stepped = addSample(before, observation(live, -50_000), spec());
  assertEquals(goodForMs(stepped), 0);
});

Deno.test("a wall clock that is set back changes nothing: durations are monotonic (promise 4)", () => {
  const before = sampled(live, 3, spec());
  const after = addSample(before, { ...observation(live, 5_000), at: 0 }, spec());
  assertEquals(goodForMs(after), 15_000);
});

Deno.test("a machine that slept begins the quiet time anew, though its monotonic clock slept too (promise 4)", () => {
  const before = sampled(live, 3, spec());
  const later = observation(live, 5_000);
  assertEquals(goodForMs(addSample(before, { ...later, at: later.at + 600_000 }, spec())), 0);
});

Deno.test("a process that stands still inside a look gains no good time by it (promise 4)", () => {
  const before = sampled(live, 3, spec());
  const stood = { ...observation(live, 25_000), beganMonotonicMs: 5_000 };
  assertEquals(goodForMs(addSample(before, stood, spec())), 15_000);
});

Deno.test("three bad samples of five make a service bad; two do not, and another deploy starts from nothing (promise 11)", () => {
  let record = empty;
  const add = (seen: typeof bad | null) => record = addSample(record, observation(seen, 0), spec());
  [bad, live, bad, live].forEach(add);
  assert(!isConfirmedBad(record, spec()));
  add(bad);
  assert(isConfirmedBad(record, spec()));
  add(sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], { health: BAD }));
  assert(!isConfirmedBad(record, spec()));
});

Deno.test("unknown samples never make a service bad (promise 12)", () => {
  assert(!isConfirmedBad(sampled(unknown, 20, spec()), spec()));
});

Deno.test("looks that failed are no bad samples: with one bad sample they make no service bad (promise 12)", () => {
  let record = empty;
  for (const seen of [live, null, null, bad]) record = addSample(record, observation(seen, 0), spec());
  assertEquals(record.recentVerdicts, ["good", "unknown", "unknown", "bad"]);
  assert(!isConfirmedBad(record, spec()));
});

Deno.test("conditions tell the four criteria apart and move their time only when a status changes", () => {
  const seen = sighting([deploy("dep-2", "build_failed"), deploy("dep-1", "live")], {
    json: BAD,
    database: UNKNOWN,
  });
  const first = conditionsOf(empty, observation(seen, 0), null, spec());
  const status = Object.fromEntries(first.map((condition) => [condition.type, condition.status]));
  assertEquals(status, {
    Healthy: "True",
    ValidJson: "False",
    DatabaseUp: "Unknown",
    BuildClean: "False",
    Ready: "False",
    Reconciling: "False",
    Stalled: "False",
  });
  const healthy = { ...seen, json: GOOD };
  const second = conditionsOf({ ...empty, conditions: first }, observation(healthy, 9_000), null, spec());
  const time = (list: typeof first, type: string) =>
    list.find((one) => one.type === type)?.lastTransitionTime;
  assertEquals(time(second, "Healthy"), time(first, "Healthy"));
  assert(time(second, "ValidJson") !== time(first, "ValidJson"));
});

Deno.test("Ready is unknown while the proof is counted and true after the whole quiet time", () => {
  const ready = (times: number) => {
    const record = sampled(live, times, spec());
    return conditionsOf(record, observation(live, 0), null, spec()).find((one) => one.type === "Ready")
      ?.status;
  };
  assertEquals([ready(2), ready(25)], ["Unknown", "True"]);
});

Deno.test("an observation that failed makes every criterion unknown, with the reason (promise 12)", () => {
  const conditions = conditionsOf(empty, observation(null, 0), null, spec());
  const healthy = conditions.find((condition) => condition.type === "Healthy");
  assertEquals([healthy?.status, healthy?.message], ["Unknown", "no answer"]);
});

Deno.test("health that flickers neither makes a service bad nor proves it, however long it goes on (promise 11)", () => {
  let record = sampled(live, 3, spec());
  for (let round = 0; round < 200; round++) {
    for (const seen of [bad, live, live]) {
      record = addSample(record, observation(seen, round * 5_000), spec());
    }
    assert(!isConfirmedBad(record, spec()));
    assert(!isProven(record, spec()));
  }
});

Deno.test("a clock that is set forward for a day and back again costs a recount and nothing else (promise 4)", () => {
  let record = sampled(live, 3, spec());
  const step = { ...observation(live, 5_000), at: observation(live, 5_000).at + 86_400_000 };
  record = addSample(record, step, spec());
  assertEquals([goodForMs(record), isConfirmedBad(record, spec())], [0, false]);
  for (let at = 10_000; at <= 140_000; at += 5_000) record = addSample(record, observation(live, at), spec());
  assert(isProven(record, spec()));
});

Deno.test("time that passes unseen in the look before and between two looks counts together (promise 4)", () => {
  const gapMs = gapMaxMs(spec());
  const half = Math.ceil(gapMs * 0.6);
  const began = observation(live, 0);
  // The machine slept inside a look, whose monotonic clock stood still, and again before the next one.
  const slept = { ...began, beganAt: began.at, at: began.at + half };
  const next = { ...observation(live, 5_000), at: slept.at + half };
  const record = addSample(addSample(sampled(live, 3, spec()), slept, spec()), next, spec());
  assertEquals(goodForMs(record), 0);
  // The same for a process that stood still.
  const stood = { ...observation(live, half), beganMonotonicMs: 0 };
  const later = addSample(addSample(empty, stood, spec()), observation(live, 2 * half), spec());
  assertEquals(goodForMs(later), 0);
});
