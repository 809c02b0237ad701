/**
 * What the parent and an agent's process say to each other: one JSON value a line. The parent opens with the
 * input and answers tool calls; the agent asks for tools, logs, and ends with a result or a failure. Each
 * side parses what the other says, so that a broken agent is noticed at the first wrong line.
 */
import { z } from "zod";

/** The first line to an agent. */
export const openingSchema = z.object({ input: z.json() });

/** Every further line to an agent. */
export const replySchema = z.discriminatedUnion("ok", [
  z.object({ id: z.number(), ok: z.literal(true), output: z.json() }),
  z.object({ id: z.number(), ok: z.literal(false), error: z.string() }),
]);
export type Reply = z.infer<typeof replySchema>;

/** Every line from an agent. */
export const sayingSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("tool"), id: z.number(), tool: z.string(), input: z.json() }),
  z.object({ type: z.literal("log"), message: z.string() }),
  /** The agent tried what Deno refuses without a word in its audit. */
  z.object({ type: z.literal("denied"), what: z.string() }),
  z.object({ type: z.literal("result"), output: z.json() }),
  /** The agent threw; `denied` when it was for a permission it does not have. */
  z.object({ type: z.literal("failed"), denied: z.boolean(), message: z.string() }),
]);
export type Saying = z.infer<typeof sayingSchema>;

export function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
