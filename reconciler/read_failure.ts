/**
 * Reads why a deploy failed, without preparing anything: what an incident that stops has to say in the end. Has no
 * effect on the world.
 */
import { analyzer } from "../agents/analyzer/agent.ts";
import { mayRunInline, runInline } from "../agents/inline.ts";
import { EvenkeelError } from "../base/errors.ts";
import { findingOf } from "./aftermath.ts";
import type { Finding } from "./aftermath.ts";
import type { Parts } from "./parts.ts";
import type { Question } from "./preparation.ts";
import { gather } from "./repair.ts";

/** @throws {RenderUnreachable | RenderRefused | EvenkeelError} when it cannot be read now */
export async function readFailure(parts: Parts, question: Question, signal: AbortSignal): Promise<Finding> {
  const { incident } = question;
  const { log, checkout, input } = await gather(parts, question, signal);
  await using _checkout = checkout;
  const options = {
    toolbox: {},
    signal,
    occasion: { serviceId: incident.serviceId, serviceName: incident.serviceName, incidentId: incident.id },
  };
  let run = await parts.runAgent(analyzer, input, options);
  if (run.kind === "failed" && mayRunInline(run.why)) {
    run = await (parts.runFallback ?? runInline)(analyzer, input, options);
  }
  if (run.kind === "answered") return findingOf(run.output, log);
  throw new EvenkeelError(`Cannot read why ${question.deploy.id} failed: ${run.message} (${run.why})`);
}
