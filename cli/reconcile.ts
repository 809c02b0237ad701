/**
 * `reconcile`: the daemon. One line a transition, a status server beside it, an orderly end on SIGTERM. Beside another
 * one on the same data folder it stands by, and takes its place when that one has ended or stands still.
 */
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT, messageWithHint } from "../base/errors.ts";
import { keptAnswer } from "../base/kept_answer.ts";
import { adviceReport } from "../reconciler/advising.ts";
import { Controller } from "../reconciler/controller.ts";
import { runDaemon } from "../reconciler/daemon.ts";
import { describeVariables } from "../reconciler/environment.ts";
import type { Parts } from "../reconciler/parts.ts";
import type { Topology } from "../agents/swarm/topology.ts";
import { RenderRefused } from "../render/api.ts";
import { createRenderClient } from "../render/client.ts";
import { DiskTrouble } from "../state/disk.ts";
import { LEASE_MS, LEASE_MS_MIN } from "../state/replica.ts";
import type { Term } from "../state/replica.ts";
import type { SharedStore } from "../state/store.ts";
import { startStatusServer, STATUS_PORT } from "../status/server.ts";
import { formatDuration } from "../text/duration.ts";
import { parseArguments } from "./arguments.ts";
import { assemble, freeMemoryMiB } from "./assembly.ts";
import { begin } from "./beginning.ts";
import { readinessBeside } from "./leading.ts";
import type { Beginning } from "./beginning.ts";
import { agentsFlag, configFlag, defineCommand, serviceFlag, topologyFlag } from "./command.ts";
import { createNarrator } from "./event_line.ts";
import type { Narrator } from "./event_line.ts";
import { createExplainer } from "./failure.ts";
import { createDiskWatch } from "./disk_watch.ts";
import type { DiskWatch } from "./disk_watch.ts";
import { printOn } from "./output.ts";
import { openWhenWritable, TRY_AGAIN_MS } from "./while_unwritable.ts";
import { verboseFlag } from "./log.ts";
import { stopOnSignals } from "./signals.ts";
import { WebhookDesk } from "./webhook_desk.ts";
import { VERSION } from "../base/version.ts";

/** How long an answer of the store is kept for /readyz, in milliseconds: short beside what a health check waits. */
const READINESS_KEPT_MS = 1_000;
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
    lease: {
      kind: "duration",
      default: LEASE_MS,
      description: "How long a leader on the same data folder may be silent before this one takes its place",
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
  if (flags.lease < LEASE_MS_MIN) {
    throw new EvenkeelError(`Cannot lead for ${flags.lease} ms at a time: it takes ${LEASE_MS_MIN} or more`, {
      hint: `--lease ${formatDuration(LEASE_MS)} is the default`,
    });
  }
  await using beginning = await begin(flags);
  const { configuration, secrets } = beginning;
  const print = (text: string) => printOn("stdout", secrets.redact(text));
  const narrator = createNarrator(
    print,
    systemClock,
    Deno.stdout.isTerminal(),
    configuration.services.map(({ service }) => service),
  );
  const { apiKey, apiUrl } = configuration;
  using stop = stopOnSignals((name) =>
    narrator.say(`${name}: finishing the step under way; again to leave at once`)
  );
  await checkKey(createRenderClient({ apiKey, baseUrl: apiUrl }));
  const server = {
    port: flags["status-port"],
    hostname: flags["status-host"],
    token: Deno.env.get("EVENKEEL_STATUS_TOKEN"),
    version: VERSION,
    clock: systemClock,
    isWatched: ({ serviceId, name }: { serviceId: string; name: string }) =>
      configuration.services.some(({ service }) => service === serviceId || service === name),
  };
  await using standing = await openWhenWritable({
    configuration,
    secrets,
    leaseMs: flags.lease,
    narrator,
    stop: stop.signal,
    serve(store, reason) {
      const since = systemClock.now();
      return startStatusServer({
        ...server,
        // Nothing of what is seen meanwhile is recorded anywhere.
        store: {
          listServices: () => Promise.resolve([]),
          getActiveIncident: (id) => store.getActiveIncident(id),
          listIncidents: (query) => store.listIncidents(query),
          listEvents: (query) => store.listEvents(query),
        },
        observing: async () => ({ since, reason, seen: await store.listServices() }),
        readiness: () => Promise.resolve({ ready: false, reason: `Observe-only: ${reason}` }),
      });
    },
  });
  if (standing === null) return EXIT.ready;
  const { replica, store } = standing;
  const nextPasses = new Map<string, number>();
  const desk = new WebhookDesk(configuration);
  const disk = createDiskWatch(narrator, systemClock);
  // Whoever asks for readiness needs no token, and finding out writes to the disk.
  const storeTrouble = keptAnswer(() => troubleOf(store), systemClock, READINESS_KEPT_MS);
  const observing = () => disk.observing(storeTrouble);
  const status = await startStatusServer({
    ...server,
    store,
    ...(desk.receiver === undefined ? {} : { webhook: desk.receiver }),
    advice: () => adviceReport(store, { freeMemoryMiB: freeMemoryMiB(), now: systemClock.now() }),
    nextPassAt: (serviceId) => nextPasses.get(serviceId) ?? null,
    observing,
    readiness: async () => {
      const trouble = await observing();
      if (trouble !== null) return { ready: false, reason: `Observe-only: ${trouble.reason}` };
      const { waiting, leaseMs } = replica;
      return waiting === null
        ? { ready: true, reason: "Looking after the services" }
        : readinessBeside(waiting, leaseMs);
    },
  });
  try {
    const where = `status at ${status.url}/status`;
    while (!stop.signal.aborted) {
      try {
        await using term = await replica.lead(stop.signal, ({ holder }) => {
          narrator.say(`Standing by: ${holder} looks after the services; ${where}`);
        });
        if (term === null) break;
        await lookAfter(term, {
          flags,
          beginning,
          narrator,
          print,
          nextPasses,
          desk,
          disk,
          stop: stop.signal,
          where,
        });
        if (!term.lost.aborted) break;
        narrator.say("Another Evenkeel leads by now; nothing more is done here");
      } catch (error) {
        if (!(error instanceof DiskTrouble)) throw error;
        disk.met(error);
        await systemClock.sleep(TRY_AGAIN_MS, stop.signal);
      } finally {
        nextPasses.clear();
      }
    }
    narrator.say(`Stopped after ${formatDuration(systemClock.monotonic())}`);
  } finally {
    await status.stop();
  }
  return EXIT.ready;
}

