/**
 * The form of a cause: data that says what must stand in the log, what must hold in files and settings, and
 * what follows. Entries live in causes/, a file an ecosystem. Order in the catalogue decides ties only.
 */
import type { Phase, RepositoryView, Settings } from "../messages.ts";
import type { DockerBuild } from "./docker_build.ts";
import type { Facts } from "./steps.ts";

export interface Sign {
  /** ASCII text that every matching line holds; the pattern is tried on no other line. */
  literal: string;
  /** Linear-time: no nested quantifiers, no two neighbours that can match the same run. Named groups are captures. */
  pattern: RegExp;
  /** How often a line like this has this cause when nothing else is known, 0 to 1. */
  confidence: number;
  /** Where this line weighs less or more than the cause's other signs. @default the cause's */
  severity?: Severity;
}

/**
 * `cause`: something that fails by itself. `consequence`: it usually follows from something else in the log.
 * `symptom`: it says that something failed, and decides only when nothing under it does.
 */
export type Severity = "cause" | "consequence" | "symptom";

/** A line that matched a sign of a cause. */
export interface Finding {
  cause: Cause;
  /** Index into the lines of the log. */
  at: number;
  captures: Captures;
  confidence: number;
  severity: Severity;
  phase: Phase | null;
  /** The failing step says it, not a line that it printed. */
  isOfStep?: true;
}
export type Captures = Readonly<Record<string, string>>;

export interface Context {
  /** The sanitised lines of the log, without what a platform or a builder puts before them. */
  lines: readonly string[];
  /** The container build that failed; null for any other log. */
  docker: DockerBuild | null;
  facts: Facts;
  settings: Settings | null;
  repository: RepositoryView | null;
  /** Folder the service builds and runs in, relative to the repository; "" when unknown. */
  rootDir: string;
  buildCommand: string;
  startCommand: string;
}

export type Verdict =
  | { accept: true; confidence?: number; captures?: Captures; severity?: Severity }
  | { accept: false; why: string };

export interface Cause {
  /** A slug of the canonical list. */
  slug: string;
  /** Where it can happen; a finding in another phase is dropped. */
  phases: readonly Phase[];
  severity: Severity;
  /** Whether the same commit may succeed when it is tried again. */
  redeployMayCure: boolean;
  signs: readonly Sign[];
  /** `service`: it goes by another name in a container build and is not named there. @default anywhere */
  where?: "service";
  /** The tool goes on after its lines, and what lacks them fails later. @default an error that is gone past weighs less */
  outlivesProgress?: true;
  /** Looks at the lines around, the files and the settings. @default accepts */
  decide?(finding: Finding, context: Context): Verdict;
  /**
   * Reads the failing step of a container build itself: its instruction, exit code and arguments. The evidence is
   * then the line that names the step. It weighs as a symptom unless the verdict says otherwise.
   */
  step?(build: DockerBuild, context: Context): Verdict | undefined;
  /** One sentence for people. */
  explain(captures: Captures): string;
  /** Captures that tell one failure of this cause from another; they make the fingerprint. */
  identity: readonly string[];
  /** Remedy ids, the first to try first. */
  remedies: readonly string[];
  /** Lines that real tools print. Each matches a sign (tested). */
  examples: readonly string[];
}

export const accept = (confidence?: number, captures?: Captures, severity?: Severity): Verdict => ({
  accept: true,
  ...(confidence === undefined ? {} : { confidence }),
  ...(captures === undefined ? {} : { captures }),
  ...(severity === undefined ? {} : { severity }),
});
export const reject = (why: string): Verdict => ({ accept: false, why });

/**
 * For causes that share a line: a classifier names the one slug that holds, each cause asks whether it is that.
 * @param classify gives the slug with confidence and captures, or why none holds
 */
export function onlyWhen(
  slug: string,
  classify: (finding: Finding, context: Context) => Classified,
): NonNullable<Cause["decide"]> {
  return (finding, context) => {
    const result = classify(finding, context);
    if (result.slug === slug) return accept(result.confidence, result.captures);
    return reject(
      result.slug === null
        ? result.why ?? "nothing supports it"
        : `the same line reads as ${result.slug}: ${result.why ?? "more specific"}`,
    );
  };
}
export interface Classified {
  slug: string | null;
  confidence?: number;
  captures?: Captures;
  why?: string;
}
