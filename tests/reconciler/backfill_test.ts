import { assertEquals, assertRejects } from "@std/assert";
import { backfill } from "../../reconciler/backfill.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import { RenderUnreachable } from "../../render/api.ts";
import { createRenderClient } from "../../render/client.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { ManualClock, spec } from "./world.ts";

Deno.test("a backfill that is stopped half way has no count, so that it is not taken for done", async () => {
  await using store = await openSqliteStore(IN_MEMORY);
  for (const stopAt of [0, 1]) {
    const clock = new ManualClock();
    const stop = new AbortController();
    let read = 0;
    const api = {
      ...createRenderClient({ apiKey: "rnd_none", baseUrl: "http://127.0.0.1:9" }),
      listEvents: () => {
        if (read++ === stopAt) stop.abort(new Error("SIGTERM"));
        return stop.signal.aborted
          ? Promise.reject(new RenderUnreachable("Cannot call: aborted", "GET /events"))
          : Promise.resolve([]);
      },
    };
    const specs = [spec({ service: "srv-a" }), spec({ service: "srv-b" })];
    const parts = { api, store, clock, random: () => 0, onEvent: () => {} };
    const options = { specs, keys: new ServiceKeys(specs), queue: new WorkQueue(parts), attempts: [] };
    const filling = assertRejects(
      () => backfill(parts, { ...options, signal: stop.signal }),
      Error,
      "SIGTERM",
    );
    for (let second = 0; second < 5; second++) await clock.advance(1_000);
    await filling;
    assertEquals(read, stopAt + 1);
  }
});
