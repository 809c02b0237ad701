/**
 * The named tool `rehearse`: whether the patched files build. The parent has built them before the validator is asked:
 * a build takes minutes, an answer none. Where it was built is not known here.
 */
import { z } from "zod";
import { sanitizeLine, sanitizeLog } from "../../text/sanitize.ts";
import type { Tool } from "../agent.ts";

export const rehearsalSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("built"), seconds: z.number() }),
  /** The build command failed, and nothing of this machine explains it. */
  z.object({ kind: z.literal("failed"), seconds: z.number(), log: z.string() }),
  /** Nothing was shown; never a reason against a patch. */
  z.object({ kind: z.literal("unknown"), why: z.string() }),
]);
export type Rehearsal = z.infer<typeof rehearsalSchema>;

/** What is rehearsed. */
export interface RehearsalRequest {
  /** The checkout, without the edits. */
  directory: string;
  edits: readonly { path: string; content: string | null }[];
  commit: string;
  branch: string;
  runtime: string | null;
  rootDir: string;
  buildCommand: string;
  /** What the failed build ran on, where its log says so. */
  python: { version: string; from: "default" | "environment" | "file" } | null;
  node: string | null;
}

/** Builds somewhere that is not production. Never throws for anything that the files do. */
export type Rehearse = (request: RehearsalRequest, signal: AbortSignal) => Promise<Rehearsal>;

/** Milliseconds of the build itself: longer than most builds, short beside an incident. */
export const REHEARSAL_MS = 10 * 60_000;
/** What making and removing its place may take on top, in milliseconds. */
export const REHEARSAL_MARGIN_MS = 3 * 60_000;
/** Characters of its log that the validator reads. */
const LOG_CHARS_MAX = 1024 * 1024;
const LOG_LINES_MAX = 20_000;
const WHY_CHARS_MAX = 300;

export const rehearseInputSchema = z.strictObject({});

/**
 * What a build said, as it may be kept and read.
 * @param redact takes secrets out of what a build printed
 */
export function cleanRehearsal(result: Rehearsal, redact: (text: string) => string): Rehearsal {
  switch (result.kind) {
    case "built":
      return result;
    case "failed": {
      const log = sanitizeLog(redact(result.log), { charsMax: LOG_CHARS_MAX, linesMax: LOG_LINES_MAX });
      return { ...result, log };
    }
    case "unknown":
      return { ...result, why: sanitizeLine(redact(result.why), WHY_CHARS_MAX) };
  }
}

/** Answers with what the rehearsal of this patch has shown. */
export function createRehearsal(result: Rehearsal): Tool {
  return { input: rehearseInputSchema, run: () => Promise.resolve(result) };
}
