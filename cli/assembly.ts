/**
 * Puts the parts together for the commands that look after services: the data folder with its lock, the store,
 * the client, git, the agents. What it opens it closes.
 */
import { dirname, join, resolve } from "@std/path";
import { runInline } from "../agents/inline.ts";
import type { Topology } from "../agents/swarm/topology.ts";
import { createSubprocessRunner } from "../agents/runner.ts";
import { createToolbox } from "../agents/tools/toolbox.ts";
import { systemClock } from "../base/clock.ts";
import { jsonSchema } from "../base/json.ts";
import { createHooks } from "../hooks/hooks.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { createHookListener } from "../hooks/listener.ts";
import type { Configuration } from "../reconciler/config.ts";
import { DEFAULT_CONFIG_FILE } from "../reconciler/environment.ts";
import type { Parts } from "../reconciler/parts.ts";
import { createRenderClient } from "../render/client.ts";
import {
  appendFallbackLog,
  appendSwarmLog,
  writeAgentOutput,
  writeLearningState,
  writeSession,
} from "../state/artifacts.ts";
import { lockDataDirectory } from "../state/lock.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { Store } from "../state/store.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLog } from "../text/sanitize.ts";
import { createOverlay } from "./overlay.ts";
import { createRepositories } from "./repositories.ts";

export interface AssemblyOptions {
  /** `false` keeps everything that is recorded in memory. @default true */
  mayWrite?: boolean;
  /** Run the agents in this process. @default "subprocess" */
  agents?: "subprocess" | "off";
  /** How agents work together. @default "auto" */
  topology?: Topology | "auto";
  onEvent?: Parts["onEvent"];
}

export interface Assembly extends AsyncDisposable {
  parts: Parts;
  /** Writes the human-readable files of this session. */
  writeArtifacts(): Promise<void>;
  /**
   * Fires session-end and waits for the hooks that are still to be called.
   * @param drainMs the longest wait, in milliseconds
   */
  endSession(end: { message: string; success: boolean }, drainMs: number): Promise<void>;
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
  const hooks = mayWrite
    ? cleanup.use(openHooks(configuration, { sessionId, redact, store, onEvent: options.onEvent }))
    : null;
  const listen = hooks === null ? null : createHookListener(hooks);
  if (hooks !== null && await isContinued(configuration)) {
    hooks.fire("session-restore", { message: `Session ${sessionId} is continued` });
  }
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
    onEvent(event, about) {
      options.onEvent?.(event, about);
      listen?.(event, about);
    },
    topology: options.topology ?? "auto",
    freeMemoryMiB: () => Deno.systemMemoryInfo().available / 1024 ** 2,
    async onAgentOutput(agent, output, { attempt, via, topology, durationMs }) {
      if (!mayWrite) return;
      // An agent's answer has passed its schema, which is JSON.
      const entry = { session: sessionId, attempt, at: clock.now(), output: jsonSchema.parse(output) };
      await writeAgentOutput(dataDirectory, agent, entry, artifacts);
      const manner = topology === null ? "" : ` ${topology}`;
      const line = `${new Date(entry.at).toISOString()} ${agent} attempt ${attempt}${manner} ${
        Math.round(durationMs)
      } ms\n`;
      const append = via === "swarm" ? appendSwarmLog : appendFallbackLog;
      await append(dataDirectory, sessionId, line, artifacts);
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
    async endSession({ message, success }, drainMs) {
      hooks?.fire("session-end", { message, success, level: success ? "info" : "warn" });
      await hooks?.drain(drainMs);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function openHooks(
  { dataDirectory, file, hooks }: Configuration,
  { sessionId, redact, store, onEvent }: {
    sessionId: string;
    redact: (text: string) => string;
    store: Store;
    onEvent: AssemblyOptions["onEvent"];
  },
): Hooks {
  return createHooks(hooks ?? { preset: "none", targets: {} }, {
    folder: join(dataDirectory, "hooks"),
    programFolder: dirname(resolve(file ?? DEFAULT_CONFIG_FILE)),
    session: sessionId,
    redact,
    onEvent(event, { serviceName }) {
      onEvent?.(event, { serviceName, incident: null });
      // Said already; a store that cannot be written fails the loop where it matters.
      store.record({ events: [event] }).catch(() => {});
    },
  });
}

/** Whether the session was named by a person and has left artifacts before. */
async function isContinued({ dataDirectory, sessionId }: Configuration): Promise<boolean> {
  if (sessionId === null) return false;
  const artifacts = join(dataDirectory, "memory", "sessions", sessionId);
  return await Deno.stat(artifacts).then(() => true, () => false);
}
