/**
 * What `reconcile` does when it starts and its data folder cannot be written: it looks at its services, says so at
 * /readyz, changes and remembers nothing, and tries the folder again until it can be written.
 */
import { systemClock } from "../base/clock.ts";
import { logOf } from "../base/log.ts";
import { messageOf, messageWithHint } from "../base/errors.ts";
import type { Configuration } from "../reconciler/config.ts";
import { Controller } from "../reconciler/controller.ts";
import { runDaemon } from "../reconciler/daemon.ts";
import { DiskTrouble } from "../state/disk.ts";
import type { StatusStore } from "../status/snapshot.ts";
import type { StatusServer } from "../status/server.ts";
import { assemble } from "./assembly.ts";
import type { Narrator } from "./event_line.ts";
import { openReplica } from "./leading.ts";
import type { Standing } from "./leading.ts";
import type { Secrets } from "./secrets.ts";

/** How often the folder is tried again, in milliseconds. */
export const TRY_AGAIN_MS = 5_000;
/** Where what is seen meanwhile may lie: the usual place, or in memory where that is on the disk that refuses. */
const PLACES = [undefined, "/dev/shm"];
const NOTHING_SEEN: StatusStore = {
  listServices: () => Promise.resolve([]),
  getActiveIncident: () => Promise.resolve(null),
  listIncidents: () => Promise.resolve([]),
  listEvents: () => Promise.resolve([]),
};
const log = logOf("files");

export interface Observing {
  configuration: Configuration;
  secrets: Secrets;
  leaseMs: number;
  narrator: Narrator;
  stop: AbortSignal;
  /** Starts the status server over what is seen meanwhile. */
  serve(store: StatusStore, reason: string): Promise<StatusServer>;
}

/**
 * Opens the data folder as soon as it can be written.
 * @returns `null` when `stop` aborted before
 * @throws {EvenkeelError} for what does not pass: a damaged store, a folder that cannot be made
 */
export async function openWhenWritable(observing: Observing): Promise<Standing | null> {
  const { configuration: { dataDirectory }, leaseMs, narrator, stop } = observing;
  const first = await openWritable(dataDirectory, leaseMs);
  if (!(first instanceof DiskTrouble)) return first;
  const reason = messageWithHint(first);
  narrator.say(`Observe-only, nothing is changed: ${reason}`);
  const over = new AbortController();
  const looking = observeSomewhere(observing, reason, AbortSignal.any([stop, over.signal]));
  let opened: Standing | DiskTrouble = first;
  try {
    while (opened instanceof DiskTrouble) {
      await systemClock.sleep(TRY_AGAIN_MS, stop);
      if (stop.aborted) return null;
      opened = await openWritable(dataDirectory, leaseMs);
    }
  } finally {
    over.abort();
    await looking;
  }
  narrator.say("The disk takes what is written: acting from now on");
  return opened;
}

async function openWritable(directory: string, leaseMs: number): Promise<Standing | DiskTrouble> {
  try {
    const standing = await openReplica(directory, leaseMs);
    const why = await standing.store.whyUnwritable();
    if (why === null) return standing;
    await standing[Symbol.asyncDispose]();
    throw why;
  } catch (error) {
    if (error instanceof DiskTrouble) return error;
    throw error;
  }
}

/** Looks at the services until it is over, where there is a place for it; says how it is in any case. */
async function observeSomewhere(observing: Observing, reason: string, over: AbortSignal): Promise<void> {
  for (const dir of PLACES) {
    try {
      return await observe(observing, reason, over, dir);
    } catch (error) {
      log.warn(`Cannot look meanwhile in ${dir ?? "the folder for temporary files"}: ${messageOf(error)}`);
    }
  }
  const status = await observing.serve(NOTHING_SEEN, reason).catch((error) => log.warn(messageOf(error)));
  if (!over.aborted) {
    await new Promise((resolve) => over.addEventListener("abort", resolve, { once: true }));
  }
  await status?.stop();
}

/** Looks at the services until it is over; what is seen is kept in memory and in a folder that goes afterwards. */
async function observe(
  observing: Observing,
  reason: string,
  over: AbortSignal,
  dir: string | undefined,
): Promise<void> {
  const { configuration, secrets, narrator, serve } = observing;
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({
    ...(dir === undefined ? {} : { dir }),
    prefix: "evenkeel-observing-",
  });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const services = configuration.services.map((spec) => ({
    ...spec,
    policy: { ...spec.policy, paused: true },
  }));
  const seeing = { ...configuration, services, dataDirectory: folder };
  const { parts } = cleanup.use(
    await assemble(seeing, { mayWrite: false, agents: "off", onEvent: narrator.event, secrets }),
  );
  const status = await serve(parts.store, reason);
  cleanup.defer(() => status.stop());
  narrator.say(`Status at ${status.url}/status`);
  const controller = cleanup.use(new Controller(parts, { mayAct: false }));
  await runDaemon(controller, parts, services, {
    signal: over,
    onTrouble: (spec, message) =>
      narrator.outcome(spec.service, { kind: "retry", reason: "CannotLook", message }),
  });
}
