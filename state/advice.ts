/** The optimizer's advice as it is told: in its output, by `evenkeel advise` and at `/advice`. Keys are only added. */
import { z } from "zod";

export const adviceKinds = ["dependency-set", "topology", "caching", "build-order"] as const;

export const adviceSchema = z.strictObject({
  kind: z.enum(adviceKinds),
  /** One sentence that says what to do. */
  recommendation: z.string(),
  /** Whether what is recommended is so already. */
  isInPlace: z.boolean(),
  /** What was counted or measured. */
  figures: z.array(z.strictObject({ name: z.string(), value: z.number(), unit: z.string() })),
  /** The facts about this repository or these runs that it rests on, a sentence each. */
  because: z.array(z.string()),
});
export type Advice = z.infer<typeof adviceSchema>;

/** What `evenkeel advise -o json` prints and `/advice` answers. */
export const adviceReportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  at: z.string().describe("RFC 3339"),
  /** Attempts before anything is advised. */
  iterationsMin: z.number(),
  iterations: z.number().describe("Attempts of all services"),
  /** About Evenkeel itself: the topology. */
  advice: z.array(adviceSchema),
  services: z.array(z.strictObject({
    id: z.string(),
    name: z.string(),
    iterations: z.number(),
    advice: z.array(adviceSchema),
  })),
});
export type AdviceReport = z.infer<typeof adviceReportSchema>;
