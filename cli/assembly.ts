/**
 * Puts the parts together for the commands that look after services: the data folder and the lead over it, the
 * store, the client, git, the agents. What it opens it closes.
 */
import { dirname, join, resolve } from "@std/path";
import { runInline } from "../agents/inline.ts";
import type { Topology } from "../agents/swarm/topology.ts";
import { createSubprocessRunner } from "../agents/runner.ts";
import type { SubprocessRunnerOptions } from "../agents/runner.ts";
import { REHEARSAL_MS } from "../agents/tools/rehearsal.ts";
import { createToolbox } from "../agents/tools/toolbox.ts";
import { hearingTime, systemClock } from "../base/clock.ts";
import { rehearse } from "../drydock/rehearse.ts";
import { createHooks } from "../hooks/hooks.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { createHookListener } from "../hooks/listener.ts";
import type { Configuration } from "../reconciler/config.ts";
import { DEFAULT_CONFIG_FILE } from "../reconciler/environment.ts";
import type { Parts } from "../reconciler/parts.ts";
import { createRenderClient, REQUEST_TIMEOUT_MS } from "../render/client.ts";
import type { Term } from "../state/replica.ts";
import { diskTrouble } from "../state/disk.ts";
import { createCleanStore } from "../state/clean_store.ts";
import { Removal } from "../state/removal.ts";
import { forgetScratch, openScratch } from "../state/scratch.ts";
import type { Store } from "../state/store.ts";
import { STORE_FILE } from "../state/store_file.ts";
import { createTroubleTeller } from "./agent_trouble.ts";
import { createCopyKeeper } from "./copy_keeper.ts";
import { openStoreIn } from "./data_folder.ts";
import { confirmedFetch, confirmedRepositories, leadAtOnce } from "./leading.ts";
import type { Confirm } from "./leading.ts";
import { createOverlay } from "./overlay.ts";
import { createRepositories } from "./repositories.ts";
import { checkRoom } from "./room.ts";
import { createSecrets, learnFrom, ownSecrets } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";
import { createSessionRecorder, describeContinued } from "./session_recorder.ts";
import { agentSays, watchAgents, watchFetch } from "./watched.ts";

export interface AssemblyOptions {
  /** `false` keeps everything that is recorded in memory. @default true */
  mayWrite?: boolean;
  /** The lead, where the caller has it and gives it back. @default taken at once, for as long as the assembly lives */
  term?: Term;
  /** Run the agents in this process. @default "subprocess" */
  agents?: "subprocess" | "off";
  /** The module that serves an agent in its process. @default agents/<name>/main.ts */
  entry?: NonNullable<SubprocessRunnerOptions["entry"]>;
  /** How agents work together. @default "auto" */
  topology?: Topology | "auto";
  onEvent?: Parts["onEvent"];
  /** Shared with whoever prints. @default those of the configuration */
  secrets?: Secrets;
}

export interface Assembly extends AsyncDisposable {
  parts: Parts;
  /** Aborted when another Evenkeel leads: nothing may be done any more. */
  lost: AbortSignal;
  /** What to say when the session is one that was there before; `null` otherwise. */
  continued: string | null;
  /** Writes the human-readable files of this session, and once a day a copy of the store. */
  writeArtifacts(): Promise<void>;
  /**
   * Fires session-end and waits for the hooks that are still to be called.
   * @param drainMs the longest wait, in milliseconds
   */
  endSession(end: { message: string; success: boolean }, drainMs: number): Promise<void>;
}

/**
 * @throws {EvenkeelError} when the data folder cannot be used or another Evenkeel leads in it
 */
