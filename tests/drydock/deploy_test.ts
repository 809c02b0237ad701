import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { app, Harbour, nodeRepository, until } from "./harbour.ts";

Deno.test("a service made from a bare repository is built, goes live and answers at its url", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { commands: { buildCommand: "echo building here" } });
  await berth.isLive();
  const { version, path } = await berth.answer("/hello?a=1");
  assertEquals([version, path], ["one", "/hello?a=1"]);
  const log = await berth.log();
  for (
    const line of [
      `==> Cloning from ${repository.url}`,
      `==> Checking out commit ${await repository.head()} in branch main`,
      "==> Running build command 'echo building here'...",
      "building here",
      "==> Build successful 🎉",
      "==> Deploying...",
      "==> Running 'node index.js'",
      "==> Your service is live 🎉",
    ]
  ) assert(log.includes(line), `${line} is missing in:\n${log.join("\n")}`);
});

Deno.test("a failing build leaves the old version serving", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, {
    commands: { buildCommand: "sh build.sh" },
    autoDeploy: "no",
  });
  await berth.reaches(berth.firstDeployId, "build_failed");
  assertEquals(await berth.status(), 404);
  await repository.commit({ "build.sh": "echo fine\n" }, "A build that works");
  await berth.reaches((await berth.deploy())!.id, "live");
  await repository.commit(
    { "build.sh": "echo broken >&2; exit 3\n", "index.js": app("two") },
    "Break the build",
  );
  const failed = await berth.deploy();
  await berth.reaches(failed!.id, "build_failed");
  assertEquals((await berth.answer()).version, "one");
  const log = await berth.log("&type=build");
  for (const line of ["broken", "==> Exited with status 3", "==> Build failed 😞"]) {
    assert(log.includes(line), line);
  }
  const [ended] = await berth.events("build_ended");
  assertEquals(ended?.details["buildStatus"], "failed");
  assertEquals(ended?.details["reason"], { failure: { evicted: false, nonZeroExit: 3 } });
  assertEquals((await berth.deploys()).map(({ status }) => status), ["build_failed", "live", "build_failed"]);
});

Deno.test("a server on localhost fails its deploy with the port scan's line", async () => {
  await using repository = await nodeRepository("one");
  await repository.commit({ "index.js": app("local").replace("0.0.0.0", "127.0.0.1") }, "Bind to localhost");
  await using harbour = await Harbour.open({ speed: 1000 });
  const berth = await harbour.create(repository);
  await berth.reaches(berth.firstDeployId, "update_failed");
  const text = (await berth.log()).join("\n");
  assertStringIncludes(text, "==> No open ports detected on 0.0.0.0, continuing to scan...");
  assertStringIncludes(
    text,
    "no open ports detected on 0.0.0.0. Detected open ports on localhost -- did you mean",
  );
  const [ended] = await berth.events("deploy_ended");
  assertStringIncludes(JSON.stringify(ended?.details), "timedOutReason");
});

Deno.test("a start command that exits is tried again and then fails the deploy", async () => {
  await using repository = await nodeRepository();
  await repository.commit({ "index.js": "console.error('no luck'); process.exit(7);\n" }, "Crash");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.reaches(berth.firstDeployId, "update_failed");
  const log = await berth.log("&type=app");
  assertEquals(log.filter((line) => line === "==> Exited with status 7").length, 3);
  assertEquals(log.filter((line) => line === "no luck").length, 3);
  const [ended] = await berth.events("deploy_ended");
  assertEquals(ended?.details["reason"], { failure: { evicted: false, nonZeroExit: 7 } });
});

Deno.test("a health path that answers 404 fails the deploy after the internal health check's lines", async () => {
  await using repository = await nodeRepository();
  const source = app("one").replace(
    "response.end(",
    'if (request.url === "/ready") response.statusCode = 404;\n  response.end(',
  );
  await repository.commit({ "index.js": source }, "Answer 404");
  await using harbour = await Harbour.open({ speed: 1000 });
  const berth = await harbour.create(repository, { details: { healthCheckPath: "/ready" } });
  await berth.reaches(berth.firstDeployId, "update_failed");
  const text = (await berth.log()).join("\n");
  assertStringIncludes(
    text,
    "==> Waiting for internal health check to return a successful response code at: ",
  );
  assertStringIncludes(text, "==> Timed out after waiting for internal health check");
});

