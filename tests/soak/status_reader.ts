/**
 * Reads a status server as anybody on the same machine would, in a process of its own: each request on a connection of
 * its own, none made twice. Prints a JSON line an answer, and goes on until it is ended.
 *
 *     deno run --allow-net=127.0.0.1 tests/soak/status_reader.ts URL
 */
import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { statusSchema } from "../../status/schema.ts";

export const answerSchema = z.object({
  path: z.string(),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  ms: z.number(),
  /** What is wrong with it. */
  problem: z.string().nullable(),
  /** Whether somebody's patience was at an end: the server's, or that of the reader. */
  isLate: z.boolean(),
});
export type Answer = z.infer<typeof answerSchema>;

/** Between rounds, in milliseconds. */
const ROUND_EVERY_MS = 1_000;
/** The server has long given up by then, in milliseconds. */
const ANSWER_MS_MAX = 60_000;

const errorSchema = z.object({ error: z.string() });
export const PAGES: readonly { path: string; status: number; schema: z.ZodType }[] = [
  { path: "/healthz", status: 200, schema: z.object({ status: z.literal("ok") }) },
  { path: "/readyz", status: 200, schema: z.object({ ready: z.literal(true), reason: z.string() }) },
  { path: "/status", status: 200, schema: statusSchema },
  { path: "/nothing", status: 404, schema: errorSchema },
];

async function read(url: string, { path, status, schema }: typeof PAGES[number]): Promise<Answer> {
  const startedAt = Date.now();
  const began = performance.now();
  const ended = (problem: string | null, isLate = false): Answer => ({
    path,
    startedAt,
    ms: performance.now() - began,
    problem,
    isLate,
  });
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const patience = AbortSignal.timeout(ANSWER_MS_MAX);
  try {
    const response = await fetch(`${url}${path}`, { client, signal: patience });
    const text = await response.text();
    if (response.status !== status) {
      const isLate = response.status === 408 ||
        (response.status === 503 && text.includes("no answer within"));
      return ended(`${response.status} in place of ${status}`, isLate);
    }
    const parsed = schema.safeParse(JSON.parse(text));
    return ended(parsed.success ? null : z.prettifyError(parsed.error));
  } catch (error) {
    return ended(messageOf(error), patience.aborted);
  }
}

if (import.meta.main) {
  const [url = ""] = Deno.args;
  for (;;) {
    for (const page of PAGES) console.log(JSON.stringify(await read(url, page)));
    await new Promise((resolve) => setTimeout(resolve, ROUND_EVERY_MS));
  }
}
