/**
 * Drydock: a local stand-in for Render. The same API for what Evenkeel uses, real clones, builds, processes,
 * ports and probes, on loopback only. When it ends, however it ends, its processes and its temp folder go.
 */
import { join } from "@std/path";
import { systemClock } from "../base/clock.ts";
import type { Clock, Random } from "../base/clock.ts";
import { EvenkeelError } from "../base/errors.ts";
import { startGroup } from "../process/group.ts";
import { toolEnvironment } from "../process/environment.ts";
import { BASE_PATH, makeApp } from "./api/app.ts";
import { DEFAULT_RATE_LIMITS, RateCounter } from "./api/rate.ts";
import type { RateLimits } from "./api/rate.ts";
import { Containers } from "./deploy/engine/containers.ts";
import { BUILD_MEMORY_MIB } from "./deploy/memory.ts";
import { GitMirrors } from "./deploy/mirror.ts";
import { EventBook } from "./events.ts";
import { newId, randomText } from "./ids.ts";
import { ARTIFACTS_KEPT, timingAt } from "./limits.ts";
import type { Timing } from "./limits.ts";
import { LogBook } from "./logs.ts";
import type { OverlapPolicy, Platform } from "./platform.ts";
import { WebhookBook } from "./webhooks/book.ts";
import { createFaults } from "./webhooks/faults.ts";
import type { DeliveryFaults } from "./webhooks/faults.ts";
import type { Yard } from "./yard.ts";

export interface DrydockOptions {
  /** 0 takes any free port. @default 0 */
  port?: number;
  /** Kept when drydock stops, apart from what its services ran in. @default a temp folder that is removed on stop */
  directory?: string;
  /** Render's time limits and periods are divided by it; at least 1. @default 1 */
  speed?: number;
  /** Single limits that differ from what the speed makes of them, in milliseconds. @default none */
  limits?: Partial<Omit<Timing, "speed">>;
  /** @default a random key that begins with rnd_ */
  apiKey?: string;
  /** @default "wait" */
  overlapPolicy?: OverlapPolicy;
  /** Builds kept besides the live one. @default ARTIFACTS_KEPT */
  artifactsKept?: number;
  /** What the processes of a build may use together, in mebibytes. @default BUILD_MEMORY_MIB */
  buildMemoryMiB?: number;
  /** @default DEFAULT_RATE_LIMITS */
  rateLimits?: Partial<RateLimits>;
  /** Full Python version to interpreter path; the first is the default version. @default those on this machine */
  pythonVersions?: Readonly<Record<string, string>>;
  /**
   * What builds and runs Dockerfile services: `auto` takes the first of docker, podman and buildah that works,
   * `none` follows the Dockerfile on this machine, a name or path of one of the three forces that one.
   * @default "auto"
   */
  containerEngine?: string;
  /** A buildah store (`buildah --root`) with base images, read only. @default the user's own store alone */
  imageStore?: string;
  /** `off` is a workspace whose plan has none: `/webhooks` answers 402. @default "on" */
  webhooks?: "on" | "off";
  /** What befalls deliveries on their way. @default nothing */
  deliveryFaults?: DeliveryFaults;
  /** Whether webhooks may lead off this machine. @default false */
  deliversAnywhere?: boolean;
  clock?: Clock;
  random?: Random;
}

/** What befalls a service on Render by itself, or by a bill, and that no call of its API brings about. */
export interface DrydockControl {
  /** Whether the workspace has build minutes left; without, every build is blocked. */
  setBuildMinutes(areLeft: boolean): void;
  /**
   * Puts a free service to sleep: the next request for it wakes it.
   * @param wakeMs how long waking takes, in milliseconds
   * @param failures requests that are refused with `hibernate-wake-error` first @default 0
   * @throws {EvenkeelError} when there is no such service
   */
  putToSleep(serviceId: string, wakeMs: number, failures?: number): void;
}

