/**
 * The JSON files that people and other programs read, as schemas. Fields are only added; one that changes its
 * meaning raises ARTIFACT_VERSION. Times are RFC 3339.
 */
import { z } from "zod";
import { jsonSchema } from "../base/json.ts";
import { attemptStatuses, conditionSchema, evidenceSchema, gapKinds, riskSchema } from "./records.ts";

export const ARTIFACT_VERSION = 1;
const schemaVersion = z.literal(ARTIFACT_VERSION);
const at = z.string();

/** `artifacts/deploy_learning_state.json` */
export const learningStateSchema = z.object({
  schemaVersion,
  writtenAt: at,
  /** Failures whose cause is a dependency, by fingerprint, most recent first. */
  failed_dependencies: z.array(z.object({
    fingerprint: z.string(),
    cause: z.string(),
    service: z.string(),
    summary: z.string(),
    times: z.number(),
    lastSeenAt: at,
  })),
  /** Remedies with at least one verified heal, and how often they failed. */
  known_fixes: z.array(z.object({
    cause: z.string(),
    remedy: z.string(),
    healed: z.number(),
    noEffect: z.number(),
    worse: z.number(),
  })),
  /** By service name. */
  performance_map: z.record(
    z.string(),
    z.object({
      incidents: z.number(),
      healed: z.number(),
      stalled: z.number(),
      attempts: z.number(),
      /** From opening to closing of a healed incident; `null` before the first. */
      medianHealMs: z.number().nullable(),
      lastHealedAt: at.nullable(),
    }),
  ),
  /** Newest first. */
  attempts: z.array(z.object({
    service: z.string(),
    incident: z.string(),
    attempt: z.number(),
    cause: z.string(),
    fingerprint: z.string(),
    remedy: z.string(),
    status: z.enum(attemptStatuses),
    startedAt: at,
    durationMs: z.number().nullable(),
    commit: z.string().nullable(),
    deployId: z.string().nullable(),
    error: z.string().nullable(),
  })),
});
export type LearningState = z.infer<typeof learningStateSchema>;

/** `memory/swarm/{agent}_output.json` */
export const agentOutputSchema = z.object({
  schemaVersion,
  agent: z.string(),
  session: z.string(),
  attempt: z.number().nullable(),
  at,
  output: jsonSchema,
});

export const sparcPhases = [
  "Specification",
  "Pseudocode",
  "Architecture",
  "Refinement",
  "Completion",
] as const;
export const phaseRecordSchema = z.object({ phase: z.enum(sparcPhases), at, summary: z.string() });
export type PhaseRecord = z.infer<typeof phaseRecordSchema>;

/** `memory/sessions/{session}/deployment_plan.json` */
export const deploymentPlanSchema = z.object({
  schemaVersion,
  session: z.string(),
  writtenAt: at,
  topology: z.string().nullable(),
  phases: z.array(phaseRecordSchema),
  incidents: z.array(z.object({
    id: z.string(),
    service: z.string(),
    gap: z.enum(gapKinds),
    message: z.string(),
    steps: z.array(z.object({
      attempt: z.number(),
      cause: z.string(),
      confidence: z.number(),
      summary: z.string(),
      evidence: evidenceSchema.nullable(),
      remedy: z.string(),
      risk: riskSchema,
      kind: z.string(),
      /** What a patch or a setting changes, as a diff; `null` for a redeploy, a restart or a rollback. */
      diff: z.string().nullable(),
    })),
  })),
});
export type DeploymentPlan = z.infer<typeof deploymentPlanSchema>;

/** `memory/sessions/{session}/final_state.json` */
export const finalStateSchema = z.object({
  schemaVersion,
  session: z.string(),
  writtenAt: at,
  /** True when every service was in its desired state. */
  ready: z.boolean(),
  services: z.array(z.object({
    id: z.string(),
    name: z.string(),
    url: z.string().nullable(),
    ready: z.boolean(),
    conditions: z.array(conditionSchema),
    liveDeployId: z.string().nullable(),
    liveCommit: z.string().nullable(),
  })),
  incidents: z.array(z.object({
    id: z.string(),
    service: z.string(),
    status: z.enum(["open", "healed", "stalled"]),
    openedAt: at,
    closedAt: at.nullable(),
    attempts: z.number(),
    remedy: z.string().nullable(),
    commit: z.string().nullable(),
    pullRequestUrl: z.string().nullable(),
    stalled: z.object({ reason: z.string(), message: z.string(), resume: z.string() }).nullable(),
  })),
});
export type FinalState = z.infer<typeof finalStateSchema>;
