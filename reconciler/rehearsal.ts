/**
 * What the validator may have rehearsed, and how it is told. Nothing is rehearsed unless the policy says so, and what
 * could not be rehearsed is never held against a patch.
 */
import type { Toolbox } from "../agents/agent.ts";
import type {
  Diagnosis,
  RepositoryView,
  Settings,
  ValidatorInput,
  ValidatorOutput,
} from "../agents/messages.ts";
import { createRehearsal } from "../agents/tools/rehearsal.ts";
import type { Rehearse } from "../agents/tools/rehearsal.ts";
import { rehearsingValidator, validatorAgent } from "../agents/validator/agent.ts";
import { REHEARSAL } from "../agents/validator/rehearsal.ts";
import { whereAllowed } from "../render/given_secrets.ts";
import type { Attempt, Edit } from "../state/records.ts";
import { REHEARSED } from "../state/session_summary.ts";
import { REDACTED } from "../text/redact.ts";
import type { Checkout, Parts } from "./parts.ts";
import type { Note, Question } from "./preparation.ts";

/** The repair that is being prepared. */
export interface Occasion {
  parts: Pick<Parts, "rehearse"> & { api: Pick<Parts["api"], "listEnvVars"> };
  question: Pick<Question, "spec" | "seen">;
  diagnosis: Diagnosis;
  checkout: Pick<Checkout, "directory" | "branch" | "hasLinks">;
  /** As agents get them, without secrets. */
  settings: Settings;
  log: { redact(text: string): string };
}

export interface RehearsalPlan {
  agent: typeof validatorAgent;
  /** Beside the validator's question. */
  input: Pick<ValidatorInput, "rehearsal">;
  tools: Toolbox;
}

/** Variables that change what a build does whatever the files say; which version it runs on is known from its log. */
const STEERING =
  /^(?:PIP|UV|PDM|POETRY|PIPENV|CONDA|PYTHON|NPM|YARN|PNPM|BUN|NODE|COREPACK|CARGO|RUST)|FLAGS$|INDEX_URL$|REGISTRY|^(?:CC|CXX|PATH|CI|LD_LIBRARY_PATH)$/i;
const NOT_STEERING = new Set(["PYTHON_VERSION", "NODE_VERSION"]);

/**
 * @param view with the edits applied
 * @throws {RenderUnreachable} when the names of the service's variables cannot be read now
 */
export async function planRehearsal(
  occasion: Occasion,
  patch: { edits: readonly Edit[]; commit: string; view: RepositoryView },
): Promise<RehearsalPlan> {
  const { parts, question: { spec, seen }, diagnosis, checkout, settings, log } = occasion;
  if (spec.policy.rehearse === "off") return { agent: validatorAgent, input: {}, tools: {} };
  const refusal = whyNot(occasion);
  const rehearse: Rehearse = refusal === null && parts.rehearse !== undefined
    ? parts.rehearse
    : () => Promise.resolve({ kind: "unknown", why: refusal ?? "drydock is not at hand" });
  const variables = await whereAllowed(parts.api.listEnvVars(seen.service.id));
  const steering = variables?.find(({ key }) => STEERING.test(key) && !NOT_STEERING.has(key));
  const doubt = variables === null
    ? "the names of the service's variables cannot be read"
    : steering === undefined
    ? null
    : `without the service's own ${steering.key}`;
  const request = {
    directory: checkout.directory,
    edits: patch.edits,
    commit: patch.commit,
    branch: checkout.branch,
    runtime: settings.runtime,
    rootDir: settings.rootDir,
    buildCommand: settings.buildCommand,
    ...versionsOf(diagnosis),
  };
  return {
    agent: rehearsingValidator,
    input: { rehearsal: { fingerprint: diagnosis.fingerprint, repository: patch.view, doubt } },
    tools: { rehearse: createRehearsal(rehearse, request, log.redact) },
  };
}

function whyNot({ checkout, settings }: Occasion): string | null {
  if (settings.buildCommand.includes(REDACTED)) return "its build command holds a secret";
  if (checkout.hasLinks?.() === true) return "it holds links or submodules, which are not checked out here";
  return null;
}

/** What the failed build ran on, by its log. */
function versionsOf({ captures }: Diagnosis) {
  const { python, pythonFrom, node } = captures;
  const from = (["default", "environment", "file"] as const).find((each) => each === pythonFrom);
  return {
    python: python === undefined || from === undefined ? null : { version: python, from },
    node: node ?? null,
  };
}

/** The rehearsal of a remedy's patch as an event; none where there was none. */
export function rehearsalNotes(
  { number, remedy }: Pick<Attempt, "number" | "remedy">,
  { checks }: ValidatorOutput,
): Note[] {
  return checks.filter(({ name }) => name === REHEARSAL).map(({ result, detail }) => {
    const outcome = result === "pass" ? "built" : result === "fail" ? "failed" : "unknown";
    const end = result === "fail" ? ". It is not published" : "";
    const data = { attempt: number, remedy, outcome };
    return { type: REHEARSED, message: `${remedy}: ${detail}${end}`, data };
  });
}
