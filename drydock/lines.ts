/**
 * Turns a child's output into lines without ever holding more than one capped line: characters beyond
 * LOG_LINE_CHARS_MAX of a line are dropped as they come.
 */
import { LOG_LINE_CHARS_MAX } from "./limits.ts";

/** Calls `onLine` for each line of the stream, the unfinished last one included. Never rejects. */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  const emit = (line: string) => onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  try {
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        emit((rest + text.slice(from, at)).slice(0, LOG_LINE_CHARS_MAX));
        rest = "";
        from = at + 1;
      }
      if (rest.length < LOG_LINE_CHARS_MAX) rest += text.slice(from, from + LOG_LINE_CHARS_MAX);
    }
  } catch {
    // A pipe that breaks is the end of the output.
  }
  if (rest !== "") emit(rest.slice(0, LOG_LINE_CHARS_MAX));
}
