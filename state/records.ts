/**
 * What Evenkeel remembers, as schemas. Everything read back from a store passes through them, so that a store
 * written by another version or damaged by hand is refused with a reason instead of half understood.
 * Times are milliseconds since the epoch unless a name says otherwise.
 */
import { z } from "zod";
import { servicePatchSchema } from "../render/schemas.ts";
import { jsonSchema } from "../base/json.ts";
import { buildFactsSchema } from "./build_facts.ts";
import { keptEditSchema } from "./kept_edits.ts";

export { type Edit, editSchema } from "./kept_edits.ts";

export const conditionTypes = [
  "Healthy",
  "ValidJson",
  "DatabaseUp",
  "BuildClean",
  "Ready",
  "Reconciling",
  "Stalled",
] as const;
export type ConditionType = typeof conditionTypes[number];

/** One success criterion, after the Kubernetes convention for conditions. */
export const conditionSchema = z.object({
  type: z.enum(conditionTypes),
  status: z.enum(["True", "False", "Unknown"]),
  /** One CamelCase word for programs. */
  reason: z.string(),
  /** One sentence for people. */
  message: z.string(),
  /** When `status` last changed, RFC 3339. */
  lastTransitionTime: z.string(),
  /** Which generation of the spec this was observed for. */
  observedGeneration: z.number(),
});
export type Condition = z.infer<typeof conditionSchema>;

export const verdictSchema = z.enum(["good", "bad", "unknown"]);
export type Verdict = z.infer<typeof verdictSchema>;

/** Consecutive good samples of one deploy without a gap; the quiet time is counted from it. */
export const streakSchema = z.object({
  /** The process that took the samples: a monotonic clock means nothing in another process. */
  epoch: z.string(),
  deployId: z.string(),
  firstMonotonicMs: z.number(),
  lastMonotonicMs: z.number(),
  /** When the last look began. */
  lastBeganMonotonicMs: z.number().optional(),
  /** The same by the time of day, which goes on while a machine sleeps. */
  lastAt: z.number().optional(),
  samples: z.number(),
});
export type Streak = z.infer<typeof streakSchema>;

/** A deploy that was Ready under our eyes: the only kind that a rollback may go back to. */
export const provenDeploySchema = z.object({ deployId: z.string(), commit: z.string(), at: z.number() });
export type ProvenDeploy = z.infer<typeof provenDeploySchema>;

export const badCommitSchema = z.object({ commit: z.string(), incidentId: z.string(), at: z.number() });

/** What a rollback leaves behind until a later commit is proven good: autodeploy off, the bad commit known. */
export const holdSchema = z.object({
  incidentId: z.string(),
  badCommit: z.string(),
  /** The commit that the service was rolled back to. */
  goodCommit: z.string(),
  /** Whether autodeploy was on before; only then is it switched on again. */
  autoDeployWas: z.boolean(),
  at: z.number(),
});
export type Hold = z.infer<typeof holdSchema>;

export const serviceRecordSchema = z.object({
  serviceId: z.string(),
  name: z.string(),
  url: z.string().nullable(),
  updatedAt: z.number(),
  /** Of the spec that the record is about; grows when the spec says something else. */
  generation: z.number(),
  /** Names what that spec says. */
  specHash: z.string().optional(),
  conditions: z.array(conditionSchema),
  streak: streakSchema.nullable(),
  /** The newest samples, oldest first; at most SAMPLES_KEPT. */
  recentVerdicts: z.array(verdictSchema),
  liveDeployId: z.string().nullable(),
  liveCommit: z.string().nullable(),
  /** Newest first; at most PROVEN_KEPT. */
  provenDeploys: z.array(provenDeploySchema),
  /** Newest first; at most BAD_COMMITS_KEPT. */
  badCommits: z.array(badCommitSchema),
  hold: holdSchema.nullable(),
});
export type ServiceRecord = z.infer<typeof serviceRecordSchema>;

export const SAMPLES_KEPT = 20;
export const PROVEN_KEPT = 10;
export const BAD_COMMITS_KEPT = 50;

export const riskSchema = z.enum(["low", "medium", "high"]);
export type Risk = z.infer<typeof riskSchema>;

/** What an attempt does to the world. */
export const repairSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("patch"), edits: z.array(keptEditSchema), diff: z.string() }),
  z.object({ kind: z.literal("setting"), patch: servicePatchSchema, diff: z.string() }),
  z.object({ kind: z.literal("redeploy"), clearCache: z.boolean() }),
  z.object({ kind: z.literal("restart") }),
  z.object({
    kind: z.literal("rollback"),
    toDeployId: z.string(),
    toCommit: z.string(),
    badCommit: z.string(),
  }),
]);
export type Repair = z.infer<typeof repairSchema>;

