/** Effects on a Render that loses answers, runs by another clock or does not keep what it is told. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { runInline } from "../../agents/inline.ts";
import { CheckoutCache } from "../../reconciler/checkouts.ts";
import { performEffect } from "../../reconciler/effects.ts";
import type { EffectResult } from "../../reconciler/effects/context.ts";
import { addAttempt, changeAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { plan } from "../../reconciler/plan.ts";
import type { Step } from "../../reconciler/action.ts";
import { RenderUnreachable } from "../../render/api.ts";
import { deploySchema, serviceSchema } from "../../render/schemas.ts";
import type { ServicePatch } from "../../render/schemas.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { DOUBT_MS, Doubts, StillInDoubt } from "../../state/doubts.ts";
import type { Attempt, Repair, ServiceRecord } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import {
  BAD,
  deploy,
  ManualClock,
  memory,
  NOW,
  observation,
  sampled,
  service,
  sighting,
  spec,
} from "./world.ts";

const OFF = serviceSchema.parse({ id: "srv-a", autoDeploy: "no" });
const ON = serviceSchema.parse({ id: "srv-a", autoDeploy: "yes" });
const ROLLBACK: Repair = {
  kind: "rollback",
  toDeployId: "dep-1",
  toCommit: "commit-dep-1",
  badCommit: "commit-dep-2",
};

/** An incident of a service that turned bad, with one attempt at it. */
function incidentWith(repair: Repair, change: Partial<Attempt> = {}) {
  const facts = { gap: "unhealthy", message: "m", deployId: "dep-2", commit: "bad", sessionId: "s" } as const;
  const opened = openIncident(sighting([deploy("dep-2", "live")]), facts, NOW);
  const fields = { diagnosedDeployId: "dep-2", cause: "c", summary: "s", remedy: "r", risk: "low" } as const;
  return addAttempt(opened, newAttempt(opened, { ...fields, repair, ...change }, NOW));
}

/** One process that performs one step of an attempt whenever it is told to. */
async function performing(
  repair: Repair,
  step: Step,
  api: Partial<Parts["api"]>,
  work: (perform: () => Promise<EffectResult>, clock: ManualClock) => Promise<void>,
  change: Partial<Attempt> = {},
): Promise<void> {
  await using store = await openSqliteStore(IN_MEMORY);
  await using checkouts = new CheckoutCache();
  const clock = new ManualClock();
  const doubts = new Doubts(clock);
  const incident = incidentWith(repair, change);
  const [attempt] = incident.attempts;
  assert(attempt !== undefined);
  const seen = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], { health: BAD });
  const onAgentOutput = () => Promise.resolve();
  // Of the parts, these steps take the store, the clock, the API and the deployer.
  const parts = { store, clock, api, runAgent: runInline, onAgentOutput } as unknown as Parts;
  const request = {
    spec: spec(),
    seen,
    incident,
    attempt,
    step,
    record: sampled(seen, 3, spec()),
    doubts,
    assertRecent: () => {},
  };
  await work(() => performEffect(parts, checkouts, request, new AbortController().signal), clock);
}

Deno.test("a rollback whose answer was lost is not sent again while it may still arrive, and is found when it has, not in what a person rolled back to (promise 7)", async () => {
  let sent = 0;
  let hasArrived = false;
  let foreign: { id: string; commit: { id: string } }[] = [];
  const api: Partial<Parts["api"]> = {
    rollback: () => {
      sent++;
      return Promise.reject(new RenderUnreachable("Cannot call rollback: no answer", "rollback"));
    },
    listDeploys: () =>
      Promise.resolve(
        [...(hasArrived ? [{ id: "dep-3" }] : []), ...foreign].map((one) =>
          deploySchema.parse({ trigger: "rollback", ...one })
        ),
      ),
  };
  await performing(ROLLBACK, "rollback", api, async (perform, clock) => {
    await assertRejects(perform, RenderUnreachable);
    foreign = [{ id: "dep-4", commit: { id: "a person's choice" } }];
    await assertRejects(perform, StillInDoubt);
    await clock.advance(DOUBT_MS - 1);
    await assertRejects(perform, StillInDoubt);
    hasArrived = true;
    assertEquals((await perform()).attempt.deployId, "dep-3");
    assertEquals(sent, 1);
  });
});

