/** The optimizer orders the remedies of a cause by what has worked before. It sees counts only and may do nothing. */
import type { Agent } from "../agent.ts";
import { optimizerInputSchema, optimizerOutputSchema } from "../messages.ts";
import type { OptimizerInput, OptimizerOutput } from "../messages.ts";
import { orderRemedies } from "./order.ts";

export const optimizerAgent: Agent<OptimizerInput, OptimizerOutput> = {
  name: "optimizer",
  input: optimizerInputSchema,
  output: optimizerOutputSchema,
  tools: [],
  limits: { deadlineMs: 10_000, memoryMiB: 64, outputBytesMax: 256 * 1024 },
  permissions: () => ({}),
  answer: (input) => orderRemedies(input),
};
