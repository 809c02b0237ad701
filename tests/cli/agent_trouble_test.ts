import { assertEquals, assertStringIncludes } from "@std/assert";
import { createTroubleTeller, QUIET_MS } from "../../cli/agent_trouble.ts";
import type { Failure } from "../../cli/agent_trouble.ts";

const occasion = { serviceId: "srv-1", serviceName: "api", incidentId: null };

function open() {
  let at = 0;
  const tell = createTroubleTeller({ now: () => at, monotonic: () => at });
  const failure = (why: Failure["why"], message = "it took over 5 ms"): Failure => ({
    kind: "failed",
    why,
    message,
    durationMs: 5,
  });
  return { tell, failure, pass: (ms: number) => at += ms };
}

Deno.test("trouble with an agent becomes an event that says whose, why and how often since", () => {
  const { tell, failure, pass } = open();
  const event = tell("monitor", failure("deadline"), occasion);
  assertEquals([event?.type, event?.serviceId, event?.incidentId], ["AgentFailed", "srv-1", null]);
  assertEquals(event?.message, "The monitor was ended (deadline): it took over 5 ms");
  pass(QUIET_MS - 1);
  assertEquals(tell("monitor", failure("deadline"), occasion), undefined);
  // Another service, agent or reason is news.
  assertEquals(
    tell("monitor", failure("deadline"), { ...occasion, serviceId: "srv-2" })?.type,
    "AgentFailed",
  );
  assertEquals(tell("fixer", failure("deadline"), occasion)?.type, "AgentFailed");
  assertEquals(tell("monitor", failure("crash"), occasion)?.type, "AgentFailed");
  pass(1);
  assertStringIncludes(tell("monitor", failure("deadline"), occasion)?.message ?? "", "1 times more since");
});

Deno.test("what an agent was refused is told at once when it is something else, and a run that we stopped is not", () => {
  const { tell, failure } = open();
  assertEquals(tell("fixer", failure("denied", "read /a"), occasion)?.type, "AgentDenied");
  assertEquals(tell("fixer", failure("denied", "read /a"), occasion), undefined);
  assertEquals(tell("fixer", failure("denied", "read /b"), occasion)?.type, "AgentDenied");
  assertEquals(tell("fixer", failure("aborted"), occasion), undefined);
  assertEquals(tell("fixer", failure("crash"), undefined)?.serviceId, null);
});
