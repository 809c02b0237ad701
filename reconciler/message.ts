/** The message of the commit that repairs a service: what broke, the line that shows it, what was changed. */
import { renderCommitMessage } from "../repo/message.ts";
import type { Attempt, Incident } from "../state/records.ts";
import { sanitizeLine } from "../text/sanitize.ts";

export function commitTitle(attempt: Attempt): string {
  return sanitizeLine(`Repair ${attempt.cause}: ${attempt.remedy}`, 72);
}

export function commitMessage(incident: Incident, attempt: Attempt): string {
  return renderCommitMessage({
    title: commitTitle(attempt),
    cause: `${attempt.cause} (${attempt.summary})`,
    evidence: attempt.evidence?.text ?? "",
    remedy: attempt.remedy,
    incident: incident.id,
    attempt: attempt.number,
  });
}
