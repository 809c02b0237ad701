/** The analyzer: log, settings and files in, a diagnosis out. It needs no permission and asks for no tool. */
import type { Agent } from "../agent.ts";
import { analyzerInputSchema, diagnosisSchema } from "../messages.ts";
import type { AnalyzerInput, Diagnosis } from "../messages.ts";
import { causes } from "./causes/all.ts";
import { createEngine } from "./engine.ts";

export const diagnose = createEngine(causes);

export const analyzer: Agent<AnalyzerInput, Diagnosis> = {
  name: "analyzer",
  input: analyzerInputSchema,
  output: diagnosisSchema,
  tools: [],
  limits: { deadlineMs: 30_000, memoryMiB: 256, outputBytesMax: 256 * 1024 },
  permissions: () => ({}),
  answer: diagnose,
};
