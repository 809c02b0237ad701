/** Every remedy, an ecosystem a file. */
import type { Remedy } from "../remedy.ts";
import { dockerRemedies } from "./docker.ts";
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
  ...dockerRemedies,
];

/** @returns undefined for an id that no remedy has */
export function findRemedy(id: string): Remedy | undefined {
  return remedies.find((remedy) => remedy.id === id);
}

/**
 * The remedies of a diagnosis, the first to try first: those its cause names in the catalogue, then every other
 * that says it repairs the cause.
 * @param runtime the service's; a Dockerfile is mended only where the service is built from one. Null when not known
 */
export function remediesFor(
  diagnosis: { cause: string; remedies: readonly string[] },
  runtime: string | null,
): Remedy[] {
  const named = diagnosis.remedies.flatMap((id) => findRemedy(id) ?? []);
  const others = remedies.filter((each) => each.causes.includes(diagnosis.cause) && !named.includes(each));
  return [...named, ...others].filter((each) =>
    each.runtime === undefined || runtime === null || each.runtime === runtime
  );
}
