/**
 * What is said to each agent and what it answers. The parent checks both directions with these schemas; an
 * agent that answers anything else has failed.
 */
import { z } from "zod";
import { jsonSchema } from "../base/json.ts";
import { servicePatchSchema } from "../render/schemas.ts";
import { adviceSchema } from "../state/advice.ts";
import { buildFactsSchema, buildPhaseSchema, dependencySetSchema } from "../state/build_facts.ts";
import { keptEditSchema } from "../state/kept_edits.ts";
import { editSchema, evidenceSchema, failureClassSchema, riskSchema } from "../state/records.ts";
import { topologies } from "./swarm/topology.ts";

export const agentNames = ["monitor", "analyzer", "optimizer", "fixer", "validator", "deployer"] as const;
export type AgentName = typeof agentNames[number];

/** One measured criterion. `unknown` means that it could not be measured: never acted upon. */
export const probeSchema = z.object({
  status: z.enum(["good", "bad", "unknown"]),
  /** One CamelCase word, such as `HttpStatus`, `NotJson`, `ConnectionRefused`. */
  reason: z.string(),
  message: z.string(),
});
export type Probe = z.infer<typeof probeSchema>;

/** How the database criterion is measured by the monitor; other kinds are asked of Render's API by the parent. */
export const databaseProbeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("none") }),
  /** A dotted path in the health body, such as `checks.database`, and the values that mean up. */
  z.object({ kind: z.literal("json-path"), path: z.string(), good: z.array(jsonSchema) }),
  /** A real `select 1`. The connection string is a secret. */
  z.object({ kind: z.literal("connection"), connectionString: z.string() }),
]);

export const monitorInputSchema = z.object({
  /** Base URL of the service. */
  url: z.string(),
  healthPath: z.string(),
  /** A subset the health body must contain. */
  expect: jsonSchema.nullable(),
  database: databaseProbeSchema,
  timeoutMs: z.number(),
  bodyBytesMax: z.number(),
  /** Free services sleep: a slow or missing answer is then unknown, not bad. */
  maySleep: z.boolean(),
});
export type MonitorInput = z.infer<typeof monitorInputSchema>;
export const monitorOutputSchema = z.object({
  health: probeSchema,
  json: probeSchema,
  database: probeSchema,
  httpStatus: z.number().nullable(),
  latencyMs: z.number(),
});
export type MonitorOutput = z.infer<typeof monitorOutputSchema>;

/** The settings of a service that explain a failure or repair one. */
export const settingsSchema = z.object({
  runtime: z.string().nullable(),
  plan: z.string().nullable(),
  rootDir: z.string(),
  buildCommand: z.string(),
  startCommand: z.string(),
  preDeployCommand: z.string(),
  dockerfilePath: z.string(),
  /** Render's own health check path; empty means a TCP check. */
  healthCheckPath: z.string(),
  /** The path the spec asks about. */
  healthPath: z.string(),
});
export type Settings = z.infer<typeof settingsSchema>;

/** The settings of a service of which nothing is known. */
export const NO_SETTINGS: Settings = {
  runtime: null,
  plan: null,
  rootDir: "",
  buildCommand: "",
  startCommand: "",
  preDeployCommand: "",
  dockerfilePath: "",
  healthCheckPath: "",
  healthPath: "",
};

export const phases = ["build", "pre-deploy", "start", "run"] as const;
export type Phase = typeof phases[number];

/** What the analyzer and the fixer know of the repository: every path, and the text of the files that matter. */
export const repositoryViewSchema = z.object({
  paths: z.array(z.string()),
  files: z.record(z.string(), z.string()),
});
export type RepositoryView = z.infer<typeof repositoryViewSchema>;

export const analyzerInputSchema = z.object({
  log: z.string(),
  phase: z.enum(phases).nullable(),
  settings: settingsSchema.nullable(),
  repository: repositoryViewSchema.nullable(),
  /** Render's own words for why the deploy failed, from its events. */
  platformReason: z.string().nullable(),
});
export type AnalyzerInput = z.infer<typeof analyzerInputSchema>;

