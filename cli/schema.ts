import { EXIT } from "../base/errors.ts";
import { configJsonSchema } from "../reconciler/config_schema.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { printJson } from "./output.ts";

export const schemaDefinition = defineCommand({
  name: "schema",
  summary: "Prints the JSON schema of evenkeel.yaml, with which an editor checks and completes the file.",
  flags: {},
  exitCodes: { 0: "printed" },
  examples: ["deno task --quiet schema > evenkeel.schema.json"],
});

/** Prints the JSON schema of the configuration file. */
// deno-lint-ignore require-await -- every command is asynchronous
export async function schemaCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(schemaDefinition, args);
  if (parsed.kind === "help") console.log(parsed.text);
  else printJson(configJsonSchema());
  return EXIT.ready;
}
