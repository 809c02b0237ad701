import { assert, assertEquals } from "@std/assert";
import type { Action } from "../../reconciler/action.ts";
import { continueAttempt } from "../../reconciler/attempt.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import type { DeployView } from "../../reconciler/observation.ts";
import { deploy, NOW, sighting, spec } from "./world.ts";

const FIX = { commit: "fix" };

/** What an attempt does whose deploy is dep-3, in a world with these deploys. */
function next(...deploys: DeployView[]): Action {
  const seen = sighting([...deploys, deploy("dep-2", "build_failed")]);
  const facts = {
    gap: "deploy-failed",
    message: "broken",
    deployId: "dep-2",
    commit: "bad",
    sessionId: "s",
  } as const;
  const opened = openIncident(seen, facts, NOW);
  const attempt = {
    ...newAttempt(opened, {
      diagnosedDeployId: "dep-2",
      cause: "c",
      summary: "s",
      remedy: "r",
      risk: "low",
      repair: { kind: "patch", edits: [{ path: "a", content: "b" }], diff: "" },
      commit: "fix",
    }, NOW),
    stepsDone: ["push"],
    deployId: "dep-3",
  };
  const incident = addAttempt(opened, attempt);
  const record = emptyRecord("srv-a", "my-api", 1);
  return continueAttempt({ spec: spec(), seen, incident, attempt, record, now: NOW });
}

const found = (action: Action) =>
  action.kind === "record" ? [action.event.type, action.incident.attempts[0]?.deployId] : action.kind;

Deno.test("a deploy of the fix that Render canceled or skipped is followed to the newer one of the same commit (promise 29)", () => {
  const canceled = deploy("dep-3", "canceled", FIX);
  assertEquals(found(next(deploy("dep-4", "queued", FIX), canceled)), ["DeployFound", "dep-4"]);
  assertEquals(found(next(deploy("dep-4", "live", FIX), deploy("dep-3", "deactivated", FIX))), [
    "DeployFound",
    "dep-4",
  ]);
  const twice = next(deploy("dep-5", "build_in_progress", FIX), deploy("dep-4", "canceled", FIX), canceled);
  assertEquals(found(twice), ["DeployFound", "dep-5"]);
});

Deno.test("a deploy of the fix that another commit took the place of is given up, not assumed to have worked and not learned from (promise 22) (promise 29)", () => {
  const action = next(deploy("dep-4", "live", { commit: "other" }), deploy("dep-3", "canceled", FIX));
  assert(action.kind === "record");
  assertEquals([action.event.type, action.incident.attempts[0]?.status], ["AttemptFailed", "abandoned"]);
  // Nor that it did not work: what was never tried teaches nothing.
  assertEquals(action.outcome, undefined);
  // An older deploy of the commit says nothing about this one.
  const older = next(deploy("dep-3", "canceled", FIX), deploy("dep-1", "live", FIX));
  assert(older.kind === "record");
  assertEquals([older.incident.attempts[0]?.status, older.outcome], ["abandoned", undefined]);
});
