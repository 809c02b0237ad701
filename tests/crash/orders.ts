/** What a deadly process is told. */
import { z } from "zod";

export const ordersSchema = z.object({
  /** The file to which each line is added that is passed. */
  log: z.string(),
  /** Where to die: at the n-th line from 0, or at the first of these. */
  die: z.union([z.object({ at: z.number() }), z.object({ lines: z.array(z.string()) })]).nullable(),
  /** A stand-in for GitHub: its address, and the bare repository that is behind an address on GitHub. */
  github: z.object({ api: z.string(), address: z.string(), bare: z.string() }).nullable(),
});
export type Orders = z.infer<typeof ordersSchema>;
