/**
 * Puts the parts together for the commands that look after services: the data folder with its lock, the store,
 * the client, git, the agents. What it opens it closes.
 */
import { join } from "@std/path";
import { runInline } from "../agents/inline.ts";
import { createSubprocessRunner } from "../agents/runner.ts";
import { createToolbox } from "../agents/tools/toolbox.ts";
import { systemClock } from "../base/clock.ts";
import { jsonSchema } from "../base/json.ts";
import type { Configuration } from "../reconciler/config.ts";
import type { Parts } from "../reconciler/parts.ts";
import { createRenderClient } from "../render/client.ts";
import { appendSwarmLog, writeAgentOutput, writeLearningState, writeSession } from "../state/artifacts.ts";
import { lockDataDirectory } from "../state/lock.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLog } from "../text/sanitize.ts";
import { createOverlay } from "./overlay.ts";
import { createRepositories } from "./repositories.ts";

export interface AssemblyOptions {
  /** `false` keeps everything that is recorded in memory. @default true */
  mayWrite?: boolean;
  /** Run the agents in this process. @default "subprocess" */
  agents?: "subprocess" | "off";
  onEvent?: Parts["onEvent"];
}

export interface Assembly extends AsyncDisposable {
  parts: Parts;
  /** Writes the human-readable files of this session. */
  writeArtifacts(): Promise<void>;
}

/**
 * @throws {EvenkeelError} when the data folder cannot be used or another Evenkeel uses it
 */
export async function assemble(
  configuration: Configuration,
  options: AssemblyOptions = {},
): Promise<Assembly> {
  const { dataDirectory, githubToken, apiKey, apiUrl } = configuration;
  const mayWrite = options.mayWrite ?? true;
  await using cleanup = new AsyncDisposableStack();
  await Deno.mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  if (mayWrite) cleanup.use(await lockDataDirectory(dataDirectory));
  const sqlite = cleanup.use(await openSqliteStore(join(dataDirectory, "evenkeel.db")));
  const store = mayWrite ? sqlite : createOverlay(sqlite);

  const clock = systemClock;
  const scratchRoot = join(dataDirectory, "scratch", crypto.randomUUID());
  cleanup.defer(() => Deno.remove(scratchRoot, { recursive: true }).catch(() => {}));
  // What a killed run left; nobody else uses the folder while we hold its lock.
  if (mayWrite) await Deno.remove(join(dataDirectory, "scratch"), { recursive: true }).catch(() => {});
  await Deno.mkdir(scratchRoot, { recursive: true, mode: 0o700 });

  const sessionId = configuration.sessionId ?? new Date(clock.now()).toISOString().replace(/[:.]/g, "-");
  const secrets = [apiKey, ...githubToken === null ? [] : [githubToken]];
  const redact = createRedactor(secrets);
  const artifacts = { clean: (text: string) => redact(sanitizeLog(text)), clock };
  const parts: Parts = {
    api: createRenderClient({ apiKey, baseUrl: apiUrl }),
    store,
    repositories: createRepositories({ scratchRoot, token: githubToken }),
    runAgent: options.agents === "off" ? runInline : createSubprocessRunner({ scratchRoot }),
    toolbox: createToolbox({ cacheHome: join(dataDirectory, "cache"), scratchRoot }),
    clock,
    random: Math.random,
    author: configuration.author,
    sessionId,
    epoch: crypto.randomUUID(),
    environment: (name) => Deno.env.get(name),
    secrets,
    onEvent: (event, about) => options.onEvent?.(event, about),
    async onAgentOutput(agent, output, attempt) {
      if (!mayWrite) return;
      // An agent's answer has passed its schema, which is JSON.
      const entry = { session: sessionId, attempt, at: clock.now(), output: jsonSchema.parse(output) };
      await writeAgentOutput(dataDirectory, agent, entry, artifacts);
      const line = `${new Date(entry.at).toISOString()} ${agent} attempt ${attempt ?? "-"}\n`;
      await appendSwarmLog(dataDirectory, sessionId, line, artifacts);
    },
  };
  const opened = cleanup.move();
  return {
    parts,
    async writeArtifacts() {
      if (!mayWrite) return;
      await writeLearningState(dataDirectory, store, artifacts);
      await writeSession(dataDirectory, sessionId, { store, topology: "hierarchical" }, artifacts);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
