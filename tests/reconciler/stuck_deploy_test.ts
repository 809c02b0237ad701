import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Sighting } from "../../reconciler/observation.ts";
import { plan } from "../../reconciler/plan.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import type { Incident, Repair } from "../../state/records.ts";
import { attempting, deploy, memory, NOW, observation, sighting, spec, UNKNOWN } from "./world.ts";

const empty = emptyRecord("srv-a", "my-api", 1);
const HOUR_MS = 3_600_000;
const LATE = NOW + 3 * HOUR_MS;
const stuck = sighting([deploy("dep-2", "build_in_progress"), deploy("dep-1", "live")]);

const decide = (seen: Sighting, incident: Incident | null, now: number, record = empty) =>
  plan(spec(), observation(seen), incident, memory(record), now);

/** The incident that a deploy which never ends comes to. */
function stalled(): Incident {
  const opened = decide(stuck, null, LATE);
  assert(opened.kind === "record" && opened.event.type === "IncidentOpened");
  const ended = decide(stuck, opened.incident, LATE);
  assert(ended.kind === "record" && ended.event.type === "IncidentStalled");
  return ended.incident;
}

Deno.test("a deploy that never ends is waited for as long as a deploy can take, then a person is told", () => {
  const early = decide(stuck, null, LATE - 1);
  assert(early.kind === "wait" && early.reason === "DeployInProgress");
  const incident = stalled();
  assertEquals(incident.stalled?.reason, "DeployStuck");
  assertStringIncludes(incident.stalled?.message ?? "", "Deploy dep-2 is build_in_progress for 3h");
  assertStringIncludes(incident.stalled?.message ?? "", "Cancel it at Render");
  assertEquals(decide(stuck, incident, LATE + HOUR_MS).kind, "stalled");
});

Deno.test("a stuck deploy that ends after all is gone on with, whatever became of it", () => {
  const incident = stalled();
  const failed = sighting([deploy("dep-2", "build_failed"), deploy("dep-1", "live")]);
  const resumed = decide(failed, incident, LATE);
  assert(resumed.kind === "record" && resumed.incident.status === "open");
  assertEquals(decide(failed, resumed.incident, LATE).kind, "diagnose");
  const canceled = sighting([deploy("dep-2", "canceled"), deploy("dep-1", "live")]);
  const proving = decide(canceled, incident, LATE);
  assert(proving.kind === "wait" && proving.reason === "Proving");
});

Deno.test("a clock of Render's that lags behind ours does not make a deploy stuck", () => {
  // Render says that it was made long ago; we have seen for a minute that one is under way.
  const seenAt = new Date(LATE - 60_000).toISOString();
  const record = {
    ...empty,
    conditions: [{
      type: "BuildClean" as const,
      status: "Unknown" as const,
      reason: "DeployInProgress",
      message: "",
      lastTransitionTime: seenAt,
      observedGeneration: 1,
    }],
  };
  assertEquals(decide(stuck, null, LATE, record).kind, "wait");
});

Deno.test("nothing is opened for a stuck deploy while it is not known how the service does", () => {
  assertEquals(decide({ ...stuck, health: UNKNOWN }, null, LATE).kind, "wait");
});

Deno.test("our own deploy that never ends fails its attempt within the same bound, and so does a rollback", () => {
  const repairs: Repair[] = [
    { kind: "patch", edits: [], diff: "" },
    { kind: "rollback", toDeployId: "dep-1", toCommit: "c", badCommit: "commit-dep-2" },
  ];
  for (const repair of repairs) {
    for (const status of ["build_in_progress", "unknown"] as const) {
      const seen = sighting([deploy("dep-3", status, { commit: "fix" }), ...stuck.deploys.slice(1)]);
      const incident = attempting(seen, {
        repair,
        deployId: "dep-3",
        deployRequestedAt: NOW,
        stepsDone: ["push", "autodeploy-off", "rollback"],
      });
      assertEquals(decide(seen, incident, LATE - 1).kind, "wait");
      const over = decide(seen, incident, LATE);
      assert(over.kind === "record" && over.incident.attempts[0]?.status === "failed");
      assertStringIncludes(over.incident.attempts[0].error ?? "", "after 3h");
      if (status === "unknown") continue;
      const ended = decide(seen, over.incident, LATE);
      assert(ended.kind === "record" && ended.incident.stalled?.reason === "DeployStuck");
    }
  }
});
