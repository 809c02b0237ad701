/** `restore`: puts the daily copy of a damaged store in its place, and says what is forgotten with it. */
import { join } from "@std/path";
import { systemClock } from "../base/clock.ts";
import { EXIT } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { lockDataDirectory } from "../state/lock.ts";
import { restoreStore } from "../state/restore.ts";
import { STORE_FILE } from "../state/store_file.ts";
import { formatDuration } from "../text/duration.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { dataDirectory } from "./data_folder.ts";
import { printJson, safe } from "./output.ts";

/** Pending effects that are named. */
const PENDING_SHOWN = 20;

const restoreDefinition = defineCommand({
  name: "restore",
  invocation: "deno task evenkeel restore",
  summary: "Puts the newest copy of a damaged store in its place, with what the damaged one still says.",
  flags: { output: outputFlag },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: {
    0: "restored",
    2: "the store is not damaged, there is no copy, or another Evenkeel uses the data folder",
  },
  examples: ["deno task evenkeel restore"],
});

export async function restoreCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(restoreDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const directory = dataDirectory();
  await using _lock = await lockDataDirectory(directory);
  const restored = await restoreStore(join(directory, STORE_FILE), systemClock);
  const { was, copiedAt, kept, rescued, isComplete, pending } = restored;
  if (parsed.flags.output === "json") {
    printJson({ schemaVersion: 1, ...restored, copiedAt: new Date(copiedAt).toISOString() });
    return EXIT.ready;
  }
  const age = formatDuration(Math.max(0, systemClock.now() - copiedAt));
  const shown = pending.slice(0, PENDING_SHOWN).map((key) => safe(key, 100));
  console.log([
    was === "missing"
      ? `Put back the copy that is ${age} old, for the store was missing`
      : `Put back the copy that is ${age} old, and ${rescued} newer or equal records of the ${was} store`,
    isComplete
      ? "No incident and no effect is forgotten; events and outcomes since the copy are"
      : "Incidents and effects since the copy that could not be read are forgotten, as are its events and outcomes",
    pending.length === 0
      ? "No effect is known to be pending"
      : `Effects whose end is not known, looked for before anything is done: ${shown.join(", ")}`,
    ...(isComplete
      ? []
      : ["Look at open pull requests, at autodeploy and at the newest deploy of each service"]),
    ...(kept === null ? [] : [`The ${was === "empty" ? "empty" : "damaged"} store is kept as ${safe(kept)}`]),
  ].join("\n"));
  return EXIT.ready;
}
