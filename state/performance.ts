/**
 * How long the deploys of a variant took, from real builds. A variant is what was different about a deploy:
 * `remedy:<id>`, and whatever else is compared, such as a dependency set or a topology, under a prefix of its own.
 */
import { z } from "zod";
import type { Import } from "./prior.ts";

/** Newest deploys of a variant that its figure is the median of. */
export const DEPLOYS_COUNTED = 20;

export const performanceSchema = z.object({
  at: z.number(),
  serviceId: z.string(),
  deployId: z.string(),
  variant: z.string(),
  /** From start to live, by Render's clock. */
  seconds: z.number().min(0),
  /** What the variant is, where its name does not say. */
  detail: z.string().optional(),
});
export type Performance = z.infer<typeof performanceSchema>;

/**
 * Variant -> seconds. What an import says stands only where nothing was measured.
 * @param measured newest first
 * @param imports newest first
 */
export function performanceMap(
  measured: readonly Performance[],
  imports: readonly Import[],
): Record<string, number> {
  const map = new Map<string, number>();
  for (const { performance } of imports) {
    for (const { variant, seconds } of performance) if (!map.has(variant)) map.set(variant, seconds);
  }
  for (const [variant, rows] of Map.groupBy(measured, (row) => row.variant)) {
    map.set(variant, median(rows.slice(0, DEPLOYS_COUNTED).map(({ seconds }) => seconds)));
  }
  return Object.fromEntries([...map].sort(([a], [b]) => a < b ? -1 : 1));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
