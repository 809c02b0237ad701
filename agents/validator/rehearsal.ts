/**
 * Whether the patched service builds, where the parent rehearses it. Only the failure that the patch was to repair, seen
 * again, stands against the patch: another one may be this machine's, and a rehearsal that was not to be had shows nothing.
 */
import { sanitizeLine } from "../../text/sanitize.ts";
import type { AskTool } from "../agent.ts";
import { diagnose } from "../analyzer/agent.ts";
import type { Diagnosis } from "../messages.ts";
import { rehearsalSchema } from "../tools/rehearsal.ts";
import { checkBy } from "./checkout.ts";
import type { Check, Question } from "./checkout.ts";

export const REHEARSAL = "rehearsal";
const EVIDENCE_CHARS_MAX = 300;

export async function checkRehearsal({ rehearsal, settings }: Question, ask: AskTool): Promise<Check[]> {
  if (rehearsal === undefined) return [];
  const check = await checkBy(REHEARSAL, async () => {
    const answer = rehearsalSchema.parse(await ask("rehearse", {}));
    switch (answer.kind) {
      case "built":
        return { result: "pass", detail: `it builds in drydock (${answer.seconds} s)` };
      case "unknown":
        return { result: "skipped", detail: `it could not be rehearsed: ${answer.why}` };
      case "failed": {
        const found = diagnose({
          log: answer.log,
          phase: "build",
          settings,
          repository: rehearsal.repository,
          platformReason: null,
        });
        const said = `${evidenceOf(found)} (${answer.seconds} s)`;
        if (found.fingerprint !== rehearsal.fingerprint || found.cause === "unknown") {
          return {
            result: "skipped",
            detail: `its build fails in drydock with another failure, which is no proof: ${said}`,
          };
        }
        const doubt = found.redeployMayCure ? "chance may have failed it" : rehearsal.doubt;
        if (doubt !== null) {
          return { result: "skipped", detail: `its build fails in drydock again, but ${doubt}: ${said}` };
        }
        return { result: "fail", detail: `its build fails in drydock as it did on Render: ${said}` };
      }
    }
  });
  return [check];
}

function evidenceOf({ cause, evidence, excerpt }: Diagnosis): string {
  const line = evidence ?? excerpt.at(-1);
  const text = line === undefined ? "no line says why" : `line ${line.line}: ${line.text}`;
  return sanitizeLine(`${cause === "unknown" ? "" : `${cause}, `}${text}`, EVIDENCE_CHARS_MAX);
}
