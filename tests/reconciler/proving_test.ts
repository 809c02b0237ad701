import { assertEquals } from "@std/assert";
import { provingText, verifiedOnly } from "../../reconciler/proving.ts";
import type { Attempt } from "../../state/records.ts";
import { recallClass, recallTallies } from "../../state/recall.ts";
import { attempt, incident, outcome } from "../state/builders.ts";
import { NOW } from "./world.ts";

const failureClass = { id: "yaml", about: "yaml" };
const failed = (change: Partial<Attempt>): Attempt =>
  attempt({ status: "failed", deployId: "dep-1", endedAt: NOW, failureClass, ...change });
const another = { cause: "unknown", fingerprint: "", evidence: null, isAnother: true };

Deno.test("what an attempt's failed deploy seems to say is not counted while its own failure is gone, and is when it is there again", async () => {
  const open = incident({ attempts: [failed({ number: 1 })] });
  const said = outcome({
    incidentId: open.id,
    attempt: 1,
    cause: open.attempts[0]!.cause,
    remedy: open.attempts[0]!.remedy,
    outcome: "no_effect",
    failureClass,
    at: NOW,
  });
  const store = {
    countOutcomes: () =>
      Promise.resolve([{ cause: said.cause, remedy: said.remedy, healed: 0, noEffect: 2, worse: 0 }]),
    listOutcomes: () => Promise.resolve([said, { ...said, incidentId: "inc_before" }]),
    listImports: () => Promise.resolve([]),
  };
  const tries = async (id: string) => {
    const memory = verifiedOnly(store, [open], { cause: said.cause, failureClass: { id } });
    return (await recallClass(memory, NOW, said.cause, "yaml")).map(({ noEffect }) => noEffect);
  };
  assertEquals([await tries("requests"), await tries("yaml")], [[1], [2]]);
  const shown = await recallTallies(verifiedOnly(store, [open]), NOW);
  assertEquals(shown.map(({ noEffect }) => noEffect), [1]);
});

Deno.test("attempts with the same remedy that are being proven are told by their numbers", () => {
  const now = { cause: attempt().cause, failureClass: { id: "requests" } };
  const told = (...attempts: Attempt[]) => provingText(incident({ attempts }), attempt().remedy, now);
  const step = failed({ number: 1, status: "fixed", aftermath: another });
  assertEquals(told(), null);
  assertEquals(told(step), "attempt 1 with it is being proven");
  assertEquals(told(step, failed({ number: 2 })), "attempts 1 and 2 with it are being proven");
  assertEquals(told(failed({ failureClass: { id: "requests", about: "" } })), null);
  assertEquals(told(failed({ remedy: "another" })), null);
  assertEquals(told(failed({ aftermath: { ...another, isAnother: false } })), null);
});
