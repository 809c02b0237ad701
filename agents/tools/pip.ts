/**
 * The named tools `pip-resolve` and `pip-versions`: whether requirements can be met together, and which versions
 * of a package there are, for a given Python. pip itself is asked, because pip is what the build runs: uv is faster
 * but ignores the upper bound of Requires-Python, which is how a package says that a Python is too new for it.
 * Only wheels are looked at and only names with versions are passed on, so that no package's code runs.
 */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import type { Tool } from "../agent.ts";
import { normalName } from "../code/requirements.ts";
import { ResolutionMemory } from "./resolution_memory.ts";
import { pythonNameSchema, pythonVersionSchema } from "./python.ts";
import type { FindPython, Python } from "./python.ts";
import { explanation } from "./workshop.ts";
import type { JobResult, Workshop } from "./workshop.ts";

export const REQUIREMENTS_MAX = 2000;
const REQUIREMENT_CHARS_MAX = 2000;
export const PIP_RESOLVE_TIMEOUT_MS = 90_000;
export const PIP_VERSIONS_TIMEOUT_MS = 30_000;
/** Projects asked about in `mentionsOf`, and mentions answered. */
const MENTIONS_MAX = 500;

export const pipResolveInputSchema = z.object({
  /** Lines of a requirements file; options, URLs and paths among them are left out of the answer. */
  requirements: z.array(z.string().max(REQUIREMENT_CHARS_MAX)).max(REQUIREMENTS_MAX),
  /** Lines of constraints files; those with extras, options, URLs and paths are left out as well. @default none */
  constraints: z.array(z.string().max(REQUIREMENT_CHARS_MAX)).max(REQUIREMENTS_MAX).optional(),
  /** Such as `3.12`; `null` for the Python at hand. */
  pythonVersion: pythonVersionSchema.nullable(),
  /** Projects of which it is asked who else in the resolution mentions them. @default none */
  mentionsOf: z.array(pythonNameSchema).max(MENTIONS_MAX).optional(),
});

/** A resolved package that depends on a project, always or with one of its extras. */
const mentionSchema = z.object({
  by: z.string(),
  of: z.string(),
  /** The extra that brings it; `null` when it is always needed. */
  extra: z.string().nullable(),
});

export const pipResolveOutputSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    resolved: z.array(z.object({ name: z.string(), version: z.string() })),
    mentions: z.array(mentionSchema),
    /** Lines that were not looked at. */
    skipped: z.array(z.string()),
  }),
  /** pip's own words, sanitised. */
  z.object({ ok: z.literal(false), conflict: z.string() }),
]);
export type PipResolveOutput = z.infer<typeof pipResolveOutputSchema>;

export const pipVersionsInputSchema = z.object({
  name: pythonNameSchema,
  pythonVersion: pythonVersionSchema.nullish(),
  /** Leave out versions that would have to be built from source. @default false */
  wheelsOnly: z.boolean().optional(),
});
/** Newest first; empty when the index does not know the package or has none for this Python. */
export const pipVersionsOutputSchema = z.object({ versions: z.array(z.string()) });
export type PipVersionsOutput = z.infer<typeof pipVersionsOutputSchema>;

const PIP_ENVIRONMENT = {
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_NO_INPUT: "1",
  PIP_NO_COLOR: "1",
  PIP_RETRIES: "1",
  PIP_DEFAULT_TIMEOUT: "10",
};

/** `name[extras] <specifier> ; marker`: no option, no URL, no path, no `${VARIABLE}` (PEP 508). */
const REQUIREMENT =
  /^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*\(?(?:[=<>!~][A-Za-z0-9.*+!=<>~,\s_-]*)?\)?\s*(?:;[^$@]*)?$/;

/** pip's words for an index that it could not ask, and for requirements that cannot be met. */
const NO_ANSWER =
  /connection broken by|Could not fetch URL|Max retries exceeded|HTTPError|ReadTimeout|SSLError/;
const JUDGEMENT =
  /ResolutionImpossible|requires a different Python|No matching distribution|Could not find a version|Invalid requirement/;

