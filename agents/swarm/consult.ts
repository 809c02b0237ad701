/**
 * Asks monitor, analyzer and optimizer about one failure, in the order of the topology. The questions are the
 * same in both and so are the answers; only who waits for whom differs.
 */
import type { Tool } from "../agent.ts";
import { analyzer } from "../analyzer/agent.ts";
import { historyInputSchema } from "../messages.ts";
import type {
  AnalyzerInput,
  Diagnosis,
  HistoryInput,
  MonitorInput,
  MonitorOutput,
  OptimizerInput,
  OptimizerOutput,
} from "../messages.ts";
import { monitorAgent } from "../monitor/agent.ts";
import { optimizerAgent } from "../optimizer/agent.ts";
import type { Swarm } from "./swarm.ts";
import type { Topology } from "./topology.ts";

export interface Questions {
  monitor: MonitorInput;
  /** What the analyzer is to read; may still be on its way. */
  evidence: Promise<AnalyzerInput>;
  /** The remedies of the cause and their history. */
  remedies(found: HistoryInput): Promise<OptimizerInput>;
}

export interface Consultation {
  monitor: MonitorOutput;
  diagnosis: Diagnosis;
  advice: OptimizerOutput;
}

/** @throws {SwarmFailure} when an agent failed; the caller disposes of the swarm before it does anything else */
export async function consult(topology: Topology, swarm: Swarm, questions: Questions): Promise<Consultation> {
  // The monitor goes first in a hierarchy: evidence that fails meanwhile is awaited only later, and until then a
  // rejection without a handler would end the process.
  questions.evidence.catch(() => {});
  const diagnose = async () => await swarm.run(analyzer, await questions.evidence);
  switch (topology) {
    case "hierarchical": {
      const monitor = await swarm.run(monitorAgent, questions.monitor);
      const diagnosis = await diagnose();
      const question = await questions.remedies(diagnosis);
      return { monitor, diagnosis, advice: await swarm.run(optimizerAgent, { kind: "given", question }) };
    }
    case "mesh": {
      const history: Tool = {
        input: historyInputSchema,
        run: (input) => questions.remedies(historyInputSchema.parse(input)),
      };
      const diagnosing = diagnose();
      const monitoring = swarm.run(monitorAgent, questions.monitor);
      // Agents wait in line for a place to run: behind its analyzer, a waiting optimizer can never keep it out.
      const advising = questions.evidence.then(() =>
        swarm.run(optimizerAgent, { kind: "peers" }, { history })
      );
      const [diagnosis, monitor, advice] = await Promise.all([diagnosing, monitoring, advising]);
      return { monitor, diagnosis, advice };
    }
  }
}
