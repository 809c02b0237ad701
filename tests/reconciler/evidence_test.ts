import { assertEquals } from "@std/assert";
import { readPlatformReason } from "../../reconciler/evidence.ts";
import type { RenderEvent } from "../../render/schemas.ts";

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