export interface Drydock extends AsyncDisposable {
  /** The API's full base, `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly apiKey: string;
  readonly ownerId: string;
  readonly control: DrydockControl;
  /** Ends every process, closes every port and removes what is temporary. */
  stop(): Promise<void>;
}

/** @throws when the port is taken, the folder cannot be written or the engine asked for cannot be used */
export async function startDrydock(options: DrydockOptions = {}): Promise<Drydock> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const speed = Math.max(1, options.speed ?? 1);
  const isTemporary = options.directory === undefined;
  if (options.directory !== undefined) await Deno.mkdir(options.directory, { recursive: true });
  const directory = await Deno.realPath(options.directory ?? await Deno.makeTempDir({ prefix: "drydock-" }));
  const running = join(directory, "services");
  await Deno.mkdir(running, { recursive: true });
  // Holds nothing but the promise that the folder goes when we do, even by kill -9.
  const keeper = startGroup({
    command: ["tail", "-f", "/dev/null"],
    cwd: "/",
    env: toolEnvironment(),
    scratch: isTemporary ? directory : running,
  });
  const stopKeeper = async () => {
    await keeper.end();
    await Promise.all([keeper.stdout.cancel(), keeper.stderr.cancel()]);
  };
  const containers = await Containers.open(running, {
    engine: options.containerEngine ?? "auto",
    imageStore: options.imageStore,
  }).catch(async (error) => {
    await stopKeeper();
    throw error;
  });
  const platform: Platform = {
    directory,
    clock,
    random,
    timing: { ...timingAt(speed), ...options.limits },
    logs: new LogBook(clock, random),
    events: new EventBook(clock, random),
    mirrors: await GitMirrors.open(join(directory, "mirrors")),
    containers,
    owner: { id: newId("tea", clock.now(), random), name: "Drydock", email: "drydock@localhost" },
    overlapPolicy: options.overlapPolicy ?? "wait",
    artifactsKept: options.artifactsKept ?? ARTIFACTS_KEPT,
    buildMemoryMiB: options.buildMemoryMiB ?? BUILD_MEMORY_MIB,
    deliversAnywhere: options.deliversAnywhere ?? false,
    switches: { hasBuildMinutes: true },
    pythonVersions: options.pythonVersions ?? {},
  };
  const apiKey = options.apiKey ?? `rnd_${randomText(28, random)}`;
  const services: Yard["services"] = new Map();
  const webhooks = options.webhooks === "off" ? null : new WebhookBook({
    clock,
    random,
    timing: platform.timing,
    nameOf: (serviceId) => services.get(serviceId)?.service.name,
    ...(options.deliveryFaults === undefined ? {} : { journey: createFaults(options.deliveryFaults) }),
  });
  if (webhooks !== null) platform.events.tell((event) => webhooks.tell(event));
  const yard: Yard = { platform, services, postgres: new Map(), webhooks, dashboardUrl: "" };
  const rates = new RateCounter({ ...DEFAULT_RATE_LIMITS, ...options.rateLimits }, speed, clock);
  const app = makeApp(yard, apiKey, rates);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} }, app.fetch);
  } catch (error) {
    await stopKeeper();
    throw error;
  }
  const origin = `http://127.0.0.1:${server.addr.port}`;
  yard.dashboardUrl = origin;

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await Promise.all([...yard.services.values()].map((host) => host.close()));
    await webhooks?.close();
    await server.shutdown();
    await containers.close();
    await stopKeeper();
  };
  return {
    url: `${origin}${BASE_PATH}`,
    apiKey,
    ownerId: platform.owner.id,
    control: {
      setBuildMinutes: (areLeft) => platform.switches.hasBuildMinutes = areLeft,
      putToSleep(serviceId, wakeMs, failures = 0) {
        const host = services.get(serviceId);
        if (host === undefined) throw new EvenkeelError(`Cannot put ${serviceId} to sleep: there is none`);
        host.sleep.begin(wakeMs, failures);
      },
    },
    stop: () => stopped ??= stop(),
    [Symbol.asyncDispose]: () => stopped ??= stop(),
  };
}
