/** `session ID`: tells one session as a story, or gives its two documents to a program. Reads only. */
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { composeSession, isSessionId, listSessionIds, SESSIONS_LISTED_MAX } from "../state/sessions.ts";
import { readEndings } from "../state/went_on.ts";
import { nearest } from "../text/nearest.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { createPainter, printJson, safe } from "./output.ts";
import { dataDirectory, openExisting } from "./data_folder.ts";
import { renderSession } from "./story.ts";

export const sessionDefinition = defineCommand({
  name: "session",
  invocation: "deno task evenkeel session",
  summary: "Tells what a session did: what broke, the evidence, what was tried and why, and how it ended.",
  flags: { output: outputFlag },
  operands: { placeholder: "ID", description: "The session, as `sessions` lists it", min: 1, max: 1 },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: { 0: "shown", 1: "there is no such session", 2: "a flag, the id or the data folder is wrong" },
  examples: ["deno task evenkeel session nightly-1", "deno task evenkeel session nightly-1 -o json"],
});

/** What to say at the end of a run that has a story. */
export function storyHint(sessionId: string): string {
  return `What was done, and why: deno task evenkeel session ${sessionId}`;
}

export async function sessionCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(sessionDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const [id = ""] = parsed.operands;
  if (!isSessionId(id)) {
    throw new EvenkeelError(
      `Cannot show session ${JSON.stringify(safe(id, 60))}: no session has such an id`,
      {
        hint: "deno task evenkeel sessions lists them",
      },
    );
  }
  const directory = dataDirectory();
  await using store = await openExisting(directory);
  const known = store === null ? [] : await listSessionIds(directory, store, SESSIONS_LISTED_MAX);
  if (store === null || !known.includes(id)) {
    const meant = nearest(id, known);
    const help = meant === undefined ? "" : `, did you mean ${safe(meant)}?`;
    throw new EvenkeelError(
      `Cannot show session ${JSON.stringify(safe(id, 60))}: there is none in ${safe(directory)}${help}`,
      { hint: "deno task evenkeel sessions lists them", exitCode: EXIT.notReady },
    );
  }
  const endings = await readEndings(directory, known);
  const session = await composeSession(directory, id, { store, endings, now: systemClock.now() });
  if (parsed.flags.output === "json") printJson({ schemaVersion: 1, ...session });
  else console.log(renderSession(session, createPainter()));
  return EXIT.ready;
}
