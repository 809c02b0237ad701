import { assertEquals } from "@std/assert";
import type { Toolbox } from "../../agents/agent.ts";
import { deployerAgent, deployerToolInputSchema } from "../../agents/deployer/agent.ts";
import type { DeployerInput } from "../../agents/messages.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";

/** Runs the deployer's process against tools that give these answers, and gives its answer and what it asked for. */
async function deploy(task: DeployerInput["task"], answers: Readonly<Record<string, () => unknown>>) {
  const asked: string[] = [];
  const toolbox: Toolbox = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, {
      input: deployerToolInputSchema,
      run: async () => {
        asked.push(name);
        return answer();
      },
    }]),
  );
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-deployer-" });
  const result = await createSubprocessRunner({ scratchRoot })(deployerAgent, { task, commit: null }, {
    toolbox,
  });
  await Deno.remove(scratchRoot);
  return { answer: result.kind === "answered" ? result.output : result, asked };
}

Deno.test("the deployer has the fix published by the parent, and passes a refusal on", async () => {
  const published = { kind: "published", commit: "abc" } as const;
  assertEquals((await deploy("publish", { publish: () => published })).answer, published);
  const refused = { kind: "refused", why: "the branch has moved" } as const;
  assertEquals((await deploy("publish", { publish: () => refused })).answer, refused);
  const failing = { publish: () => Promise.reject(new Error("Cannot push: no network")) };
  assertEquals((await deploy("publish", failing)).answer, {
    kind: "refused",
    why: "Cannot push: no network",
  });
});

Deno.test("the deployer starts a deploy only when none carries the commit yet", async () => {
  const tools = (found: string | null) => ({
    "find-deploy": () => ({ deployId: found }),
    "start-deploy": () => ({ deployId: "dep-new" }),
  });
  assertEquals(await deploy("deploy", tools("dep-1")), {
    answer: { kind: "deploying", deployId: "dep-1" },
    asked: ["find-deploy"],
  });
  assertEquals(await deploy("deploy", tools(null)), {
    answer: { kind: "deploying", deployId: "dep-new" },
    asked: ["find-deploy", "start-deploy"],
  });
});
