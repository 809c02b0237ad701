/**
 * Reads an agent's standard error: Deno's audit between its own words. Bounded, and read to its end whatever comes, so
 * that a full pipe keeps nobody.
 */
import type { Attempts } from "./audit.ts";

/** Bytes of it, of which Deno's audit of what the agent reads is the most. */
export const STDERR_BYTES_MAX = 16 * 1024 * 1024;
/** Characters of it that are kept for a message. */
const STDERR_CHARS_MAX = 8192;

/**
 * @param attempts hears the audit
 * @param onFlood called when there is more than an agent may say
 * @returns the last of the agent's own words
 */
export async function readStderr(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  attempts: Attempts,
  onFlood: () => void,
): Promise<string> {
  let tail = "";
  let bytes = 0;
  let rest = "";
  const hear = (line: string) => {
    if (!attempts.hear(line)) tail = `${tail}${line}\n`.slice(-STDERR_CHARS_MAX);
  };
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > STDERR_BYTES_MAX) {
      // What comes until its end is read and dropped: a full pipe would keep it.
      onFlood();
      continue;
    }
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    // A line that never ends is no audit's; only its last part is of use.
    rest = (lines.pop() ?? "").slice(-STDERR_CHARS_MAX);
    for (const line of lines) hear(line);
  }
  if (rest !== "") hear(rest);
  return tail;
}
