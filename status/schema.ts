/**
 * What `/status` answers. Keys and words are stable: they are added to, not changed. docs/status.md shows an
 * example that the tests hold against this schema.
 */
import { z } from "zod";
import { attemptStatuses, conditionSchema, evidenceSchema, gapKinds, riskSchema } from "../state/records.ts";

const time = z.string().describe("RFC 3339");

export const attemptStatusSchema = z.strictObject({
  incidentId: z.string(),
  number: z.number().describe("Counts from 1 within the incident"),
  status: z.enum(attemptStatuses),
  cause: z.string().describe("Slug of the diagnosed failure class"),
  summary: z.string(),
  evidence: evidenceSchema.nullable().describe("The line of the log that shows the cause"),
  remedy: z.string(),
  why: z.string().nullable().describe("Why this remedy and none before it"),
  risk: riskSchema,
  commit: z.string().nullable(),
  pullRequestUrl: z.string().nullable(),
  deployId: z.string().nullable(),
  error: z.string().nullable(),
  startedAt: time,
  endedAt: time.nullable(),
});

export const incidentStatusSchema = z.strictObject({
  id: z.string(),
  status: z.enum(["open", "stalled"]),
  gap: z.enum(gapKinds),
  message: z.string(),
  openedAt: time,
  attempts: z.number().describe("Attempts so far"),
  stalled: z.strictObject({
    reason: z.string(),
    message: z.string(),
    resume: z.string().describe("The command that resumes"),
    at: time,
  }).nullable(),
});

export const serviceStatusSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  url: z.string().nullable(),
  ready: z.enum(["True", "False", "Unknown"]).describe("Status of the condition Ready"),
  conditions: z.array(conditionSchema),
  liveDeploy: z.strictObject({ id: z.string(), commit: z.string().nullable() }).nullable(),
  hold: z.strictObject({ badCommit: z.string(), goodCommit: z.string(), at: time }).nullable()
    .describe("Autodeploy is off after a rollback, until a later commit is proven good"),
  incident: incidentStatusSchema.nullable(),
  lastAttempts: z.array(attemptStatusSchema).describe("Newest first"),
  agentTrouble: z.array(z.strictObject({
    at: time,
    type: z.enum(["AgentDenied", "AgentFailed"]).describe(
      "AgentDenied: an agent asked for what it was not given; AgentFailed: it crashed or met a limit",
    ),
    message: z.string(),
  })).describe("Newest first"),
  nextPass: time.nullable().describe("When the service is looked at again; null when not known"),
  observedAt: time,
  recordedAt: time.nullable().describe(
    "When it was last recorded: older than observedAt while nothing can be written; null when it never was",
  ),
});

export const statusSchema = z.strictObject({
  version: z.string(),
  at: time,
  observeOnly: z.strictObject({ since: time, reason: z.string() }).nullable().describe(
    "Nothing can be written: services are looked at and nothing is changed; null when all is well",
  ),
  services: z.array(serviceStatusSchema),
});
export type Status = z.infer<typeof statusSchema>;
export type ServiceStatus = z.infer<typeof serviceStatusSchema>;
