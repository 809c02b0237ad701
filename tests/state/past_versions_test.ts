/**
 * Stores as older versions really left them: fixtures/ holds one of each schema, written by that version's own command
 * line (fixtures/make.ts). Each is taken to the newest schema with all that it held, and an incident that was open in
 * it goes on.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { runInline } from "../../agents/inline.ts";
import { monitorOutputSchema } from "../../agents/messages.ts";
import type { Agent } from "../../agents/agent.ts";
import { Controller } from "../../reconciler/controller.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { QUIET_PARTS } from "../helpers/parts.ts";
import { settle } from "../../reconciler/settle.ts";
import { createRenderClient } from "../../render/client.ts";
import { MIGRATIONS, schemaVersion } from "../../state/migrations.ts";
import type { ServiceRecord } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { SharedStore } from "../../state/store.ts";
import { spec } from "../reconciler/world.ts";
import { inFolder } from "./builders.ts";

/** The schema of each fixture. */
const FIXTURES: Readonly<Record<string, number>> = {
  "schema-1": 1,
  "schema-2": 2,
  "schema-3": 3,
  "schema-4": 4,
  // Its records have sums.
  "schema-4-sums": 4,
};
const MINUTE = 60_000;

/** Puts a fixture where a store is. @returns the version of its schema */
async function place(name: string, path: string): Promise<number> {
  const file = fromFileUrl(new URL(`./fixtures/${name}.sql`, import.meta.url));
  const database = new DatabaseSync(path);
  database.exec(`BEGIN; ${await Deno.readTextFile(file)} COMMIT`);
  const version = schemaVersion(database);
  database.close();
  return version;
}

/** Opens each fixture in turn as a store of today. */
function ofEach(work: (store: SharedStore, version: number, name: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    for (const name of Object.keys(FIXTURES)) {
      const path = join(folder, `${name}.db`);
      const version = await place(name, path);
      await using store = await openSqliteStore(path);
      await work(store, version, name);
    }
  });
}

async function serviceNamed(store: SharedStore, name: string): Promise<ServiceRecord> {
  const found = (await store.listServices()).find((service) => service.name === name);
  assert(found !== undefined, `no ${name}`);
  return found;
}

Deno.test("there is a store of every schema that ever was, as it was written then (promise 27)", () =>
  inFolder(async (folder) => {
    for (const [name, version] of Object.entries(FIXTURES)) {
      assertEquals(await place(name, join(folder, name)), version, name);
    }
    // A new step needs the store that it is taken from: write it by the version before, as make.ts says.
    const versions = new Set(Object.values(FIXTURES));
    assertEquals([...versions], Array.from(MIGRATIONS, (_, at) => at + 1));
  }));

Deno.test("every record that any past version wrote is read by the newest, and what came later works on it (promise 27)", () =>
  ofEach(async (store, version, name) => {
    assertEquals((await store.listServices()).map((service) => service.name).sort(), [
      "healed-api",
      "killed-api",
      "stalled-api",
    ], name);
    const incidents = await store.listIncidents();
    assertEquals(
      incidents.map(({ serviceName, status, attempts }) => [
        serviceName,
        status,
        ...attempts.map(({ cause, status, repair }) => `${cause} ${repair.kind} ${status}`),
      ]).sort(),
      [
        ["healed-api", "healed", "port-bound-localhost patch fixed"],
        ["killed-api", "open", "entry-file-not-found setting running"],
        ["stalled-api", "stalled"],
      ],
      name,
    );
    for (const { id, serviceId, status } of incidents) {
      assertEquals((await store.getIncident(id))?.status, status);
      assertEquals((await store.getActiveIncident(serviceId))?.id, status === "healed" ? undefined : id);
    }
    assertEquals((await store.listJournal()).map(({ kind, state }) => `${kind} ${state}`), [
      "patch-service intended",
      "push done",
    ]);
    const healed = await serviceNamed(store, "healed-api");
    const events = await store.listEvents({ serviceId: healed.serviceId, limit: 1000 });
    assertEquals(events.filter(({ type }) => type === "IncidentHealed").length, 1);
    assertEquals((await store.listOutcomes()).map(({ cause, outcome }) => [cause, outcome]), [
      ["port-bound-localhost", "healed"],
    ]);
    assertEquals((await store.listPerformance()).length > 0, version >= 2, name);
    const imports = await store.listImports();
    assertEquals(imports.map(({ fixes }) => fixes.length), version >= 2 ? [1] : [], name);
    assertEquals((await store.listUnknowns()).map(({ seen }) => seen), version >= 3 ? [1] : [], name);

    const leader = store.under(await store.takeLease("me", await store.getLease(), true) ?? 0);
    for (const incident of incidents) await leader.record({ incident });
    const { serviceId } = await serviceNamed(store, "stalled-api");
    const resumed = await store.askToResume(serviceId, 1);
    assert(resumed !== null && await store.isResumeAsked(resumed.id));
  }));

