/** The client, and a fix through git, against the local Render with real builds and processes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { RenderRefused } from "../../render/api.ts";
import { createRenderClient } from "../../render/client.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { commitEdits } from "../../repo/commit.ts";
import { pushCommit } from "../../repo/push.ts";
import { app, Harbour, nodeRepository, until } from "../drydock/harbour.ts";

Deno.test("the client reads and changes a service of drydock's by every call it has", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const { drydock } = harbour;
  const berth = await harbour.create(repository);
  const render = createRenderClient({ apiKey: drydock.apiKey, baseUrl: drydock.url });
  await berth.isLive();

  const service = await render.getService(berth.id);
  assertEquals([service.repo, service.suspended, service.autoDeploy], [
    repository.url,
    "not_suspended",
    "yes",
  ]);
  assertEquals((await render.listServices({ name: "api" })).map(({ id }) => id), [berth.id]);
  assertEquals(await render.listServices({ name: "other" }), []);
  assertEquals((await render.getDeploy(berth.id, berth.firstDeployId)).status, "live");

  const patch = { autoDeploy: "no", serviceDetails: { healthCheckPath: "/healthz" } } as const;
  const patched = await render.patchService(berth.id, patch);
  assertEquals([patched.autoDeploy, patched.serviceDetails?.healthCheckPath], ["no", "/healthz"]);

  assertEquals(await render.getEnvVar(berth.id, "WORD"), null);
  await render.setEnvVar(berth.id, "WORD", "hello");
  assertEquals(await render.getEnvVar(berth.id, "WORD"), "hello");
  assertEquals(await render.listEnvVars(berth.id), [{ key: "WORD", value: "hello" }]);
  const second = await render.createDeploy(berth.id, { deployMode: "deploy_only" });
  assert(second !== null);
  await berth.reaches(second.id, "live");
  assertEquals((await berth.answer()).word, "hello");
  await render.deleteEnvVar(berth.id, "WORD");
  assertEquals(await render.getEnvVar(berth.id, "WORD"), null);

  const back = await render.rollback(berth.id, berth.firstDeployId);
  await berth.reaches(back.id, "live");
  const deploys = await render.listDeploys(berth.id, { limit: 2 });
  assertEquals(deploys.map(({ id, status }) => [id, status]), [[back.id, "live"], [
    second.id,
    "deactivated",
  ]]);
  assertEquals((await render.listDeploys(berth.id, { status: ["live"] })).map(({ id }) => id), [back.id]);
  const ended = await render.listEvents(berth.id, { type: "deploy_ended" });
  assertEquals(ended.map(({ details }) => details?.["deployId"]), [back.id, second.id, berth.firstDeployId]);

  const query = { ownerId: drydock.ownerId, resource: [berth.id], startTime: new Date(0).toISOString() };
  const forward = await render.listLogs({ ...query, direction: "forward" });
  const backward = await render.listLogs(query);
  assert(forward.lines.length > 5 && !forward.truncated);
  assertEquals(
    backward.lines.map(({ id }) => id).filter((id) => forward.lines.some((line) => line.id === id)).reverse(),
    forward.lines.map(({ id }) => id),
  );
  assertEquals((await render.listLogs({ ...query, linesMax: 3 })).lines.length, 3);

  await render.restartService(berth.id);
  await render.suspendService(berth.id);
  assertEquals((await render.getService(berth.id)).suspended, "suspended");
  await render.resumeService(berth.id);
  assertEquals((await render.getService(berth.id)).suspended, "not_suspended");
  const missing = await assertRejects(() => render.getService("srv-00000000000000000000"), RenderRefused);
  assertEquals(missing.status, 404);
  const stranger = createRenderClient({ apiKey: "rnd_wrong", baseUrl: drydock.url });
  const refused = await assertRejects(() => stranger.getService(berth.id), RenderRefused);
  assertEquals(refused.status, 401);
});

Deno.test("a client stays inside drydock's rate limits by waiting, and is never told 429", async () => {
  await using harbour = await Harbour.open({ rateLimits: { read: { requests: 20, windowMs: 60_000 } } });
  const { drydock } = harbour;
  const statuses: number[] = [];
  const render = createRenderClient({
    apiKey: drydock.apiKey,
    baseUrl: drydock.url,
    fetch: async (...call) => {
      const response = await fetch(...call);
      statuses.push(response.status);
      return response;
    },
  });
  await render.listServices();
  await Promise.all(Array.from({ length: 50 }, () => render.listServices()));
  assertEquals(statuses.filter((status) => status !== 200), []);
  assertEquals(statuses.length, 51);
});

Deno.test("a fix made with git is deployed, and found by its commit", async () => {
  await using repository = await nodeRepository("one", "throw new Error('broken');");
  await using harbour = await Harbour.open();
  const { drydock } = harbour;
  const berth = await harbour.create(repository);
  const render = createRenderClient({ apiKey: drydock.apiKey, baseUrl: drydock.url });
  await berth.reaches(berth.firstDeployId, "update_failed");
  const { repo, branch } = await render.getService(berth.id);
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-drydock-test-" });
  try {
    const directory = join(folder, "work");
    await using checkout = await cloneCheckout({ url: repo ?? "", branch: branch ?? "", directory });
    const { commit } = await commitEdits(checkout, {
      edits: [{ path: "index.js", content: app("two") }],
      author: { name: "Evenkeel", email: "evenkeel@example.com" },
      message: "Fix it",
      atSeconds: 1_780_000_000,
    });
    assertEquals(await pushCommit(checkout, commit, checkout.branch), { kind: "pushed" });
    const deploy = await until(async () =>
      (await render.listDeploys(berth.id)).find((one) => one.commit?.id === commit)
    );
    await berth.reaches(deploy.id, "live");
    assertEquals((await berth.answer()).version, "two");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
