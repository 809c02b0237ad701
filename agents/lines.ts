/**
 * Splits a byte stream into lines without ever holding more than a line's worth of it. What exceeds a limit
 * ends the reading with `LineLimitError`; bytes after the last newline are dropped, they are no line yet.
 */
export interface LineLimits {
  /** Bytes of the whole stream. @default unlimited */
  bytesMax?: number;
  /** @default unlimited */
  linesMax?: number;
  /** Bytes of one line. @default unlimited */
  lineBytesMax?: number;
}

export class LineLimitError extends Error {
  override readonly name = "LineLimitError";
}

const NEWLINE = 10;

/**
 * Yields each line without its newline, and lets go of the stream when the caller stops.
 * @throws {LineLimitError} when a limit is exceeded
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  limits: LineLimits = {},
): AsyncGenerator<string, void, void> {
  const reader = stream.getReader();
  const bytesMax = limits.bytesMax ?? Infinity;
  const linesMax = limits.linesMax ?? Infinity;
  const lineBytesMax = limits.lineBytesMax ?? Infinity;
  let bytes = 0;
  let lines = 0;
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  const keep = (part: Uint8Array) => {
    partBytes += part.length;
    if (partBytes > lineBytesMax) throw new LineLimitError(`a line over ${lineBytesMax} bytes`);
    parts.push(part);
  };
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.length;
      if (bytes > bytesMax) throw new LineLimitError(`over ${bytesMax} bytes`);
      let from = 0;
      for (let at = value.indexOf(NEWLINE); at !== -1; at = value.indexOf(NEWLINE, from)) {
        keep(value.subarray(from, at));
        from = at + 1;
        if (++lines > linesMax) throw new LineLimitError(`over ${linesMax} lines`);
        const line = decode(parts, partBytes);
        parts = [];
        partBytes = 0;
        yield line;
      }
      if (from < value.length) keep(value.subarray(from));
    }
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

function decode(parts: readonly Uint8Array[], bytes: number): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return new TextDecoder().decode(only);
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new TextDecoder().decode(all);
}
