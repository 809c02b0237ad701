import { assert, assertEquals } from "@std/assert";
import { createBareRepository } from "../helpers/repository.ts";
import { app, Harbour, nodeRepository, until } from "./harbour.ts";

const versionOf = (berth: { answer(): Promise<{ version: string }> }, version: string) =>
  until(async () => (await berth.answer()).version === version ? true : undefined);

Deno.test("a push is deployed by itself, with its commit and trigger, and the old deploy is deactivated", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const { pid } = await berth.answer();
  const sha = await repository.commit({ "index.js": app("two") }, "Second version");
  await versionOf(berth, "two");
  const [second, first] = await berth.deploys();
  assertEquals([second?.trigger, second?.commit?.id, second?.commit?.message], [
    "new_commit",
    sha,
    "Second version",
  ]);
  assertEquals([second?.status, first?.status], ["live", "deactivated"]);
  await until(async () => isAlive(pid) ? undefined : true);
});

Deno.test("a push that asks to be skipped, or to a service without autodeploy, deploys nothing", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const skipped = await repository.commit({ "index.js": app("two") }, "Words only [skip render]");
  const [ignored] = await until(async () => {
    const events = await berth.events("commit_ignored");
    return events.length > 0 ? events : undefined;
  });
  assertEquals(ignored?.details["id"], skipped);
  await harbour.call("PATCH", `/services/${berth.id}`, { autoDeploy: "no" });
  await repository.commit({ "index.js": app("three") }, "Third version");
  // Another service on the same branch shows that the watch has passed over the commit.
  const other = await harbour.create(repository, { name: "other" });
  await other.isLive();
  await repository.commit({ "index.js": app("four") }, "Fourth version");
  await versionOf(other, "four");
  assertEquals((await berth.deploys()).length, 1);
  assertEquals((await berth.answer()).version, "one");
});

Deno.test("a rollback brings the old version and its settings back without a build", async () => {
  await using repository = await createBareRepository({ "old.js": app("one"), "new.js": app("two") });
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, {
    commands: { buildCommand: "echo built", startCommand: "node old.js" },
    envVars: [{ key: "WORD", value: "old" }],
  });
  await berth.isLive();
  await harbour.call("PUT", `/services/${berth.id}/env-vars/WORD`, { value: "new" });
  await harbour.call("PATCH", `/services/${berth.id}`, {
    serviceDetails: { envSpecificDetails: { startCommand: "node new.js" } },
  });
  await berth.reaches((await berth.deploy())!.id, "live");
  assertEquals([(await berth.answer()).version, (await berth.answer()).word], ["two", "new"]);
  await harbour.call("POST", `/services/${berth.id}/rollback`, { deployId: berth.firstDeployId });
  await versionOf(berth, "one");
  const [rollback] = await berth.deploys();
  await berth.reaches(rollback!.id, "live");
  assertEquals([rollback?.trigger, (await berth.answer()).word], ["rollback", "old"]);
  assertEquals((await berth.events("build_started")).length, 2);
  assertEquals((await berth.log()).filter((line) => line === "built").length, 2);
  // The settings themselves stay as they were changed, and autodeploy stays on.
  assertEquals(await harbour.call("GET", `/services/${berth.id}/env-vars/WORD`), {
    key: "WORD",
    value: "new",
  });
  const [started] = await berth.events("deploy_started");
  assertEquals((started?.details["trigger"] as Record<string, unknown>)["rollback"], true); // checked by the next line
  assertEquals(
    (started?.details["trigger"] as Record<string, unknown>)["rollbackTargetDeployId"],
    berth.firstDeployId,
  ); // record of unknowns
});

Deno.test("a deploy whose build is no longer kept cannot be rolled back to", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open({ artifactsKept: 1 });
  const berth = await harbour.create(repository);
  await berth.isLive();
  for (let i = 0; i < 2; i++) await berth.reaches((await berth.deploy())!.id, "live");
  const response = await harbour.fetch("POST", `/services/${berth.id}/rollback`, {
    deployId: berth.firstDeployId,
  });
  assertEquals(response.status, 400);
  await response.body?.cancel();
});

Deno.test("suspending takes the service off the air and resuming deploys it again", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const { pid } = await berth.answer();
  const suspended = await harbour.fetch("POST", `/services/${berth.id}/suspend`);
  assertEquals([suspended.status, await suspended.text()], [202, ""]);
  assertEquals(await berth.status(), 503);
  await until(async () => isAlive(pid) ? undefined : true);
  const refused = await harbour.fetch("POST", `/services/${berth.id}/deploys`, {});
  assertEquals(refused.status, 409);
  await refused.body?.cancel();
  await harbour.call("POST", `/services/${berth.id}/resume`);
  const [resumed] = await berth.deploys();
  assertEquals(resumed?.trigger, "service_resumed");
  await berth.reaches(resumed!.id, "live");
  assertEquals((await berth.answer()).version, "one");
});

