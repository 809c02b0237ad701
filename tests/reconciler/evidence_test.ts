import { assertEquals } from "@std/assert";
import type { Phase } from "../../agents/messages.ts";
import { readFailureLog, readPlatformReason } from "../../reconciler/evidence.ts";
import type { Parts } from "../../reconciler/parts.ts";
import type { RenderEvent } from "../../render/schemas.ts";
import { deploy, ManualClock, NOW, service } from "./world.ts";

const event = (type: string, details: Record<string, unknown>): RenderEvent => ({
  id: "evt-1",
  timestamp: "2026-01-01T00:00:00Z",
  serviceId: "srv-1",
  type,
  details,
});
const reasonOf = (...events: RenderEvent[]) =>
  readPlatformReason(
    { listEvents: () => Promise.resolve(events) },
    "srv-1",
    { id: "dep-2" },
    new AbortController().signal,
  );

Deno.test("readPlatformReason() tells why the build of a deploy failed, not only that it did", async () => {
  const ended = event("deploy_ended", { deployId: "dep-2", reason: { buildFailed: { id: "bld-2" } } });
  const build = (buildId: string, failure: unknown) => event("build_ended", { buildId, reason: { failure } });
  assertEquals(
    await reasonOf(ended, build("bld-3", { nonZeroExit: 1 }), build("bld-2", { timedOutSeconds: 7200 })),
    'build_ended: {"failure":{"timedOutSeconds":7200}}',
  );
  assertEquals(await reasonOf(ended), 'deploy_ended: {"buildFailed":{"id":"bld-2"}}');
  assertEquals(await reasonOf(event("deploy_ended", { deployId: "dep-1", reason: { x: 1 } })), null);
});

/** What is read of the log of a deploy from a Render that keeps these lines. */
async function read(phase: Phase, lines: { type: string; message: string; at: number }[]): Promise<string> {
  const api: Pick<Parts["api"], "listLogs" | "listEnvVars"> = {
    listLogs: ({ type, endTime }) => {
      const shown = lines.filter((line) =>
        (type?.some((one) => one === line.type) ?? true) &&
        (endTime === undefined || line.at <= Date.parse(endTime))
      ).map(({ message, at }) => ({
        id: undefined,
        timestamp: new Date(at).toISOString(),
        message,
        labels: undefined,
      }));
      return Promise.resolve({ lines: shown, truncated: false });
    },
    listEnvVars: () => Promise.resolve([]),
  };
  const parts = { api, secrets: [], clock: new ManualClock() };
  // Of the API, logs and the service's own secrets are asked for.
  const used = parts as unknown as Parameters<typeof readFailureLog>[0];
  const { signal } = new AbortController();
  return (await readFailureLog(used, service(), deploy("dep-2", "live"), phase, signal)).text;
}

Deno.test("while a build fails, what the old version prints meanwhile is not read as its log", async () => {
  const lines = [
    { type: "app", message: "ERROR crash at the old version", at: NOW },
    { type: "build", message: "ERROR missing at src/main", at: NOW },
  ];
  assertEquals(await read("build", lines), "ERROR missing at src/main");
  assertEquals(await read("run", lines), "ERROR crash at the old version");
});

Deno.test("the end of a log is read however slow our own clock is (promise 4)", async () => {
  const lines = [{ type: "app", message: "ERROR crash at src/main", at: NOW + 3_600_000 }];
  assertEquals(await read("run", lines), "ERROR crash at src/main");
});
