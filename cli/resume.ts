/**
 * `resume`: makes Evenkeel go on with stalled services. It leaves a wish in the store, so that it also works while a
 * daemon runs: whoever looks after the service next fulfils it, and no write of either side is lost.
 */
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { dataDirectory, openStoreIn } from "./data_folder.ts";
import { printJson, safe } from "./output.ts";

export const resumeDefinition = defineCommand({
  name: "resume",
  summary: "Makes Evenkeel go on with services that stalled, with a fresh budget of attempts.",
  flags: {
    service: { kind: "list", placeholder: "NAME", description: "A service's Render id or name" },
    all: { kind: "switch", description: "Every stalled service" },
    output: outputFlag,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: { 0: "resumed", 1: "nothing of that name is stalled", 2: "a flag or the data folder is wrong" },
  examples: ["deno task resume --service my-api && deno task once --service my-api"],
});

export async function resumeCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(resumeDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { service: wanted, all, output } = parsed.flags;
  if (wanted.length === 0 && !all) {
    throw new EvenkeelError("Cannot resume: no service is named", {
      hint: "deno task resume --service NAME, or --all",
    });
  }
  await using store = await openStoreIn(dataDirectory());
  const resumed: string[] = [];
  for (const record of await store.listServices()) {
    if (!all && !wanted.includes(record.serviceId) && !wanted.includes(record.name)) continue;
    if (await store.askToResume(record.serviceId, systemClock.now()) !== null) resumed.push(record.name);
  }
  if (output === "json") printJson({ schemaVersion: 1, resumed });
  else if (resumed.length > 0) console.log(`Resumed ${names(resumed)}`);
  else {console.log(
      all ? "Nothing to resume: no service is stalled" : `Nothing to resume: ${names(wanted)} is not stalled`,
    );}
  return resumed.length > 0 ? EXIT.ready : EXIT.notReady;
}

function names(list: readonly string[]): string {
  return list.map((name) => safe(name)).join(", ");
}
