/** What an agent concluded, in a few words for a line of a log. Says no more than names, counts and verdicts. */
import { unreachable } from "../base/errors.ts";
import type { AgentName } from "./messages.ts";
import {
  deployerOutputSchema,
  diagnosisSchema,
  monitorOutputSchema,
  optimizerOutputSchema,
  proposalSchema,
  validatorOutputSchema,
} from "./messages.ts";

/** @param output an answer that has passed the agent's schema */
export function concluded(agent: AgentName, output: unknown): string {
  switch (agent) {
    case "monitor": {
      const { health, json, database } = monitorOutputSchema.parse(output);
      return `health ${health.status}, JSON ${json.status}, database ${database.status}`;
    }
    case "analyzer": {
      const { cause, confidence } = diagnosisSchema.parse(output);
      return cause === "unknown" ? "cause unknown" : `${cause} (${percent(confidence)})`;
    }
    case "optimizer": {
      const [first, ...others] = optimizerOutputSchema.parse(output).order;
      if (first === undefined) return "no remedy";
      const more = others.length === 0 ? "" : `, then ${others.map(({ remedy }) => remedy).join(", ")}`;
      return `${first.remedy} first (${percent(first.expectedSuccess)}: ${first.why})${more}`;
    }
    case "fixer": {
      const proposal = proposalSchema.parse(output);
      switch (proposal.kind) {
        case "patch":
          return `a patch of ${proposal.edits.map(({ path }) => path).join(", ")}`;
        case "setting":
          return `a setting: ${leaves(proposal.patch).join(", ")}`;
        case "redeploy":
          return proposal.clearCache ? "a redeploy without cache" : "a redeploy";
        case "none":
          return `does not apply: ${proposal.why}`;
        default:
          return unreachable(proposal);
      }
    }
    case "validator": {
      const { verdict, checks } = validatorOutputSchema.parse(output);
      const failed = checks.filter(({ result }) => result === "fail").map(({ name }) => name);
      return failed.length > 0 ? `${verdict}: ${failed.join(", ")}` : `${verdict} (${checks.length} checks)`;
    }
    case "deployer":
      return deployerOutputSchema.parse(output).kind;
    default:
      return unreachable(agent);
  }
}

/** The names of what a patch sets, never the values. */
function leaves(value: object): string[] {
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner) ? leaves(inner) : [name]
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
