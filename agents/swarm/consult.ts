/**
 * Asks monitor, analyzer and optimizer about one failure, in the order of the topology. The questions are the
 * same in both and so are the answers; only who waits for whom differs.
 */
import { analyzer } from "../analyzer/agent.ts";
import type {
  AnalyzerInput,
  Diagnosis,
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
  remedies(diagnosis: Diagnosis): Promise<OptimizerInput>;
}

export interface Consultation {
  monitor: MonitorOutput;
  diagnosis: Diagnosis;
  advice: OptimizerOutput;
}

/** @throws {SwarmFailure} when an agent failed; the caller disposes of the swarm before it does anything else */
export async function consult(topology: Topology, swarm: Swarm, questions: Questions): Promise<Consultation> {
  const ask = {
    monitor: () => swarm.run(monitorAgent, questions.monitor),
    diagnosis: async () => await swarm.run(analyzer, await questions.evidence),
    advice: async (diagnosis: Diagnosis) =>
      await swarm.run(optimizerAgent, await questions.remedies(diagnosis)),
  };
  switch (topology) {
    case "hierarchical": {
      const monitor = await ask.monitor();
      const diagnosis = await ask.diagnosis();
      return { monitor, diagnosis, advice: await ask.advice(diagnosis) };
    }
    case "mesh": {
      const diagnosis = ask.diagnosis();
      const [monitor, found, advice] = await Promise.all([
        ask.monitor(),
        diagnosis,
        diagnosis.then(ask.advice),
      ]);
      return { monitor, diagnosis: found, advice };
    }
  }
}
