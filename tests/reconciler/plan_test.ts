import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Action } from "../../reconciler/action.ts";
import { addAttempt, changeAttempt, newAttempt, openIncident, stall } from "../../reconciler/incident.ts";
import type { Sighting } from "../../reconciler/observation.ts";
import { plan } from "../../reconciler/plan.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import type { Attempt, Incident, Repair, ServiceRecord } from "../../state/records.ts";
import {
  BAD,
  deploy,
  GOOD,
  memory,
  NOW,
  observation,
  sampled,
  service,
  sighting,
  spec,
  UNKNOWN,
} from "./world.ts";

const empty = emptyRecord("srv-a", "my-api", 1);
const healthy = sighting([deploy("dep-1", "live")]);
const failedBehindHealthy = sighting([deploy("dep-2", "build_failed"), deploy("dep-1", "live")]);
const turnedBad = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], { health: BAD });
const provenOne: ServiceRecord = {
  ...empty,
  provenDeploys: [{ deployId: "dep-1", commit: "commit-dep-1", at: NOW }],
};

function decide(
  seen: Sighting | null,
  incident: Incident | null = null,
  record: ServiceRecord = empty,
  change: { spec?: Parameters<typeof spec>[0]; memory?: Partial<ReturnType<typeof memory>>; now?: number } =
    {},
): Action {
  return plan(
    spec(change.spec),
    observation(seen),
    incident,
    memory(record, change.memory),
    change.now ?? NOW,
  );
}

function incidentOf(seen: Sighting, gap: Incident["gap"] = "deploy-failed"): Incident {
  const first = seen.deploys[0];
  const facts = {
    gap,
    message: "broken",
    deployId: first?.id ?? null,
    commit: first?.commit ?? null,
    sessionId: "s",
  };
  return openIncident(seen, facts, NOW);
}

const rollbackOfTwo: Repair = {
  kind: "rollback",
  toDeployId: "dep-1",
  toCommit: "commit-dep-1",
  badCommit: "commit-dep-2",
};
const patch: Repair = { kind: "patch", edits: [{ path: "a", content: "b" }], diff: "" };

function attempting(incident: Incident, repair: Repair, change: Partial<Attempt> = {}): Incident {
  return addAttempt(
    incident,
    newAttempt(incident, {
      diagnosedDeployId: "dep-2",
      cause: "c",
      summary: "s",
      remedy: "r",
      risk: "low",
      repair,
      commit: repair.kind === "patch" ? "fix" : null,
      ...change,
    }, NOW),
  );
}

const reason = (action: Action) => action.kind === "wait" ? action.reason : action.kind;
/** What a kill between an intent and its end leaves in the journal. */
function intent(incident: Incident, kind: "rollback") {
  return {
    key: `${incident.id}/1/${kind}`,
    serviceId: "srv-a",
    kind,
    state: "intended" as const,
    payload: null,
    result: null,
    intendedAt: NOW,
    finishedAt: null,
  };
}

const step = (action: Action) => action.kind === "effect" ? action.step : action.kind;

Deno.test("a healthy service is settled", () => {
  assertEquals(decide(healthy), { kind: "settled" });
});

Deno.test("what could not be observed leads to nothing, whatever is under way (promise 12)", () => {
  const incident = attempting(incidentOf(failedBehindHealthy), patch);
  for (const open of [null, incident]) assertEquals(decide(null, open).kind, "unobserved");
});

Deno.test("an unknown probe never leads to an effect (promise 12)", () => {
  const seen = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], { health: UNKNOWN });
  const record = sampled(seen, 20, spec(), provenOne);
  assertEquals(reason(decide(seen, null, record)), "NotConfirmed");
});

Deno.test("a service that somebody suspended, put into maintenance or paused is left alone", () => {
  const broken = (change: Parameters<typeof service>[0]) => ({ ...turnedBad, service: service(change) });
  const record = sampled(turnedBad, 5, spec(), provenOne);
  const incident = incidentOf(turnedBad, "unhealthy");
  assertEquals(
    reason(decide(broken({ suspended: true, suspendedBy: ["user"] }), incident, record)),
    "Suspended",
  );
  assertEquals(reason(decide(broken({ inMaintenance: true }), incident, record)), "Maintenance");
  assertEquals(reason(decide(turnedBad, incident, record, { spec: { policy: { paused: true } } })), "Paused");
});

