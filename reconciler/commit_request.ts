/** An attempt's commit as a request: the same attempt always makes the same one, so that a restart recognises it. */
import type { Attempt, Edit, Incident } from "../state/records.ts";
import { commitMessage } from "./message.ts";
import type { CommitRequest, Parts } from "./parts.ts";
import type { ServiceSpec } from "./spec.ts";

export function commitRequest(
  parts: Pick<Parts, "author">,
  spec: ServiceSpec,
  incident: Incident,
  attempt: Attempt,
  edits: readonly Edit[],
): CommitRequest {
  return {
    edits,
    allowedPaths: spec.policy.allowedPaths,
    deniedPaths: spec.policy.deniedPaths,
    author: parts.author,
    message: commitMessage(incident, attempt),
    atSeconds: Math.floor(attempt.startedAt / 1000),
  };
}
