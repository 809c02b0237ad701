/** What a second try cures. The policy sees to it that there is only one. */
import type { Remedy } from "../remedy.ts";

/** Offered by the reconciler itself, too, for every cause that a second try may cure. */
export const REDEPLOY_REMEDY = "network/redeploy";

export const networkRemedies: readonly Remedy[] = [{
  id: REDEPLOY_REMEDY,
  kind: "redeploy",
  risk: "low",
  causes: ["network-transient", "npm-client-error"],
  propose: ({ diagnosis }) => ({
    kind: "redeploy",
    clearCache: false,
    summary: `Deploy the same commit once more: ${diagnosis.summary}`,
    risk: "low",
  }),
}];
