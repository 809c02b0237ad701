/**
 * The fixer: a diagnosis and a checkout in, a proposal out. It reads one folder, asks for named tools and
 * writes nothing: edits are applied by the parent.
 */
import { messageOf } from "../../base/errors.ts";
import type { Agent, AskTool } from "../agent.ts";
import { joinPath } from "../code/commands.ts";
import { fixerInputSchema, proposalSchema } from "../messages.ts";
import type { FixerInput, Proposal } from "../messages.ts";
import { none } from "./remedy.ts";
import { createCheckoutView } from "./checkout_view.ts";
import { findRemedy } from "./remedies/all.ts";

/** The named tools that remedies ask for. */
export const FIXER_TOOLS = ["pip-resolve", "pip-versions", "npm-view", "npm-lock"] as const;

export async function propose(input: FixerInput, ask: AskTool): Promise<Proposal> {
  const remedy = findRemedy(input.remedy);
  if (remedy === undefined) return none(`there is no remedy ${input.remedy}`);
  if (!remedy.causes.includes(input.diagnosis.cause)) {
    return none(`${remedy.id} does not repair ${input.diagnosis.cause}`);
  }
  try {
    return await remedy.propose({
      diagnosis: input.diagnosis,
      settings: input.settings,
      rootDir: joinPath(input.settings.rootDir),
      view: createCheckoutView(input.directory, input.paths),
      log: input.log ?? "",
      ...(input.coreProviders === undefined ? {} : { coreProviders: input.coreProviders }),
      ask,
    });
  } catch (error) {
    // A tool that did not answer is no reason to give up the other remedies.
    return none(`${remedy.id} could not be worked out: ${messageOf(error)}`);
  }
}

export const fixer: Agent<FixerInput, Proposal> = {
  name: "fixer",
  input: fixerInputSchema,
  output: proposalSchema,
  tools: FIXER_TOOLS,
  // The longest remedy asks pip many times; each question has its own, shorter limit.
  limits: { deadlineMs: 300_000, memoryMiB: 256, outputBytesMax: 32 * 1024 * 1024 },
  permissions: (input) => ({ read: [input.directory] }),
  answer: propose,
};