/** Render, where the setting that was changed as its process died is in force already. */
function render(service: ServiceRecord, failed: string | null) {
  const path = `/v1/services/${service.serviceId}`;
  const writes: string[] = [];
  const deploy = (id: string, status: string) => ({ id, status, commit: { id: "c" }, trigger: "other" });
  const deploys = [deploy(failed ?? "", "update_failed")];
  const answer = (method: string, asked: string): unknown => {
    if (method !== "GET") writes.push(`${method} ${asked.replace(path, "")}`);
    if (asked === path) {
      return {
        id: service.serviceId,
        name: service.name,
        autoDeploy: "yes",
        suspended: "not_suspended",
        serviceDetails: {
          url: service.url,
          plan: "starter",
          runtime: "node",
          envSpecificDetails: { buildCommand: "npm install", startCommand: "node index.js" },
        },
      };
    }
    if (asked !== `${path}/deploys`) return [];
    if (method === "GET") return deploys.map((deploy) => ({ cursor: "c", deploy }));
    const begun = { ...deploy("dep-new", "live"), createdAt: new Date(service.updatedAt).toISOString() };
    deploys.unshift(begun);
    return begun;
  };
  const send = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const method = init?.method ?? "GET";
    const body = answer(method, new URL(String(input)).pathname);
    return Promise.resolve(Response.json(body, { status: method === "POST" ? 201 : 200 }));
  };
  return { writes, send };
}

Deno.test("an incident that was open when its process was killed goes on under the newest version, its effect found and not repeated (promise 27)", () =>
  ofEach(async (store, _, name) => {
    const service = await serviceNamed(store, "killed-api");
    const open = await store.getActiveIncident(service.serviceId);
    assert(open !== null);
    const { send, writes } = render(service, open.deployId);
    let elapsedMs = 0;
    const clock = {
      now: () => service.updatedAt + MINUTE + elapsedMs,
      monotonic: () => elapsedMs,
      sleep: (ms: number) => Promise.resolve(void (elapsedMs += ms)),
    };
    const good = { status: "good", reason: "Ok", message: "fine" } as const;
    const seen = { health: good, json: good, database: good, httpStatus: 200, latencyMs: 5 };
    const unwanted = () => Promise.reject(new Error("A setting needs no repository"));
    const parts: Parts = {
      ...QUIET_PARTS,
      api: createRenderClient({ apiKey: "k", baseUrl: "http://127.0.0.1/v1", fetch: send, clock }),
      store,
      repositories: {
        clone: unwanted,
        commit: unwanted,
        publish: unwanted,
        findPullRequest: unwanted,
        contains: unwanted,
      },
      runAgent: async <Input, Output>(
        agent: Agent<Input, Output>,
        input: Input,
        options: Parameters<Parts["runAgent"]>[2],
      ) =>
        agent.name === "monitor"
          ? {
            kind: "answered" as const,
            output: agent.output.parse(monitorOutputSchema.parse(seen)),
            durationMs: 5,
          }
          : await runInline(agent, input, options),
      clock,
      random: () => 0.5,
      sessionId: "s",
      epoch: "p1",
    };
    await using controller = new Controller(parts);
    const { verdict, message } = await settle(
      controller,
      parts,
      spec({ service: service.serviceId, stableForMs: 10_000 }),
      {
        timeoutMs: 30 * MINUTE,
        signal: new AbortController().signal,
      },
    );
    assertEquals(verdict, "ready", `${name}: ${message}`);
    assertEquals(writes, ["POST /deploys"], name);
    const healed = await store.getIncident(open.id);
    assertEquals([healed?.status, ...healed?.attempts.map(({ status }) => status) ?? []], [
      "healed",
      "fixed",
    ]);
    const journal = await store.listJournal({ serviceId: service.serviceId });
    assertEquals(journal.map(({ kind, state }) => `${kind} ${state}`), ["deploy done", "patch-service done"]);
  }));
