import { assertEquals } from "@std/assert";
import { orderRemedies } from "../../agents/optimizer/order.ts";
import { optimizerAgent } from "../../agents/optimizer/agent.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import type { OptimizerInput } from "../../agents/messages.ts";

const remedies: OptimizerInput["remedies"] = [
  { id: "patch", kind: "patch", risk: "medium" },
  { id: "setting", kind: "setting", risk: "low" },
  { id: "major", kind: "patch", risk: "high" },
  { id: "redeploy", kind: "redeploy", risk: "low" },
];
const counts = (remedy: string, healed: number, noEffect = 0, worse = 0) => ({
  remedy,
  healed,
  noEffect,
  worse,
});
const order = (...history: OptimizerInput["counts"]) =>
  orderRemedies({ cause: "node/missing-package", remedies, counts: history }).order.map(({ remedy }) =>
    remedy
  );

Deno.test("without history the catalogue's order stands, high risks behind", () => {
  assertEquals(order(), ["patch", "setting", "redeploy", "major"]);
  assertEquals(order(counts("unheard-of", 9)), ["patch", "setting", "redeploy", "major"]);
});

Deno.test("what healed goes first, what did nothing falls back, and one lucky heal is no certainty", () => {
  assertEquals(order(counts("redeploy", 1), counts("setting", 8, 1)), [
    "setting",
    "redeploy",
    "patch",
    "major",
  ]);
  assertEquals(order(counts("patch", 0, 3)), ["setting", "redeploy", "patch", "major"]);
  assertEquals(order(counts("major", 5)), ["major", "patch", "setting", "redeploy"]);
});

Deno.test("what has only made things worse goes last, behind risks never taken", () => {
  assertEquals(order(counts("patch", 0, 0, 1)), ["setting", "redeploy", "major", "patch"]);
  assertEquals(order(counts("patch", 6, 0, 1))[0], "patch");
});

Deno.test("the optimizer's process answers with rates and reasons", async () => {
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-optimizer-" });
  const input = { cause: "x", remedies: remedies.slice(0, 2), counts: [counts("setting", 3, 1)] };
  const result = await createSubprocessRunner({ scratchRoot })(optimizerAgent, input, { toolbox: {} });
  await Deno.remove(scratchRoot);
  assertEquals(result.kind === "answered" && result.output.order, [
    { remedy: "setting", expectedSuccess: 0.667, why: "healed 3 of 4" },
    { remedy: "patch", expectedSuccess: 0.5, why: "never tried, medium risk" },
  ]);
});