Deno.test("a failed deploy behind a healthy service opens an incident and is diagnosed", () => {
  const record = sampled(failedBehindHealthy, 1, spec());
  const opened = decide(failedBehindHealthy, null, record);
  assert(opened.kind === "record" && opened.incident.gap === "deploy-failed");
  const next = decide(failedBehindHealthy, opened.incident, record);
  assert(next.kind === "diagnose");
  assertEquals([next.deploy.id, next.phase], ["dep-2", "build"]);
});

Deno.test("one bad sample is not enough; a confirmed one opens an incident (promise 11)", () => {
  assertEquals(reason(decide(turnedBad, null, sampled(turnedBad, 1, spec()))), "NotConfirmed");
  const opened = decide(turnedBad, null, sampled(turnedBad, 3, spec()));
  assert(opened.kind === "record" && opened.incident.gap === "unhealthy");
});

Deno.test("a live service that turned bad with the last deploy is rolled back first, autodeploy off before that (promise 10)", () => {
  const record = sampled(turnedBad, 3, spec(), provenOne);
  const begun = decide(turnedBad, incidentOf(turnedBad, "unhealthy"), record);
  assert(begun.kind === "record" && begun.incident.attempts[0]?.repair.kind === "rollback");
  assertEquals(begun.incident.attempts[0].repair, {
    kind: "rollback",
    toDeployId: "dep-1",
    toCommit: "commit-dep-1",
    badCommit: "commit-dep-2",
  });
  assertEquals(step(decide(turnedBad, begun.incident, record)), "autodeploy-off");
  const off = { ...turnedBad, service: service({ autoDeploy: false }) };
  const done = changeAttempt(begun.incident, 1, { stepsDone: ["autodeploy-off"] });
  assertEquals(step(decide(off, done, record)), "rollback");
});

Deno.test("only a deploy that was proven good, is kept and carries another commit is a rollback target (promise 10)", () => {
  const record = sampled(turnedBad, 3, spec());
  const incident = incidentOf(turnedBad, "unhealthy");
  const kind = (before: ServiceRecord, seen = turnedBad) =>
    decide(seen, incident, sampled(seen, 3, spec(), before)).kind;
  assertEquals(decide(turnedBad, incident, record).kind, "diagnose");
  assertEquals(
    kind({ ...provenOne, badCommits: [{ commit: "commit-dep-1", incidentId: "i", at: 0 }] }),
    "diagnose",
  );
  const gone = { ...turnedBad, deploys: [deploy("dep-2", "live")] };
  assertEquals(kind(provenOne, gone), "diagnose");
  const same = {
    ...turnedBad,
    deploys: [deploy("dep-2", "live", { commit: "commit-dep-1" }), turnedBad.deploys[1]!],
  };
  assertEquals(kind(provenOne, same), "diagnose");
});

Deno.test("one rollback an incident: a second bad turn is diagnosed (promise 10)", () => {
  const incident = attempting(incidentOf(turnedBad, "unhealthy"), {
    kind: "rollback",
    toDeployId: "dep-0",
    toCommit: "x",
    badCommit: "y",
  }, { status: "rolled_back", endedAt: NOW, stepsDone: ["rollback"] });
  assertEquals(decide(turnedBad, incident, sampled(turnedBad, 3, spec(), provenOne)).kind, "diagnose");
});

Deno.test("a rollback that Render has refused is not begun again: the bad turn is diagnosed (promise 10)", () => {
  const refused = attempting(incidentOf(turnedBad, "unhealthy"), rollbackOfTwo, {
    status: "failed",
    endedAt: NOW,
    stepsDone: ["autodeploy-off"],
  });
  assertEquals(decide(turnedBad, refused, sampled(turnedBad, 3, spec(), provenOne)).kind, "diagnose");
});

Deno.test("a deploy that was good before is restarted once before anything is changed", () => {
  const seen = sighting([deploy("dep-1", "live")], { health: BAD });
  const record = sampled(seen, 3, spec(), provenOne);
  const begun = decide(seen, incidentOf(seen, "unhealthy"), record);
  assert(begun.kind === "record" && begun.incident.attempts[0]?.repair.kind === "restart");
  const after = changeAttempt(begun.incident, 1, { status: "no_effect", endedAt: NOW });
  assertEquals(decide(seen, after, record).kind, "diagnose");
});

