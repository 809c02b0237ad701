import { assertEquals, assertRejects } from "@std/assert";
import { NotSent } from "../../base/errors.ts";
import { CheckoutCache } from "../../reconciler/checkouts.ts";
import { act } from "../../reconciler/pass_steps.ts";
import { FailureCounts } from "../../reconciler/process_memory.ts";
import { Rehearsals } from "../../reconciler/rehearsals.ts";
import { RenderNotAsked } from "../../render/api.ts";
import { createRenderClient } from "../../render/client.ts";
import { Doubts } from "../../state/doubts.ts";
import { ManualClock } from "./world.ts";

const NOT_SENT = new NotSent("Cannot act: the store answers too late to tell who leads");
const NOT_ASKED = new RenderNotAsked("Cannot call POST /x: Render asks to be left alone", 429, "POST /x", 1);

Deno.test("what was never sent is no answer of Render's, and says so", async () => {
  const api = createRenderClient({
    apiKey: "rnd_none",
    baseUrl: "http://127.0.0.1:9",
    fetch: () => Promise.reject(NOT_SENT),
  });
  assertEquals(await assertRejects(() => api.restartService("srv-a"), NotSent), NOT_SENT);
});

Deno.test("an order that was never sent is no try, so that no number of them stalls the incident", async () => {
  await using checkouts = new CheckoutCache();
  const clock = new ManualClock();
  await using rehearsals = new Rehearsals(clock);
  const memory = { checkouts, doubts: new Doubts(clock), failures: new FailureCounts(), rehearsals };
  const passOf = (error: Error) => ({
    parts: {
      checkRoom: () => Promise.resolve(),
      clock,
      api: rejecting(error),
      store: rejecting(error),
    },
    observation: { seen: { service: { id: "srv-a" }, deploys: [] } },
  });
  const action = { incident: { id: "inc-1" }, attempt: { number: 1, stepsDone: [] }, step: "restart" };
  for (let tries = 0; tries < 20; tries++) {
    const error = tries % 2 === 0 ? NOT_SENT : NOT_ASKED;
    // As much of a pass as a restart asks for before its order is to leave.
    const outcome = await act(
      passOf(error) as unknown as Parameters<typeof act>[0],
      memory,
      action as unknown as Parameters<typeof act>[2],
      new AbortController().signal,
    );
    assertEquals(outcome, { kind: "retry", reason: "CannotAct", message: error.message });
  }
});

function rejecting(error: Error) {
  return new Proxy({}, { get: () => () => Promise.reject(error) });
}
