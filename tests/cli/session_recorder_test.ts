import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "@std/path";
import { createSessionRecorder, describeContinued } from "../../cli/session_recorder.ts";
import { systemClock } from "../../base/clock.ts";
import type { Json } from "../../base/json.ts";
import { readSessionFiles, sessionDirectory } from "../../state/sessions.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { createRedactor } from "../../text/redact.ts";
import { event, incident, inFolder, namesIn, serviceRecord } from "../state/builders.ts";

const CANARY = "canary-2d90-value";
const open = incident({ id: "inc_9", sessionId: "s1", attempts: [] });
const advice: Json = {
  order: [{ remedy: "unpin", expectedSuccess: 0.75, why: `healed 3 of 4 ${CANARY}` }],
  withheld: [],
};

function withRecorder(
  work: (it: {
    folder: string;
    store: Awaited<ReturnType<typeof openSqliteStore>>;
    recorder: ReturnType<typeof createSessionRecorder>;
    log: (name: string) => Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  return inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "state.db"));
    await store.record({ service: serviceRecord(), incident: open });
    const recorder = createSessionRecorder({
      dataDirectory: folder,
      sessionId: "s2",
      store,
      services: [{ service: "api" }],
      redact: createRedactor([CANARY]),
      clock: systemClock,
      agents: "subprocess",
    });
    const log = (name: string) => Deno.readTextFile(join(sessionDirectory(folder, "s2"), name));
    await work({ folder, store, recorder, log });
  });
}

const context = { incident: open, attempt: 1, topology: "mesh", durationMs: 12.4 } as const;

Deno.test("an agent's run becomes a line of the log of its way, an event with the order, and its last output", () =>
  withRecorder(async ({ folder, store, recorder, log }) => {
    await recorder.agentAnswered("optimizer", advice, { ...context, via: "swarm" });
    await recorder.agentAnswered("optimizer", advice, { ...context, via: "fallback" });
    const line =
      /^\S+Z optimizer attempt 1 of api inc_9 mesh unpin first \(75 %: healed 3 of 4 \[redacted\]\) 12 ms\n$/;
    assertMatch(await log("swarm_output.log"), line);
    assertMatch(await log("fallback_output.log"), line);
    const [latest, ...before] = await store.listEvents({ incidentId: "inc_9" });
    assertEquals([before.length, latest?.type], [1, "AgentRan"]);
    assertMatch(JSON.stringify(latest?.data), /"order":\[\{"remedy":"unpin"/);
    assertEquals(await namesIn(join(folder, "memory", "swarm")), ["optimizer_output.json"]);
    assertNotMatch(JSON.stringify(await store.listEvents({ incidentId: "inc_9" })), /canary/);
  }));

Deno.test("when the swarm fails both logs say so, and so does the line of an agent without an answer", () =>
  withRecorder(async ({ recorder, log }) => {
    const message = "The analyzer failed (deadline): it took too long";
    recorder.event(event({ type: "SwarmFailed", message }), { serviceName: "api", incident: open });
    const failure = {
      kind: "failed",
      why: "deadline",
      message: "it took too long",
      durationMs: 10_000,
    } as const;
    const occasion = { serviceId: "srv-1", serviceName: "api", incidentId: "inc_9", attempt: 1 };
    recorder.agentFailed("analyzer", failure, undefined, occasion);
    recorder.agentFailed("monitor", failure, undefined, {
      serviceId: "srv-1",
      serviceName: "api",
      incidentId: null,
    });
    await recorder.write();
    const swarm =
      /Z swarm attempt 1 of api inc_9 failed: The analyzer failed \(deadline\): it took too long$/m;
    assertMatch(await log("swarm_output.log"), swarm);
    assertMatch(await log("fallback_output.log"), swarm);
    assertMatch(
      await log("swarm_output.log"),
      /Z analyzer attempt 1 of api inc_9 failed: deadline: it took too long 10000 ms$/m,
    );
    assertMatch(await log("swarm_output.log"), /Z monitor of api failed: deadline: it took too long/);
  }));

Deno.test("a session that goes on with another's incident has it in its files, and is described when it is continued", () =>
  withRecorder(async ({ folder, store, recorder }) => {
    const describe = (sessionId: string | null) =>
      describeContinued({ dataDirectory: folder, sessionId, store, now: systemClock.now() });
    assertEquals([await describe("s2"), await describe(null)], [null, null]);
    recorder.event(event({ incidentId: "inc_9" }), { serviceName: "api", incident: open });
    await recorder.write();
    assertEquals((await readSessionFiles(folder, "s2")).final?.incidents.map(({ id }) => id), ["inc_9"]);
    assertMatch(await describe("s2") ?? "", /^Session s2 goes on, begun 20\S+ \S+, 1 incident so far$/);
  }));

Deno.test("files that cannot be written never stop a heal", () =>
  withRecorder(async ({ folder, store, recorder }) => {
    await Deno.writeTextFile(join(folder, "memory"), "a file where the folder belongs");
    await recorder.agentAnswered("optimizer", advice, { ...context, via: "swarm" });
    await recorder.write();
    assertEquals((await store.listEvents({ incidentId: "inc_9" })).length, 1);
  }));
