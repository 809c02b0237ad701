/** The message of the commit that repairs a service: what broke, the line that shows it, what was changed. */
import { renderCommitMessage, renderPullRequestBody, renderTitle } from "../repo/message.ts";
import type { CommitMessage } from "../repo/message.ts";
import type { Attempt, Incident } from "../state/records.ts";

export function commitTitle(attempt: Attempt): string {
  return renderTitle(`Repair ${attempt.cause}: ${attempt.remedy}`);
}

export function commitMessage(incident: Incident, attempt: Attempt): string {
  return renderCommitMessage(wordsOf(incident, attempt));
}

export function pullRequestBody(incident: Incident, attempt: Attempt): string {
  return renderPullRequestBody(wordsOf(incident, attempt));
}

function wordsOf(incident: Incident, attempt: Attempt): CommitMessage {
  return {
    title: commitTitle(attempt),
    cause: `${attempt.cause} (${attempt.summary})`,
    evidence: attempt.evidence?.text ?? "",
    remedy: attempt.remedy,
    incident: incident.id,
    attempt: attempt.number,
  };
}