Deno.test("a database that is down is waited for; the code is not touched, and a person is told in the end", () => {
  const down = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], {
    health: BAD,
    database: BAD,
  });
  const database = { kind: "render-postgres", id: "dpg-a" } as const;
  const record = sampled(down, 5, spec({ database }), provenOne);
  const incident = incidentOf(down, "database-down");
  assertEquals(reason(decide(down, incident, record, { spec: { database } })), "DatabaseDown");
  const later = decide(down, incident, record, { spec: { database }, now: NOW + 5 * 60_000 });
  assert(later.kind === "record" && later.incident.stalled?.reason === "DatabaseDown");
});

Deno.test("a database that only the app calls down is rolled back when the last deploy broke it", () => {
  const down = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], { database: BAD });
  const database = { kind: "json-path", path: "db", good: ["up"] } as const;
  const options = { spec: { database: { ...database, good: ["up"] } } };
  const rolled = decide(down, incidentOf(down, "unhealthy"), sampled(down, 3, spec(), provenOne), options);
  assert(rolled.kind === "record" && rolled.incident.attempts[0]?.repair.kind === "rollback");
  const waiting = decide(down, incidentOf(down, "database-down"), sampled(down, 3, spec()), options);
  assertEquals(reason(waiting), "DatabaseDown");
});

Deno.test("a deploy under way is waited for before anything is judged", () => {
  const seen = { ...turnedBad, deploys: [deploy("dep-3", "build_in_progress"), ...turnedBad.deploys] };
  assertEquals(reason(decide(seen, null, sampled(seen, 5, spec(), provenOne))), "DeployInProgress");
});

Deno.test("a patch is pushed, its deploy is found by commit, waited for, proven, and the incident closed", () => {
  const opened = incidentOf(failedBehindHealthy);
  const begun = attempting(opened, patch);
  assertEquals(step(decide(failedBehindHealthy, begun)), "push");

  const pushed = changeAttempt(begun, 1, { stepsDone: ["push"], publishedAt: NOW });
  assertEquals(reason(decide(failedBehindHealthy, pushed)), "WaitingForAutodeploy");
  assertEquals(step(decide(failedBehindHealthy, pushed, empty, { now: NOW + 60_000 })), "deploy");

  const building = sighting([
    deploy("dep-3", "build_in_progress", { commit: "fix" }),
    ...failedBehindHealthy.deploys,
  ]);
  const found = decide(building, pushed);
  assert(found.kind === "record" && found.incident.attempts[0]?.deployId === "dep-3");
  assertEquals(reason(decide(building, found.incident)), "DeployInProgress");
  assertEquals(reason(decide(failedBehindHealthy, found.incident)), "DeployNotListed");

  const took = { startedAt: NOW - 90_000, finishedAt: NOW };
  const live = sighting([
    deploy("dep-3", "live", { commit: "fix", ...took }),
    deploy("dep-2", "build_failed"),
  ]);
  assertEquals(reason(decide(live, found.incident, sampled(live, 5, spec()))), "Proving");
  const proven = sampled(live, 25, spec());
  const fixed = decide(live, found.incident, proven);
  assert(fixed.kind === "record" && fixed.incident.attempts[0]?.status === "fixed");
  assertEquals([fixed.outcome?.outcome, fixed.outcome?.deployMs], ["healed", 90_000]);
  const closed = decide(live, fixed.incident, proven);
  assert(closed.kind === "record" && closed.incident.status === "healed");
});

Deno.test("with autodeploy off the deploy is started at once", () => {
  const seen = { ...failedBehindHealthy, service: service({ autoDeploy: false }) };
  const pushed = attempting(incidentOf(seen), patch, { stepsDone: ["push"], publishedAt: NOW });
  assertEquals(step(decide(seen, pushed)), "deploy");
});

Deno.test("a repair that somebody else's newer deploy overtakes is abandoned, never deployed over it", () => {
  const seen = sighting([
    deploy("dep-9", "live", { commit: "theirs" }),
    ...failedBehindHealthy.deploys.slice(0, 1),
  ]);
  const pushed = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["push"],
    publishedAt: NOW,
  });
  const action = decide(seen, pushed, empty, { now: NOW + 120_000 });
  assert(action.kind === "record" && action.incident.attempts[0]?.status === "abandoned");
});

