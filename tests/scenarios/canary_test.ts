import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";
import { WEBHOOK_PATH } from "../../status/webhook.ts";
import { inFull } from "../helpers/full.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { serveRepository } from "../repo/http_remote.ts";
import { nodeApp } from "./apps.ts";
import { Canaries, canary } from "./canaries.ts";
import { begin, Stage, theFix } from "./stage.ts";
import type { Ran } from "./stage.ts";

/** Looks like a token and is in a file of the repository that the fix edits, and in one that it does not. */
const repositoryToken = () => `ghp_${crypto.randomUUID().replaceAll("-", "")}abcd`;

/** Prints its secrets in every way in which programs do, and then fails. */
const whispering = (more: string) =>
  `const secret = process.env.SESSION_SALT;
console.error("starting with", secret);
console.error(JSON.stringify({ url: "https://x.example/?salt=" + encodeURIComponent(secret), secret }));
console.error("Authorization: Basic " + Buffer.from("me:" + secret).toString("base64"));
console.error("hex " + Buffer.from(secret).toString("hex"));
console.error("over lines " + secret.slice(0, 12) + "\\n" + secret.slice(12));
console.error("\\x1b[31m" + secret.slice(0, 9) + "\\x1b[0m" + secret.slice(9) + " in colours");
console.error("connecting to", process.env.DATABASE_URL);
console.error("account", process.env.SERVICE_ACCOUNT);
${more}`;

const missing = whispering(`await import("tiny-ms").catch((error) => {
  throw Object.assign(error, { message: error.message + " (salt " + secret + ")" });
});`);

interface World extends AsyncDisposable {
  stage: Stage;
  canaries: Canaries;
  planted: Record<string, string>;
  /** Variables of the service. */
  envVars: Record<string, string>;
  /** Files of the service. */
  files(app: Record<string, string>): Record<string, string>;
}

