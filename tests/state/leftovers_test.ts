import { assertEquals } from "@std/assert";
import { leftoversOf, leftoverText } from "../../state/leftovers.ts";
import type { Attempt } from "../../state/records.ts";
import { attempt, incident, START } from "./builders.ts";

const setting = (number: number, diff: string, fields: Partial<Attempt> = {}) =>
  attempt({
    number,
    status: "failed",
    repair: { kind: "setting", patch: {}, diff },
    stepsDone: ["setting", "deploy"],
    ...fields,
  });
const pushed = (number: number, fields: Partial<Attempt> = {}) =>
  attempt({
    number,
    status: "failed",
    commit: `${number}f1c1e0abcdef`,
    branch: "main",
    stepsDone: ["push"],
    ...fields,
  });
const another = { cause: "other", fingerprint: "fp2", evidence: null, isAnother: true };
const kinds = (attempts: Attempt[], status: "stalled" | "healed" = "stalled") =>
  leftoversOf(incident({ status, attempts })).map(({ attempt, kind }) => `${attempt} ${kind}`);

Deno.test("a setting and a commit that did not help are told with how to take them back", () => {
  const attempts = [
    pushed(1),
    setting(
      2,
      "-startCommand: node sever.js\n+startCommand: node index.js\n-rootDir: (empty)\n+rootDir: api",
    ),
    attempt({
      number: 3,
      status: "abandoned",
      stepsDone: ["pull-request"],
      pullRequestUrl: "https://h/o/r/pull/7",
    }),
  ];
  assertEquals(leftoversOf(incident({ status: "stalled", attempts })).map(leftoverText), [
    "Commit 1f1c1e0ab is on branch main (attempt 1, which did not heal). " +
    "To take it back: git revert 1f1c1e0ab on branch main, and push",
    'Setting startCommand was changed from "node sever.js" to "node index.js" (attempt 2, which did not heal). ' +
    'To take it back: set startCommand back to "node sever.js" in the service\'s settings at Render',
    'Setting rootDir was changed from (empty) to "api" (attempt 2, which did not heal). ' +
    "To take it back: clear rootDir in the service's settings at Render",
    "Pull request https://h/o/r/pull/7 was opened (attempt 3, which did not heal). " +
    "To take it back: close it; if it was merged, revert the merge",
  ]);
});

Deno.test("of a setting that was changed twice only what is left of both changes is told", () => {
  const first = setting(1, "-startCommand: a\n+startCommand: b");
  const attempts = [first, setting(2, "-startCommand: b\n+startCommand: c")];
  assertEquals(leftoversOf(incident({ status: "stalled", attempts })).map(({ what }) => what), [
    'Setting startCommand was changed from "a" to "c"',
  ]);
  assertEquals(kinds([first, setting(2, "-startCommand: b\n+startCommand: a")]), [], "it is as it was");
  assertEquals(kinds([first, setting(2, "-startCommand: b\n+startCommand: c", { status: "fixed" })]), []);
});

Deno.test("what was proven, never performed or is under way is not left behind", () => {
  assertEquals(kinds([pushed(1, { status: "fixed" }), pushed(2, { status: "running" })]), []);
  assertEquals(kinds([pushed(1, { stepsDone: [] }), attempt({ status: "suggested" })]), []);
});

Deno.test("a change that cured its own cause is left behind until the incident is healed with it", () => {
  const attempts = [pushed(1, { status: "fixed", aftermath: another }), pushed(2)];
  assertEquals(kinds(attempts), ["1 commit", "2 commit"]);
  const [first] = leftoversOf(incident({ status: "stalled", attempts }));
  assertEquals(first?.cured, "python-dependency-conflict");
  assertEquals(kinds(attempts, "healed"), ["2 commit"]);
});

Deno.test("autodeploy that a rollback switched off is left changed while it is held", () => {
  const rollback = attempt({
    status: "rolled_back",
    repair: { kind: "rollback", toDeployId: "dep-1", toCommit: "c", badCommit: "d" },
    stepsDone: ["autodeploy-off", "rollback"],
  });
  const hold = { incidentId: "inc_1", badCommit: "d", goodCommit: "c", autoDeployWas: true, at: START };
  const one = incident({ attempts: [rollback] });
  assertEquals(leftoversOf(one, hold).map(({ what }) => what), [
    "Setting autoDeploy was changed from yes to no by the rollback",
  ]);
  assertEquals(leftoversOf(one, { ...hold, autoDeployWas: false }), []);
  assertEquals(leftoversOf(one, { ...hold, incidentId: "inc_0" }), []);
});