Deno.test("a service that is bad while a newer commit fails is mended where the patch lands, and that failure overtakes nothing (promise 29)", () => {
  const seen = sighting([deploy("dep-3", "build_failed"), deploy("dep-2", "live")], { health: BAD });
  const record = sampled(seen, 3, spec());
  const next = decide(seen, incidentOf(seen, "unhealthy"), record);
  assert(next.kind === "diagnose" && next.deploy.id === "dep-3" && next.phase === "build");
  // Read for the live version, as an attempt of before the newer commit's end may have been.
  const published = attempting(incidentOf(seen, "unhealthy"), patch, {
    diagnosedDeployId: "dep-2",
    newestDeployId: "dep-3",
    stepsDone: ["push"],
    publishedAt: NOW,
  });
  assertEquals(reason(decide(seen, published, record)), "WaitingForAutodeploy");
  const newer = { ...seen, deploys: [deploy("dep-4", "live"), ...seen.deploys] };
  const overtaken = decide(newer, published, record);
  assert(overtaken.kind === "record" && overtaken.incident.attempts[0]?.status === "abandoned");
});

Deno.test("a queued deploy that Render answered without an id is found by its commit (promise 29)", () => {
  const setting: Repair = { kind: "setting", patch: { rootDir: "api" }, diff: "" };
  const asked = attempting(incidentOf(failedBehindHealthy), setting, {
    stepsDone: ["setting", "deploy"],
    deployRequestedAt: NOW,
  });
  assertEquals(reason(decide(failedBehindHealthy, asked)), "DeployQueued");
  const seen = sighting([
    deploy("dep-3", "created", { commit: "commit-dep-2", trigger: "api" }),
    ...failedBehindHealthy.deploys,
  ]);
  const found = decide(seen, asked);
  assert(found.kind === "record" && found.incident.attempts[0]?.deployId === "dep-3");
});

Deno.test("a pull request is left to a person: its commit is never deployed unmerged", () => {
  const opened = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["pull-request"],
    publishedAt: NOW,
    pullRequestUrl: "https://github.com/o/r/pull/1",
  });
  const options = { spec: { mode: "pull-request" as const }, now: NOW + 3_600_000 };
  const action = decide(failedBehindHealthy, opened, empty, options);
  assert(action.kind === "wait" && action.forPerson);
  assertEquals(action.reason, "PullRequestOpen");
  const merged = sighting([
    deploy("dep-9", "live", { commit: "squashed" }),
    ...failedBehindHealthy.deploys.slice(0, 1),
  ]);
  const ended = decide(merged, opened, empty, options);
  assert(ended.kind === "record" && ended.incident.attempts[0]?.status === "abandoned");
});

Deno.test("a pull request for a service that was down before waits for its merge, and is not opened again", () => {
  const down = sighting([deploy("dep-2", "update_failed")], { health: BAD });
  const fields = { stepsDone: ["pull-request"], publishedAt: NOW };
  const options = { spec: { mode: "pull-request" as const } };
  const bad = sampled(down, 3, spec());
  const opened = attempting(incidentOf(down), patch, { ...fields, serving: null });
  assertEquals(reason(decide(down, opened, bad, options)), "PullRequestOpen");
  const served = attempting(incidentOf(down), patch, {
    ...fields,
    serving: { deployId: "dep-1", commit: "commit-dep-1" },
  });
  const ended = decide(down, served, bad, options);
  assert(ended.kind === "record" && ended.incident.attempts[0]?.status === "abandoned");
});

Deno.test("a bad commit that turns out good after all gives autodeploy back", () => {
  const hold = {
    incidentId: "i",
    badCommit: "commit-dep-2",
    goodCommit: "commit-dep-1",
    autoDeployWas: true,
    at: NOW,
  };
  const again = sighting([
    deploy("dep-4", "live", { commit: "commit-dep-2", trigger: "manual" }),
    deploy("dep-2", "deactivated"),
  ]);
  const rollback: Repair = {
    kind: "rollback",
    toDeployId: "dep-1",
    toCommit: "commit-dep-1",
    badCommit: "commit-dep-2",
  };
  const incident = attempting(incidentOf(turnedBad, "unhealthy"), rollback, {
    status: "rolled_back",
    endedAt: NOW,
  });
  const action = decide(again, incident, { ...sampled(again, 100, spec(), provenOne), hold });
  assertEquals(step(action), "autodeploy-on");
});

