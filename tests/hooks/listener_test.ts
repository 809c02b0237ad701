import { assertEquals } from "@std/assert";
import { createHookListener } from "../../hooks/listener.ts";
import type { Attempt, Incident } from "../../state/records.ts";
import { attempt, event, incident } from "../state/builders.ts";

type Told = [type: string, incident: Incident | null];

/** What a listener fires for events, as short texts. */
function fired(...events: Told[]): string[] {
  const lines: string[] = [];
  const listen = createHookListener({
    fire: (name, facts) =>
      lines.push(
        [name, facts.attempt, facts.level, facts.file, facts.success].filter((one) => one !== undefined).join(
          " ",
        ),
      ),
  });
  for (const [type, about] of events) listen(event({ type }), { serviceName: "api", incident: about });
  return lines;
}

const withAttempt = (fields: Partial<Attempt>) => incident({ attempts: [attempt(fields)] });
const edits = [{ path: "a.txt", content: "x" }, { path: "-b.txt", content: null }];
const repair: Attempt["repair"] = { kind: "patch", edits, diff: "" };

Deno.test("an incident from its opening to its heal fires each hook once, post-edit for each file", () => {
  const pushed = withAttempt({ repair, stepsDone: ["push"] });
  const deployed = withAttempt({ repair, stepsDone: ["push", "deploy"] });
  const fixed = withAttempt({ repair, stepsDone: ["push", "deploy"], status: "fixed", endedAt: 2 });
  assertEquals(
    fired(
      ["HealthyFalse", null],
      ["IncidentOpened", incident({ attempts: [] })],
      ["AttemptBegun", withAttempt({ repair })],
      ["EffectPerformed", pushed],
      ["EffectPerformed", deployed],
      ["DeployFound", deployed],
      ["AttemptSucceeded", fixed],
      ["IncidentHealed", { ...fixed, status: "healed" }],
    ),
    [
      "notify warn",
      "pre-task 1",
      "post-edit 1 a.txt true",
      "post-edit 1 -b.txt true",
      "post-task 1 info true",
      "notify 1 info true",
    ],
  );
});

Deno.test("an attempt that ends by a refused push, a failed deploy or a rollback fires post-task once", () => {
  const refused = withAttempt({ repair, status: "abandoned", endedAt: 2, error: "moved" });
  const failed = withAttempt({ repair, stepsDone: ["push"], status: "failed", endedAt: 2 });
  const rolledBack = withAttempt({
    number: 2,
    stepsDone: ["rollback"],
    status: "rolled_back",
    endedAt: 2,
  });
  assertEquals(fired(["EffectRefused", refused], ["IncidentStalled", refused]), [
    "post-task 1 warn false",
    "notify 1 error false",
  ]);
  assertEquals(fired(["AttemptFailed", failed], ["EffectPerformed", failed]), ["post-task 1 warn false"]);
  // Autodeploy is switched on again when the attempt has ended long ago.
  assertEquals(fired(["AttemptSucceeded", rolledBack], ["EffectPerformed", rolledBack]), [
    "post-task 2 info true",
  ]);
});