const CARRIED: readonly [Repair, Partial<Attempt>, string][] = [
  [{ kind: "patch", edits: [], diff: "" }, { commit: "fix", branch: "main", stepsDone: ["push"] }, "fix"],
  [{ kind: "redeploy", clearCache: false }, {}, "commit-dep-2"],
];
for (const [repair, change, commit] of CARRIED) {
  Deno.test(`a deploy of a ${repair.kind} whose answer was lost is found again by its commit, not in what somebody else deployed meanwhile (promise 29)`, async () => {
    const foreign = { id: "dep-4", trigger: "new_commit", commit: { id: "other" } };
    let shown = [foreign];
    let sent = 0;
    const api: Partial<Parts["api"]> = {
      createDeploy: () => {
        sent++;
        return Promise.reject(new RenderUnreachable("Cannot call deploys: no answer", "deploys"));
      },
      listDeploys: () => Promise.resolve(sent === 0 ? [] : shown.map((one) => deploySchema.parse(one))),
    };
    await performing(repair, "deploy", api, async (perform, clock) => {
      await assertRejects(perform, RenderUnreachable);
      await assertRejects(perform, StillInDoubt);
      await clock.advance(DOUBT_MS - 1);
      await assertRejects(perform, StillInDoubt);
      shown = [foreign, { id: "dep-3", trigger: "api", commit: { id: commit } }];
      assertEquals((await perform()).attempt.deployId, "dep-3");
      assertEquals(sent, 1);
    }, change);
  });
}

Deno.test("a restart whose answer was lost is known again by its name, however far Render's clock is behind ours (promise 4)", async () => {
  const events = ["evt-1"];
  const api: Partial<Parts["api"]> = {
    restartService: () => {
      events.unshift(`evt-${events.length + 1}`);
      return Promise.reject(new RenderUnreachable("Cannot call restart: no answer", "restart"));
    },
    listEvents: (_, { type = "", startTime } = {}) => {
      const timestamp = new Date(NOW - 3_600_000).toISOString();
      const isShown = type === "server_restarted" && (startTime === undefined || timestamp >= startTime);
      const shown = events.map((id) => ({ id, timestamp, serviceId: "srv-a", type, details: {} }));
      return Promise.resolve(isShown ? shown : []);
    },
  };
  await performing({ kind: "restart" }, "restart", api, async (perform, clock) => {
    await assertRejects(perform, RenderUnreachable);
    await clock.advance(DOUBT_MS);
    assertEquals((await perform()).message, "Restarted the service");
    assertEquals(events, ["evt-2", "evt-1"]);
  });
});

/** The plan and its effects after a rollback whose bad commit was mended: until it asks for nothing more. */
async function giveBack(api: Partial<Parts["api"]>) {
  await using store = await openSqliteStore(IN_MEMORY);
  await using checkouts = new CheckoutCache();
  const clock = new ManualClock();
  // Of the parts, switching autodeploy takes these.
  const parts = { store, clock, api } as unknown as Parts;
  const seen = sighting([deploy("dep-4", "live", { commit: "fix" }), deploy("dep-1", "deactivated")], {
    service: service({ autoDeploy: false }),
  });
  const hold = {
    incidentId: "i",
    badCommit: "commit-dep-2",
    goodCommit: "commit-dep-1",
    autoDeployWas: true,
    at: NOW,
  };
  let incident = incidentWith(ROLLBACK, { status: "rolled_back", stepsDone: ["autodeploy-off", "rollback"] });
  let record: ServiceRecord = { ...sampled(seen, 30, spec()), hold };
  const messages: string[] = [];
  for (let round = 0; round < 5; round++) {
    const action = plan(spec(), observation(seen), incident, memory(record), NOW);
    if (action.kind !== "effect") return { action, incident, messages };
    const request = {
      ...action,
      spec: spec(),
      seen,
      record,
      doubts: new Doubts(clock),
      assertRecent: () => {},
    };
    const result = await performEffect(parts, checkouts, request, new AbortController().signal);
    messages.push(result.message);
    incident = changeAttempt(incident, action.attempt.number, result.attempt);
    record = { ...record, ...result.record };
  }
  throw new Error(`It asks again and again: ${messages.join("; ")}`);
}

Deno.test("autodeploy that Render does not keep is asked for once and left to a person; the rollback stays what it was", async () => {
  const patches: ServicePatch[] = [];
  const { action, incident, messages } = await giveBack({
    patchService: (_, patch) => {
      patches.push(patch);
      return Promise.resolve(OFF);
    },
    getService: () => Promise.resolve(OFF),
  });
  assertEquals(patches, [{ autoDeploy: "yes" }]);
  assertEquals(incident.attempts.map(({ status }) => status), ["rolled_back"]);
  assertStringIncludes(messages[0] ?? "", "switch autodeploy on by hand");
  assert(action.kind === "record" && action.event.type === "IncidentHealed");
});

Deno.test("autodeploy that Render's answer shows on is on, though a read right after it still shows the old value (promise 7)", async () => {
  const { messages } = await giveBack({
    patchService: () => Promise.resolve(ON),
    getService: () => Promise.resolve(OFF),
  });
  assertEquals(messages, ["Switched autodeploy on again: a later commit is proven good"]);
});