Deno.test("a setting is changed and then deployed", () => {
  const setting: Repair = { kind: "setting", patch: { rootDir: "api" }, diff: "" };
  const begun = attempting(incidentOf(failedBehindHealthy), setting);
  assertEquals(step(decide(failedBehindHealthy, begun)), "setting");
  const changed = changeAttempt(begun, 1, { stepsDone: ["setting"], publishedAt: NOW });
  assertEquals(step(decide(failedBehindHealthy, changed)), "deploy");
});

Deno.test("a deploy of the repair that fails ends the attempt, and its own failure is diagnosed next", () => {
  const seen = sighting([
    deploy("dep-3", "update_failed", { commit: "fix" }),
    ...failedBehindHealthy.deploys,
  ]);
  const deployed = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["push"],
    deployId: "dep-3",
  });
  const ended = decide(seen, deployed);
  assert(ended.kind === "record" && ended.incident.attempts[0]?.status === "failed");
  const next = decide(seen, ended.incident);
  assert(next.kind === "diagnose" && next.deploy.id === "dep-3" && next.phase === "start");
});

Deno.test("a repair that goes live and makes a serving service bad counts as worse and is rolled back", () => {
  const before = { ...provenOne };
  const seen = sighting([
    deploy("dep-3", "live", { commit: "fix" }),
    deploy("dep-2", "build_failed"),
    deploy("dep-1", "deactivated"),
  ], { health: BAD });
  const record = sampled(seen, 3, spec(), before);
  const fields = { stepsDone: ["push"], deployId: "dep-3" };
  const deployed = attempting(incidentOf(failedBehindHealthy), patch, {
    ...fields,
    serving: { deployId: "dep-1", commit: "commit-dep-1" },
  });
  const ended = decide(seen, deployed, record);
  assert(ended.kind === "record" && ended.outcome?.outcome === "worse");
  // Where nothing served before, nothing was made worse.
  const first = attempting(incidentOf(failedBehindHealthy), patch, { ...fields, serving: null });
  const stays = decide(seen, first, record);
  assert(stays.kind === "record" && stays.outcome?.outcome === "no_effect");
  const next = decide(seen, ended.incident, record);
  assert(next.kind === "record" && next.incident.attempts[1]?.repair.kind === "rollback");
});

Deno.test("after a rollback the bad commit is diagnosed, and autodeploy comes back only with a proven new commit (promise 10)", () => {
  const hold = {
    incidentId: "i",
    badCommit: "commit-dep-2",
    goodCommit: "commit-dep-1",
    autoDeployWas: true,
    at: NOW,
  };
  const rolledBack = sighting([
    deploy("dep-3", "live", { commit: "commit-dep-1", trigger: "rollback" }),
    deploy("dep-2", "deactivated"),
    deploy("dep-1", "deactivated"),
  ], { service: service({ autoDeploy: false }) });
  const rollback: Repair = {
    kind: "rollback",
    toDeployId: "dep-1",
    toCommit: "commit-dep-1",
    badCommit: "commit-dep-2",
  };
  const incident = attempting(incidentOf(turnedBad, "unhealthy"), rollback, {
    status: "rolled_back",
    endedAt: NOW,
  });
  const record = { ...sampled(rolledBack, 30, spec(), provenOne), hold };
  const next = decide(rolledBack, incident, record);
  assert(next.kind === "diagnose" && next.deploy.id === "dep-2" && next.phase === "run");

  const fixed = sighting([
    deploy("dep-4", "live", { commit: "fix", trigger: "api" }),
    ...rolledBack.deploys.slice(1),
  ], {
    service: service({ autoDeploy: false }),
  });
  const waiting = decide(fixed, incident, { ...sampled(fixed, 3, spec(), provenOne), hold });
  assertEquals(reason(waiting), "Proving");
  const given = decide(fixed, incident, { ...sampled(fixed, 30, spec(), provenOne), hold });
  assertEquals(step(given), "autodeploy-on");
});