const reportSchema = z.object({
  install: z.array(z.object({
    metadata: z.object({
      name: z.string(),
      version: z.string(),
      requires_dist: z.array(z.string()).default([]),
    }),
  })),
});

/** pip prints its report between its lines of progress, as JSON with two blanks of indent. */
function reportIn(stdout: string): string {
  return /^\{\n[^]*^\}$/m.exec(stdout)?.[0] ?? stdout;
}

function mentionsIn(
  install: z.infer<typeof reportSchema>["install"],
  wanted: ReadonlySet<string>,
): z.infer<typeof mentionSchema>[] {
  const mentions: z.infer<typeof mentionSchema>[] = [];
  if (wanted.size === 0) return mentions;
  for (const { metadata: { name, requires_dist } } of install) {
    for (const line of requires_dist) {
      const of = normalName(/^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(line)?.[0] ?? "");
      if (!wanted.has(of) || mentions.length >= MENTIONS_MAX) continue;
      const extra = /\bextra\s*==\s*["']([^"']+)["']/.exec(line)?.[1] ?? null;
      mentions.push({ by: name, of, extra });
    }
  }
  return mentions;
}

export function createPipResolve(workshop: Workshop, findPython: FindPython): Tool {
  const memory = new ResolutionMemory();
  return {
    input: pipResolveInputSchema,
    async run(input, signal): Promise<PipResolveOutput> {
      const { requirements, constraints = [], pythonVersion, mentionsOf } = pipResolveInputSchema.parse(
        input,
      );
      const lines = requirements.map(withoutComment).filter((line) => line !== "");
      const asked = lines.filter((line) => REQUIREMENT.test(line));
      const bounds = constraints.map(withoutComment).filter((line) => line !== "");
      // pip refuses a constraint with extras, and with it the whole question.
      const isBound = (line: string) => REQUIREMENT.test(line) && !line.includes("[");
      const bound = bounds.filter(isBound);
      const skipped = [
        ...lines.filter((line) => !REQUIREMENT.test(line)),
        ...bounds.filter((line) => !isBound(line)),
      ];
      const question = [...asked, ...bound.map((line) => `-c ${line}`)];
      if (asked.length === 0) return { ok: true, resolved: [], mentions: [], skipped };
      const known = mentionsOf === undefined || mentionsOf.length === 0
        ? memory.recall(question, minorOf(pythonVersion))
        : undefined;
      if (known !== undefined) return { ok: true, resolved: known, mentions: [], skipped };
      const python = await findPython(pythonVersion, signal);
      const result = await workshop.run({
        command: [
          ...pip(python, "install"),
          "--dry-run",
          "--ignore-installed",
          "--only-binary=:all:",
          // Never written to: without a target pip refuses to resolve for another Python.
          ...(python.pipArguments.length > 0 ? ["--target=unused"] : []),
          "--progress-bar=off",
          "--report=-",
          "--requirement=requirements.txt",
          ...(bound.length > 0 ? ["--constraint=constraints.txt"] : []),
        ],
        files: {
          "requirements.txt": `${asked.join("\n")}\n`,
          ...(bound.length > 0 ? { "constraints.txt": `${bound.join("\n")}\n` } : {}),
        },
        env: PIP_ENVIRONMENT,
        timeoutMs: PIP_RESOLVE_TIMEOUT_MS,
        signal,
      });
      if (result.code === 0) {
        const { install } = reportSchema.parse(JSON.parse(reportIn(result.stdout)));
        const resolved = install.map(({ metadata: { name, version } }) => ({ name, version }));
        memory.keep(question, minorOf(pythonVersion), resolved);
        return {
          ok: true,
          resolved,
          mentions: mentionsIn(install, new Set(mentionsOf?.map(normalName) ?? [])),
          skipped,
        };
      }
      refuseToJudge(result);
      const missing = /No matching distribution found for (.+)/.exec(result.stderr)?.[1]?.trim();
      if (missing !== undefined && await isOnlySource(workshop, python, missing, signal)) {
        throw new EvenkeelError(
          `Cannot resolve ${missing}: there is no wheel, and sources are not built here`,
        );
      }
      // Which version stands against which is said on the other stream.
      const details = /^The conflict is caused by:\n(?:[ \t].*\n)+/m.exec(result.stdout)?.[0] ?? "";
      return { ok: false, conflict: explanation(details + result.stderr.replace(/^WARNING: .*\n/gm, "")) };
    },
  };
}

