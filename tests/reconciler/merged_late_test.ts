import { assert, assertEquals } from "@std/assert";
import { plan } from "../../reconciler/plan.ts";
import type { FixMode } from "../../reconciler/policy.ts";
import { emptyRecord } from "../../reconciler/samples.ts";
import type { Attempt, Incident } from "../../state/records.ts";
import { attempting, deploy, memory, NOW, observation, sighting, spec } from "./world.ts";

const HOUR_MS = 3_600_000;
const { deployTimeoutMs } = spec().policy;
const failed = deploy("dep-2", "build_failed");
const building = sighting([deploy("dep-3", "build_in_progress", { commit: "fix" }), failed]);

const decide = (incident: Incident, now: number, seen = building, mode: FixMode = "push") =>
  plan(
    spec({ mode }),
    observation(seen),
    incident,
    memory(emptyRecord("srv-a", "my-api", 1)),
    now,
  );

/** An attempt whose commit was published at `NOW`. */
const published = (change: Partial<Attempt>) => attempting(building, { publishedAt: NOW, ...change });

Deno.test("a deploy is waited for from when it is found: a pull request may be merged days after it was opened", () => {
  const mode = "pull-request";
  const merged = NOW + 48 * HOUR_MS;
  const found = decide(published({ stepsDone: ["pull-request"] }), merged, building, mode);
  assert(found.kind === "record" && found.incident.attempts[0]?.deployId === "dep-3");
  const waiting = decide(found.incident, merged + deployTimeoutMs - 1, building, mode);
  assertEquals(waiting.kind === "wait" ? waiting.reason : waiting.kind, "DeployInProgress");
  const over = decide(found.incident, merged + deployTimeoutMs, building, mode);
  assert(over.kind === "record" && over.incident.attempts[0]?.status === "failed");
});

Deno.test("a deploy that Render ran in the place of another is given as much time as that one", () => {
  const late = NOW + deployTimeoutMs - 1;
  const replaced = sighting([
    deploy("dep-4", "build_in_progress", { commit: "fix" }),
    deploy("dep-3", "canceled", { commit: "fix" }),
    failed,
  ]);
  const found = decide(
    published({ stepsDone: ["push"], deployId: "dep-3", deployRequestedAt: NOW }),
    late,
    replaced,
  );
  assert(found.kind === "record" && found.incident.attempts[0]?.deployId === "dep-4");
  const waiting = decide(found.incident, late + 1, replaced);
  assertEquals(waiting.kind === "wait" ? waiting.reason : waiting.kind, "DeployInProgress");
});
