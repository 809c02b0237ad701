import { assert, assertEquals } from "@std/assert";
import { EvenkeelError } from "../../base/errors.ts";
import { Controller } from "../../reconciler/controller.ts";
import type { Pass } from "../../reconciler/controller.ts";
import { runDaemon } from "../../reconciler/daemon.ts";
import { CannotLookAfter } from "../../reconciler/observe.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { ManualClock, spec } from "./world.ts";

/** How often a service is looked at in a minute when each look ends with this error. */
async function looksInAMinute(error: Error): Promise<number> {
  const clock = new ManualClock();
  let looks = 0;
  class Failing extends Controller {
    override pass(): Promise<Pass> {
      looks++;
      return Promise.reject(error);
    }
  }
  const parts: Pick<Parts, "clock" | "random"> = { clock, random: () => 0.5 };
  // It never uses its parts.
  await using controller = new Failing(parts as Parts);
  const stop = new AbortController();
  const daemon = runDaemon(controller, parts, [spec()], { signal: stop.signal });
  for (let second = 0; second < 60; second++) await clock.advance(1_000);
  stop.abort();
  await daemon;
  return looks;
}

Deno.test("only what Render refuses for good waits its five minutes; other trouble is tried again soon", async () => {
  assertEquals(await looksInAMinute(new CannotLookAfter("Cannot find service a")), 1);
  for (const error of [new EvenkeelError("Cannot write the store: locked"), new Error("a defect")]) {
    assert(await looksInAMinute(error) >= 4, error.message);
  }
});
