/** `reconcile`: the daemon. One line a transition, a status server beside it, an orderly end on SIGTERM. */
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { adviceReport } from "../reconciler/advising.ts";
import { Controller } from "../reconciler/controller.ts";
import { runDaemon } from "../reconciler/daemon.ts";
import { describeVariables } from "../reconciler/environment.ts";
import type { Parts } from "../reconciler/parts.ts";
import { RenderRefused } from "../render/api.ts";
import { startStatusServer, STATUS_PORT } from "../status/server.ts";
import { formatDuration } from "../text/duration.ts";
import { parseArguments } from "./arguments.ts";
import { assemble } from "./assembly.ts";
import { begin } from "./beginning.ts";
import { agentsFlag, configFlag, defineCommand, serviceFlag, topologyFlag } from "./command.ts";
import { createNarrator } from "./event_line.ts";
import { createExplainer } from "./failure.ts";
import { verboseFlag } from "./log.ts";
import { stopOnSignals } from "./signals.ts";
import { VERSION } from "../base/version.ts";

/** How often the human-readable files are written while nothing stops, in milliseconds. */
const ARTIFACTS_EVERY_MS = 30_000;
/** How long hooks may take after SIGTERM, in milliseconds: who stops a container waits about ten seconds. */
const HOOKS_DRAIN_MS = 5_000;

export const reconcileDefinition = defineCommand({
  name: "reconcile",
  summary: "Keeps services in their desired state until stopped: looks, repairs, proves, rolls back.",
  flags: {
    service: serviceFlag,
    "status-port": {
      kind: "number",
      placeholder: "PORT",
      min: 0,
      max: 65_535,
      whole: true,
      default: STATUS_PORT,
      description: "Port of the status server; 0 takes a free one",
    },
    "status-host": {
      kind: "text",
      placeholder: "HOST",
      default: "127.0.0.1",
      description: "Address of the status server; anything but loopback needs EVENKEEL_STATUS_TOKEN",
    },
    agents: agentsFlag,
    topology: topologyFlag,
    config: configFlag,
    verbose: verboseFlag,
  },
  environment: [
    ...describeVariables(),
    {
      name: "EVENKEEL_STATUS_TOKEN",
      description: "Bearer token that readers of the status server must send",
    },
  ],
  exitCodes: {
    0: "stopped by SIGTERM or SIGINT after the step that was under way",
    1: "stopped by a second signal before the step was finished",
    2: "a flag, the environment or evenkeel.yaml is wrong",
    3: "Render refuses the API key",
  },
  examples: [
    "RENDER_API_KEY=... deno task reconcile",
    "deno task reconcile --service my-api --status-port 9000",
  ],
});

export async function reconcileCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(reconcileDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { flags } = parsed;
  await using beginning = await begin(flags);
  const { configuration, secrets } = beginning;
  const print = (text: string) => console.log(secrets.redact(text));
  const narrator = createNarrator(print, systemClock, Deno.stdout.isTerminal());
  const explain = createExplainer(print);
  await using assembly = await assemble(configuration, {
    agents: flags.agents,
    topology: flags.topology,
    onEvent: narrator.event,
    secrets,
  });
  const { parts } = assembly;
  await using controller = new Controller(parts);
  using stop = stopOnSignals((name) =>
    narrator.say(`${name}: finishing the step under way; again to leave at once`)
  );

  await checkKey(parts.api);
  const nextPasses = new Map<string, number>();
  const status = await startStatusServer({
    store: parts.store,
    port: flags["status-port"],
    hostname: flags["status-host"],
    token: Deno.env.get("EVENKEEL_STATUS_TOKEN"),
    version: VERSION,
    clock: parts.clock,
    advice: () => adviceReport(parts.store, { freeMemoryMiB: parts.freeMemoryMiB(), now: parts.clock.now() }),
    isWatched: ({ serviceId, name }) =>
      configuration.services.some(({ service }) => service === serviceId || service === name),
    nextPassAt: (serviceId) => nextPasses.get(serviceId) ?? null,
    readiness: async () =>
      await parts.store.isWritable()
        ? { ready: true, reason: "Looking after the services" }
        : { ready: false, reason: "The store cannot be written" },
  });
  try {
    const count = configuration.services.length;
    if (assembly.continued !== null) narrator.say(assembly.continued);
    narrator.say(`Looking after ${count} service${count === 1 ? "" : "s"}; status at ${status.url}/status`);
    let written = parts.clock.monotonic();
    await runDaemon(controller, parts, configuration.services, {
      signal: stop.signal,
      async onPass(_, pass) {
        narrator.outcome(pass.record.name, pass.outcome);
        await explain(parts.store, pass);
        if ("afterMs" in pass.outcome) {
          nextPasses.set(pass.record.serviceId, parts.clock.now() + pass.outcome.afterMs);
        } else nextPasses.delete(pass.record.serviceId);
        if (parts.clock.monotonic() - written < ARTIFACTS_EVERY_MS) return;
        written = parts.clock.monotonic();
        await assembly.writeArtifacts();
      },
      onTrouble: (spec, message) =>
        narrator.outcome(spec.service, { kind: "retry", reason: "CannotLook", message }),
    });
    await assembly.writeArtifacts();
    await assembly.endSession({ message: "Stopped by a signal", success: true }, HOOKS_DRAIN_MS);
    narrator.say(`Stopped after ${formatDuration(parts.clock.monotonic())}`);
  } finally {
    await status.stop();
  }
  return EXIT.ready;
}

/** A refused key never mends itself, so it ends the start; an API that does not answer yet may. */
async function checkKey(api: Parts["api"]): Promise<void> {
  try {
    await api.listServices({ limit: 1 });
  } catch (error) {
    if (!(error instanceof RenderRefused) || ![401, 403].includes(error.status)) return;
    throw new EvenkeelError(error.message, {
      hint: "Check RENDER_API_KEY: it must be a key of a user who sees the services",
      exitCode: EXIT.unobservable,
      cause: error,
    });
  }
}
