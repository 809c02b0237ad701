/**
 * The shape of `evenkeel.yaml`. One schema checks the file, gives editors their JSON schema (`deno task schema`)
 * and docs/configuration.md its table. A custom check's message says what is allowed; the loader adds where the
 * value stands and what it is. Nothing is filled in here: see `config.ts`.
 */
import { z } from "zod";
import { jsonSchema } from "../base/json.ts";
import { hasFixedFlag, hasKnownPlaceholders, placeholders } from "../hooks/placeholders.ts";
import {
  HOOK_ARGUMENT_CHARS_MAX,
  HOOK_ARGUMENTS_MAX,
  HOOK_DEADLINE_MS,
  HOOK_DEADLINE_MS_MAX,
  HOOK_MEANINGS,
  hookPresets,
} from "../hooks/settings.ts";
import type { HookName } from "../hooks/settings.ts";
import { riskSchema, SAMPLES_KEPT } from "../state/records.ts";
import { formatDuration, parseDuration } from "../text/duration.ts";
import { DEFAULT_POLICY, fixModes, rehearsals } from "./policy.ts";
import { DEFAULT_AUTHOR, DEFAULT_HEALTH_PATH, DEFAULT_SPEC } from "./spec.ts";

const SECOND_MS = 1000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;
/** Services of one file. */
export const SERVICES_MAX = 500;
const GLOBS_MAX = 200;
const PROVIDERS_MAX = 50;

/** Text that says `allowed` when `isAllowed` says no. */
const text = (charactersMax: number, allowed: string, isAllowed: (value: string) => boolean) =>
  z.string().refine((value) => value !== "" && value.length <= charactersMax && isAllowed(value), allowed);

/** A duration as people write it, read into milliseconds. */
const duration = (minMs: number, maxMs: number, defaultMs: number, description: string) =>
  z.string().meta({ description, default: formatDuration(defaultMs), examples: ["90s", "5m"] })
    .transform((value, context) => {
      const ms = parseDuration(value);
      if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
      const message = `a duration from ${formatDuration(minMs)} to ${
        formatDuration(maxMs)
      }, such as 90s or 5m`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }).optional();

