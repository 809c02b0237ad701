/** Which requirements are worth a phase of their own, and when no phase is. Pure. */
import { heavyDistribution } from "../code/heavy_python.ts";
import { normalName } from "../code/requirements.ts";
import type { Requirement } from "../code/requirements.ts";
import type { FixContext } from "./remedy.ts";

const isHeavy = ({ name }: Requirement) => heavyDistribution(normalName(name)) !== undefined;

/** Why two phases at the same time would not help, whatever the project looks like. */
export function whyNoPhases({ diagnosis }: FixContext): string | undefined {
  switch (diagnosis.captures["why"]) {
    case "source":
      return "what cannot be built is not built in a phase of its own either";
    case "memory":
      return "two phases at the same time need more memory, not less";
    default:
      return undefined;
  }
}

/** The large requirements, apart from the rest; where there is no rest, every other one of them. */
export function slowGroup(requirements: readonly Requirement[]): Requirement[] {
  const heavy = requirements.filter(isHeavy);
  const group = heavy.length < requirements.length ? heavy : heavy.filter((_, at) => at % 2 === 0);
  return group.length < requirements.length ? group : [];
}
