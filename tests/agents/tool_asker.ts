/** The real named tools behind `ask`, as the runner gives them to an agent. */
import { join } from "@std/path";
import type { AskTool } from "../../agents/agent.ts";
import { createToolbox } from "../../agents/tools/toolbox.ts";
import { toolEnvironment } from "../../process/environment.ts";

/** @param environment what makes pip and npm ask a test's own index */
export async function withRealTools(
  environment: Readonly<Record<string, string>>,
  use: (ask: AskTool) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-tools-" });
  try {
    const toolbox: Readonly<Record<string, { run(input: unknown, signal: AbortSignal): Promise<unknown> }>> =
      createToolbox({
        cacheHome: join(folder, "home"),
        scratchRoot: join(folder, "scratch"),
        environment: { ...toolEnvironment(), ...environment },
      });
    await use(async (tool, input) => {
      const found = Object.hasOwn(toolbox, tool) ? toolbox[tool] : undefined;
      if (found === undefined) throw new Error(`There is no tool ${tool}`);
      return await found.run(input, new AbortController().signal);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