Deno.test("under Wait a second deploy is queued without a body and a third takes its place", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { commands: { buildCommand: "test ! -e wait || sleep 1" } });
  await berth.isLive();
  await harbour.call("PATCH", `/services/${berth.id}`, { autoDeploy: "no" });
  await repository.commit({ wait: "" }, "Build slowly");
  const running = await berth.deploy();
  const queued = await harbour.fetch("POST", `/services/${berth.id}/deploys`, {});
  assertEquals([queued.status, await queued.text()], [202, ""]);
  assertEquals((await berth.deploys())[0]?.status, "queued");
  await (await harbour.fetch("POST", `/services/${berth.id}/deploys`, {})).body?.cancel();
  const [third, second] = await berth.deploys();
  assertEquals([third?.status, second?.status], ["queued", "canceled"]);
  await berth.reaches(third!.id, "live");
  assertEquals((await berth.deploys()).map(({ status }) => status), [
    "live",
    "canceled",
    "deactivated",
    "deactivated",
  ]);
  assertEquals((await berth.deploys())[2]?.id, running!.id);
});

Deno.test("under Override a second deploy cancels the running one", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open({ overlapPolicy: "override" });
  const berth = await harbour.create(repository, {
    commands: { buildCommand: "test ! -e wait || sleep 60" },
  });
  await berth.isLive();
  await harbour.call("PATCH", `/services/${berth.id}`, { autoDeploy: "no" });
  await repository.commit({ wait: "" }, "Build for ever");
  const slow = await berth.deploy();
  await berth.reaches(slow!.id, "build_in_progress");
  await repository.commit({ wait: null }, "Build at once");
  const fast = await berth.deploy();
  await berth.reaches(fast!.id, "live");
  await berth.reaches(slow!.id, "canceled");
  const canceled = (await berth.events("deploy_ended")).find(({ details }) =>
    details["deployId"] === slow!.id
  );
  assertEquals(canceled?.details["deployStatus"], "canceled");
  assertEquals(canceled?.details["reason"], { newDeploy: { id: fast!.id } });
});

Deno.test("a canceled deploy ends canceled and the old version serves on", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, {
    commands: { buildCommand: "test ! -e wait || sleep 60" },
  });
  await berth.isLive();
  await harbour.call("PATCH", `/services/${berth.id}`, { autoDeploy: "no" });
  await repository.commit({ wait: "", "index.js": app("two") }, "Build for ever");
  const slow = await berth.deploy();
  await berth.reaches(slow!.id, "build_in_progress");
  await harbour.call("POST", `/services/${berth.id}/deploys/${slow!.id}/cancel`);
  await berth.reaches(slow!.id, "canceled");
  assertEquals((await berth.answer()).version, "one");
});

Deno.test("a live service that crashes is started again while its deploy stays live", async () => {
  await using repository = await nodeRepository(
    "one",
    'setInterval(() => require("node:fs").existsSync("crash") && process.exit(9), 20);',
  );
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const { pid } = await berth.answer();
  Deno.kill(pid, "SIGKILL");
  const again = await until(async () => {
    const response = await fetch(berth.url);
    const text = await response.text();
    return response.status === 200 ? text : undefined;
  });
  assert(!again.includes(`"pid":${pid}`), again);
  const [failed] = await berth.events("server_failed");
  assertEquals(failed?.details["reason"], { evicted: false, nonZeroExit: 137 });
  assertEquals((await berth.events("server_available")).length, 1);
  assertEquals((await berth.deploys()).map(({ status }) => status), ["live"]);
});

Deno.test("a live service that fails its health checks loses its traffic and is then restarted", async () => {
  const sick = 'let sick = false; process.on("SIGUSR2", () => sick = true);';
  const source = app("one", sick).replace(
    "response.end(",
    "if (sick) response.statusCode = 500;\n  response.end(",
  );
  await using repository = await createBareRepository({ "index.js": source });
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { details: { healthCheckPath: "/ready" } });
  await berth.isLive();
  const { pid } = await berth.answer();
  Deno.kill(pid, "SIGUSR2");
  await until(async () => await berth.status() === 503 ? true : undefined);
  await until(async () => await berth.status() === 200 ? true : undefined);
  assert((await berth.answer()).pid !== pid);
  const [failed] = await berth.events("server_failed");
  assertEquals(failed?.details["reason"], {
    evicted: false,
    unhealthy: "HTTP health check failed (status code 500)",
  });
});

Deno.test("maintenance mode answers 503 while the instance runs on", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const { pid } = await berth.answer();
  await harbour.call("PATCH", `/services/${berth.id}`, {
    serviceDetails: { maintenanceMode: { enabled: true } },
  });
  assertEquals(await berth.status(), 503);
  await harbour.call("PATCH", `/services/${berth.id}`, {
    serviceDetails: { maintenanceMode: { enabled: false } },
  });
  assertEquals((await berth.answer()).pid, pid);
});

Deno.test("stop() ends services and their children, closes their ports and leaves no folder", async () => {
  const child =
    'const child = require("node:child_process").spawn("sleep", ["600"]); console.log("child", child.pid);';
  await using repository = await nodeRepository("one", child);
  const harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const { pid, cwd } = await berth.answer();
  const line = (await berth.log()).find((each) => each.startsWith("child "));
  const childPid = Number(line?.slice("child ".length));
  assert(isAlive(childPid) && await exists(cwd));
  // A build that is under way goes too.
  await harbour.call("PATCH", `/services/${berth.id}`, {
    serviceDetails: { envSpecificDetails: { buildCommand: "sleep 600" } },
  });
  await berth.reaches((await berth.deploy())!.id, "build_in_progress");
  await harbour.drydock.stop();
  assert(!isAlive(pid) && !isAlive(childPid) && !await exists(cwd));
  assert(await fetch(berth.url).then(() => false, () => true));
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
