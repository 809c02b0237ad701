/**
 * The deployer has the fix published and its deploy started. What is published and where is held by the parent, behind
 * its journal: the deployer says when, through tools that take nothing and that the parent defines.
 */
import { z } from "zod";
import { messageOf, unreachable } from "../../base/errors.ts";
import type { Agent, AskTool } from "../agent.ts";
import { deployerInputSchema, deployerOutputSchema } from "../messages.ts";
import type { DeployerInput, DeployerOutput } from "../messages.ts";

/** Input of each of the deployer's tools. */
export const deployerToolInputSchema = z.object({});

/** `publish`: commits and pushes the attempt's patch, once. */
export const publishOutputSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("published"), commit: z.string() }),
  z.object({ kind: z.literal("refused"), why: z.string() }),
]);
/** `find-deploy`: the deploy that carries the attempt's commit, if there is one by now. */
export const findDeployOutputSchema = z.object({ deployId: z.string().nullable() });
/** `start-deploy`: starts one, once; `null` when Render queued it without an id. */
export const startDeployOutputSchema = z.object({ deployId: z.string().nullable() });

export const deployerAgent: Agent<DeployerInput, DeployerOutput> = {
  name: "deployer",
  input: deployerInputSchema,
  output: deployerOutputSchema,
  tools: ["publish", "find-deploy", "start-deploy"],
  // A push and a few calls of an API, each with a deadline of its own in the parent.
  limits: { deadlineMs: 180_000, memoryMiB: 64, outputBytesMax: 64 * 1024 },
  permissions: () => ({}),
  async answer({ task }, ask) {
    try {
      switch (task) {
        case "publish":
          return publishOutputSchema.parse(await ask("publish", {}));
        case "deploy":
          return { kind: "deploying", deployId: await deploy(ask) };
        default:
          return unreachable(task);
      }
    } catch (error) {
      // A tool that failed is the world's answer, not a fault of this agent.
      return { kind: "refused", why: messageOf(error) };
    }
  },
};

/** A push starts a deploy by itself where autodeploy is on: a second one would be a duplicate. */
async function deploy(ask: AskTool): Promise<string | null> {
  const found = findDeployOutputSchema.parse(await ask("find-deploy", {}));
  if (found.deployId !== null) return found.deployId;
  return startDeployOutputSchema.parse(await ask("start-deploy", {})).deployId;
}