interface Care {
  flags: { agents: "subprocess" | "off"; topology: Topology | "auto" };
  beginning: Beginning;
  narrator: Narrator;
  print: (text: string) => void;
  /** When each service is looked at again. */
  nextPasses: Map<string, number>;
  desk: WebhookDesk;
  disk: DiskWatch;
  stop: AbortSignal;
  /** Where the status is, for people. */
  where: string;
}

/** Looks after the services until it is to stop or loses the lead. */
async function lookAfter(term: Term, care: Care): Promise<void> {
  const { flags, narrator, nextPasses, desk } = care;
  const { configuration, secrets } = care.beginning;
  await using assembly = await assemble(configuration, {
    term,
    agents: flags.agents,
    topology: flags.topology,
    onEvent: narrator.event,
    secrets,
  });
  const { parts } = assembly;
  await using controller = new Controller(parts);
  const explain = createExplainer(care.print);
  const count = configuration.services.length;
  if (assembly.continued !== null) narrator.say(assembly.continued);
  narrator.say(`Looking after ${count} service${count === 1 ? "" : "s"}; ${care.where}`);
  let written = parts.clock.monotonic();
  const isOver = AbortSignal.any([care.stop, term.lost]);
  await desk.leading(parts, isOver, (queue) =>
    runDaemon(controller, parts, configuration.services, {
      signal: care.stop,
      lost: term.lost,
      queue,
      async onPass(spec, pass) {
        desk.learn(spec.service, pass.record.serviceId);
        const isLookedAtOnly = care.disk.pass(pass);
        if (!isLookedAtOnly) {
          narrator.outcome(pass.record.name, pass.outcome);
          await explain(parts.store, pass);
        }
        if ("afterMs" in pass.outcome) {
          nextPasses.set(pass.record.serviceId, parts.clock.now() + pass.outcome.afterMs);
        } else nextPasses.delete(pass.record.serviceId);
        if (isLookedAtOnly || parts.clock.monotonic() - written < ARTIFACTS_EVERY_MS) return;
        written = parts.clock.monotonic();
        await assembly.writeArtifacts();
      },
      onTrouble: (spec, message) =>
        narrator.outcome(spec.service, { kind: "retry", reason: "CannotLook", message }),
    }));
  // The files are the leader's.
  if (term.lost.aborted) return;
  await assembly.writeArtifacts();
  await assembly.endSession({ message: "Stopped by a signal", success: true }, HOOKS_DRAIN_MS);
}

/** Why nothing could be written now. */
async function troubleOf(store: SharedStore): Promise<string | null> {
  const why = await store.whyUnwritable();
  return why === null ? null : messageWithHint(why);
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