/** How causes and remedies are called, and nothing longer: a name is printed, stored and put into commits. */
const slugSchema = z.string().regex(/^[a-z0-9]+(?:[-/][a-z0-9]+)*$/).max(80);

export const diagnosisSchema = z.object({
  /** A slug of the catalogue, or `unknown`. */
  cause: slugSchema,
  /** 0 to 1. */
  confidence: z.number().min(0).max(1),
  /** One sentence with the captures filled in. */
  summary: z.string(),
  evidence: evidenceSchema.nullable(),
  /** The root cause first, then what followed from it. */
  chain: z.array(z.string()),
  /** What was captured: package, version, file, port ... */
  captures: z.record(z.string(), z.string()),
  /** Hash of cause and captures that identify the failure; never of free text. */
  fingerprint: z.string(),
  /** The failure without what is particular to one service: what is learned, is learned by it. */
  failureClass: failureClassSchema,
  phase: z.enum(phases).nullable(),
  /** Whether the same commit may build when it is tried again. */
  redeployMayCure: z.boolean(),
  /** Other causes that were considered and why they lost. */
  rejected: z.array(z.object({ cause: z.string(), why: z.string() })),
  /** Remedy ids in the catalogue's order. */
  remedies: z.array(slugSchema),
  /** The last lines that look like errors, for a person, when the cause is unknown. */
  excerpt: z.array(evidenceSchema),
});
export type Diagnosis = z.infer<typeof diagnosisSchema>;

/** What advice rests on beside the repository's facts: measured, counted and verified before. */
export const adviceHistorySchema = z.object({
  all: z.object({
    /** Attempts of all services. */
    iterations: z.number(),
    /** Runs of the swarm, newest first. */
    runs: z.array(z.object({
      topology: z.enum(topologies),
      durationMs: z.number(),
      succeeded: z.boolean(),
    })),
    freeMemoryMiB: z.number(),
  }),
  /** `null` where advice is asked about no service. */
  service: z.object({
    iterations: z.number(),
    sets: z.array(dependencySetSchema.extend({
      /** Verified outcomes of the attempts that carried it. */
      healed: z.number(),
      failed: z.number(),
      /** Median from the start of its deploys to live; `null` when none was measured. */
      seconds: z.number().nullable(),
      deploys: z.number(),
    })),
    /** Steps of the builds that were seen, newest first. */
    builds: z.array(z.array(buildPhaseSchema)),
  }).nullable(),
});
export type AdviceHistory = z.infer<typeof adviceHistorySchema>;

export const remedyKinds = ["patch", "setting", "redeploy"] as const;
export const optimizerInputSchema = z.object({
  cause: z.string(),
  /** What its class of failures is about, such as a package, which is what the history is of. @default "" */
  about: z.string().optional(),
  remedies: z.array(z.object({
    id: z.string(),
    kind: z.enum(remedyKinds),
    risk: riskSchema,
    /** Whether the risk lies within the policy's ceiling. */
    isAllowed: z.boolean(),
    /** Whether it is tried only where nothing else applies, whatever it healed before. @default false */
    isLastResort: z.boolean().optional(),
  })),
  /** What verified outcomes say (`ClassTally` in state/learning_class.ts). */
  history: z.array(z.object({
    remedy: z.string(),
    healed: z.number(),
    noEffect: z.number(),
    worse: z.number(),
    agedHealed: z.number(),
    agedFailed: z.number(),
    agedPrior: z.number(),
    /** Milliseconds since the epoch. */
    quarantinedUntil: z.number().nullable(),
    /** What other classes of the cause showed, already weighed (`Others` there); absent where they have no say. */
    others: z.object({
      healed: z.number(),
      tries: z.number(),
      agedHealed: z.number(),
      agedFailed: z.number(),
    }).optional(),
  })),
  /** What advice is to be made of; without it none is given. */
  advising: z.object({ history: adviceHistorySchema, facts: buildFactsSchema.nullable() }).optional(),
});
export type OptimizerInput = z.infer<typeof optimizerInputSchema>;
/** How the optimizer gets its question: handed over, or put together from its peers' answers as they come. */
export const optimizerTaskSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("given"), question: optimizerInputSchema }),
  z.object({ kind: z.literal("peers") }),
]);
export type OptimizerTask = z.infer<typeof optimizerTaskSchema>;
/** Input of the tool `history`, which answers with an OptimizerInput. */
export const historyInputSchema = diagnosisSchema.pick({ cause: true, failureClass: true, remedies: true });
export type HistoryInput = z.infer<typeof historyInputSchema>;
export const optimizerOutputSchema = z.object({
  order: z.array(z.object({ remedy: z.string(), expectedSuccess: z.number(), why: z.string() })),
  /** Quarantined remedies that are not to be tried. */
  withheld: z.array(z.object({ remedy: z.string(), why: z.string() })),
  /** How the swarm and the service's build could do better; nothing of it is done by the optimizer. */
  advice: z.array(adviceSchema).default([]),
});
export type OptimizerOutput = z.infer<typeof optimizerOutputSchema>;