export function createPipVersions(workshop: Workshop, findPython: FindPython): Tool {
  return {
    input: pipVersionsInputSchema,
    async run(input, signal): Promise<PipVersionsOutput> {
      const { name, pythonVersion, wheelsOnly } = pipVersionsInputSchema.parse(input);
      const python = await findPython(pythonVersion ?? null, signal);
      return { versions: await versionsOf(workshop, python, name, signal, wheelsOnly) };
    },
  };
}

async function versionsOf(
  workshop: Workshop,
  python: Python,
  name: string,
  signal: AbortSignal,
  wheelsOnly = false,
): Promise<string[]> {
  if (wheelsOnly) return await wheelVersionsOf(workshop, python, name, signal);
  const result = await workshop.run({
    command: [...pip(python, "index"), "versions", name],
    env: PIP_ENVIRONMENT,
    timeoutMs: PIP_VERSIONS_TIMEOUT_MS,
    signal,
  });
  const listed = /^Available versions: (.*)$/m.exec(result.stdout)?.[1];
  if (result.code === 0 && listed !== undefined) return listed.split(",").map((version) => version.trim());
  refuseToJudge(result);
  return [];
}

/** `pip index` counts sources too; a version that cannot be had makes `pip install` name those it could take. */
async function wheelVersionsOf(
  workshop: Workshop,
  python: Python,
  name: string,
  signal: AbortSignal,
): Promise<string[]> {
  const result = await workshop.run({
    command: [
      ...pip(python, "install"),
      "--dry-run",
      "--no-deps",
      "--only-binary=:all:",
      ...(python.pipArguments.length > 0 ? ["--target=unused"] : []),
      `${name}==0.dev0+none`,
    ],
    env: PIP_ENVIRONMENT,
    timeoutMs: PIP_VERSIONS_TIMEOUT_MS,
    signal,
  });
  const listed = /\(from versions: ([^)]*)\)/.exec(result.stderr)?.[1];
  if (listed === undefined) {
    refuseToJudge(result);
    return [];
  }
  return listed === "none" ? [] : listed.split(",").map((version) => version.trim()).toReversed();
}

/**
 * Whether a requirement that no wheel meets may be met by sources, which are listed by `pip index` but not
 * looked at by a resolution without builds.
 */
async function isOnlySource(
  workshop: Workshop,
  python: Python,
  requirement: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [, name, , pin] = /^([A-Za-z0-9._-]+)(\[[^\]]*\])?(?:===?([^\s,;*]+)$)?/.exec(requirement) ?? [];
  if (!pythonNameSchema.safeParse(name).success || name === undefined) return false;
  const versions = await versionsOf(workshop, python, name, signal);
  return pin === undefined ? !/[<>=!~]/.test(requirement) && versions.length > 0 : versions.includes(pin);
}

function pip(python: Python, command: string): [string, ...string[]] {
  return [python.program, "-m", "pip", command, ...python.pipArguments];
}

/**
 * An index that does not answer looks to pip like one that has nothing: that says nothing about requirements.
 * @throws {EvenkeelError} when pip failed for want of an index, or could not be understood
 */
function refuseToJudge(result: JobResult): void {
  if (NO_ANSWER.test(result.stderr)) {
    throw new EvenkeelError("Cannot ask the package index: it does not answer", {
      hint: "Check PIP_INDEX_URL and the network",
    });
  }
  if (!JUDGEMENT.test(result.stderr)) {
    throw new EvenkeelError(`Cannot understand pip: ${explanation(result.stderr).slice(-500)}`);
  }
}

/** Which interpreter answers depends on no more than this. */
function minorOf(version: string | null): string | null {
  return version === null ? null : version.split(".").slice(0, 2).join(".");
}

/** A line of a requirements file without comment and hashes. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s)#.*$/, "").replace(/\s+--hash=\S+/g, "").replace(/\s*\\$/, "").trim();
}
