/** `unknowns`: the failures whose cause nobody knew, grouped and counted, so that the catalogue can learn them. */
import { EXIT } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { dataDirectory, openStoreIn } from "./data_folder.ts";
import { createPainter, printJson, safe, wrap } from "./output.ts";

/** Groups shown when nothing else is asked for. */
export const UNKNOWNS_SHOWN = 20;

export const unknownsDefinition = defineCommand({
  name: "unknowns",
  invocation: "deno task evenkeel unknowns",
  summary: "Lists failures whose cause was not known, grouped by the pattern of the line that tells most.",
  flags: {
    limit: {
      kind: "number",
      placeholder: "N",
      min: 1,
      max: 1000,
      whole: true,
      default: UNKNOWNS_SHOWN,
      description: "Groups at most, the most seen first",
    },
    output: outputFlag,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: { 0: "listed, be there any or none", 2: "a flag or the data folder is wrong" },
  examples: ["deno task evenkeel unknowns", "deno task --quiet evenkeel unknowns -o json --limit 1000"],
});

export async function unknownsCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(unknownsDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { limit, output } = parsed.flags;
  await using store = await openStoreIn(dataDirectory());
  const unknowns = await store.listUnknowns({ limit });
  if (output === "json") {
    printJson({
      schemaVersion: 1,
      unknowns: unknowns.map((each) => ({
        template: each.template,
        count: each.seen,
        firstSeen: new Date(each.firstSeenAt).toISOString(),
        lastSeen: new Date(each.lastSeenAt).toISOString(),
        example: each.example,
      })),
    });
    return EXIT.ready;
  }
  if (unknowns.length === 0) console.log("No failure was unknown so far");
  const { paint } = createPainter();
  const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");
  for (const { template, seen, firstSeenAt, lastSeenAt, example } of unknowns) {
    const times = seen === 1 ? day(lastSeenAt) : `${day(firstSeenAt)} to ${day(lastSeenAt)}`;
    console.log(
      `${paint("bold", `${seen} x`)}  ${safe(template)}\n${paint("dim", wrap(times, 100, 4))}\n${
        wrap(safe(example), 100, 4)
      }`,
    );
  }
  return EXIT.ready;
}
