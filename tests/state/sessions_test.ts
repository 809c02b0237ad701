import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { AGENT_RAN } from "../../state/agent_runs.ts";
import { deploymentPlanSchema, finalStateSchema } from "../../state/artifact_shapes.ts";
import { writeSession } from "../../state/artifacts.ts";
import { iterationOf } from "../../state/iterations.ts";
import { seenBefore } from "../../state/patterns.ts";
import { phaseTimes } from "../../state/phases.ts";
import type { StateEvent } from "../../state/records.ts";
import {
  composeSession,
  FINAL_FILE,
  listSessionIds,
  PLAN_FILE,
  readSessionFiles,
  sessionDirectory,
} from "../../state/sessions.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { readEndings } from "../../state/went_on.ts";
import { attempt, event, healed, incident, inFolder, serviceRecord, START } from "./builders.ts";

const options = {
  clean: (text: string) => text,
  clock: { now: () => START + 60_000, monotonic: () => 0, sleep: async () => {} },
};

function agentRan(agent: string, at: number, durationMs: number, more: object = {}) {
  const data = { agent, attempt: 1, via: "swarm", topology: "mesh", durationMs, concluded: "x", ...more };
  return event({ at: START + at, type: AGENT_RAN, data: JSON.parse(JSON.stringify(data)) });
}

/** An incident that one attempt heals, opened 100 ms after the look began. */
const story: StateEvent[] = [
  event({ at: START + 100, data: { lookedSince: START } }),
  agentRan("analyzer", 300, 150),
  agentRan("optimizer", 400, 50, {
    order: [
      { remedy: "unpin", expectedSuccess: 0.75, why: "healed 3 of 4" },
      { remedy: "redeploy", expectedSuccess: 0.5, why: "never tried, low risk" },
    ],
  }),
  event({ at: START + 700, type: "AttemptBegun" }),
  event({ at: START + 9_700, type: "AttemptSucceeded", data: { provenForMs: 5_000 } }),
  event({ at: START + 9_800, type: "IncidentHealed", data: { provenForMs: 5_100 } }),
];

function withStore(work: (folder: string, store: Store) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "state.db"));
    await work(folder, store);
  });
}

Deno.test("the phases of an incident follow one another without a gap", () => {
  const times = phaseTimes(story, START + 99_000);
  assertEquals(Object.entries(times).map(([phase, { durationMs }]) => [phase, durationMs]), [
    ["Specification", 100],
    ["Pseudocode", 300],
    ["Architecture", 300],
    ["Refinement", 4_000],
    ["Completion", 5_100],
  ]);
  const sum = Object.values(times).reduce((total, { durationMs }) => total + durationMs, 0);
  assertEquals(sum, 9_800);
});

Deno.test("a phase under way lasts until now, and waiting for a person belongs to none", () => {
  assertEquals(phaseTimes(story.slice(0, 4), START + 1_700).Refinement?.durationMs, 1_000);
  const stalled = [
    ...story.slice(0, 4),
    event({ at: START + 1_700, type: "AttemptFailed" }),
    event({ at: START + 1_900, type: "IncidentStalled" }),
    event({ at: START + 3_600_000, type: "IncidentResumed" }),
    event({ at: START + 3_600_050, type: "IncidentStalled" }),
  ];
  const times = phaseTimes(stalled, START + 7_200_000);
  assertEquals([times.Refinement?.durationMs, times.Pseudocode?.durationMs, times.Completion], [
    1_000,
    550,
    undefined,
  ]);
});

Deno.test("each status of an attempt is one status of an iteration", () => {
  const statusOf = (fields: Parameters<typeof attempt>[0]) => iterationOf(attempt(fields)).status;
  assertEquals(statusOf({ status: "fixed" }), "fixed");
  assertEquals(statusOf({ status: "fixed", repair: { kind: "redeploy", clearCache: false } }), "success");
  const repair = { kind: "redeploy", clearCache: false } as const;
  const aftermath = { cause: "port", fingerprint: "fp2", evidence: null, isAnother: true };
  assertEquals(statusOf({ status: "fixed", repair, aftermath }), "fixed", "nothing was proven good");
  assertEquals(iterationOf(attempt({ status: "fixed", aftermath })).exposed, "port");
  assertEquals(statusOf({ status: "failed" }), "failed");
  assertEquals(statusOf({ status: "rolled_back" }), "rolled_back");
  assertEquals(statusOf({ status: "no_effect" }), "no_effect");
  assertEquals(statusOf({ status: "abandoned" }), "no_effect");
  assertEquals(statusOf({ status: "suggested" }), "no_effect");
  assertEquals(statusOf({ status: "running" }), "running");
  assertEquals(iterationOf(attempt({ stepsDone: ["push"], endedAt: START + 1_500, deployId: "dep-2" })), {
    number: 1,
    timestamp: new Date(START).toISOString(),
    deployId: "dep-2",
    status: "running",
    fix: "unpin",
    error: null,
    exposed: null,
    durationSeconds: 1.5,
  });
  assertEquals(
    iterationOf(attempt({ status: "suggested" })).fix,
    null,
    "what was only shown was not applied",
  );
});

