import { assertEquals, assertRejects } from "@std/assert";
import { keptAnswer } from "../../base/kept_answer.ts";

const ANSWER_KEPT_MS = 1_000;

Deno.test("whether the store can be written is asked once a second, however many ask for readiness", async () => {
  let at = 0;
  let asked = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const ask = keptAnswer(
    async () => {
      const number = ++asked;
      await promise;
      if (number === 2) throw new Error("the store is gone");
      return number;
    },
    { monotonic: () => at },
    ANSWER_KEPT_MS,
  );
  const first = ask();
  at = 2 * ANSWER_KEPT_MS;
  const second = ask();
  resolve();
  assertEquals([await first, await second, asked], [1, 1, 1]);
  await assertRejects(ask, Error, "the store is gone");
  at += ANSWER_KEPT_MS - 1;
  await assertRejects(ask);
  assertEquals(asked, 2);
  at += 1;
  assertEquals([await ask(), await ask()], [3, 3]);
});
