/** Rehearses in a process of its own, which a test gives an environment, a home and a user. The answer is printed. */
import { z } from "zod";
import { systemClock } from "../../base/clock.ts";
import { rehearse } from "../../drydock/rehearse.ts";
import type { Rehearsal } from "../../drydock/rehearse.ts";

const limitNames = [
  ...["bytesMax", "inodesMax", "sharedBytesMax"] as const,
  ...["bytesLeftMin", "inodesLeftMin", "memoryLeftMin"] as const,
];
const givenSchema = z.object({
  request: z.object({
    directory: z.string(),
    edits: z.array(z.object({ path: z.string(), content: z.string().nullable() })),
    runtime: z.string(),
    buildCommand: z.string(),
    node: z.string().nullable(),
  }),
  scratchRoot: z.string(),
  hidden: z.array(z.string()),
  timeoutMs: z.number(),
  limits: z.partialRecord(z.enum(limitNames), z.number()).optional(),
  memoryMiB: z.number().optional(),
});
export type Given = z.infer<typeof givenSchema>;

export async function rehearseGiven({ request, limits, memoryMiB, ...options }: Given): Promise<Rehearsal> {
  return await rehearse(
    { commit: "c".repeat(40), branch: "main", rootDir: "", python: null, ...request },
    {
      ...options,
      limits: Object.fromEntries(
        Object.entries(limits ?? {}).filter(([, value]) => value !== undefined),
      ),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
      clock: systemClock,
      random: Math.random,
      signal: new AbortController().signal,
    },
  );
}

if (import.meta.main) {
  const result = await rehearseGiven(givenSchema.parse(JSON.parse(Deno.args[0] ?? "")));
  console.log(JSON.stringify(result));
}