/** Letters, digits and punctuation; no control characters, and nothing a program would take for an option. */
// deno-lint-ignore no-control-regex -- control characters are what it refuses
const isPlain = (value: string) => !/[\x00-\x1f\x7f-\x9f]/.test(value) && !value.startsWith("-");
const hasNoSecret = (value: string) => !/:\/\/[^/@]*:[^/@]*@/.test(value) && !/:\/\/[^/@:]{20,}@/.test(value);
const isBranch = (value: string) =>
  isPlain(value) && !/[\s~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|\.lock$/.test(value);

const databaseSchema = z.union([
  z.literal("none"),
  z.strictObject({
    json: text(500, "a dotted path such as checks.database", (value) => /^[^\s.]+(\.[^\s.]+)*$/.test(value))
      .meta({ description: "Dotted path in the health body" }),
    good: z.array(jsonSchema).min(1).max(50).meta({ description: "Values at that path that mean up" }),
  }),
  z.strictObject({
    postgres: text(100, "the id of a Render Postgres, dpg-...", (value) => /^dpg-[A-Za-z0-9-]+$/.test(value))
      .meta({ description: "A Render Postgres, asked of Render's API" }),
  }),
  z.strictObject({
    env: text(
      200,
      "the name of an environment variable (never the connection string itself)",
      (value) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
    ).meta({
      description: "Environment variable of Evenkeel that holds a connection string, probed with select 1",
    }),
  }),
]);

const policySchema = z.strictObject({
  attemptsMax: z.int().min(1).max(100).optional()
    .meta({ description: "Attempts per incident (MAX_ITERATIONS)", default: DEFAULT_POLICY.attemptsMax }),
  effectsPerHourMax: z.int().min(1).max(1000).optional()
    .meta({
      description: "Changes to the service within an hour",
      default: DEFAULT_POLICY.effectsPerHourMax,
    }),
  effectsPerDayMax: z.int().min(1).max(1000).optional()
    .meta({
      description: "Changes to the service within a day",
      default: DEFAULT_POLICY.effectsPerDayMax,
    }),
  attemptsPerFingerprintMax: z.int().min(1).max(100).optional().meta({
    description: "Attempts at one and the same failure within a day",
    default: DEFAULT_POLICY.attemptsPerFingerprintMax,
  }),
  riskMax: riskSchema.optional()
    .meta({ description: "The riskiest remedy applied without a person", default: DEFAULT_POLICY.riskMax }),
  confidenceMin: z.number().min(0).max(1).optional()
    .meta({
      description: "Lowest confidence of a diagnosis that is acted upon",
      default: DEFAULT_POLICY.confidenceMin,
    }),
  allowedPaths: z.array(text(500, "a glob such as src/**", isPlain)).min(1).max(GLOBS_MAX).optional()
    .meta({ description: "Globs of files a fix may touch", default: DEFAULT_POLICY.allowedPaths }),
  deniedPaths: z.array(text(500, "a glob such as infra/**", isPlain)).max(GLOBS_MAX).optional().meta({
    description: "Globs of files a fix may never touch, added to the built-in ones",
    default: DEFAULT_POLICY.deniedPaths,
  }),
  coreProviders: z.array(
    text(
      100,
      "the name of a Python distribution such as openai",
      (value) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value),
    ),
  ).max(PROVIDERS_MAX).optional().meta({
    description: "Model providers that are kept where not all can be installed together",
    default: DEFAULT_POLICY.coreProviders,
  }),
  rehearse: z.enum(rehearsals).optional().meta({
    description: "build builds a fix on this machine, shut in, before it is published, see docs/rehearsal.md",
    default: DEFAULT_POLICY.rehearse,
  }),
  mayChangeSettings: z.boolean().optional()
    .meta({
      description: "Whether service settings may be changed",
      default: DEFAULT_POLICY.mayChangeSettings,
    }),
  mayRollBack: z.boolean().optional().meta({
    description: "Whether a service that turned bad with a deploy is rolled back first",
    default: DEFAULT_POLICY.mayRollBack,
  }),
  mayApplyAdvice: z.boolean().optional().meta({
    description:
      "Whether the optimizer's advice about the repository is suggested by events, see docs/learning.md",
    default: DEFAULT_POLICY.mayApplyAdvice,
  }),
  paused: z.boolean().optional()
    .meta({ description: "Watch, but change nothing", default: DEFAULT_POLICY.paused }),
  badSamples: z.int().min(1).max(SAMPLES_KEPT).optional().meta({
    description: "Bad samples among the newest samplesWindow that make a service bad",
    default: DEFAULT_POLICY.badSamples,
  }),
  samplesWindow: z.int().min(1).max(SAMPLES_KEPT).optional()
    .meta({ description: "Samples that badSamples looks at", default: DEFAULT_POLICY.samplesWindow }),
  autodeployGrace: duration(
    0,
    DAY_MS,
    DEFAULT_POLICY.autodeployGraceMs,
    "How long a push may take to show up as a deploy",
  ),
  databaseWait: duration(
    0,
    DAY_MS,
    DEFAULT_POLICY.databaseWaitMs,
    "How long a database may be down before a person is told that only they can help",
  ),
  deployTimeout: duration(
    60 * SECOND_MS,
    DAY_MS,
    DEFAULT_POLICY.deployTimeoutMs,
    "How long a deploy may run before it is given up as stuck",
  ),
});

const settings = {
  health: z.strictObject({
    path: text(2000, "a path that starts with /", (value) => isPlain(value) && /^\/\S*$/.test(value))
      .optional()
      .meta({
        description: "Answers 200 with JSON when the service is healthy",
        default: `Render's health check path, else ${DEFAULT_HEALTH_PATH}`,
      }),
    expect: jsonSchema.optional().meta({
      description: "What the body must contain; any JSON will do when absent",
    }),
  }).optional().meta({ description: "How health is measured" }),
  database: databaseSchema.optional().meta({ description: "How the database is measured", default: "none" }),
  stableFor: duration(
    0,
    DAY_MS,
    DEFAULT_SPEC.stableForMs,
    "How long everything must hold without a break before the service counts as healed",
  ),
  interval: duration(
    SECOND_MS,
    DAY_MS,
    DEFAULT_SPEC.intervalMs,
    "How often a quiet service is looked at, jitter added",
  ),
  watchInterval: duration(
    0,
    DAY_MS,
    DEFAULT_SPEC.watchIntervalMs,
    "How often a service is looked at while a deploy, a doubt or a proof is under way",
  ),
  probeTimeout: duration(100, 60 * SECOND_MS, DEFAULT_SPEC.probeTimeoutMs, "How long a probe may take"),
  mode: z.enum(fixModes).optional().meta({
    description: "suggest shows a fix, pull-request opens one, push commits to the service's branch",
    default: DEFAULT_SPEC.mode,
  }),
  policy: policySchema.optional().meta({ description: "Guardrails" }),
};

