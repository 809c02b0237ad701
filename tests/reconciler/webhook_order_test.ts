/**
 * Any permutation, loss or repetition of deliveries leads to the same end, compared with a run that hears nothing. Each
 * fault is shown to have happened by what was posted and what was taken.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { inFull } from "../helpers/full.ts";
import { Chance } from "../simulation/random.ts";
import { KEEPER_LOOK_MS, MINUTE, run } from "./broken_twice.ts";
import type { Options } from "./broken_twice.ts";
import type { Mail, Way } from "./mailroom.ts";

const SEEDS = inFull(300, 4);

/** Lost, sent up to three times, and late by up to ten minutes, so that any order comes up. */
const anything = (chance: Chance): Way => (mail, room) => {
  for (let copies = chance.pick([0, 0, 1, 1, 2, 3]); copies > 0; copies--) {
    room.send(mail, chance.whole(0, chance.pick([100, 20_000, 10 * MINUTE])));
  }
};
const lost: Way = () => {};
const atOnce: Way = (mail, room) => room.send(mail);
const twice: Way = (mail, room) => [0, 20_000].forEach((afterMs) => room.send(mail, afterMs));
const LATE_MS = 4 * MINUTE;
const late: Way = (mail, room) => room.send(mail, LATE_MS);
/** What comes within a while, the newest first. */
const BATCH_MS = 3 * MINUTE;
function reversed(): Way {
  let batch: Mail[] = [];
  return (mail, room) => {
    if (batch.length === 0) {
      room.scheduler.after(BATCH_MS, () => {
        for (const [at, one] of batch.reverse().entries()) room.send(one, at * 1_000);
        batch = [];
      });
    }
    batch.push(mail);
  };
}

/** The end of a run that hears nothing. */
async function silent(seed: number) {
  const { end, room } = await run(seed, lost);
  assertEquals(end.troubles, []);
  assertEquals([end.outcome, end.ready, end.hold], ["settled", "True", null]);
  assertEquals(end.incidents.map(({ gap, status }) => [gap, status]), [
    ["unhealthy", "healed"],
    ["deploy-failed", "healed"],
  ]);
  return { end, room };
}

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
/** So seldom that only a delivery, or what is done for the lack of one, makes the daemon look. */
const SELDOM: Options = { intervalMs: 24 * 60 * MINUTE };

Deno.test("a world in which every delivery is lost ends as one in which each comes at once (promise 2)", async () => {
  const { end, room } = await silent(1);
  assertEquals([room.posted.length > 3, room.taken.length], [true, 0]);
  const prompt = await run(1, atOnce, SELDOM);
  assertEquals(ids(prompt.room.taken), ids(prompt.room.posted));
  assertEquals(prompt.end, end);
});

Deno.test("deliveries that each come twice end as if none had come (promise 2)", async () => {
  const { room, end, effects } = await run(1, twice, SELDOM);
  assertEquals(ids(room.taken).toSorted(), ids([...room.posted, ...room.posted]).toSorted());
  assertEquals(new Set(ids(room.posted)).size, room.posted.length);
  assertEquals(end, (await silent(1)).end);
  assertEquals(effects, (await run(1, lost)).effects);
});

Deno.test("deliveries that come in the reverse order end as if none had come (promise 2)", async () => {
  const { room, end } = await run(1, reversed(), SELDOM);
  assertEquals(ids(room.taken).toSorted(), ids(room.posted).toSorted());
  const places = room.taken.map(({ id }) => ids(room.posted).indexOf(id));
  const overtaken = places.filter((place, at) => place < (places[at - 1] ?? 0));
  assert(overtaken.length >= 2, `the order was ${places}`);
  assertEquals(end, (await silent(1)).end);
});

Deno.test("deliveries that come minutes late end as if none had come (promise 2)", async () => {
  const { room, end } = await run(1, late, SELDOM);
  assertEquals(ids(room.taken), ids(room.posted));
  for (const [at, { at: postedAt }] of room.posted.entries()) {
    assertEquals((room.taken[at]?.at ?? 0) - postedAt >= LATE_MS, true);
  }
  assertEquals(end, (await silent(1)).end);
});

Deno.test("a webhook that was disabled is switched on, what it missed is backfilled, and the world ends as if it had not been (promise 2)", async () => {
  const [from, to] = [9 * MINUTE, KEEPER_LOOK_MS - MINUTE];
  const { room, end, told, effects } = await run(1, atOnce, {
    ...SELDOM,
    isUp: (at) => at < from || at > to,
  });
  const missed = ids([...room.posted, ...room.unsent]).filter((id) => !ids(room.taken).includes(id));
  assert(missed.length > 0, "every delivery was taken");
  assertEquals(room.disabled, 1);
  assert(room.taken.every(({ at }) => at < from || at > to) && room.taken.some(({ at }) => at > to));
  assert(told.includes("EventsMissed") && told.includes("WebhookEnabled"), told.join(" "));
  const { effects: expected } = await run(1, lost);
  assertEquals(effects.filter((one) => one === "webhook-on done").length, 1);
  assertEquals(effects.filter((one) => one !== "webhook-on done"), expected);
  assertEquals(end, (await silent(1)).end);
});

Deno.test("any permutation, loss and repetition of deliveries ends as if none had come (promise 2)", async () => {
  const seen = { lost: 0, repeated: 0, overtaken: 0, late: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { end } = await silent(seed);
    const { room, ...heard } = await run(seed, anything(new Chance(seed, "deliveries")));
    assertEquals(heard.end, end, `seed ${seed}`);
    const places = room.taken.map(({ id }) => ids(room.posted).indexOf(id));
    seen.lost += room.posted.filter((_, place) => !places.includes(place)).length;
    seen.repeated += places.length - new Set(places).size;
    seen.overtaken += places.filter((place, at) => place < (places[at - 1] ?? 0)).length;
    seen.late += room.taken.filter(({ at }, n) =>
      at - (room.posted[places[n] ?? 0]?.at ?? 0) > MINUTE
    ).length;
  }
  for (const [what, times] of Object.entries(seen)) assertNotEquals(times, 0, `nothing was ${what}`);
});
