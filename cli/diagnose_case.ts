/**
 * One case of `diagnose --batch`: a log with the files that came with it in, a diagnosis and a patch out. In this
 * process, without tools, network or disk: a remedy that would have to ask one is named without a patch.
 */
import { z } from "zod";
import { joinPath } from "../agents/code/commands.ts";
import { diagnose } from "../agents/analyzer/agent.ts";
import type { CheckoutView } from "../agents/fixer/checkout_view.ts";
import { remediesFor } from "../agents/fixer/remedies/all.ts";
import type { Remedy } from "../agents/fixer/remedy.ts";
import { NO_SETTINGS, phases } from "../agents/messages.ts";
import type { Diagnosis, Phase, Settings } from "../agents/messages.ts";
import { messageOf } from "../base/errors.ts";
import type { Edit } from "../state/records.ts";
import { sanitizeLog } from "../text/sanitize.ts";
import { unifiedDiffOf } from "../text/unified_diff.ts";

export const caseSchema = z.object({
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  log: z.string(),
  runtime: z.string().nullish(),
  phase: z.string().nullish(),
  files: z.record(z.string(), z.string()).nullish(),
  paths: z.array(z.string()).nullish(),
  buildCommand: z.string().nullish(),
  startCommand: z.string().nullish(),
});
export type BatchCase = z.infer<typeof caseSchema>;

/** The documented answer to one case. */
export interface CaseAnswer {
  id: string | number | null;
  cause: string;
  confidence: number;
  evidence: { line: number; text: string } | null;
  chain: readonly string[];
  fingerprint: string;
  summary: string;
  remedy: { id: string; kind: Remedy["kind"]; risk: Remedy["risk"] } | null;
  patch: string | null;
}

/** Phases under the names that other systems give them. */
const PHASES: Readonly<Record<string, Phase>> = {
  pre_deploy: "pre-deploy",
  predeploy: "pre-deploy",
  deploy: "start",
  runtime: "run",
};
/** A less certain diagnosis names its remedy without a patch: a wrong patch costs more than none. */
export const PATCH_CONFIDENCE_MIN = 0.6;
/** Paths of one case that are looked at. */
const PATHS_MAX = 20_000;

/** Thrown into a remedy that asks for a tool: here there is none. */
class NoTools extends Error {}

export async function answerCase(
  given: BatchCase,
): Promise<{ answer: CaseAnswer; excerpt: Diagnosis["excerpt"] }> {
  const files = given.files ?? {};
  const paths = [...new Set([...Object.keys(files), ...(given.paths ?? [])])].filter(isInside).slice(
    0,
    PATHS_MAX,
  );
  const settings = settingsOf(given);
  const phase = phases.find((each) => each === given.phase) ?? PHASES[given.phase ?? ""] ?? null;
  const hasRepository = Boolean(given.files) || Boolean(given.paths);
  const repository = hasRepository ? { paths, files } : null;
  const diagnosis = diagnose({ log: given.log, phase, settings, repository, platformReason: null });
  const { remedy, patch } = await repairCase(diagnosis, settings, { paths, files }, given.log);
  const { cause, confidence, evidence, chain, fingerprint, summary } = diagnosis;
  return {
    answer: { id: given.id ?? null, cause, confidence, evidence, chain, fingerprint, summary, remedy, patch },
    excerpt: diagnosis.excerpt,
  };
}

/** The first remedy that applies, with its patch where it changes files, and why others did not. */
export async function repairCase(
  diagnosis: Diagnosis,
  settings: Settings,
  { paths, files }: { paths: readonly string[]; files: Readonly<Record<string, string>> },
  log: string,
): Promise<Pick<CaseAnswer, "remedy" | "patch"> & { refusals: readonly string[] }> {
  const refusals: string[] = [];
  const offered = remediesFor(diagnosis, settings.runtime);
  if (offered.length === 0) return { remedy: null, patch: null, refusals };
  const told = ({ id, kind, risk }: Remedy, more: { risk?: Remedy["risk"] } = {}) => ({
    id,
    kind,
    risk: more.risk ?? risk,
  });
  if (paths.length === 0 || diagnosis.confidence < PATCH_CONFIDENCE_MIN) {
    return { remedy: told(offered[0]!), patch: null, refusals };
  }
  const view = viewOf(paths, files);
  const cleanLog = sanitizeLog(log);
  let wanting: Remedy | undefined;
  for (const remedy of offered) {
    let isAsking = false;
    try {
      const proposal = await remedy.propose({
        diagnosis,
        settings,
        rootDir: joinPath(settings.rootDir),
        view,
        log: cleanLog,
        ask: () => {
          isAsking = true;
          return Promise.reject(new NoTools("no tool is at hand"));
        },
      });
      if (proposal.kind === "none") {
        refusals.push(`${remedy.id}: ${proposal.why}`);
        if (isAsking) wanting ??= remedy;
        continue;
      }
      const patch = proposal.kind === "patch" ? diffOf(proposal.edits, files, view) : null;
      if (proposal.kind === "patch" && patch === null) continue;
      return { remedy: told(remedy, { risk: proposal.risk }), patch, refusals };
    } catch (error) {
      if (!(error instanceof NoTools) && !isAsking) throw new Error(`${remedy.id}: ${messageOf(error)}`);
      wanting ??= remedy;
    }
  }
  return { remedy: wanting === undefined ? null : told(wanting), patch: null, refusals };
}

/** Null when a file that would change was not given: a diff against it would be a guess. */
function diffOf(
  edits: readonly Edit[],
  files: Readonly<Record<string, string>>,
  view: CheckoutView,
): string | null {
  if (edits.some(({ path }) => view.has(path) && !Object.hasOwn(files, path))) return null;
  const parts = edits.map(({ path, content }) =>
    unifiedDiffOf(path, Object.hasOwn(files, path) ? files[path]! : null, content)
  );
  return parts.join("") || null;
}

function viewOf(paths: readonly string[], files: Readonly<Record<string, string>>): CheckoutView {
  const known = new Set(paths);
  return {
    paths,
    has: (path) => known.has(path),
    read: (path) => Promise.resolve(Object.hasOwn(files, path) ? files[path]! : null),
  };
}

function isInside(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !/[\0\n\r]/.test(path) && !path.split("/").includes("..");
}

function settingsOf({ runtime, buildCommand, startCommand }: BatchCase): Settings {
  return {
    ...NO_SETTINGS,
    runtime: runtime ?? null,
    buildCommand: buildCommand ?? "",
    startCommand: startCommand ?? "",
  };
}
