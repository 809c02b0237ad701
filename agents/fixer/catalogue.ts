/** Every remedy, an ecosystem a file. */
import type { Remedy } from "../catalogue.ts";
import { networkRemedies } from "./remedies/network.ts";
import { nodeRemedies } from "./remedies/node.ts";
import { pythonRemedies } from "./remedies/python.ts";
import { pythonStartRemedies } from "./remedies/python_start.ts";
import { serviceRemedies } from "./remedies/service.ts";

export const remedies: readonly Remedy[] = [
  ...pythonRemedies,
  ...pythonStartRemedies,
  ...nodeRemedies,
  ...serviceRemedies,
  ...networkRemedies,
];

/** @returns undefined for an id that no remedy has */
export function remedyById(id: string): Remedy | undefined {
  return remedies.find((remedy) => remedy.id === id);
}