const serviceSchema = z.strictObject({
  service: text(200, "a Render service's id or name", isPlain)
    .meta({ description: "Render id (srv-...) or name of the service" }),
  repo: text(
    2000,
    "the address of a git repository, without a password in it",
    (value) => isPlain(value) && hasNoSecret(value),
  ).optional().meta({ description: "Repository, where it differs from what Render says" }),
  branch: text(250, "the name of a git branch", isBranch).optional()
    .meta({ description: "Branch, where it differs from what Render says" }),
  ...settings,
});

const defaultsSchema = z.strictObject(settings);

const hookDeadline = duration(
  100,
  HOOK_DEADLINE_MS_MAX,
  HOOK_DEADLINE_MS,
  "How long one call may take before it is ended",
);
const hookArgument = z.string().max(HOOK_ARGUMENT_CHARS_MAX)
  .refine((value) => !value.includes("\0"), "text without a NUL")
  .refine(
    hasKnownPlaceholders,
    `text whose placeholders are among ${placeholders.map((name) => `{${name}}`).join(" ")}`,
  )
  .refine(hasFixedFlag, "a flag with its placeholder behind an equals sign, such as --text={message}");
const hookSchema = z.union([
  z.strictObject({
    command: z.array(hookArgument).min(1).max(HOOK_ARGUMENTS_MAX)
      .refine(
        // An empty list is refused above.
        ([program]) =>
          program === undefined || (isPlain(program) && !program.includes("{") && program !== ""),
        "a list that begins with a program, without a placeholder in its name",
      )
      .meta({ description: "A program and its arguments, as a list; no shell is involved" }),
    deadline: hookDeadline,
  }),
  z.strictObject({
    url: text(
      2000,
      "an http or https address without a password in it",
      (value) => hasNoSecret(value) && /^https?:$/.test(URL.parse(value)?.protocol ?? ""),
    ).meta({ description: "An http or https address that gets the payload as JSON by POST" }),
    deadline: hookDeadline,
  }),
]);
const hook = (name: HookName) => hookSchema.optional().meta({ description: HOOK_MEANINGS[name] });
const hooksSchema = z.strictObject({
  "preset": z.enum(hookPresets).optional().meta({
    description: "claude-flow calls that program's own hooks, see docs/hooks.md",
    default: "none",
  }),
  "session-restore": hook("session-restore"),
  "pre-task": hook("pre-task"),
  "post-edit": hook("post-edit"),
  "notify": hook("notify"),
  "post-task": hook("post-task"),
  "session-end": hook("session-end"),
});
export type HooksEntry = z.infer<typeof hooksSchema>;

/** The whole file. */
export const configFileSchema = z.strictObject({
  defaults: defaultsSchema.optional().meta({ description: "Settings of every service that has no others" }),
  commit: z.strictObject({
    author: z.strictObject({
      name: text(200, "a name without < and >", (value) => isPlain(value) && !/[<>]/.test(value)).optional()
        .meta({ default: DEFAULT_AUTHOR.name }),
      email: text(200, "an e-mail address", (value) => /^[^\s<>@]+@[^\s<>@]+$/.test(value)).optional()
        .meta({ default: DEFAULT_AUTHOR.email }),
    }).optional(),
  }).optional().meta({ description: "Author of the commits that repair a service" }),
  hooks: hooksSchema.optional().meta({ description: "Programs and addresses that are told what happens" }),
  services: z.array(serviceSchema).min(1).max(SERVICES_MAX).meta({
    description: "The services to look after",
  }),
}).meta({
  title: "evenkeel.yaml",
  description: "The desired state of the services that Evenkeel looks after",
});

export type ConfigFile = z.infer<typeof configFileSchema>;
export type ServiceEntry = ConfigFile["services"][number];
export type ServiceSettings = z.infer<typeof defaultsSchema>;

/** The JSON schema of `evenkeel.yaml`, as it is written: durations are text. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configFileSchema, { io: "input", target: "draft-2020-12" });
}
