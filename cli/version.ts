import { EXIT } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { printJson } from "./output.ts";

export const versionDefinition = defineCommand({
  name: "version",
  invocation: "deno task evenkeel version",
  summary: "Prints the versions of Evenkeel and of the Deno it runs on.",
  flags: { output: outputFlag },
  exitCodes: { 0: "printed" },
  examples: ["deno task evenkeel version -o json"],
});

// deno-lint-ignore require-await -- every command is asynchronous
export async function versionCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(versionDefinition, args);
  if (parsed.kind === "help") console.log(parsed.text);
  else if (parsed.flags.output === "json") printJson({ evenkeel: VERSION, deno: Deno.version.deno });
  else console.log(`evenkeel ${VERSION} on deno ${Deno.version.deno}`);
  return EXIT.ready;
}