Deno.test("a session's plan tells the remedies in their order and why, and its end tells the durations", () =>
  withStore(async (folder, store) => {
    await store.record({ service: serviceRecord(), incident: healed(1), events: story });
    await writeSession(folder, "s1", { store, startedAt: START - 500 }, options);
    const directory = sessionDirectory(folder, "s1");
    const plan = deploymentPlanSchema.parse(
      JSON.parse(await Deno.readTextFile(join(directory, PLAN_FILE))),
    );
    const [only] = plan.incidents;
    assertEquals(only?.remedies, [
      { attempt: 1, remedy: "unpin", expectedSuccess: 0.75, why: "healed 3 of 4", isChosen: true },
      { attempt: 1, remedy: "redeploy", expectedSuccess: 0.5, why: "never tried, low risk", isChosen: false },
    ]);
    assertEquals([plan.topology, plan.agents.map(({ agent }) => agent)], ["mesh", ["analyzer", "optimizer"]]);
    assertEquals(only?.iterations.map(({ status }) => status), ["fixed"]);
    const final = finalStateSchema.parse(JSON.parse(await Deno.readTextFile(join(directory, FINAL_FILE))));
    assertEquals([final.success, final.ready, final.attempts, final.error], [true, true, 1, null]);
    assertEquals(final.phases.map(({ durationMs }) => durationMs), [100, 300, 300, 4_000, 5_100]);
    assertEquals(final.startedAt, new Date(START - 500).toISOString());
  }));

Deno.test("the end of a session that is stuck names the last error, and ready alone is no success", () =>
  withStore(async (folder, store) => {
    const stuck = incident({
      status: "stalled",
      attempts: [attempt({ status: "failed", error: "Deploy dep-2 is build_failed" })],
    });
    await store.record({ service: serviceRecord(), incident: stuck });
    const { final } = await composeSession(folder, "s1", {
      store,
      services: [serviceRecord()],
      now: START + 1,
    });
    assertEquals([final.ready, final.success, final.error], [true, false, "Deploy dep-2 is build_failed"]);
  }));

Deno.test("the same session id again keeps what the store has let go, and adopts what it goes on with", () =>
  withStore(async (folder, store) => {
    await store.record({ service: serviceRecord(), incident: incident({ id: "inc_old" }) });
    await writeSession(folder, "s1", { store, startedAt: START }, options);

    await using later = await openSqliteStore(join(folder, "later.db"));
    await later.record({ incident: { ...healed(7), sessionId: "s1" } });
    await later.record({ incident: incident({ id: "inc_other", sessionId: "s0", serviceId: "srv-2" }) });
    await writeSession(
      folder,
      "s1",
      { store: later, startedAt: START + 9_000, adopted: ["inc_other"] },
      options,
    );
    const { plan, final } = await readSessionFiles(folder, "s1");
    assertEquals(final?.incidents.map(({ id }) => id), ["inc_7", "inc_other", "inc_old"]);
    assertEquals(plan?.incidents.map(({ id }) => id), ["inc_7", "inc_other", "inc_old"]);
    assertEquals(final?.startedAt, new Date(START).toISOString());
    await writeSession(folder, "s1", { store: later }, options);
    assertEquals((await readSessionFiles(folder, "s1")).final?.incidents.length, 3, "adopted for good");
  }));

