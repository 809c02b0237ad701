/**
 * What of a patch is rehearsed, what a failure of it proves, and how it is told. Nothing is rehearsed unless the policy says so, and what
 * could not be rehearsed is never held against a patch.
 */
import type { Diagnosis, Settings, ValidatorOutput } from "../agents/messages.ts";
import { cleanRehearsal } from "../agents/tools/rehearsal.ts";
import type { RehearsalRequest, Rehearse } from "../agents/tools/rehearsal.ts";
import { REHEARSAL } from "../agents/validator/rehearsal.ts";
import { messageOf } from "../base/errors.ts";
import { whereAllowed } from "../render/given_secrets.ts";
import type { Attempt, Edit, Incident } from "../state/records.ts";
import { REHEARSED } from "../state/session_summary.ts";
import { fingerprint } from "../text/fingerprint.ts";
import { REDACTED } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { Checkout, Parts } from "./parts.ts";
import type { Note, Question } from "./preparation.ts";
import { subjectOf } from "./rehearsals.ts";
import type { Known } from "./rehearsals.ts";

/** The repair that is being prepared. */
export interface Occasion {
  parts: Pick<Parts, "rehearse"> & { api: Pick<Parts["api"], "listEnvVars" | "listGivenSecrets"> };
  question: Pick<Question, "spec" | "seen" | "rehearsals" | "deploy"> & {
    incident: Pick<Incident, "id" | "serviceId" | "serviceName">;
  };
  diagnosis: Diagnosis;
  checkout: Pick<Checkout, "directory" | "branch" | "head" | "hasLinks" | typeof Symbol.asyncDispose>;
  /** As agents get them, without secrets. */
  settings: Settings;
  log: { redact(text: string): string };
  signal: AbortSignal;
}

/** The rehearsal of one patch. */
export interface RehearsalPlan {
  /** What is known of it; `null` when it is to be begun. */
  known(): Known | null;
  /** Remembers that it was held against the patch. */
  refuse(why: string): void;
  /** Begins it, or waits in line; see `Rehearsals.begin`. */
  begin(): { hasBegun: boolean; message: string };
  /** Why a failure proves nothing here; `null` when it does. */
  doubt: string | null;
}

/** Variables that change what a build does whatever the files say; which version it runs on is known from its log. */
const STEERING =
  /^(?:PIP|UV|PDM|POETRY|PIPENV|CONDA|PYTHON|NPM|YARN|PNPM|BUN|NODE|COREPACK|CARGO|RUST)|FLAGS$|INDEX_URL$|REGISTRY|^(?:CC|CXX|PATH|CI|LD_LIBRARY_PATH)$/i;
const NOT_STEERING = new Set(["PYTHON_VERSION", "NODE_VERSION"]);
/** Secret files that tools read by themselves, for an index or the password to one. */
const STEERING_FILE =
  /^(?:\.(?:npm|yarn|pnpm|conda|pypi|pydistutils|net|curl|wget)rc(?:\.ya?ml)?|pip\.(?:conf|ini)|\.pydistutils\.cfg|(?:uv|poetry|pdm|bunfig)\.toml|\.git-credentials|\.gitconfig)$/i;

/**
 * @returns `null` where the policy wants none
 * @throws {RenderUnreachable} when the names of what the service is given cannot be read now
 */
export async function planRehearsal(
  occasion: Occasion,
  patch: { remedy: string; edits: readonly Edit[]; commit: string },
): Promise<RehearsalPlan | null> {
  const { parts, question, diagnosis, checkout, settings, log } = occasion;
  const { spec, seen, incident, deploy, rehearsals } = question;
  if (spec.policy.rehearse === "off") return null;
  const { rehearse } = parts;
  const refusal = whyNot(occasion) ??
    (rehearse === undefined || rehearsals === undefined ? "drydock is not at hand" : null);
  if (refusal !== null || rehearse === undefined || rehearsals === undefined) {
    const known = { kind: "unknown", why: refusal ?? "" } as const;
    const begin = () => ({ hasBegun: false, message: known.why });
    return { known: () => known, refuse: () => {}, begin, doubt: null };
  }
  const request: RehearsalRequest = {
    directory: checkout.directory,
    edits: patch.edits,
    commit: patch.commit,
    branch: checkout.branch,
    runtime: settings.runtime,
    rootDir: settings.rootDir,
    buildCommand: settings.buildCommand,
    ...versionsOf(diagnosis),
  };
  const subject = subjectOf(incident, deploy, seen);
  // The commit and the folder are other ones each time the same is prepared.
  const { directory: _directory, commit: _commit, ...built } = request;
  const key = fingerprint([checkout.head, diagnosis.fingerprint, JSON.stringify(built)]);
  const run = async (signal: AbortSignal) =>
    cleanRehearsal(await answerOf(rehearse, request, signal), log.redact);
  return {
    known: () => rehearsals.known(subject, key),
    refuse: (why) => rehearsals.refuse(subject, key, why),
    begin: () => rehearsals.begin(subject, { key, remedy: patch.remedy, checkout, run }),
    doubt: await doubtOf(occasion),
  };
}

async function answerOf(rehearse: Rehearse, request: RehearsalRequest, signal: AbortSignal) {
  try {
    return await rehearse(request, signal);
  } catch (error) {
    return { kind: "unknown", why: messageOf(error) } as const;
  }
}

/** What the service's builds are given on Render that a rehearsal is not: by its own variables, groups and files. */
async function doubtOf(
  { parts: { api }, question: { seen }, settings, signal }: Occasion,
): Promise<string | null> {
  let isWhole = api.listGivenSecrets !== undefined;
  const [variables, given] = await Promise.all([
    whereAllowed(api.listEnvVars(seen.service.id, signal)),
    whereAllowed(
      api.listGivenSecrets?.(seen.service, signal, () => isWhole = false) ?? Promise.resolve([]),
    ),
  ]);
  const names = [...(variables ?? []).map(({ key }) => key), ...(given ?? []).map(({ name }) => name)];
  const steering = names.find((name) => steers(name, settings.buildCommand));
  if (steering !== undefined) return `without the service's own ${sanitizeLine(steering, NAME_CHARS_MAX)}`;
  if (variables === null) return "the names of the service's variables cannot be read";
  if (given === null || !isWhole) return "the names in its groups and of its secret files cannot all be read";
  return null;
}

const NAME_CHARS_MAX = 100;

/** Whether a variable or a secret file may change what a build does: by what it is called, or the command names it. */
function steers(name: string, buildCommand: string): boolean {
  if (NOT_STEERING.has(name)) return false;
  const isNamed = new RegExp(`(?<![\\w.-])${RegExp.escape(name)}(?![\\w-])`).test(buildCommand);
  return isNamed || STEERING.test(name) || STEERING_FILE.test(name);
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
