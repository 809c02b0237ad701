/**
 * Waits until an instance is fit for traffic: a port open to others and, where a health path is set, one
 * healthy answer. Says in the log what it waits for. Decides nothing about what happens otherwise.
 */
import type { Timing } from "../limits.ts";
import type { Platform } from "../platform.ts";
import { probe } from "./health.ts";
import type { Instance } from "./instance.ts";
import type { OpenPorts } from "./ports.ts";

export type Readiness =
  | { kind: "ready"; port: number }
  | { kind: "exited"; code: number }
  | { kind: "timeout"; reason: string; seconds: number }
  | { kind: "aborted" };

export interface ReadinessRequest {
  instance: Instance;
  /** Empty for none. */
  healthCheckPath: string;
  /** Host name for the log's health lines. */
  hostname: string;
  log: (line: string) => void;
  signal: AbortSignal;
}

/** How long a port other than PORT must be open alone before it is taken for the service's, in milliseconds. */
const OTHER_PORT_GRACE_MS = 1000;
const PORT_DOCS = "==> Docs on specifying a port: https://render.com/docs/web-services#port-binding";

export async function untilReady(platform: Platform, request: ReadinessRequest): Promise<Readiness> {
  const { clock, timing } = platform;
  const { instance, signal } = request;
  const startedAt = clock.monotonic();
  const exit = new AbortController();
  const ended = instance.ended.then((code) => {
    exit.abort();
    return code;
  });
  const either = AbortSignal.any([signal, exit.signal]);
  let otherPortSince: number | undefined;
  let saidAt = startedAt;
  for (;;) {
    if (signal.aborted) return { kind: "aborted" };
    if (exit.signal.aborted) return { kind: "exited", code: await ended };
    const ports = await instance.ports();
    if (ports.open.length === 0) otherPortSince = undefined;
    else otherPortSince ??= clock.monotonic();
    const isSettled = otherPortSince !== undefined &&
      clock.monotonic() - otherPortSince >= OTHER_PORT_GRACE_MS;
    const port = choosePort(instance, ports, isSettled);
    if (port !== undefined) {
      if (request.healthCheckPath === "") return { kind: "ready", port };
      const result = await probe(port, request.healthCheckPath, timing.healthTimeoutMs, either);
      if (result.kind === "healthy") return { kind: "ready", port };
      if (either.aborted) continue;
    }
    const now = clock.monotonic();
    const limitMs = limitFor(ports, timing);
    if (now - startedAt >= limitMs) return timeout(request, port, ports, limitMs);
    if (now - saidAt >= timing.waitingLineMs) {
      saidAt = now;
      for (const line of waitingLines(request, port, ports)) request.log(line);
    }
    await clock.sleep(port === undefined ? timing.scanMs : timing.healthIntervalMs, either);
  }
}

function limitFor(ports: OpenPorts, timing: Timing): number {
  if (ports.open.length > 0) return timing.startOpenMs;
  return ports.localhost.length > 0 ? timing.startLocalhostMs : timing.startMs;
}

function choosePort(instance: Instance, ports: OpenPorts, isSettled: boolean): number | undefined {
  if (ports.open.includes(instance.portExpected)) return instance.portExpected;
  // A service that sets PORT itself must listen there.
  if (instance.portIsOwn || !isSettled) return undefined;
  return ports.open[0];
}

function waitingLines(request: ReadinessRequest, port: number | undefined, ports: OpenPorts): string[] {
  if (port !== undefined) {
    const address = `${request.hostname}:${port} ${request.healthCheckPath}`;
    return [
      `==> Waiting for internal health check to return a successful response code at: ${address}`,
    ];
  }
  if (ports.localhost.length > 0) {
    return ["==> No open ports detected on 0.0.0.0, continuing to scan...", PORT_DOCS];
  }
  return ["==> No open ports detected, continuing to scan...", PORT_DOCS];
}

function timeout(
  request: ReadinessRequest,
  port: number | undefined,
  ports: OpenPorts,
  limitMs: number,
): Readiness {
  const reason = timeoutReason(request, port, ports);
  request.log(`==> ${reason}`);
  if (port === undefined && !reason.includes("PORT environment")) request.log(PORT_DOCS);
  request.log("==> Timed Out");
  return { kind: "timeout", reason, seconds: Math.ceil(limitMs / 1000) };
}

function timeoutReason(request: ReadinessRequest, port: number | undefined, ports: OpenPorts): string {
  if (port !== undefined) {
    const address = `${request.hostname}:${port} ${request.healthCheckPath}`;
    return `Timed out after waiting for internal health check to return a successful response code at: ${address}`;
  }
  const { portExpected, portIsOwn } = request.instance;
  if (ports.open.length === 0 && ports.localhost.length > 0) {
    return "Port scan timeout reached, no open ports detected on 0.0.0.0. " +
      "Detected open ports on localhost -- did you mean to bind one of these to 0.0.0.0?";
  }
  if (portIsOwn && ports.open.length > 0) {
    return `Port scan timeout reached, failed to detect open port ${portExpected} from PORT environment variable`;
  }
  return "Port scan timeout reached, no open ports detected. Bind your service to at least one port. " +
    "If you don't need to receive traffic on any port, create a background worker instead.";
}