Deno.test("a rollback from an old commit that a person went back to, to the newest one, waits for no repair (promise 10)", () => {
  const hold = {
    incidentId: "i",
    badCommit: "commit-old",
    goodCommit: "commit-new",
    autoDeployWas: true,
    at: NOW,
  };
  const seen = sighting([
    deploy("dep-4", "live", { commit: "commit-new", trigger: "rollback" }),
    deploy("dep-3", "deactivated", { commit: "commit-old", trigger: "rollback" }),
    deploy("dep-2", "deactivated", { commit: "commit-new" }),
    deploy("dep-1", "deactivated", { commit: "commit-old" }),
  ], { service: service({ autoDeploy: false }) });
  const repair: Repair = {
    kind: "rollback",
    toDeployId: "dep-2",
    toCommit: "commit-new",
    badCommit: "commit-old",
  };
  const incident = attempting(incidentOf(seen, "unhealthy"), repair, {
    status: "rolled_back",
    endedAt: NOW,
    stepsDone: ["autodeploy-off", "rollback"],
  });
  const after = (times: number) => decide(seen, incident, { ...sampled(seen, times, spec()), hold });
  assertEquals(reason(after(3)), "Proving");
  assertEquals(step(after(30)), "autodeploy-on");
});

Deno.test("a stalled incident stays stalled until the world changes, and closes when the service gets well", () => {
  const incident = stall(
    incidentOf(failedBehindHealthy),
    failedBehindHealthy,
    { reason: "X", message: "m" },
    NOW,
  );
  assertEquals(decide(failedBehindHealthy, incident).kind, "stalled");
  const changed = {
    ...failedBehindHealthy,
    deploys: [deploy("dep-3", "build_failed"), ...failedBehindHealthy.deploys],
  };
  const again = decide(changed, incident);
  assert(
    again.kind === "record" && again.incident.status === "open" && again.event.type === "IncidentResumed",
  );
  const closed = decide(healthy, incident, sampled(healthy, 30, spec()));
  assert(closed.kind === "record" && closed.incident.status === "healed");
});

Deno.test("spent budgets, of the hour and of the day, stall with the reason and the command that resumes (promise 9)", () => {
  let incident = incidentOf(failedBehindHealthy);
  for (let i = 0; i < 15; i++) {
    incident = attempting(incident, patch, { status: "failed", endedAt: NOW, error: "boom" });
  }
  const spent = decide(failedBehindHealthy, incident);
  assert(spent.kind === "record" && spent.incident.stalled?.reason === "AttemptsSpent");
  assertStringIncludes(spent.incident.stalled.message, "15 of 15");
  assertEquals(spent.incident.stalled.resume, "deno task resume --service my-api");
  for (const effects of [{ lastHour: 20, lastDay: 20 }, { lastHour: 0, lastDay: 60 }]) {
    const limited = decide(failedBehindHealthy, incidentOf(failedBehindHealthy), empty, {
      memory: { effects },
    });
    assert(limited.kind === "record" && limited.incident.stalled?.reason === "EffectsSpent");
    assertStringIncludes(
      limited.incident.stalled.message,
      effects.lastHour > 0 ? "within an hour" : "within a day",
    );
  }
});

Deno.test("the later effects of an attempt keep to the budgets too, and autodeploy is switched off only with room for the rollback", () => {
  const { effectsPerHourMax, effectsPerDayMax } = spec().policy;
  const none = { lastHour: 0, lastDay: 0 };
  const record = sampled(turnedBad, 3, spec(), provenOne);
  const rollback = attempting(incidentOf(turnedBad, "unhealthy"), rollbackOfTwo);
  const switched = changeAttempt(rollback, 1, { stepsDone: ["autodeploy-off"] });
  const pushed = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["push"],
    publishedAt: NOW,
  });
  for (const [budget, max] of [["lastHour", effectsPerHourMax], ["lastDay", effectsPerDayMax]] as const) {
    const spent = (left: number) => ({ memory: { effects: { ...none, [budget]: max - left } } });
    const now = NOW + spec().policy.autodeployGraceMs;
    const deployed = (left: number) => decide(failedBehindHealthy, pushed, empty, { ...spent(left), now });
    assertEquals([step(deployed(1)), step(deployed(0))], ["deploy", "record"]);
    const rolled = (left: number) => step(decide(turnedBad, rollback, record, spent(left)));
    assertEquals([rolled(2), rolled(1)], ["autodeploy-off", "record"]);
    // Half done is worse than one over.
    assertEquals(step(decide(turnedBad, switched, record, spent(0))), "rollback");
  }
});

