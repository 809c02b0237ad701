import { assertEquals, assertMatch } from "@std/assert";
import { createPainter } from "../../cli/output.ts";
import { renderSettlement } from "../../cli/report.ts";
import { describeFailure } from "../../cli/failure.ts";
import { attempt, incident, serviceRecord, START } from "../state/builders.ts";

Deno.test("a line of a log that stands with an attempt is not shown again for the incident that stalled on it", async () => {
  const evidence = { line: 3, text: "ERROR: ResolutionImpossible" };
  const stalled = {
    reason: "NoRemedyApplies",
    message: "No remedy applies",
    evidence: [evidence, { line: 9, text: "another line" }],
    resume: "deno task resume --service api",
    at: START,
    worldHash: "w",
  };
  const open = incident({ status: "stalled", stalled, attempts: [attempt({ status: "failed", evidence })] });
  const record = serviceRecord();
  const settlement = {
    service: record.name,
    verdict: "not-ready" as const,
    reason: stalled.reason,
    message: stalled.message,
    resume: stalled.resume,
    record,
    incident: open,
    withheld: null,
    durationMs: 1000,
  };
  const store = { listIncidents: () => Promise.resolve([open]), getService: () => Promise.resolve(record) };
  const failure = await describeFailure(store, open, settlement);
  const shown = renderSettlement(settlement, createPainter({ isTerminal: false }), failure).split("\n")
    .flatMap((line) => /^ *evidence +(.*)$/.exec(line)?.[1] ?? []);
  assertEquals(shown, ["line 3: ERROR: ResolutionImpossible", "line 9: another line"]);
});

Deno.test("a heal is told to have taken as long as its incident was open, in whatever run that began", () => {
  const healed = incident({ status: "healed", openedAt: START, closedAt: START + 341_000 });
  const shown = renderSettlement(
    {
      service: "api",
      verdict: "ready",
      reason: "Ready",
      message: "",
      resume: null,
      record: serviceRecord(),
      incident: healed,
      withheld: null,
      durationMs: 11_000,
    },
    createPainter({ isTerminal: false }),
  );
  assertMatch(shown, /^\S+ +healed in 5m 41s\n/);
});