Deno.test("a missing root directory fails the build and names it", async () => {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { rootDir: "backend" });
  await berth.reaches(berth.firstDeployId, "build_failed");
  assert(
    (await berth.log()).includes('==> Service Root Directory "/opt/render/project/src/backend" is missing.'),
  );
});

Deno.test("a repository that cannot be cloned fails the build and shows no credential", async () => {
  await using harbour = await Harbour.open();
  await using repository = await nodeRepository();
  const berth = await harbour.create(repository, {
    repo: "http://user:secret@127.0.0.1:9/nothing.git",
    branch: "main",
  });
  await berth.reaches(berth.firstDeployId, "build_failed");
  const text = (await berth.log()).join("\n");
  assertStringIncludes(text, "==> Unable to clone http://127.0.0.1:9/nothing.git");
  assert(!text.includes("secret"), text);
});

Deno.test("a failing pre-deploy command stops the deploy before anything starts", async () => {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { details: { preDeployCommand: "echo migrating; exit 4" } });
  await berth.reaches(berth.firstDeployId, "pre_deploy_failed");
  const log = await berth.log();
  for (const line of ["migrating", "==> Pre-deploy has failed", "==> Exited with status 4"]) {
    assert(log.includes(line));
  }
  assert(!log.includes("==> Running 'node index.js'"));
});

Deno.test("PORT set by the service and not listened to fails the deploy with its own line", async () => {
  await using repository = await nodeRepository();
  await repository.commit({ "index.js": app("one").replace("Number(process.env.PORT)", "0") }, "Ignore PORT");
  await using harbour = await Harbour.open({ speed: 1000 });
  const berth = await harbour.create(repository, { envVars: [{ key: "PORT", value: "4519" }] });
  await berth.reaches(berth.firstDeployId, "update_failed");
  const text = (await berth.log()).join("\n");
  assertStringIncludes(
    text,
    "==> Port scan timeout reached, failed to detect open port 4519 from PORT environment variable",
  );
});

Deno.test("a service that ignores PORT is found on the port it opened", async () => {
  await using repository = await nodeRepository();
  await repository.commit({ "index.js": app("one").replace("Number(process.env.PORT)", "0") }, "Ignore PORT");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  assertEquals((await berth.answer()).version, "one");
});

Deno.test("a variable changes the service only with the next deploy, and a restart does not bring it", async () => {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { envVars: [{ key: "WORD", value: "old" }] });
  await berth.isLive();
  const before = await berth.answer();
  await harbour.call("PUT", `/services/${berth.id}/env-vars/WORD`, { value: "new" });
  await harbour.call("POST", `/services/${berth.id}/restart`);
  const restarted = await until(async () => {
    const answer = await berth.answer();
    return answer.pid === before.pid ? undefined : answer;
  });
  assertEquals(restarted.word, "old");
  const deploy = await berth.deploy({ deployMode: "deploy_only" });
  await berth.reaches(deploy!.id, "live");
  assertEquals((await berth.answer()).word, "new");
  assertEquals((await berth.events("build_started")).length, 1);
});

Deno.test("a service that sets PORT deploys again although its old instance still holds that port", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const port = Deno.listen({ port: 0 });
  const value = String(port.addr.port);
  port.close();
  const berth = await harbour.create(repository, { envVars: [{ key: "PORT", value }], autoDeploy: "no" });
  await berth.isLive();
  assert((await berth.log()).includes(`listening on ${value}`));
  await repository.commit({ "index.js": app("two") }, "Second version");
  await berth.reaches((await berth.deploy())!.id, "live");
  assertEquals((await berth.answer()).version, "two");
});
