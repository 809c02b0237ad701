import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { createExplainer, describeFailure, renderFailure } from "../../cli/failure.ts";
import { createPainter } from "../../cli/output.ts";
import type { Pass } from "../../reconciler/controller.ts";
import type { Incident } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { attempt, healed, incident, inFolder, START } from "../state/builders.ts";

const painter = createPainter({ isTerminal: false });

const spent: Incident = incident({
  id: "inc_now",
  openedAt: START + 900_000,
  status: "stalled",
  stalled: {
    reason: "AttemptsSpent",
    message: "2 attempts were made, and the policy allows 2",
    evidence: [],
    resume: "deno task resume --service api",
    at: START + 960_000,
    worldHash: "w",
  },
  attempts: [
    attempt({
      status: "failed",
      error: "Deploy dep-2 is build_failed",
      endedAt: START + 30_000,
      stepsDone: ["push"],
      commit: "4f1c1e0abcdef",
      branch: "main",
    }),
    attempt({
      number: 2,
      remedy: "redeploy",
      status: "no_effect",
      error: "Deploy dep-3 is \x1b[31mbuild_failed: ERROR: No matching distribution found for flask==9",
      aftermath: {
        cause: "unknown",
        fingerprint: "",
        evidence: { line: 9, text: "ERROR: No matching distribution found for flask==9" },
        isAnother: false,
      },
      endedAt: START + 5_000,
    }),
  ],
});

function withPast(work: (store: Store) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "state.db"));
    await store.record({ incident: { ...healed(1), serviceId: "srv-2", serviceName: "web" } });
    await store.record({
      incident: {
        ...healed(2),
        serviceName: "shop",
        attempts: [attempt({ fingerprint: "fp2", status: "fixed", remedy: "raise" })],
      },
    });
    await work(store);
  });
}

Deno.test("after failure one message has the last error, what was tried, what was seen before and how to go on", () =>
  withPast(async (store) => {
    const why = { reason: "Stalled", message: "unused", resume: null };
    const failure = await describeFailure(store, spent, why);
    assertEquals([failure.reason, failure.resume], ["AttemptsSpent", "deno task resume --service api"]);
    assertEquals(failure.evidence, [{ line: 3, text: "ERROR: ResolutionImpossible" }]);
    // A long row goes on in the next line.
    const text = renderFailure(failure, painter).replaceAll(/\n {4,}/g, " ");
    assertEquals(text.split("\n").map((line) => line.trim().replace(/ {2,}/g, ": ")), [
      "api: needs a person: AttemptsSpent",
      "why: 2 attempts were made, and the policy allows 2",
      "attempt 1: unpin for python-dependency-conflict: failed after 30s: Deploy dep-2 is build_failed",
      "attempt 2: redeploy for python-dependency-conflict: no effect after 5s: " +
      "Deploy dep-3 is build_failed: ERROR: No matching distribution found for flask==9",
      "last error: ERROR: No matching distribution found for flask==9",
      "evidence: line 3: ERROR: ResolutionImpossible",
      "seen before: this very failure, python-dependency-conflict, in 1 earlier incident of web, 1 healed; worked: unpin (1)",
      "seen before: another python-dependency-conflict in 1 earlier incident of shop, 1 healed; worked: raise (1)",
      "left: Commit 4f1c1e0ab is on branch main (attempt 1, which did not heal). " +
      "To take it back: git revert 4f1c1e0ab on branch main, and push",
      "to go on: deno task resume --service api",
    ]);
  }));

Deno.test("an incident that ran out of time is gone on with by the same command", () =>
  withPast(async (store) => {
    const open = incident({ id: "inc_now", attempts: [] });
    const why = { reason: "TimedOut", message: "Not in the desired state within 30m", resume: null };
    const failure = await describeFailure(store, open, why);
    assertEquals([failure.lastError, failure.resume, failure.tried, failure.seenBefore], [
      "Deploy dep-1 failed",
      "deno task once --service api",
      [],
      [],
    ]);
    assertStringIncludes(renderFailure(failure, painter), "nothing was tried whose cause could be compared");
  }));

Deno.test("what was seen before begins with the failure that was there last, and says of each line what it is about", () =>
  withPast(async (store) => {
    const why = { reason: "Stalled", message: "unused", resume: null };
    const rowsAfter = async (cause: string, fingerprint: string) => {
      const exposing = attempt({
        status: "fixed",
        aftermath: { cause, fingerprint, evidence: null, isAnother: true },
      });
      const failure = await describeFailure(store, { ...spent, attempts: [exposing] }, why);
      const text = renderFailure(failure, painter).replaceAll(/\n {4,}/g, " ");
      return [...text.matchAll(/seen before +(.*)/g)].map(([, row]) => row);
    };
    const before =
      "what came before it, python-dependency-conflict, in 1 earlier incident of web, 1 healed; worked: unpin (1)";
    const alike =
      "another python-dependency-conflict in 1 earlier incident of shop, 1 healed; worked: raise (1)";
    assertEquals(await rowsAfter("port-not-open", "fp7"), [
      "no: no earlier incident had this cause, port-not-open",
      before,
      alike,
    ]);
    assertEquals(await rowsAfter("unknown", "fp0"), [
      "not known: the last failure has no cause that could be compared (see evenkeel unknowns)",
      before,
      alike,
    ]);

    const attempts = [
      attempt({ cause: "port-not-open", fingerprint: "fp7", remedy: "listen", status: "fixed" }),
    ];
    for (const number of [3, 4, 5, 6]) {
      await store.record({ incident: { ...healed(number), serviceName: `s${number}`, attempts } });
    }
    assertEquals(await rowsAfter("port-not-open", "fp7"), [
      "this very failure, port-not-open, in 4 earlier incidents of s6, s5, s4 and 1 other, 4 healed; worked: listen (4)",
      before,
      alike,
    ]);
  }));

Deno.test("who watches passes is told once each time an incident stalls", () =>
  withPast(async (store) => {
    const said: string[] = [];
    const explain = createExplainer((text) => said.push(text));
    const outcome = {
      kind: "stalled",
      reason: "AttemptsSpent",
      message: "m",
      resume: "r",
      afterMs: 0,
    } as const;
    // The explainer reads nothing else of a pass.
    const pass = (incident: Incident) => ({ outcome, incident }) as Pass;
    await explain(store, pass(spent));
    await explain(store, pass(spent));
    assertEquals(said.length, 1);
    await explain(store, pass({ ...spent, stalled: { ...spent.stalled!, at: START + 999_000 } }));
    assertEquals(said.length, 2);
    await explain(store, pass(healed(1)));
    assertEquals(said.length, 2);
  }));