Deno.test("an effect that a crash left without an end is settled before anything else (promise 1)", () => {
  const incident = attempting(incidentOf(failedBehindHealthy), patch);
  const pending = [{
    key: `${incident.id}/1/push`,
    serviceId: "srv-a",
    kind: "push" as const,
    state: "intended" as const,
    payload: null,
    result: null,
    intendedAt: NOW,
    finishedAt: null,
  }];
  assertEquals(step(decide(healthy, incident, empty, { memory: { pending } })), "push");
});

const status = (action: Action) =>
  action.kind === "record" ? action.incident.attempts.at(-1)?.status : action.kind;

Deno.test("a rollback that was decided and not done is dropped when a person was faster", () => {
  const record = sampled(turnedBad, 3, spec(), provenOne);
  const incident = attempting(incidentOf(turnedBad, "unhealthy"), rollbackOfTwo);
  const fixed = sighting([
    deploy("dep-3", "live"),
    deploy("dep-2", "deactivated"),
    deploy("dep-1", "deactivated"),
  ]);
  assertEquals(status(decide(fixed, incident, record)), "abandoned");
  const stuck = stall(incident, turnedBad, { reason: "CannotAct", message: "m" }, NOW);
  assertEquals(status(decide(fixed, stuck, record)), "abandoned");
  const under = {
    ...turnedBad,
    deploys: [deploy("dep-3", "created", { trigger: "rollback" }), ...turnedBad.deploys],
  };
  assertEquals(status(decide(under, incident, record)), "abandoned");
  assertEquals(status(decide({ ...turnedBad, health: GOOD }, incident, record)), "abandoned");
  assertEquals(step(decide(turnedBad, incident, record)), "autodeploy-off");
});

Deno.test("a rollback that was decided waits while nothing is known, before its first effect, between two and after a kill (promise 12)", () => {
  const record = sampled(turnedBad, 3, spec(), provenOne);
  const incident = attempting(incidentOf(turnedBad, "unhealthy"), rollbackOfTwo);
  const unseen = { ...turnedBad, health: UNKNOWN, json: UNKNOWN };
  const isOff = { ...unseen, service: service({ autoDeploy: false }) };
  const between = attempting(incidentOf(turnedBad, "unhealthy"), rollbackOfTwo, {
    stepsDone: ["autodeploy-off"],
  });
  const killed = { memory: { pending: [intent(incident, "rollback")] } };
  const waits = (action: Action) => action.kind === "wait" ? action.reason : step(action);
  assertEquals(waits(decide(unseen, incident, record)), "HealthUnknown");
  assertEquals(waits(decide(isOff, between, record)), "HealthUnknown");
  assertEquals(waits(decide(unseen, incident, record, killed)), "HealthUnknown");
  assertEquals(step(decide(turnedBad, incident, record, killed)), "rollback");
});

Deno.test("an effect that a crash left and nobody wants any more is looked for and not performed", () => {
  const incident = attempting(incidentOf(turnedBad, "unhealthy"), rollbackOfTwo);
  const pending = [intent(incident, "rollback")];
  const fixed = sighting([deploy("dep-3", "live"), deploy("dep-2", "deactivated")]);
  const action = decide(fixed, incident, empty, { memory: { pending } });
  assert(action.kind === "effect" && action.onlyIfDone !== undefined);
  const ended = changeAttempt(incident, 1, { status: "failed", endedAt: NOW });
  assert(decide(fixed, ended, empty, { memory: { pending } }).kind !== "effect");
});

Deno.test("a repair whose deploy was read long ago is dropped, never deployed over what came since", () => {
  const pushed = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["push"],
    publishedAt: NOW,
  });
  const long = sighting(
    Array.from({ length: 20 }, (_, i) => deploy(`new-${i}`, i === 0 ? "live" : "deactivated")),
  );
  assertEquals(status(decide(long, pushed, empty, { now: NOW + 86_400_000 })), "abandoned");
});

Deno.test("a person's rollback by hand is not overruled by a repair that was pushed (promise 25)", () => {
  const byHand = sighting(
    [deploy("dep-3", "live", { trigger: "rollback" }), ...failedBehindHealthy.deploys],
    {
      service: service({ autoDeploy: false }),
    },
  );
  const pushed = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["push"],
    publishedAt: NOW,
  });
  assertEquals(status(decide(byHand, pushed)), "abandoned");
});

Deno.test("when the mode becomes suggest, an attempt that has not acted is dropped", () => {
  const incident = attempting(incidentOf(failedBehindHealthy), patch);
  assertEquals(
    status(decide(failedBehindHealthy, incident, empty, { spec: { mode: "suggest" } })),
    "abandoned",
  );
});

