/**
 * The JSON files under `memory/` that people and other programs read, as schemas; that of the learning state is in
 * learning_state.ts. docs/artifacts.md is written from them. Fields are only added; one that changes its
 * meaning raises ARTIFACT_VERSION. Times are RFC 3339.
 */
import { z } from "zod";
import { jsonSchema } from "../base/json.ts";
import { leftoverSchema } from "./leftovers.ts";
import { conditionSchema, evidenceSchema, gapKinds, riskSchema } from "./records.ts";

export const ARTIFACT_VERSION = 1;
const schemaVersion = z.literal(ARTIFACT_VERSION);
const at = z.string();

/** `memory/swarm/{agent}_output.json` */
export const agentOutputSchema = z.object({
  schemaVersion,
  agent: z.string(),
  session: z.string(),
  attempt: z.number().nullable(),
  at,
  output: jsonSchema.describe("What the agent answered, as agents/messages.ts has it"),
});

export const sparcPhases = [
  "Specification",
  "Pseudocode",
  "Architecture",
  "Refinement",
  "Completion",
] as const;
export type SparcPhase = typeof sparcPhases[number];

const phase = z.enum(sparcPhases);
const durationMs = z.number().nullable().describe("Milliseconds; null before the phase is reached");
export const phaseRecordSchema = z.object({
  phase,
  at: at.nullable().describe("When it was first entered"),
  durationMs,
  summary: z.string(),
});
export type PhaseRecord = z.infer<typeof phaseRecordSchema>;

export const iterationStatuses = [
  "running",
  "success",
  "fixed",
  "failed",
  "rolled_back",
  "no_effect",
] as const;
export const iterationSchema = z.object({
  number: z.number().describe("From 1 in each incident"),
  timestamp: at.describe("When it began"),
  deployId: z.string().nullable().describe("The deploy that carried it"),
  status: z.enum(iterationStatuses).describe("See Iterations"),
  fix: z.string().nullable().describe("The remedy; null when nothing was applied"),
  error: z.string().nullable().describe("With the line of the log, where one was read"),
  exposed: z.string().nullable().default(null).describe(
    "The cause that came to light when its own was gone; `unknown` where the log names none",
  ),
  durationSeconds: z.number().nullable().describe("null while it runs"),
});
export type Iteration = z.infer<typeof iterationSchema>;

export const rankedRemedySchema = z.object({
  attempt: z.number(),
  remedy: z.string(),
  expectedSuccess: z.number().nullable().describe("0 to 1; null where a rule chose and no history"),
  why: z.string(),
  isChosen: z.boolean().describe("Whether the attempt was made with it"),
});

/** `memory/sessions/{session}/deployment_plan.json` */
export const deploymentPlanSchema = z.object({
  schemaVersion,
  session: z.string(),
  startedAt: at.describe("Of the first run with this id"),
  writtenAt: at,
  strategy: z.string(),
  topology: z.string().nullable().describe(
    "The newest in use; null when no agent ran, or all in this process",
  ),
  agents: z.array(z.object({
    agent: z.string(),
    runs: z.number(),
    durationMs: z.number().describe("Milliseconds of all runs"),
  })),
  phases: z.array(phaseRecordSchema).describe(
    "Sums over the incidents: those of services side by side add up",
  ),
  incidents: z.array(z.object({
    id: z.string(),
    service: z.string(),
    gap: z.enum(gapKinds),
    message: z.string(),
    strategy: z.string(),
    topology: z.string().nullable(),
    phases: z.array(phaseRecordSchema),
    remedies: z.array(rankedRemedySchema).describe("In the order chosen, attempt by attempt"),
    steps: z.array(z.object({
      attempt: z.number(),
      cause: z.string(),
      confidence: z.number().describe("0 to 1"),
      summary: z.string(),
      evidence: evidenceSchema.nullable(),
      remedy: z.string(),
      risk: riskSchema,
      kind: z.string(),
      diff: z.string().nullable().describe(
        "What a patch or a setting changes; null for a redeploy, a restart or a rollback",
      ),
    })),
    iterations: z.array(iterationSchema),
    swarmFailures: z.array(z.object({ attempt: z.number(), message: z.string() })).default([]).describe(
      "Why the swarm failed, and who took over, attempt by attempt",
    ),
    rehearsals: z.array(z.object({ attempt: z.number(), message: z.string() })).default([]).describe(
      "What the rehearsals of patches showed, those included that were then not published (docs/rehearsal.md)",
    ),
  })).describe("Newest first"),
});
export type DeploymentPlan = z.infer<typeof deploymentPlanSchema>;

/** `memory/sessions/{session}/final_state.json` */
export const finalStateSchema = z.object({
  schemaVersion,
  session: z.string(),
  startedAt: at.describe("Of the first run with this id"),
  writtenAt: at,
  success: z.boolean().describe("Every service is in its desired state and no incident is open or stalled"),
  ready: z.boolean().describe(
    "Every service is in its desired state: Ready, or all four criteria hold and nothing is being repaired",
  ),
  attempts: z.number().describe("Of all incidents"),
  error: z.string().nullable().describe("The last one that was not overcome"),
  phases: z.array(z.object({ phase, durationMs })),
  services: z.array(z.object({
    id: z.string(),
    name: z.string(),
    url: z.string().nullable(),
    ready: z.boolean(),
    conditions: z.array(conditionSchema),
    liveDeployId: z.string().nullable(),
    liveCommit: z.string().nullable(),
  })).describe("Every service that the session has seen, in any of its runs"),
  incidents: z.array(z.object({
    id: z.string(),
    service: z.string(),
    status: z.enum(["open", "healed", "stalled"]),
    openedAt: at,
    closedAt: at.nullable(),
    attempts: z.number(),
    remedy: z.string().nullable().describe("Of the last attempt"),
    commit: z.string().nullable(),
    pullRequestUrl: z.string().nullable(),
    stalled: z.object({
      reason: z.string(),
      message: z.string(),
      resume: z.string().describe("The command that goes on"),
      lastError: z.string().nullable().default(null),
      evidence: z.array(evidenceSchema).default([]).describe("The lines that show it"),
    }).nullable(),
    left: z.array(leftoverSchema).default([]).describe(
      "What attempts that did not heal have changed and what is still changed",
    ),
  })).describe("Newest first"),
});
export type FinalState = z.infer<typeof finalStateSchema>;
