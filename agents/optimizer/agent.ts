/**
 * The optimizer orders the remedies of a cause by what has worked before, and advises once there is enough to advise
 * from. It sees counts, measurements and facts only and may do nothing. Where agents work at once it starts with the
 * others and reads the analyzer's answer from them when it is there.
 */
import type { Agent, AskTool } from "../agent.ts";
import {
  diagnosisSchema,
  historyInputSchema,
  optimizerInputSchema,
  optimizerOutputSchema,
  optimizerTaskSchema,
} from "../messages.ts";
import type { OptimizerInput, OptimizerOutput, OptimizerTask } from "../messages.ts";
import { advise } from "./advice.ts";
import { orderRemedies } from "./order.ts";

export const optimizerAgent: Agent<OptimizerTask, OptimizerOutput> = {
  name: "optimizer",
  input: optimizerTaskSchema,
  output: optimizerOutputSchema,
  tools: ["peer", "history"],
  // Its own work takes milliseconds; the rest is waiting for the analyzer, whose evidence may come slowly.
  limits: { deadlineMs: 120_000, memoryMiB: 64, outputBytesMax: 256 * 1024 },
  permissions: () => ({}),
  answer: async (task, ask) => {
    const question = task.kind === "given" ? task.question : await questionOfPeers(ask);
    const { advising } = question;
    return {
      ...orderRemedies(question),
      advice: advising === undefined ? [] : advise(advising.history, advising.facts),
    };
  },
};

async function questionOfPeers(ask: AskTool): Promise<OptimizerInput> {
  const diagnosis = diagnosisSchema.parse(await ask("peer", { agent: "analyzer" }));
  return optimizerInputSchema.parse(await ask("history", historyInputSchema.parse(diagnosis)));
}
