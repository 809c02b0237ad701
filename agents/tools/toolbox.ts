/** The named tools of the parent that agents may ask for; the deployer's, which have effects, come from the reconciler. */
import type { Tool } from "../agent.ts";
import { createNpmLock, createNpmView } from "./npm.ts";
import { createPipResolve, createPipVersions } from "./pip.ts";
import { createPythonFinder } from "./python.ts";
import { createNodeSyntax, createPythonSyntax } from "./syntax.ts";
import { createWorkshop } from "./workshop.ts";
import type { WorkshopOptions } from "./workshop.ts";

export const toolNames = [
  "pip-resolve",
  "pip-versions",
  "npm-view",
  "npm-lock",
  "python-syntax",
  "node-syntax",
] as const;
export type ToolName = typeof toolNames[number];

export function createToolbox(options: WorkshopOptions): Readonly<Record<ToolName, Tool>> {
  const workshop = createWorkshop(options);
  const findPython = createPythonFinder(workshop);
  return {
    "pip-resolve": createPipResolve(workshop, findPython),
    "pip-versions": createPipVersions(workshop, findPython),
    "npm-view": createNpmView(workshop),
    "npm-lock": createNpmLock(workshop),
    "python-syntax": createPythonSyntax(workshop),
    "node-syntax": createNodeSyntax(workshop),
  };
}
