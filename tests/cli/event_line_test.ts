import { assertEquals } from "@std/assert";
import { stripVTControlCharacters as stripAnsiCode } from "node:util";
import { createNarrator } from "../../cli/event_line.ts";
import { terminalColumns } from "../../cli/output.ts";
import { statusText } from "../../cli/report.ts";
import type { Attempt, Incident } from "../../state/records.ts";
import { attempt, incident } from "../state/builders.ts";

/** What is printed of events, without the time of day. */
function told(
  events: readonly [type: string, incident: Incident | null, service?: string][],
  names: string[] = [],
) {
  const lines: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  // Only what the time is is asked of the clock.
  const narrator = createNarrator(
    (line) => lines.push(line),
    clock as Parameters<typeof createNarrator>[1],
    false,
    names,
  );
  for (const [type, about, serviceName = "api"] of events) {
    const event = { at: 0, serviceId: "srv-1", incidentId: null, type, message: "why", data: null };
    narrator.event(event, { serviceName, incident: about });
  }
  return lines.map((line) => line.slice("00:00:00  ".length));
}

const ended = (change: Partial<Attempt>) => incident({ attempts: [attempt({ endedAt: 1, ...change })] });
const labels = (...events: Parameters<typeof told>[0]) =>
  told([...events]).map((line) => line.split(/ {2,}/)[1]);

Deno.test("the end of an attempt is told in the words of the report", () => {
  const gone = { cause: "unknown", fingerprint: "", evidence: null, isAnother: true };
  // A deploy has failed; whether the attempt has, its log says.
  const unread = ended({ status: "failed", deployId: "dep-1" });
  const fixed = ended({ status: "fixed", deployId: "dep-1", aftermath: gone });
  assertEquals(labels(["AttemptFailed", unread], ["CauseGone", fixed]), ["NotHealed", "AttemptFixed"]);
  const failed = ended({ status: "failed", deployId: "dep-1", aftermath: { ...gone, isAnother: false } });
  assertEquals(labels(["AttemptFailed", unread], ["FailureRead", failed]), ["NotHealed", "AttemptFailed"]);
  for (const status of ["failed", "abandoned", "no_effect"] as const) {
    const word = labels(["AttemptFailed", ended({ status })])[0]?.replace(/([a-z])([A-Z])/g, "$1 $2")
      .toLowerCase();
    assertEquals(word, `attempt ${statusText(status)}`);
  }
});

Deno.test("lines keep their columns for services whose names are known, and say nothing twice", () => {
  const open = incident({ attempts: [] });
  assertEquals(
    told([["IncidentOpened", open], ["HealthyTrue", null, "orders-api"]], [
      "api",
      "orders-api",
      "srv-abc123456789",
    ]),
    [
      "api         IncidentOpened        why",
      "orders-api  HealthyTrue           why",
    ],
  );
  assertEquals(
    labels(["BuildCleanUnknown", open], ["BuildCleanFalse", open], ["ReadyTrue", open], ["ReadyTrue", null]),
    ["ReadyTrue"],
  );
});

Deno.test("a long message goes on under its beginning on a terminal, and stays one line elsewhere", () => {
  const message = "word ".repeat(40).trim();
  const printed = (isTerminal: boolean) => {
    const lines: string[] = [];
    const clock = { now: () => 0, monotonic: () => 0 };
    // Only what the time is is asked of the clock.
    const narrator = createNarrator(
      (line) => lines.push(line),
      clock as Parameters<typeof createNarrator>[1],
      isTerminal,
    );
    const event = { at: 0, serviceId: "srv-1", incidentId: null, type: "Noted", message, data: null };
    narrator.event(event, { serviceName: "api", incident: null });
    return stripAnsiCode(lines.join("\n")).split("\n");
  };
  const wrapped = printed(true);
  assertEquals(new Set(wrapped.map((line) => line.indexOf("word"))), new Set([wrapped[0]?.indexOf("word")]));
  assertEquals(wrapped.length > 1 && wrapped.every((line) => line.length <= terminalColumns()), true);
  assertEquals(printed(false).length, 1);
});