Deno.test("the end of a session that was continued is about every service that it has seen", () =>
  withStore(async (folder, store) => {
    const stuck = incident({ id: "inc_api", status: "stalled", attempts: [] });
    await store.record({ service: serviceRecord({ conditions: [] }), incident: stuck });
    await writeSession(folder, "s1", { store, services: [serviceRecord({ conditions: [] })] }, options);
    const web = serviceRecord({ serviceId: "srv-2", name: "web" });
    await store.record({ service: web });
    const serviceStates = async () => {
      const { final } = await readSessionFiles(folder, "s1");
      return [final?.ready, final?.success, final?.services.map(({ name, ready }) => `${name} ${ready}`)];
    };
    // The second run looks after web alone.
    await writeSession(folder, "s1", { store, services: [web] }, options);
    assertEquals(await serviceStates(), [false, false, ["web true", "api false"]]);

    // Where the store has let a service go, the file still knows it.
    await using later = await openSqliteStore(join(folder, "later.db"));
    await writeSession(folder, "s1", { store: later, services: [web] }, options);
    assertEquals(await serviceStates(), [false, false, ["web true", "api false"]]);

    // The other service is well again, and the run that writes does not look after it.
    await store.record({
      service: serviceRecord(),
      incident: { ...stuck, status: "healed", closedAt: START },
    });
    await writeSession(folder, "s1", { store, services: [web] }, options);
    assertEquals(await serviceStates(), [true, true, ["web true", "api true"]]);
  }));

Deno.test("a session that is read is as it was left, but for what its incidents came to since", () =>
  withStore(async (folder, store) => {
    await store.record({ service: serviceRecord(), incident: { ...healed(1), closedAt: START + 1 } });
    await writeSession(folder, "s1", { store }, options);
    const broken = serviceRecord({ conditions: [] });
    await store.record({ service: broken });
    const read = async () => {
      const { final } = await composeSession(folder, "s1", { store, now: START + 99_000_000 });
      return [final.ready, final.success, final.writtenAt];
    };
    const writtenAt = new Date(START + 60_000).toISOString();
    assertEquals(await read(), [true, true, writtenAt], "what came later belongs to another session");
    // Killed before it wrote its files: the store knows better.
    await store.record({ incident: incident({ id: "inc_2", openedAt: START + 90_000_000 }) });
    assertEquals(await read(), [false, false, writtenAt]);
  }));

Deno.test("a session that another one went on from is told as it ended, and names the other", () =>
  withStore(async (folder, store) => {
    const failed = attempt({ status: "failed", error: "Deploy dep-2 is build_failed" });
    const stuck = incident({ status: "stalled", attempts: [failed] });
    await store.record({
      service: serviceRecord({ conditions: [] }),
      incident: stuck,
      events: story.slice(0, 4),
    });
    await writeSession(folder, "s1", { store }, options);
    const atEnd = await readSessionFiles(folder, "s1");
    const read = async (id: string) => {
      const endings = await readEndings(folder, ["s1", "s2"]);
      return composeSession(folder, id, { store, endings, now: START + 99_000_000 });
    };
    assertEquals((await read("s1")).wentOn, {}, "none went on");

    const mended = attempt({ number: 2, status: "fixed" });
    await store.record({
      service: serviceRecord(),
      incident: { ...stuck, status: "healed", closedAt: START + 70_000, attempts: [failed, mended] },
      events: story.slice(4),
    });
    const clock = { ...options.clock, now: () => START + 80_000 };
    const second = { store, startedAt: START + 65_000, adopted: [stuck.id] };
    await writeSession(folder, "s2", second, { ...options, clock });
    const { plan, final, wentOn } = await read("s1");
    assertEquals({ plan, final }, atEnd);
    assertEquals([final.success, final.attempts, final.incidents[0]?.status], [false, 1, "stalled"]);
    assertEquals(wentOn, { [stuck.id]: "s2" });
    const next = await read("s2");
    assertEquals([next.final.success, next.final.attempts, next.wentOn], [true, 2, {}]);

    // The first id again: what it knows of the incident is the newest.
    await writeSession(folder, "s1", { store }, {
      ...options,
      clock: { ...clock, now: () => START + 90_000 },
    });
    const again = await read("s1");
    assertEquals([again.final.success, again.final.attempts, again.wentOn], [true, 2, {}]);
  }));

