/**
 * An agent's side of the protocol, run in its own process: reads the input, asks the parent for tools, says
 * the result and leaves. Standard output carries the protocol and nothing else: what an agent logs becomes a
 * message. When standard input ends early the parent is gone, and the agent leaves at once.
 */
import type { z } from "zod";
import { messageOf } from "../base/errors.ts";
import type { Agent } from "./agent.ts";
import { readLines } from "./lines.ts";
import { withoutPrograms } from "./programs.ts";
import { openingSchema, replySchema, toLine } from "./protocol.ts";
import type { Saying } from "./protocol.ts";

const EXIT_FAILED = 1;
const EXIT_ABANDONED = 2;
/** Attempts to run a program that are told; one is enough for the parent not to believe the answer. */
const ATTEMPTS_TOLD_MAX = 20;

// While this module loads, which is before the agent's own and its packages: an agent's process runs no program.
let told = 0;
withoutPrograms((what) => {
  if (++told > ATTEMPTS_TOLD_MAX) return;
  const saying: Saying = { type: "denied", what };
  Deno.stdout.writeSync(new TextEncoder().encode(toLine(saying)));
});

/** Answers one question of the parent and ends this process. */
export async function serveAgent<Input, Output>(agent: Agent<Input, Output>): Promise<never> {
  const writer = Deno.stdout.writable.getWriter();
  const say = (saying: Saying) => writer.write(new TextEncoder().encode(toLine(saying)));
  const log = (...words: unknown[]) => void say({ type: "log", message: words.map(String).join(" ") });
  Object.assign(console, { log, info: log, debug: log, warn: log });

  const lines = readLines(Deno.stdin.readable);
  const opening = await lines.next();
  if (opening.done === true) Deno.exit(EXIT_ABANDONED);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  hearReplies(lines, waiting);
  let calls = 0;
  const ask = async (tool: string, input: unknown) => {
    const id = ++calls;
    const reply = Promise.withResolvers<unknown>();
    waiting.set(id, reply);
    // A refusal may be here before the question is known to be written; whoever asked hears of it below.
    reply.promise.catch(() => {});
    // `z.json()` on the other side refuses what JSON cannot hold.
    await say({ type: "tool", id, tool, input: input as z.core.util.JSONType });
    return await reply.promise;
  };
  try {
    const input = agent.input.parse(openingSchema.parse(JSON.parse(opening.value)).input);
    const output = await agent.answer(input, ask);
    // The parent checks it against the agent's schema.
    await say({ type: "result", output: output as z.core.util.JSONType });
    Deno.exit(0);
  } catch (error) {
    await say({ type: "failed", denied: isDenied(error), message: messageOf(error) });
    Deno.exit(EXIT_FAILED);
  }
}

async function hearReplies(
  lines: AsyncGenerator<string>,
  waiting: Map<number, PromiseWithResolvers<unknown>>,
): Promise<void> {
  for await (const line of lines) {
    const reply = replySchema.parse(JSON.parse(line));
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.ok) call?.resolve(reply.output);
    else call?.reject(new Error(reply.error));
  }
  Deno.exit(EXIT_ABANDONED);
}

/** Whether an error, or one it was caused by, is a permission that was refused. */
function isDenied(error: unknown): boolean {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth++) {
    if (inner instanceof Deno.errors.NotCapable) return true;
  }
  return false;
}