export const fixerInputSchema = z.object({
  remedy: z.string(),
  diagnosis: diagnosisSchema,
  settings: settingsSchema,
  /** The checkout, the one folder the fixer may read. */
  directory: z.string(),
  paths: z.array(z.string()),
  /** The log that was diagnosed, or its end: Docker remedies look for the step that failed. */
  log: z.string().optional(),
  /** Distributions of model providers that are never taken out. @default CORE_PROVIDERS of code/llm_providers.ts */
  coreProviders: z.array(z.string()).optional(),
});
export type FixerInput = z.infer<typeof fixerInputSchema>;
export const proposalSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("patch"),
    edits: z.array(editSchema).min(1),
    summary: z.string(),
    risk: riskSchema,
  }),
  z.object({
    kind: z.literal("setting"),
    patch: servicePatchSchema,
    summary: z.string(),
    risk: riskSchema,
  }),
  z.object({ kind: z.literal("redeploy"), clearCache: z.boolean(), summary: z.string(), risk: riskSchema }),
  /** The remedy does not apply here, and why. */
  z.object({ kind: z.literal("none"), why: z.string() }),
]);
export type Proposal = z.infer<typeof proposalSchema>;

export const validatorInputSchema = z.object({
  /** The checkout with the edits applied. */
  directory: z.string(),
  edits: z.array(keptEditSchema),
  settings: settingsSchema,
  /** Present where the parent has the tool `rehearse` for this patch. */
  rehearsal: z.object({
    /** Of the failure that the patch is to repair. */
    fingerprint: z.string(),
    /** With the edits applied. */
    repository: repositoryViewSchema,
    /** Why a failed rehearsal proves nothing here; `null` when it does. */
    doubt: z.string().nullable(),
  }).optional(),
});
export type ValidatorInput = z.infer<typeof validatorInputSchema>;
export const validatorOutputSchema = z.object({
  verdict: z.enum(["pass", "fail"]),
  checks: z.array(z.object({
    name: z.string(),
    result: z.enum(["pass", "fail", "skipped"]),
    detail: z.string(),
  })),
});
export type ValidatorOutput = z.infer<typeof validatorOutputSchema>;

/** What is to be done is held by the parent: the deployer says when, never what. */
export const deployerInputSchema = z.object({
  task: z.enum(["publish", "deploy"]),
  commit: z.string().nullable(),
});
export type DeployerInput = z.infer<typeof deployerInputSchema>;
export const deployerOutputSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("published"), commit: z.string() }),
  z.object({ kind: z.literal("deploying"), deployId: z.string().nullable() }),
  z.object({ kind: z.literal("refused"), why: z.string() }),
]);
export type DeployerOutput = z.infer<typeof deployerOutputSchema>;