export const evidenceSchema = z.object({
  /** Line in the log that was read, from 1. */
  line: z.number(),
  /** The line, sanitised and redacted. */
  text: z.string(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

export const attemptStatuses = [
  "running",
  "fixed",
  "failed",
  "no_effect",
  "rolled_back",
  "abandoned",
  "suggested",
] as const;

/** The failure without what is particular to one service: that by which outcomes are learned. */
export const failureClassSchema = z.object({
  /** Hash of the cause and of what is shared between services, such as the package. */
  id: z.string(),
  /** What is shared, for people; empty where the cause is all that is. */
  about: z.string(),
});

/** One try at closing the gap inside an incident. */
export const attemptSchema = z.object({
  number: z.number(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  status: z.enum(attemptStatuses),
  /** The deploy whose failure was read. */
  diagnosedDeployId: z.string().nullable(),
  /** The newest deploy when the attempt began: what comes after it is ours or overtook us. */
  newestDeployId: z.string().nullable().optional(),
  /** The deploy that served well when the attempt began: what a repair that makes things worse is taken back to. */
  serving: z.object({ deployId: z.string(), commit: z.string() }).nullable().optional(),
  cause: z.string(),
  confidence: z.number(),
  summary: z.string(),
  evidence: evidenceSchema.nullable(),
  fingerprint: z.string(),
  /** Absent where no diagnosis was made, and in older records. */
  failureClass: failureClassSchema.optional(),
  remedy: z.string(),
  /** Why this remedy and none before it; `null` where a rule of the plan chose, and in older records. */
  why: z.string().nullable().default(null),
  risk: riskSchema,
  repair: repairSchema,
  /** Hash of the repair, so that the same one is never tried twice for a fingerprint. */
  repairHash: z.string(),
  /** The commit the patch was made on. */
  baseCommit: z.string().nullable(),
  /** Branch the fix goes to. */
  branch: z.string().nullable(),
  /** The fix as a commit, made before it is published so that a restart recognises it. */
  commit: z.string().nullable(),
  pullRequestUrl: z.string().nullable(),
  /** Effects that were performed, in order: names of steps. */
  stepsDone: z.array(z.string()),
  publishedAt: z.number().nullable(),
  /** The deploy that carries the fix. */
  deployId: z.string().nullable(),
  /** When it was asked for, or found where nobody had to ask. */
  deployRequestedAt: z.number().nullable(),
  /** How the repository is built with the repair in it; `null` where it was not read, and in older records. */
  build: buildFactsSchema.nullable().default(null),
  error: z.string().nullable(),
  /** What its deploy failed with, once that was read. */
  aftermath: z.object({
    /** `unknown` where the log does not say. */
    cause: z.string(),
    fingerprint: z.string(),
    evidence: evidenceSchema.nullable(),
    /** Whether the failure that the attempt was about is gone and this is another one. */
    isAnother: z.boolean(),
  }).nullable().optional(),
});
export type Attempt = z.infer<typeof attemptSchema>;

export const gapKinds = ["deploy-failed", "unhealthy", "database-down"] as const;

/** The time from leaving the desired state until healed or stalled; one open per service. */
export const incidentSchema = z.object({
  id: z.string(),
  serviceId: z.string(),
  serviceName: z.string(),
  sessionId: z.string(),
  openedAt: z.number(),
  closedAt: z.number().nullable(),
  gap: z.enum(gapKinds),
  /** What was wrong when it opened, for people. */
  message: z.string(),
  /** The deploy that failed or turned bad, when known. */
  deployId: z.string().nullable(),
  commit: z.string().nullable(),
  status: z.enum(["open", "healed", "stalled"]),
  /** Why it is stalled, the evidence, and the command that resumes it. */
  stalled: z.object({
    reason: z.string(),
    message: z.string(),
    evidence: z.array(evidenceSchema),
    resume: z.string(),
    at: z.number(),
    /** The world it stalled in: its deploys and settings; a changed world is looked at again. */
    worldHash: z.string(),
  }).nullable(),
  attempts: z.array(attemptSchema),
  /** Attempts made before a person resumed the incident; budgets count from here. */
  attemptsBefore: z.number(),
});
export type Incident = z.infer<typeof incidentSchema>;

export const effectKinds = [
  "push",
  "pull-request",
  "deploy",
  "patch-service",
  "autodeploy-off",
  "autodeploy-on",
  "rollback",
  "restart",
  "webhook-on",
] as const;

/** One line of the journal: an effect is intended before, and recorded after, it is performed. */
export const journalEntrySchema = z.object({
  /** `<incident>/<attempt>/<step>` */
  key: z.string(),
  serviceId: z.string(),
  kind: z.enum(effectKinds),
  state: z.enum(["intended", "done", "failed"]),
  /** What is to be done, enough to do it again after a crash. */
  payload: jsonSchema,
  result: jsonSchema.nullable(),
  intendedAt: z.number(),
  finishedAt: z.number().nullable(),
});
export type JournalEntry = z.infer<typeof journalEntrySchema>;
export type EffectKind = JournalEntry["kind"];

/** Something a person may want to know happened. */
export const eventSchema = z.object({
  at: z.number(),
  serviceId: z.string().nullable(),
  incidentId: z.string().nullable(),
  /** One CamelCase word, such as `IncidentOpened`. */
  type: z.string(),
  message: z.string(),
  data: jsonSchema.nullable(),
});
export type StateEvent = z.infer<typeof eventSchema>;

/** A verified outcome of a remedy: what learning is made of. */
export const outcomeSchema = z.object({
  at: z.number(),
  serviceId: z.string(),
  incidentId: z.string(),
  attempt: z.number(),
  cause: z.string(),
  fingerprint: z.string(),
  /** Absent where no diagnosis was made, and in older records: the fingerprint stands for it. */
  failureClass: failureClassSchema.optional(),
  remedy: z.string(),
  outcome: z.enum(["healed", "no_effect", "worse"]),
  /**
   * Its deploy failed as far as the one before and with another cause: a step on the way if the incident is healed
   * with the change in it, and neither good nor bad until then.
   */
  isStep: z.boolean().optional(),
  durationMs: z.number(),
});
export type Outcome = z.infer<typeof outcomeSchema>;