/** A stage whose Evenkeel and whose services have secrets of every kind. */
async function plant(env: Record<string, string> = {}): Promise<World> {
  const database = canary("velvet");
  const planted: Record<string, string> = {
    salt: canary("quiet"),
    build: canary("amber"),
    database,
    account: canary("marble"),
    github: canary("copper"),
    status: canary("silver").replace('"', "."),
    webhook: btoa(canary("pewter")),
    own: canary("walnut"),
    config: canary("cedar"),
    repository: repositoryToken(),
  };
  const of = (kind: string) => planted[kind] ?? "";
  const connection = (host: string) => `postgresql://app:${encodeURIComponent(database)}@${host}:5432/app`;
  const stage = await Stage.open({
    env: {
      GITHUB_TOKEN: of("github"),
      EVENKEEL_STATUS_TOKEN: of("status"),
      RENDER_WEBHOOK_SECRET: `whsec_${of("webhook")}`,
      DATABASE_URL: connection("db.example"),
      DEPLOY_TOKEN: of("own"),
      ...env,
    },
  });
  planted["render"] = stage.env["RENDER_API_KEY"] ?? "";
  return {
    stage,
    planted,
    canaries: new Canaries(planted),
    envVars: {
      SESSION_SALT: of("salt"),
      BUILD_SECRET: of("build"),
      DATABASE_URL: connection("db.internal"),
      SERVICE_ACCOUNT: JSON.stringify({
        type: "service_account",
        private_key: of("account"),
        project: "web",
      }),
    },
    files: (app) => {
      const manifest = JSON.parse(app["package.json"] ?? "{}");
      return {
        ...app,
        "package.json": `${JSON.stringify({ ...manifest, config: { token: of("repository") } }, null, 2)}\n`,
        "config.js": `export const token = "${of("repository")}";\n`,
      };
    },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

const BUILD = 'node -e "console.log(process.env.BUILD_SECRET)" && npm install';

/** A program for hooks that writes down how it was called. */
async function recorder(folder: string): Promise<string> {
  const path = join(folder, "work", "recorder");
  await Deno.writeTextFile(path, `#!/bin/sh\n{ printf '%s\\n' "$@"; env; cat; echo; } >> "$0.calls"\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

/** What commands say of a data folder. */
async function answersOf(stage: Stage, commands: readonly string[]): Promise<[string, Ran][]> {
  const answers: [string, Ran][] = [];
  for (const command of commands) answers.push([command, await stage.evenkeel(command.split(" "))]);
  return answers;
}

async function configure(
  { stage, planted }: World,
  settings: Record<string, unknown>,
  hookUrl = "http://127.0.0.1:1/",
): Promise<void> {
  const command = ["./recorder", "{message}", "{file}", "{cause}", "{remedy}"];
  const pace = { stableFor: "1s", interval: "1s", watchInterval: "250ms" };
  const address = new URL(hookUrl);
  address.searchParams.set("token", planted["config"] ?? "");
  const hooks = {
    "pre-task": { command },
    "post-edit": { command },
    "notify": { url: address.href },
    "post-task": { command },
    "session-end": { command },
  };
  await recorder(stage.folder);
  await Deno.writeTextFile(
    join(stage.folder, "work", "evenkeel.yaml"),
    JSON.stringify({ services: [{ service: "my-api", ...pace, ...settings }], hooks }),
  );
}

Deno.test("no secret reaches a file, a table, a page, a log line, a hook, a command line or a commit while a daemon heals (promise 15)", async () => {
  await using registry = await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]);
  await using world = await plant({ npm_config_registry: registry.url, EVENKEEL_LOG: "debug" });
  const { stage, canaries, planted } = world;
  const told: string[] = [];
  await using receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      told.push(`${JSON.stringify([...request.headers])} ${await request.text()}`);
      return new Response();
    },
  );
  const patient = await stage.patient(world.files(nodeApp({ imports: missing })), {
    commands: { buildCommand: BUILD },
    envVars: { ...registry.env, ...world.envVars },
  });
  await begin(patient, "update_failed");
  await configure(world, {}, `http://127.0.0.1:${receiver.addr.port}/`);

  // What is looked for was there to be found.
  const log = JSON.stringify(await patient.berth.log());
  for (const kind of ["salt", "build", "database", "account"]) assert(canaries.isIn(kind, log), kind);
  {
    await using watch = canaries.watchCommandLines();
    await using daemon = stage.reconcile(["--verbose"]);
    const line = await daemon.says(/status at http/);
    const status = /http:\/\/[^/]+/.exec(line)?.[0] ?? "";
    // In the middle of the heal: the write-ahead log, the agents' folders, the checkout with its own token.
    await daemon.says(/AttemptBegun/);
    const data = dirname(join(stage.dataDirectory, "x"));
    const isCheckout = (path: string) => path.includes("/scratch/") ? ["repository"] : [];
    assert(await canaries.assertNotUnder(data, isCheckout) > 3);
    await canaries.assertNotUnder(join(stage.folder, "tmp"), () => ["repository"]);
    await daemon.says(/IncidentHealed/);
    await canaries.assertNotUnder(data, isCheckout);
    for (const path of ["/healthz", "/readyz", "/status", "/advice", "/nowhere", "/status?token=x"]) {
      for (const authorization of ["", `Bearer ${planted["status"]}`, "Bearer wrong"]) {
        const answer = await fetch(`${status}${path}`, { headers: { authorization } });
        const text = `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
        canaries.assertNotIn(`${path} (${answer.status})`, text);
      }
    }
    for (const body of ["{}", JSON.stringify({ type: "deploy_ended", data: { id: planted["salt"] } })]) {
      const headers = { "webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,bm8=" };
      const answer = await fetch(`${status}${WEBHOOK_PATH}`, { method: "POST", body, headers });
      canaries.assertNotIn(`${WEBHOOK_PATH} (${answer.status})`, await answer.text());
    }
    assertEquals(await daemon.stop(), 0);
    canaries.assertNotIn("the daemon's lines", daemon.lines.join("\n"));
    assert(daemon.lines.some((one) => /\bgit\b.*exit code/.test(one)), "its log is not verbose");
    assert([...watch.seen].some((one) => one.includes("agents/fixer/main.ts")), "no agent was seen running");
  }
  await theFix(patient);
  assertEquals(await canaries.assertNotInCommits(patient.repository), 1);
  const rows = canaries.assertNotInDatabase(join(stage.dataDirectory, "evenkeel.db"));
  assert(rows.length > 10);
  assert(rows.some((row) => row.includes("(salt [redacted])")), "the evidence was not what was redacted");
  await canaries.assertNotUnder(stage.dataDirectory);
  canaries.assertNotIn("hooks", await Deno.readTextFile(join(stage.folder, "work", "recorder.calls")));
  assert(told.length > 0);
  canaries.assertNotIn("http hooks", told.join("\n"));
});

/** A git server and GitHub's API as one host; the repository is `o/r`. */
function gitHub(bare: string, token: string) {
  const remote = serveRepository(bare, token);
  const said: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    if (url.pathname.startsWith("/o/r.git")) {
      const target = `${remote.url}${url.pathname.slice("/o/r.git".length)}${url.search}`;
      const body = request.body === null ? {} : { body: await request.arrayBuffer() };
      return await fetch(target, { method: request.method, headers: request.headers, ...body });
    }
    const text = await request.text();
    said.push(`${request.method} ${url.pathname}${url.search} ${text}`);
    if (request.method === "GET") return Response.json([]);
    return Response.json({ number: 1, html_url: "https://github.example/o/r/pull/1" }, { status: 201 });
  });
  return {
    base: `127.0.0.1:${server.addr.port}`,
    said,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await remote[Symbol.asyncDispose]();
    },
  };
}

/** Passes everything on and changes what comes back. */
function rewriting(target: string, change: (text: string) => string) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = request.method === "GET" ? {} : { body: await request.arrayBuffer() };
    const answer = await fetch(`${target}${pathname}${search}`, {
      method: request.method,
      headers: request.headers,
      ...body,
    });
    const text = change(await answer.text());
    const headers = new Headers(answer.headers);
    headers.delete("content-length");
    return new Response(text === "" ? null : text, { status: answer.status, headers });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("no secret reaches a pull request, its branch, a report or any command's answer (promise 15)", async () => {
  await using registry = await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]);
  await using world = await plant({ npm_config_registry: registry.url });
  const { stage } = world;
  const remoteToken = canary("russet");
  const canaries = new Canaries({ ...world.planted, remote: remoteToken });
  await using cleanup = new AsyncDisposableStack();
  let said: string[] = [];
  let address = "";
  const patient = await stage.patient(world.files(nodeApp({ imports: missing })), {
    commands: { buildCommand: BUILD },
    envVars: { ...registry.env, ...world.envVars },
    address: (repository) => {
      const host = cleanup.use(gitHub(repository.url, remoteToken));
      said = host.said;
      stage.env["GITHUB_API_URL"] = `http://${host.base}/`;
      address = `http://x-access-token:${encodeURIComponent(remoteToken)}@${host.base}/o/r.git`;
      return address;
    },
  });
  await begin(patient, "update_failed");
  await configure(world, { mode: "pull-request" });
  // Render gives the address as it was told: with what opens it.
  const plain = address.replace(/x-access-token:[^@]*@/, "");
  await using render = rewriting(stage.gate.url, (text) => text.replaceAll(plain, address));
  stage.env["RENDER_API_URL"] = render.url;
  const runs: [string, Ran][] = [];
  {
    await using _watch = canaries.watchCommandLines();
    runs.push(["once --verbose", await stage.evenkeel(["once", "--verbose"])]);
  }
  assertEquals(runs[0]?.[1].code, 1);
  assert(runs[0]?.[1].stdout.includes("[redacted]"), runs[0]?.[1].stdout);
  runs.push(
    ...await answersOf(stage, [
      ...["once -o json", "session -o json", "learned -o json"],
      ...inFull(["session", "sessions", "sessions -o json", "learned", "advise -o json", "advise"], []),
      ...inFull(["policy", "policy -o json", "unknowns", "unknowns -o json"], []),
    ]),
  );
  for (const [command, { stdout, stderr }] of runs) canaries.assertNotIn(command, `${stdout}\n${stderr}`);

  const opened = said.filter((one) => one.startsWith("POST"));
  assertEquals(opened.length, 1, said.join("\n"));
  assert(opened[0]?.includes("Evidence: "), opened[0]);
  canaries.assertNotIn("the pull request", said.join("\n"));
  assertEquals(await canaries.assertNotInCommits(patient.repository), 1);
  canaries.assertNotInDatabase(join(stage.dataDirectory, "evenkeel.db"));
  await canaries.assertNotUnder(stage.dataDirectory);
  canaries.assertNotIn("hooks", await Deno.readTextFile(join(stage.folder, "work", "recorder.calls")));
});

Deno.test("no secret of a health body or an unknown failure is kept or said when a service stalls (promise 15)", async () => {
  await using world = await plant({ EVENKEEL_LOG: "debug" });
  const { stage, canaries } = world;
  const health = `answer(200, { status: secret, echo: { of: secret } });`;
  const patient = await stage.patient(
    world.files(nodeApp({ imports: whispering(`console.error("No flux for " + secret);`), health })),
    { commands: { buildCommand: BUILD }, envVars: world.envVars },
  );
  await begin(patient, "live");
  // First with a database where nothing listens, and a password for it.
  const expect = { health: { expect: { status: "ok" } } };
  await configure(world, { ...expect, database: { env: "DATABASE_URL" } });
  const address = (stage.env["DATABASE_URL"] ?? "").replace("db.example:5432", "127.0.0.1:1");
  const check = await stage.evenkeel(["once", "--check", "--timeout", "2s"], { DATABASE_URL: address });
  assertMatch(check.stderr, /database bad/);
  await configure(world, expect);
  const runs: [string, Ran][] = [
    ["once --check", check],
    ...await answersOf(stage, ["once --verbose", "unknowns"]),
    ...await answersOf(stage, inFull(["once -o json", "session", "session -o json", "unknowns -o json"], [])),
  ];
  assertEquals(runs.slice(0, 2).map(([, { code }]) => code), [1, 1]);
  assert(runs[1]?.[1].stdout.includes("[redacted]"), runs[1]?.[1].stdout);
  for (const [command, { stdout, stderr }] of runs) canaries.assertNotIn(command, `${stdout}\n${stderr}`);
  canaries.assertNotInDatabase(join(stage.dataDirectory, "evenkeel.db"));
  await canaries.assertNotUnder(stage.dataDirectory);
});

Deno.test("no secret that an API error repeats, or that a connection string holds, is kept or said (promise 15)", async () => {
  await using world = await plant();
  const { stage, planted } = world;
  const words = `refused: Bearer ${stage.env["RENDER_API_KEY"]}, ${planted["own"]}, ${planted["github"]}`;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      Response.json({ message: words, id: planted["own"] }, { status: 403, headers: { "x-trace": words } }),
  );
  await configure(world, { database: { env: "DATABASE_URL" } });
  const env = { RENDER_API_URL: `http://127.0.0.1:${server.addr.port}/v1` };
  const commands = [
    "once --verbose -o json",
    "reconcile --status-port 0",
    ...inFull(["once", "once -o json"], []),
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await stage.evenkeel(command.split(" "), env);
    assertEquals(code, 3, stderr);
    world.canaries.assertNotIn(command, `${stdout}\n${stderr}`);
  }
  await configure(world, {
    repo: `https://me:${encodeURIComponent(planted["config"] ?? "")}@git.example/a.git`,
  });
  const { code, stderr } = await stage.evenkeel(["once"]);
  assertEquals(code, 2);
  world.canaries.assertNotIn("the configuration's error", stderr);
  await world.canaries.assertNotUnder(stage.dataDirectory);
});

Deno.test("a command that holds a secret is left to a person, and kept and shown without it (promise 15)", async () => {
  const secret = canary("umber").replace(/["/+]/g, "-");
  const canaries = new Canaries({ secret });
  await using stage = await Stage.open();
  const patient = await stage.patient(nodeApp(), {
    commands: { startCommand: `DEPLOY_TOKEN=${secret} node sever.js` },
  });
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const { code, stdout, stderr } = await stage.evenkeel(["once", "--agents", "off"]);
  assertEquals(code, 1);
  assertMatch(stdout.replace(/\s+/g, " "), /No remedy applies: .*the setting holds a secret/);
  canaries.assertNotIn("the report", stdout + stderr);
  assertEquals(stage.gate.writes, []);
  canaries.assertNotInDatabase(join(stage.dataDirectory, "evenkeel.db"));
  await canaries.assertNotUnder(stage.dataDirectory);
});

Deno.test("a canary is found in each of its spellings", () => {
  const value = canary("quiet");
  const canaries = new Canaries({ it: value });
  const twice = JSON.stringify({ a: JSON.stringify(value) });
  for (const text of [value, twice, btoa(`user:${value}`), value.slice(-16)]) {
    assertEquals(canaries.isIn("it", text), true, text);
  }
});
