/** What a second try cures. The policy sees to it that there is only one. */
import type { Remedy } from "../remedy.ts";

export const networkRemedies: readonly Remedy[] = [{
  id: "network/redeploy",
  kind: "redeploy",
  risk: "low",
  causes: ["network-transient", "npm-client-error", "build-timeout"],
  propose: ({ diagnosis }) => ({
    kind: "redeploy",
    clearCache: false,
    summary: `Deploy the same commit once more: ${diagnosis.summary}`,
    risk: "low",
  }),
}];
