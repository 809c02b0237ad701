/** Passes of the real controller over a real store, where something of the pass before was lost. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Probe } from "../../agents/messages.ts";
import { Controller } from "../../reconciler/controller.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { deploySchema, serviceSchema } from "../../render/schemas.ts";
import type { Deploy } from "../../render/schemas.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { BAD, deploy, GOOD, ManualClock, NOW, sighting, spec } from "./world.ts";

const SERVICE = serviceSchema.parse({
  id: "srv-a",
  name: "my-api",
  autoDeploy: "no",
  serviceDetails: { url: "http://127.0.0.1:1", plan: "starter" },
});

const listed = (id: string, status: string, commit: string, trigger = "new_commit"): Deploy =>
  deploySchema.parse({ id, status, trigger, commit: { id: commit }, createdAt: new Date(NOW).toISOString() });

/** What a look at a service that nothing is done to takes of the parts. */
function partsOf(
  store: Store,
  clock: ManualClock,
  world: { deploys: Deploy[]; health: Probe },
): Parts {
  const api: Partial<Parts["api"]> = {
    getService: () => Promise.resolve(SERVICE),
    listDeploys: () => Promise.resolve(world.deploys),
    listEnvVars: () => Promise.resolve([]),
  };
  const parts: Omit<Partial<Parts>, "api"> & { api: Partial<Parts["api"]> } = {
    store,
    clock,
    api,
    runAgent: (agent) => {
      const { health } = world;
      const output = agent.output.parse({
        health,
        json: health,
        database: GOOD,
        httpStatus: null,
        latencyMs: 1,
      });
      return Promise.resolve({ kind: "answered", output, durationMs: 1 });
    },
    epoch: "p1",
    sessionId: "s",
    secrets: [],
    environment: () => undefined,
    onEvent: () => {},
  };
  // Nothing else is asked for.
  return parts as Parts;
}

Deno.test("a bad sample that the store did not take begins the quiet time anew, though only good ones are recorded", async () => {
  await using store = await openSqliteStore(IN_MEMORY);
  const clock = new ManualClock();
  let isDown = false;
  const failing: Store = new Proxy(store, {
    get: (target, key) => {
      if (key === "record" && isDown) return () => Promise.reject(new Error("The store does not answer"));
      const member: unknown = Reflect.get(target, key);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const world = { deploys: [listed("dep-1", "live", "c1")], health: GOOD };
  await using controller = new Controller(partsOf(failing, clock, world));
  const look = async () => {
    const { record } = await controller.pass(spec(), new AbortController().signal);
    await clock.advance(5_000);
    return record.streak?.samples;
  };
  assertEquals([await look(), await look(), await look()], [1, 2, 3]);
  isDown = true;
  world.health = BAD;
  await assertRejects(look, Error, "The store does not answer");
  await clock.advance(5_000);
  isDown = false;
  world.health = GOOD;
  assertEquals([await look(), await look()], [1, 2]);
});

Deno.test("a rollback that was done, and killed before its attempt knew, is noted and not taken for somebody else's (promise 1)", async () => {
  await using store = await openSqliteStore(IN_MEMORY);
  const clock = new ManualClock();
  const before = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], { health: BAD });
  const facts = { gap: "unhealthy", message: "m", deployId: "dep-2", commit: "c2", sessionId: "s" } as const;
  const opened = openIncident(before, facts, NOW);
  const incident = addAttempt(
    opened,
    newAttempt(opened, {
      diagnosedDeployId: "dep-2",
      cause: "turned-bad-with-deploy",
      summary: "Roll back",
      remedy: "roll-back",
      risk: "low",
      repair: { kind: "rollback", toDeployId: "dep-1", toCommit: "c1", badCommit: "c2" },
    }, NOW),
  );
  await store.record({ incident, events: [] });
  const key = `${incident.id}/1/rollback`;
  await store.intend({
    key,
    serviceId: "srv-a",
    kind: "rollback",
    payload: { toDeployId: "dep-1" },
    intendedAt: NOW,
  });
  await store.finish(key, { state: "done", result: { deployId: "dep-3" }, at: NOW });
  const world = {
    deploys: [
      listed("dep-3", "live", "c1", "rollback"),
      listed("dep-2", "deactivated", "c2"),
      listed("dep-1", "deactivated", "c1"),
    ],
    health: GOOD,
  };
  await using controller = new Controller(partsOf(store, clock, world));
  const pass = await controller.pass(spec(), new AbortController().signal);
  const [attempt] = pass.incident?.attempts ?? [];
  assert(attempt !== undefined);
  assertEquals([attempt.status, attempt.stepsDone, attempt.deployId], ["running", ["rollback"], "dep-3"]);
  assertEquals(pass.record.hold?.badCommit, "c2");
});
