import { assert, assertEquals } from "@std/assert";
import { aftermathOf, NOTHING_READ } from "../../reconciler/aftermath.ts";
import type { Finding } from "../../reconciler/aftermath.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { DeployView } from "../../reconciler/observation.ts";
import { plan } from "../../reconciler/plan.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import { iterationOf } from "../../state/iterations.ts";
import { lastErrorOf } from "../../state/last_error.ts";
import type { Attempt, Incident } from "../../state/records.ts";
import { deploy, memory, NOW, observation, sighting, spec } from "./world.ts";

const found = (change: Partial<Finding> = {}): Finding => ({
  cause: "no-open-port",
  confidence: 0.9,
  fingerprint: "other",
  seen: ["no-open-port"],
  evidence: { line: 7, text: "Error: no open port" },
  ...change,
});

/** An attempt for a deploy that failed while it was built, and whose own deploy failed too. */
function failed(change: Partial<Attempt> = {}): Incident {
  const seen = sighting([deploy("dep-2", "build_failed")]);
  const facts = {
    gap: "deploy-failed" as const,
    message: "m",
    deployId: "dep-2",
    commit: null,
    sessionId: "s",
  };
  const incident = openIncident(seen, facts, NOW);
  return addAttempt(
    incident,
    newAttempt(incident, {
      diagnosedDeployId: "dep-2",
      cause: "pin-conflict",
      fingerprint: "own",
      summary: "s",
      remedy: "r",
      risk: "low",
      repair: { kind: "patch", edits: [], diff: "" },
      status: "failed",
      deployId: "dep-3",
      endedAt: NOW + 30_000,
      error: "Deploy dep-3 is update_failed",
      evidence: { line: 1, text: "ERROR: ResolutionImpossible" },
      ...change,
    }, NOW),
  );
}

function after(finding: Finding, status: DeployView["status"], change: Partial<Attempt> = {}) {
  const own = deploy("dep-3", status);
  return aftermathOf(
    spec(),
    sighting([own, deploy("dep-2", "build_failed"), deploy("dep-1", "update_failed")]),
    failed(change),
    own,
    finding,
  );
}

Deno.test("a repair whose deploy came further and failed with another cause has fixed its own, and counts so", () => {
  const known = after(found(), "update_failed");
  const [attempt] = known?.incident.attempts ?? [];
  assertEquals(known?.event, {
    type: "CauseGone",
    message:
      "pin-conflict is gone, no-open-port came to light: Deploy dep-3 is update_failed: Error: no open port",
  });
  assertEquals([known?.outcome?.outcome, known?.outcome?.isStep], ["healed", undefined]);
  const { status, error } = iterationOf(attempt!);
  assertEquals([status, error], ["fixed", "Deploy dep-3 is update_failed: Error: no open port"]);
  // What mended nothing for good is no success of a redeploy either.
  const redeploy = after(found(), "update_failed", { repair: { kind: "redeploy", clearCache: true } });
  assertEquals(iterationOf(redeploy!.incident.attempts[0]!).status, "fixed");
});

Deno.test("a deploy that came further has left its failure behind, also where nobody knows what it failed with", () => {
  const known = after(found({ cause: "unknown", seen: ["unknown"], evidence: null }), "update_failed");
  assertEquals([known?.incident.attempts[0]?.status, known?.outcome?.outcome], ["fixed", "healed"]);
  assertEquals(
    known?.event.message,
    "pin-conflict is gone, another failure came to light: Deploy dep-3 is update_failed",
  );
  assertEquals(after(NOTHING_READ, "update_failed")?.incident.attempts[0]?.status, "failed");
});

Deno.test("another cause in the same phase counts only once its incident is healed", () => {
  const known = after(found({ cause: "pin-conflict" }), "build_failed");
  assertEquals(known?.incident.attempts[0]?.status, "fixed");
  assertEquals([known?.outcome?.outcome, known?.outcome?.isStep], ["no_effect", true]);
  assertEquals(
    known?.event.message.startsWith("pin-conflict is gone, another pin-conflict came to light"),
    true,
  );
});

Deno.test("a repair stays failed where its cause may still be there, and its error is that of the log", () => {
  const cases: [string, Finding, DeployView["status"], Partial<Attempt>?][] = [
    ["the same failure", found({ cause: "pin-conflict", fingerprint: "own" }), "build_failed"],
    ["its own cause is in the log too", found({ seen: ["no-open-port", "pin-conflict"] }), "build_failed"],
    ["nobody knows", found({ cause: "unknown" }), "build_failed"],
    ["nobody is sure", found({ confidence: 0.1 }), "build_failed"],
    ["the same failure further on", found({ cause: "pin-conflict", fingerprint: "own" }), "update_failed"],
    ["it fails earlier than before", found(), "build_failed", { diagnosedDeployId: "dep-1" }],
    ["what was read before is not listed", found(), "update_failed", { diagnosedDeployId: "dep-0" }],
    ["it broke what served", found(), "live", { serving: { deployId: "dep-1", commit: "c" } }],
  ];
  for (const [name, finding, status, change] of cases) {
    const known = after(finding, status, change);
    const [attempt] = known?.incident.attempts ?? [];
    assertEquals([attempt?.status, known?.outcome], ["failed", undefined], name);
    assertEquals(attempt?.error, "Deploy dep-3 is update_failed: Error: no open port", name);
  }
});

Deno.test("what is no failed attempt's deploy, or was read already, is left as it is", () => {
  assertEquals(after(found(), "update_failed", { status: "abandoned" }), null);
  assertEquals(after(found(), "update_failed", { deployId: "dep-9" }), null);
  const own = deploy("dep-3", "update_failed");
  const once = after(found(), "update_failed");
  assertEquals(aftermathOf(spec(), sighting([own]), once!.incident, own, found()), null);
});

Deno.test("before the attempts are said to be spent, the newest failure is read once, and its line is the last error", () => {
  const own = deploy("dep-3", "build_failed");
  const seen = sighting([own, deploy("dep-2", "build_failed")]);
  const only = spec({ policy: { attemptsMax: 1 } });
  const decide = (incident: Incident) =>
    plan(only, observation(seen), incident, memory(emptyRecord("srv-a", "my-api", 1)), NOW);
  const incident = failed();
  const read = decide(incident);
  assert(read.kind === "read" && read.deploy.id === "dep-3" && read.phase === "build");

  const same = found({ cause: "pin-conflict", fingerprint: "own" });
  const stopped = decide(aftermathOf(only, seen, incident, own, same)!.incident);
  assert(stopped.kind === "record" && stopped.incident.stalled !== null);
  assertEquals(stopped.incident.stalled.message, "1 of 1 attempts are spent");
  assertEquals(stopped.incident.stalled.evidence, [same.evidence]);
  assertEquals(lastErrorOf(stopped.incident), "Error: no open port");

  // A log that cannot be read does not keep it from stopping; the error is then what Render says.
  const blind = decide(aftermathOf(only, seen, incident, own, NOTHING_READ)!.incident);
  assert(blind.kind === "record" && blind.incident.stalled?.evidence.length === 0);
  assertEquals(lastErrorOf(blind.incident), "Deploy dep-3 is update_failed");
});
