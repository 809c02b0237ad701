/**
 * How a service's repository is built, as facts for advice: its dependency set, where its recipe installs and what
 * stands before that, and how long the steps of a build took. Bounded, without text of the repository beyond names,
 * versions and the instructions themselves.
 */
import { z } from "zod";

/** Packages of a set that are listed by name. */
export const PACKAGES_LISTED = 40;
/** Steps of a recipe, and phases of a build, that are kept. */
export const STEPS_KEPT = 20;
/** Characters of a step or a package. */
export const FACT_CHARS_MAX = 120;

const text = z.string().max(FACT_CHARS_MAX);

export const dependencySetSchema = z.object({
  /** Of every package with its version range; the order in the manifest does not matter. */
  hash: z.string(),
  /** Paths of the files it is from. */
  manifests: z.array(z.string()),
  packages: z.number(),
  /** Packages whose range allows more than one version. */
  loose: z.number(),
  /** The first of them by name, as the manifest has them. */
  listed: z.array(text).max(PACKAGES_LISTED),
});
export type DependencySet = z.infer<typeof dependencySetSchema>;

export const installStepSchema = z.object({
  /** Line of the Dockerfile; `null` in a build command. */
  line: z.number().nullable(),
  text,
  program: z.string(),
  /** Whether it needs no file of the repository, such as a system package. */
  isSystem: z.boolean(),
  /** Line that copies sources before it; `null` when only manifests lie there, and in a build command. */
  sourcesLine: z.number().nullable(),
  hasCacheMount: z.boolean(),
  /** Whether it is told to keep no cache. */
  refusesCache: z.boolean(),
  /** Whether it installs exactly what a lockfile names. */
  isLocked: z.boolean(),
});
export type InstallStep = z.infer<typeof installStepSchema>;

export const buildPhaseSchema = z.object({ name: text, seconds: z.number().min(0) });
export type BuildPhase = z.infer<typeof buildPhaseSchema>;

export const buildFactsSchema = z.object({
  recipe: z.enum(["dockerfile", "command"]),
  /** Path of the Dockerfile. */
  file: z.string().nullable(),
  installs: z.array(installStepSchema).max(STEPS_KEPT),
  /** Path of the lockfile beside the manifest. */
  lockfile: z.string().nullable(),
  /** Why an install needs the sources, such as a `postinstall` script; `null` when nothing says so. */
  needsSources: z.string().nullable(),
  /** Whether a `.dockerignore` keeps files out of `COPY . .`; `null` without a Dockerfile. */
  hasIgnoreFile: z.boolean().nullable(),
  dependencies: dependencySetSchema.nullable(),
  /** Steps of the build that was diagnosed, in order. */
  phases: z.array(buildPhaseSchema).max(STEPS_KEPT),
});
export type BuildFacts = z.infer<typeof buildFactsSchema>;
