/** Every remedy, an ecosystem a file. */
import type { Remedy } from "../remedy.ts";
import { networkRemedies } from "./network.ts";
import { nodeRemedies } from "./node.ts";
import { pythonRemedies } from "./python.ts";
import { pythonStartRemedies } from "./python_start.ts";
import { serviceRemedies } from "./service.ts";

export const remedies: readonly Remedy[] = [
  ...pythonRemedies,
  ...pythonStartRemedies,
  ...nodeRemedies,
  ...serviceRemedies,
  ...networkRemedies,
];

/** @returns undefined for an id that no remedy has */
export function findRemedy(id: string): Remedy | undefined {
  return remedies.find((remedy) => remedy.id === id);
}