Deno.test("files of a session that are damaged, huge, linked or forged are not believed", () =>
  withStore(async (folder, store) => {
    const directory = sessionDirectory(folder, "s1");
    await Deno.mkdir(directory, { recursive: true });
    const read = async () => {
      const { plan, final } = await readSessionFiles(folder, "s1");
      return [plan, final];
    };
    assertEquals(await read(), [null, null]);
    await Deno.writeTextFile(join(directory, PLAN_FILE), "{");
    await Deno.writeTextFile(
      join(directory, FINAL_FILE),
      JSON.stringify({ schemaVersion: 1, success: true }),
    );
    assertEquals(await read(), [null, null]);
    await Deno.remove(join(directory, PLAN_FILE));
    await Deno.symlink("/dev/zero", join(directory, PLAN_FILE));
    using file = await Deno.open(join(directory, FINAL_FILE), { write: true });
    await file.truncate(64 * 1024 * 1024);
    assertEquals(await read(), [null, null]);
    const { final } = await composeSession(folder, "s1", { store, now: START });
    assertEquals([final.success, final.incidents], [false, []]);
    await assertRejects(() => readSessionFiles(folder, "../s1"), EvenkeelError, "Cannot use session id");
  }));

Deno.test("sessions are listed newest first, from their folders and from the store", () =>
  withStore(async (folder, store) => {
    await store.record({ incident: incident({ sessionId: "only-in-store", openedAt: START }) });
    await writeSession(folder, "with-files", { store }, options);
    await Deno.mkdir(join(folder, "memory", "sessions", ".hidden"));
    assertEquals(await listSessionIds(folder, store, 10), ["with-files", "only-in-store"]);
    assertEquals(await listSessionIds(folder, store, 1), ["with-files"]);
    assertEquals(await listSessionIds(join(folder, "nothing"), store, 10), ["only-in-store"]);
  }));

Deno.test("sessions are listed by when they began, not by when their files were written", () =>
  withStore(async (folder, store) => {
    await writeSession(folder, "later", { store, startedAt: START + 1_000 }, options);
    await writeSession(folder, "earlier", { store, startedAt: START }, options);
    await store.record({ incident: incident({ sessionId: "goes-on", openedAt: START + 500 }) });
    await store.record({ incident: { ...healed(9), sessionId: "goes-on" } });
    assertEquals(await listSessionIds(folder, store, 10), ["later", "goes-on", "earlier"]);
  }));

Deno.test("a plan tells why the swarm failed at the attempt that the loop then went on with", () =>
  withStore(async (folder, store) => {
    const message = "The analyzer timed out. The same attempt goes on in this process";
    const events = [
      agentRan("monitor", 100, 10),
      event({ at: START + 200, type: "SwarmFailed", message }),
      agentRan("analyzer", 300, 10, { via: "fallback", attempt: 2 }),
    ];
    await store.record({ service: serviceRecord(), incident: incident(), events });
    const { plan } = await composeSession(folder, "s1", { store, now: START + 400 });
    assertEquals(plan.incidents[0]?.swarmFailures, [{ attempt: 2, message }]);
  }));

Deno.test("what was seen before counts the same failure and its class apart, over all services", () => {
  const other = (number: number, fields: Parameters<typeof attempt>[0], service = "api") => ({
    ...healed(number),
    serviceName: service,
    openedAt: START - number * 1000,
    attempts: [attempt({ status: "fixed", ...fields })],
  });
  const now = incident({ id: "inc_now", openedAt: START });
  const earlier = [
    other(1, {}),
    other(2, { remedy: "redeploy", status: "failed", error: "no" }, "web"),
    other(3, { fingerprint: "fp2" }, "shop"),
    other(4, { cause: "something-else", fingerprint: "fp9" }),
    { ...other(5, {}), openedAt: START + 5_000 },
  ];
  assertEquals(seenBefore(now, [now, ...earlier]), [
    {
      match: "fingerprint",
      cause: "python-dependency-conflict",
      isLast: true,
      incidents: 2,
      services: ["api", "web"],
      healed: 2,
      worked: [{ remedy: "unpin", times: 1 }],
      failed: [{ remedy: "redeploy", times: 1 }],
    },
    {
      match: "cause",
      cause: "python-dependency-conflict",
      isLast: true,
      incidents: 1,
      services: ["shop"],
      healed: 1,
      worked: [{ remedy: "unpin", times: 1 }],
      failed: [],
    },
  ]);
  assertEquals(
    seenBefore(incident({ id: "inc_now", attempts: [] }), earlier),
    [],
    "nothing is known of an unknown cause",
  );
  assert(seenBefore(now, []).length === 0);
});

Deno.test("the id of a session never becomes a path elsewhere", () => {
  assertStringIncludes(sessionDirectory("/data", "nightly-1"), "/data/memory/sessions/nightly-1");
});
