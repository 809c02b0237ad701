/** `policy`: the guardrails in force, from the file, the environment and the defaults. Asks nobody. */
import { EXIT } from "../base/errors.ts";
import { loadDesired } from "../reconciler/config.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { DEFAULT_POLICY } from "../reconciler/policy.ts";
import type { Policy } from "../reconciler/policy.ts";
import { DEFAULT_SPEC } from "../reconciler/spec.ts";
import { formatDuration } from "../text/duration.ts";
import { parseArguments } from "./arguments.ts";
import { configFlag, defineCommand, outputFlag, serviceFlag } from "./command.ts";
import { createPainter, printJson, safe, table } from "./output.ts";

export const policyDefinition = defineCommand({
  name: "policy",
  invocation: "deno task evenkeel policy",
  summary: "Shows the guardrails in force for each service: what Evenkeel may do, how often and when.",
  flags: { service: serviceFlag, config: configFlag, output: outputFlag },
  environment: describeVariables("MAX_ITERATIONS", "EVENKEEL_MODE"),
  exitCodes: { 0: "shown", 2: "a flag, the environment or evenkeel.yaml is wrong" },
  examples: ["deno task evenkeel policy --service my-api"],
});

/** Shows the guardrails of each service; of no service in particular when none is configured. */
export async function policyCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(policyDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { service, config, output } = parsed.flags;
  const { services } = await loadDesired({
    file: config,
    services: service,
    environment: (name) => Deno.env.get(name),
  });
  const shown = services.length > 0
    ? services.map(({ service, mode, policy }) => ({ service, mode, policy }))
    : [{ service: null, mode: DEFAULT_SPEC.mode, policy: DEFAULT_POLICY }];
  if (output === "json") {
    printJson({ services: shown });
    return EXIT.ready;
  }
  const { paint } = createPainter();
  const blocks = shown.map(({ service, mode, policy }) => {
    const rows = [["mode", mode], ...Object.entries(policy).map(([name, value]) => rowOf(name, value))];
    const title = service === null ? "Defaults, no service is configured" : safe(service);
    return `${paint("bold", title)}\n${table(rows, { indent: 2 })}`;
  });
  console.log(blocks.join("\n\n"));
  return EXIT.ready;
}

function rowOf(name: string, value: Policy[keyof Policy]): [string, string] {
  if (typeof value === "number" && name.endsWith("Ms")) return [name.slice(0, -2), formatDuration(value)];
  if (typeof value === "boolean") return [name, value ? "yes" : "no"];
  return [name, safe(typeof value === "object" ? value.join("  ") : String(value))];
}
