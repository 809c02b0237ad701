import { assertEquals, assertMatch } from "@std/assert";
import { orderRemedies } from "../../agents/optimizer/order.ts";
import { optimizerAgent } from "../../agents/optimizer/agent.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import type { OptimizerInput } from "../../agents/messages.ts";

type History = OptimizerInput["history"][number];
const UNTIL = Date.UTC(2026, 1, 3);

const remedies: OptimizerInput["remedies"] = [
  { id: "patch", kind: "patch", risk: "medium", isAllowed: true },
  { id: "setting", kind: "setting", risk: "low", isAllowed: true },
  { id: "major", kind: "patch", risk: "high", isAllowed: true },
  { id: "redeploy", kind: "redeploy", risk: "low", isAllowed: true },
];
const tally = (remedy: string, healed: number, noEffect = 0, change: Partial<History> = {}): History => ({
  remedy,
  healed,
  noEffect,
  worse: 0,
  agedHealed: healed,
  agedFailed: noEffect,
  agedPrior: 0,
  quarantinedUntil: null,
  ...change,
});
const advise = (history: History[], offered = remedies) =>
  orderRemedies({ cause: "node-module-missing", remedies: offered, history });
const order = (...history: History[]) => advise(history).order.map(({ remedy }) => remedy);

Deno.test("without history the catalogue's order stands, high risks behind", () => {
  assertEquals(order(), ["patch", "setting", "redeploy", "major"]);
  assertEquals(order(tally("unheard-of", 9)), ["patch", "setting", "redeploy", "major"]);
});

Deno.test("what healed goes first, what did nothing falls back, and one lucky heal is no certainty", () => {
  assertEquals(order(tally("redeploy", 1), tally("setting", 8, 1)), [
    "setting",
    "redeploy",
    "patch",
    "major",
  ]);
  assertEquals(order(tally("patch", 0, 3)), ["setting", "redeploy", "patch", "major"]);
  assertEquals(order(tally("major", 5)), ["major", "patch", "setting", "redeploy"]);
});

Deno.test("outcomes count for what their age has left of them, and an import for a little", () => {
  const faded = tally("patch", 9, 0, { agedHealed: 0.1 });
  assertEquals(order(faded, tally("setting", 1))[0], "setting");
  assertEquals(order(tally("redeploy", 0, 0, { agedPrior: 1 }))[0], "redeploy");
  assertEquals(order(tally("redeploy", 0, 0, { agedPrior: 1 }), tally("setting", 2))[0], "setting");
});

Deno.test("what is in quarantine is withheld as long as another remedy may be used", () => {
  const harmful = tally("patch", 6, 0, { worse: 1, agedFailed: 1, quarantinedUntil: UNTIL });
  const advice = advise([harmful]);
  assertEquals(advice.order.map(({ remedy }) => remedy), ["setting", "redeploy", "major"]);
  assertEquals(advice.withheld, [{
    remedy: "patch",
    why: "healed node-module-missing 6 of 7 times before, made it worse once: in quarantine until 2026-02-03",
  }]);
  // What is counted is named: it is the class's, not the cause's.
  const named = orderRemedies({ cause: "node-module-missing", about: "ms", remedies, history: [harmful] });
  assertMatch(named.withheld[0]?.why ?? "", /^healed node-module-missing for ms 6 of 7 times before/);
});

Deno.test("the only remedy that is left is tried out of quarantine, unless the policy does not allow its risk", () => {
  const harmful = tally("patch", 0, 0, { worse: 1, agedFailed: 1, quarantinedUntil: UNTIL });
  const alone = advise([harmful], remedies.slice(0, 1));
  assertEquals([alone.order.map(({ remedy }) => remedy), alone.withheld], [["patch"], []]);
  assertMatch(alone.order[0]?.why ?? "", /tried in quarantine/);

  const worst = { ...harmful, remedy: "setting", worse: 3, agedFailed: 3 };
  const two = advise([harmful, worst], remedies.slice(0, 2));
  assertEquals([two.order.map(({ remedy }) => remedy), two.withheld.map(({ remedy }) => remedy)], [
    ["patch"],
    ["setting"],
  ]);

  const forbidden = remedies.slice(0, 1).map((remedy) => ({ ...remedy, isAllowed: false }));
  const none = advise([harmful], forbidden);
  assertEquals([none.order, none.withheld.length], [[], 1]);
});

Deno.test("a remedy that the policy does not allow comes last and keeps no other in quarantine", () => {
  const offered = remedies.slice(0, 3).map((remedy) => ({ ...remedy, isAllowed: remedy.id !== "major" }));
  assertEquals(advise([tally("major", 9)], offered).order.at(-1)?.remedy, "major");
  const harmful = tally("setting", 0, 0, { worse: 1, agedFailed: 1, quarantinedUntil: UNTIL });
  const left = advise([harmful], offered.slice(1));
  assertEquals(left.order.map(({ remedy }) => remedy), ["setting", "major"]);
});

Deno.test("a last resort comes after all others whatever it healed, and before it the best of a quarantine", () => {
  const offered = remedies.map((one) => one.id === "major" ? { ...one, isLastResort: true } : one);
  const healed = tally("major", 9);
  const learned = advise([healed, tally("patch", 0, 5)], offered).order;
  assertEquals(learned.map(({ remedy }) => remedy), ["setting", "redeploy", "patch", "major"]);
  assertMatch(
    learned.at(-1)?.why ?? "",
    /9 of 9 times before: after all others, because it is a last resort/,
  );

  const harmful = tally("patch", 0, 0, { worse: 1, agedFailed: 1, quarantinedUntil: UNTIL });
  const two = advise([healed, harmful], offered.filter(({ id }) => id === "patch" || id === "major"));
  assertEquals([two.order.map(({ remedy }) => remedy), two.withheld], [["patch", "major"], []]);
});

Deno.test("the optimizer's process answers with rates and reasons, the same each time", async () => {
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-optimizer-" });
  const input = { cause: "x", remedies: remedies.slice(0, 2), history: [tally("setting", 3, 1)] };
  const result = await createSubprocessRunner({ scratchRoot })(optimizerAgent, {
    kind: "given",
    question: input,
  }, { toolbox: {} });
  await Deno.remove(scratchRoot);
  assertEquals(result.kind === "answered" && result.output, {
    order: [
      { remedy: "setting", expectedSuccess: 0.617, why: "healed x 3 of 4 times before" },
      { remedy: "patch", expectedSuccess: 0.5, why: "never tried" },
    ],
    withheld: [],
    advice: [],
  });
  assertEquals(
    { ...orderRemedies(input), advice: [] },
    result.kind === "answered" ? result.output : undefined,
  );
});
