/**
 * `diagnose --batch`: JSON Lines in, JSON Lines out, in order and as they come. Memory is bounded by one line and
 * the answers of one read; a reader that does not read makes it wait. A line that cannot be answered gives a line
 * that says why, and the rest goes on.
 */
import { z } from "zod";
import type { Diagnosis } from "../agents/messages.ts";
import { messageOf } from "../base/errors.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { answerCase, caseSchema } from "./diagnose_case.ts";
import type { CaseAnswer } from "./diagnose_case.ts";
import { toJson } from "./output.ts";

/** A longer line is refused and skipped without being held, in bytes. */
export const BATCH_LINE_BYTES_MAX = 64 * 1024 * 1024;
/** Answers are written when they reach this size, in UTF-16 units, or nothing more is at hand to read. */
const WRITE_CHARS = 64 * 1024;
/** UTF-16 units of a reason. */
const REASON_CHARS_MAX = 300;
const NEWLINE = 10;

/** The documented line for a case that could not be answered. */
export interface BatchError {
  id: string | number | null;
  /** Line of the input, from 1. */
  line: number;
  error: string;
}

export interface BatchOptions {
  /** Bytes of one line. @default BATCH_LINE_BYTES_MAX */
  lineBytesMax?: number;
  /** Sees the lines that look like errors of each case whose cause is not known. */
  onUnknown?: (lines: Diagnosis["excerpt"]) => void;
}

/**
 * Answers every line of `input` on `output`.
 * @returns how many lines were answered, and how many could not be
 * @throws what the output throws when it is closed
 */
export async function answerLines(
  input: ReadableStream<Uint8Array>,
  write: (bytes: Uint8Array) => Promise<void>,
  options: BatchOptions = {},
): Promise<{ answered: number; refused: number }> {
  const lineBytesMax = options.lineBytesMax ?? BATCH_LINE_BYTES_MAX;
  const encoder = new TextEncoder();
  const counts = { answered: 0, refused: 0 };
  let pending = "";
  const flush = async () => {
    if (pending === "") return;
    const bytes = encoder.encode(pending);
    pending = "";
    await write(bytes);
  };
  let number = 0;
  const answer = async (line: Uint8Array | "too long") => {
    number++;
    const reply = line === "too long"
      ? refusal(null, number, `the line is longer than ${lineBytesMax} bytes`)
      : await answerLine(line, number, options);
    if (reply === null) return;
    if ("error" in reply) counts.refused++;
    else counts.answered++;
    pending += `${toJson(reply, 0)}\n`;
    if (pending.length >= WRITE_CHARS) await flush();
  };

  let parts: Uint8Array[] = [];
  let held = 0;
  let isSkipping = false;
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE);; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (!isSkipping && held + piece.length > lineBytesMax) {
        isSkipping = true;
        parts = [];
        held = 0;
      }
      if (!isSkipping && piece.length > 0) {
        // The stream may use the chunk's memory again.
        parts.push(end === -1 ? piece.slice() : piece);
        held += piece.length;
      }
      if (end === -1) break;
      await answer(isSkipping ? "too long" : joined(parts, held));
      isSkipping = false;
      parts = [];
      held = 0;
      start = end + 1;
    }
    await flush();
  }
  if (isSkipping || held > 0) await answer(isSkipping ? "too long" : joined(parts, held));
  await flush();
  return counts;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Null for an empty line. */
async function answerLine(
  bytes: Uint8Array,
  number: number,
  { onUnknown }: BatchOptions,
): Promise<CaseAnswer | BatchError | null> {
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refusal(null, number, "it is no JSON");
  }
  const given = caseSchema.safeParse(value);
  if (!given.success) {
    const [issue] = given.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "it" : issue.path.join(".");
    return refusal(idOf(value), number, `${where}: ${issue?.message ?? "not understood"}`);
  }
  try {
    const { answer, excerpt } = await answerCase(given.data);
    if (answer.cause === "unknown") onUnknown?.(excerpt);
    return answer;
  } catch (error) {
    return refusal(idOf(value), number, messageOf(error));
  }
}

function refusal(id: BatchError["id"], line: number, why: string): BatchError {
  return { id, line, error: `Cannot diagnose line ${line}: ${sanitizeLine(why, REASON_CHARS_MAX)}` };
}

const withId = z.object({ id: z.union([z.string(), z.number()]) });

function idOf(value: unknown): BatchError["id"] {
  const parsed = withId.safeParse(value);
  return parsed.success ? parsed.data.id : null;
}
