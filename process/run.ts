/** Runs a program to its end with a deadline and a cap on its output; never throws for what the program does. */
import { startGroup } from "./group.ts";
import type { GroupOptions } from "./group.ts";

export interface RunOptions extends Omit<GroupOptions, "stdin"> {
  /** Milliseconds until the whole group is killed. */
  timeoutMs: number;
  /** Bytes kept of each stream, its beginning and its end; the middle is dropped. @default OUTPUT_BYTES_MAX */
  outputBytesMax?: number;
  /** Kills the whole group as soon as a stream has more: what it says is then of no use. @default false */
  endAtOutputMax?: boolean;
  /** Text for standard input; empty input when absent. */
  input?: string;
  signal?: AbortSignal;
}

export type RunResult =
  & { stdout: string; stderr: string; truncated: boolean; durationMs: number }
  & ({ kind: "exited"; code: number } | {
    kind: "killed";
    why: "timeout" | "aborted" | "output" | Deno.Signal;
  });

export const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Runs a program and collects what it prints.
 * @throws {EvenkeelError} only when the program cannot be started
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const startedAt = performance.now();
  await using group = startGroup({ ...options, stdin: options.input === undefined ? "null" : "piped" });
  let killed: "timeout" | "aborted" | "output" | undefined;
  const kill = (why: "timeout" | "aborted" | "output") => {
    killed ??= why;
    group.signal("SIGKILL");
  };
  const timer = setTimeout(() => kill("timeout"), options.timeoutMs);
  const onAbort = () => kill("aborted");
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const bytesMax = options.outputBytesMax ?? OUTPUT_BYTES_MAX;
    const onMore = () => {
      if (options.endAtOutputMax === true) kill("output");
    };
    const [stdout, stderr, status] = await Promise.all([
      collect(group.stdout, bytesMax, onMore),
      collect(group.stderr, bytesMax, onMore),
      // A grandchild that keeps the pipes open must not keep us: the group goes when its leader goes.
      group.status.finally(() => group.signal("SIGKILL")),
      feed(group.stdin, options.input),
    ]);
    const result = {
      stdout: stdout.text,
      stderr: stderr.text,
      truncated: stdout.truncated || stderr.truncated,
      durationMs: performance.now() - startedAt,
    };
    if (killed !== undefined) return { ...result, kind: "killed", why: killed };
    if (status.signal !== null) return { ...result, kind: "killed", why: status.signal };
    return { ...result, kind: "exited", code: status.code };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
}

async function feed(stdin: WritableStream<Uint8Array<ArrayBuffer>> | undefined, input: string | undefined) {
  if (stdin === undefined) return;
  try {
    const writer = stdin.getWriter();
    await writer.write(new TextEncoder().encode(input ?? ""));
    await writer.close();
  } catch {
    // The program closed its input early, which is its right.
  }
}

/**
 * Reads a stream to its end, keeping at most `bytesMax` bytes: the first half and the last half.
 * @param onMore called when there are more
 */
async function collect(stream: ReadableStream<Uint8Array>, bytesMax: number, onMore: () => void) {
  const half = Math.floor(bytesMax / 2);
  const head: Uint8Array[] = [];
  const tail: Uint8Array[] = [];
  let headBytes = 0;
  let tailBytes = 0;
  let truncated = false;
  for await (let chunk of stream) {
    if (headBytes < half) {
      const part = chunk.subarray(0, half - headBytes);
      head.push(part);
      headBytes += part.length;
      chunk = chunk.subarray(part.length);
    }
    if (chunk.length === 0) continue;
    tail.push(chunk);
    tailBytes += chunk.length;
    while (tail.length > 1 && tailBytes - tail[0]!.length >= half) {
      tailBytes -= tail.shift()!.length;
      if (!truncated) onMore();
      truncated = true;
    }
  }
  const decoder = new TextDecoder();
  const last = concatenate(tail);
  const kept = last.subarray(Math.max(0, last.length - half));
  truncated ||= kept.length < last.length;
  const text = decoder.decode(concatenate(head), { stream: true });
  return {
    text: truncated ? `${text}\n[...]\n${decoder.decode(kept)}` : text + decoder.decode(kept),
    truncated,
  };
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