Deno.test("a repair that breaks a serving service is taken back to what served, seen good by us or not proven yet", () => {
  const seen = sighting([deploy("dep-3", "live", { commit: "fix" }), deploy("dep-1", "deactivated")], {
    health: BAD,
  });
  const incident = attempting(incidentOf(failedBehindHealthy), patch, {
    status: "failed",
    endedAt: NOW,
    deployId: "dep-3",
    serving: { deployId: "dep-1", commit: "commit-dep-1" },
  });
  const next = decide(seen, incident, sampled(seen, 3, spec()));
  assert(next.kind === "record" && next.incident.attempts.at(-1)?.repair.kind === "rollback");
});

Deno.test("a database that comes back ends its stall, and a database that is down does not condemn a repair", () => {
  const database = { kind: "render-postgres", id: "dpg-a" } as const;
  const bad = sighting([deploy("dep-2", "live")], { health: BAD });
  const stalled = stall(incidentOf(bad, "database-down"), bad, { reason: "DatabaseDown", message: "m" }, NOW);
  const resumed = decide(bad, stalled, sampled(bad, 3, spec()), { spec: { database } });
  assert(resumed.kind === "record" && resumed.incident.status === "open");
  const down = { ...bad, database: BAD };
  const deployed = attempting(incidentOf(bad), patch, { stepsDone: ["push"], deployId: "dep-2" });
  assertEquals(
    reason(decide(down, deployed, sampled(down, 5, spec()), { spec: { database } })),
    "DatabaseDown",
  );
});

Deno.test("a database that stays down while a repair is judged is waited for no longer than any", () => {
  const database = { kind: "render-postgres", id: "dpg-a" } as const;
  const down = sighting([deploy("dep-2", "live")], { database: BAD });
  const deployed = attempting(incidentOf(down), patch, { stepsDone: ["push"], deployId: "dep-2" });
  const record = sampled(down, 3, spec());
  const after = (ms: number) => decide(down, deployed, record, { spec: { database }, now: NOW + ms });
  const { databaseWaitMs } = spec().policy;
  assertEquals(reason(after(databaseWaitMs - 1)), "DatabaseDown");
  const stalled = after(databaseWaitMs);
  assert(stalled.kind === "record" && stalled.incident.stalled?.reason === "DatabaseDown");
});

Deno.test("an incident that stalled inside an attempt closes when the service gets well by itself", () => {
  const acted = attempting(incidentOf(failedBehindHealthy), patch, { stepsDone: ["push"] });
  const stuck = stall(acted, failedBehindHealthy, { reason: "CannotAct", message: "m" }, NOW);
  const well = sighting([deploy("dep-3", "live"), ...failedBehindHealthy.deploys.slice(0, 1)]);
  const action = decide(
    well,
    { ...stuck, stalled: { ...stuck.stalled!, worldHash: "same" } },
    sampled(well, 100, spec()),
  );
  assertEquals(status(action), "abandoned");
});

Deno.test("a deploy that fell off the list is not waited for without end (promise 7)", () => {
  const deployed = attempting(incidentOf(failedBehindHealthy), patch, {
    stepsDone: ["push"],
    deployId: "gone",
    publishedAt: NOW,
  });
  assertEquals(reason(decide(failedBehindHealthy, deployed)), "DeployNotListed");
  assertEquals(
    status(decide(failedBehindHealthy, deployed, empty, { now: NOW + 4 * 3_600_000 })),
    "abandoned",
  );
});

Deno.test("a restarted service is given time to come up", () => {
  const seen = sighting([deploy("dep-1", "live")], { health: BAD });
  const restarted = attempting(incidentOf(seen, "unhealthy"), { kind: "restart" }, {
    diagnosedDeployId: "dep-1",
    stepsDone: ["restart"],
    publishedAt: NOW,
  });
  const record = sampled(seen, 3, spec());
  assertEquals(reason(decide(seen, restarted, record, { now: NOW + 5_000 })), "Proving");
  assertEquals(status(decide(seen, restarted, record, { now: NOW + 61_000 })), "failed");
});

Deno.test("plan() gives the same answer to the same question", () => {
  const record = sampled(turnedBad, 3, spec(), provenOne);
  assertEquals(decide(turnedBad, null, record), decide(turnedBad, null, record));
});