export async function assemble(
  configuration: Configuration,
  options: AssemblyOptions = {},
): Promise<Assembly> {
  const { dataDirectory, githubToken, apiKey, apiUrl } = configuration;
  const mayWrite = options.mayWrite ?? true;
  await using cleanup = new AsyncDisposableStack();
  await Deno.mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const term = !mayWrite ? null : options.term ?? cleanup.use(await leadAtOnce(dataDirectory));
  const secrets = options.secrets ?? createSecrets(ownSecrets(configuration));
  const { redact } = secrets;
  const opening = term?.store ??
    createOverlay(cleanup.use(await openStoreIn(dataDirectory)));
  const store = createCleanStore(opening, secrets.clean);
  const confirm: Confirm = term?.confirm ?? (() => Promise.reject(new Error("A check was about to act")));

  const clock = systemClock;
  const scratchFolders = join(dataDirectory, "scratch");
  // What killed runs left: a check, or a leader that stood still and lost its lead, may still be at work in its own.
  if (term?.isAlone) await forgetScratch(scratchFolders, 0, new Removal());
  const { path: scratchRoot } = cleanup.use(
    await openScratch(scratchFolders).catch((error) => {
      throw diskTrouble(`use ${dataDirectory}`, error) ?? error;
    }),
  );

  const sessionId = configuration.sessionId ?? new Date(clock.now()).toISOString().replace(/[:.]/g, "-");
  const recorder = createSessionRecorder({
    dataDirectory,
    sessionId,
    store,
    services: configuration.services,
    redact,
    clock,
    agents: options.agents ?? "subprocess",
  });
  const continued = await describeContinued({
    dataDirectory,
    sessionId: configuration.sessionId,
    store,
    now: clock.now(),
  });
  const hooks = mayWrite
    ? cleanup.use(openHooks(configuration, { sessionId, redact, store, onEvent: options.onEvent }))
    : null;
  const listen = hooks === null ? null : createHookListener(hooks);
  if (continued !== null) hooks?.fire("session-restore", { message: continued });
  const tellTrouble = createTroubleTeller(clock);
  const parts: Parts = {
    api: learnFrom(
      createRenderClient({
        apiKey,
        baseUrl: apiUrl,
        fetch: confirmedFetch(confirm, hearingTime(clock, watchFetch(apiUrl))),
      }),
      secrets,
    ),
    store,
    repositories: confirmedRepositories(
      confirm,
      createRepositories({ scratchRoot, token: githubToken, gitHubUrl: configuration.githubApiUrl, confirm }),
    ),
    runAgent: watchAgents(
      options.agents === "off" ? runInline : createSubprocessRunner({
        scratchRoot,
        onLog: agentSays,
        ...(options.entry === undefined ? {} : { entry: options.entry }),
      }),
      (agent, failure, occasion) => {
        const event = tellTrouble(agent, failure, occasion);
        if (mayWrite) recorder.agentFailed(agent, failure, event, occasion);
        if (event !== undefined) {
          options.onEvent?.(event, { serviceName: occasion?.serviceName ?? "", incident: null });
        }
      },
    ),
    checkRoom: () => checkRoom(scratchRoot),
    toolbox: createToolbox({ cacheHome: join(dataDirectory, "cache"), scratchRoot }),
    rehearse: (request, signal) =>
      rehearse(request, {
        scratchRoot,
        hidden: [resolve(dataDirectory), Deno.cwd()],
        clock,
        random: Math.random,
        signal,
        timeoutMs: REHEARSAL_MS,
      }),
    clock,
    random: Math.random,
    author: configuration.author,
    sessionId,
    epoch: crypto.randomUUID(),
    predecessorMs: term?.wasSilent ? REQUEST_TIMEOUT_MS : 0,
    environment: (name) => Deno.env.get(name),
    secrets: ownSecrets(configuration),
    onEvent(event, about) {
      if (mayWrite) recorder.event(event, about);
      options.onEvent?.(event, about);
      listen?.(event, about);
    },
    topology: options.topology ?? "auto",
    freeMemoryMiB,
    async onAgentOutput(agent, output, context) {
      if (mayWrite) await recorder.agentAnswered(agent, output, context);
    },
  };
  const keepCopy = createCopyKeeper(join(dataDirectory, STORE_FILE), clock);
  if (mayWrite) await keepCopy();
  const opened = cleanup.move();
  return {
    parts,
    lost: term?.lost ?? new AbortController().signal,
    continued: mayWrite ? continued : null,
    async writeArtifacts() {
      if (!mayWrite) return;
      await recorder.write();
      await keepCopy();
    },
    async endSession({ message, success }, drainMs) {
      hooks?.fire("session-end", { message, success, level: success ? "info" : "warn" });
      await hooks?.drain(drainMs);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export function freeMemoryMiB(): number {
  return Deno.systemMemoryInfo().available / 1024 ** 2;
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
